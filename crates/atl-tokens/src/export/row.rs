//! A row of an export as the store keeps it: a line of JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::inventory::{
    Found, GrantEntry, GrantKind, GrantStatus, RegisteredConsumer, SourceKind, UserStatus,
    server_side_id,
};
use crate::moment;

/// A row.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExportRow {
    /// A consumer that is registered.
    Consumer {
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A grant.
    Grant(Box<ExportedGrant>),
}

/// A grant; times are milliseconds since 1970.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportedGrant {
    pub(super) kind: GrantKind,
    /// The digest of an OAuth 1 token, the handle of another.
    pub(super) name: String,
    pub(super) user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_status: Option<UserStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consumer_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consumer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consumer_registered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) approximate: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renewable_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_used: Option<i64>,
}

impl ExportRow {
    /// What it says, as of the moment of the export.
    pub(super) fn found(
        self,
        server: &str,
        base_url: &str,
        seen: Timestamp,
        now: Timestamp,
    ) -> Found {
        match self {
            Self::Consumer { key, name } => Found::Consumer(RegisteredConsumer { key, name }),
            Self::Grant(grant) => {
                Found::Grant(Box::new(grant.entry(server, base_url, seen).as_of(now)))
            }
        }
    }
}

impl ExportedGrant {
    fn entry(self, server: &str, base_url: &str, seen: Timestamp) -> GrantEntry {
        let time = |millis: Option<i64>| moment::of_millis(millis?);
        let (id, handle) = if self.kind == GrantKind::Oauth1 {
            (self.name, None)
        } else {
            let id = server_side_id(self.kind, base_url, &self.name);
            (id, Some(self.name))
        };
        let expires = time(self.expires);
        GrantEntry {
            user_status: self.user_status,
            consumer_key: self.consumer_key,
            consumer_name: self.consumer_name,
            consumer_registered: self.consumer_registered,
            name: self.label,
            scopes: self
                .scopes
                .as_deref()
                .map(moment::words)
                .unwrap_or_default(),
            created: time(self.created),
            created_approximate: self.approximate,
            last_used: time(self.last_used),
            expires,
            endless: self.kind == GrantKind::Pat && expires.is_none(),
            renewable_until: time(self.renewable_until),
            checked: Some(seen),
            status: GrantStatus::Active,
            handle,
            ..GrantEntry::new(self.kind, id, server, self.user, SourceKind::Export)
        }
    }
}
