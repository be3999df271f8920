//! The columns of an export: the contract between the queries and `tokens import`.

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Product,
    Kind,
    Id,
    Handle,
    User,
    UserStatus,
    ConsumerKey,
    ConsumerName,
    ConsumerRegistered,
    Name,
    Scopes,
    Created,
    Expires,
    RenewableUntil,
    LastUsed,
    Exported,
}

impl Column {
    /// All of them, in the order in which the queries give them.
    pub(super) const ALL: [Self; 16] = [
        Self::Product,
        Self::Kind,
        Self::Id,
        Self::Handle,
        Self::User,
        Self::UserStatus,
        Self::ConsumerKey,
        Self::ConsumerName,
        Self::ConsumerRegistered,
        Self::Name,
        Self::Scopes,
        Self::Created,
        Self::Expires,
        Self::RenewableUntil,
        Self::LastUsed,
        Self::Exported,
    ];

    /// Those that no export can do without.
    pub(super) const REQUIRED: [Self; 7] = [
        Self::Product,
        Self::Kind,
        Self::Id,
        Self::User,
        Self::ConsumerKey,
        Self::Created,
        Self::Expires,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Kind => "kind",
            Self::Id => "id",
            Self::Handle => "handle",
            Self::User => "user",
            Self::UserStatus => "user_status",
            Self::ConsumerKey => "consumer_key",
            Self::ConsumerName => "consumer_name",
            Self::ConsumerRegistered => "consumer_registered",
            Self::Name => "name",
            Self::Scopes => "scopes",
            Self::Created => "created",
            Self::Expires => "expires",
            Self::RenewableUntil => "renewable_until",
            Self::LastUsed => "last_used",
            Self::Exported => "exported",
        }
    }

    /// The column that a heading means, in whatever case.
    pub(super) fn of_heading(heading: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|column| column.name().eq_ignore_ascii_case(heading))
    }
}

/// What a heading holds that names a secret: none of these columns may reach the store.
const SECRETS: [&str; 8] = [
    "token",
    "secret",
    "verifier",
    "sessionhandle",
    "password",
    "credential",
    "bandanakey",
    "bandanavalue",
];

/// Which secret a heading of no known column names.
pub(super) fn secret(heading: &str) -> Option<&'static str> {
    let plain: String = heading
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRETS.into_iter().find(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_in_any_case() {
        for (heading, expected) in [
            ("user", Some(Column::User)),
            ("CONSUMER_KEY", Some(Column::ConsumerKey)),
            ("Last_Used", Some(Column::LastUsed)),
            ("username", None),
            ("", None),
        ] {
            assert_eq!(Column::of_heading(heading), expected, "{heading}");
        }
        for column in Column::ALL {
            assert_eq!(secret(column.name()), None, "{column:?}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_headings() {
        for heading in [
            "token",
            "TOKEN_SECRET",
            "spverifier",
            "Session Handle",
            "hashed_token",
            "bandanakey",
            "cwd_credential",
        ] {
            assert!(secret(heading).is_some(), "{heading}");
        }
        assert_eq!(secret("email"), None);
    }
}
