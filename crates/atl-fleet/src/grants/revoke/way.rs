//! Which way leads to each grant, decided before anything is sent: values in, values out.

use atl_tokens::{GrantEntry, GrantKind, GrantStatus, SourceKind, UserStatus};
use serde::Serialize;

use crate::{grants::same_user, trouble::Trouble};

/// A way to end a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// With the token of the store: signed with it, or signed in as its user.
    Token,
    /// On the page of the account that signs in, whose grant it is.
    Page,
    /// As its user, through an auditor consumer.
    Auditor,
    /// Over the REST API for personal access tokens.
    Rest,
    /// With its consumer, which is removed and registered again: every grant to it ends.
    Consumer,
}

impl Way {
    /// The word for it, such as `auditor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Page => "page",
            Self::Auditor => "auditor",
            Self::Rest => "rest",
            Self::Consumer => "consumer",
        }
    }

    /// The way of this word.
    pub(super) fn read(word: &str) -> Option<Self> {
        let all = [
            Self::Token,
            Self::Page,
            Self::Auditor,
            Self::Rest,
            Self::Consumer,
        ];
        all.into_iter().find(|way| way.as_str() == word)
    }

    /// What happens, for a sentence that begins with what is revoked.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Token => "with its own token",
            Self::Page => "on the page of the account that signs in",
            Self::Auditor => "as its user, through an auditor consumer",
            Self::Rest => "over REST",
            Self::Consumer => "with its consumer, and every other grant to it",
        }
    }
}

/// What is at hand for one grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtHand<'a> {
    /// Whether the store has it with something to sign, or to sign in as its user.
    pub stored: bool,
    /// Who signs in on its server, as far as the fleet file says.
    pub account: Option<&'a str>,
    /// Whether an auditor consumer may be set up.
    pub auditor: bool,
    /// Whether its consumer may be removed and registered again.
    pub whole_consumer: bool,
}

/// The way to a grant: the one that needs least.
///
/// # Errors
///
/// Why none leads to it, and what would.
pub fn way(grant: &GrantEntry, at_hand: &AtHand<'_>) -> Result<Way, Trouble> {
    let handle = grant.handle.is_some();
    match grant.kind {
        GrantKind::Oauth1 if at_hand.stored => Ok(Way::Token),
        GrantKind::Pat if handle => Ok(Way::Rest),
        GrantKind::Oauth2 if !handle => Err(unnamed(grant)),
        GrantKind::Pat => Err(unnamed(grant)),
        GrantKind::Oauth1 | GrantKind::Oauth2 if is_own(grant, at_hand) => Ok(Way::Page),
        kind @ (GrantKind::Oauth1 | GrantKind::Oauth2) => {
            let nobody_acts = matches!(
                grant.user_status,
                Some(UserStatus::Inactive | UserStatus::Unknown)
            );
            if at_hand.auditor && !nobody_acts {
                return Ok(Way::Auditor);
            }
            let one_consumer = kind == GrantKind::Oauth1 && grant.consumer_key.is_some();
            if at_hand.whole_consumer && one_consumer {
                return Ok(Way::Consumer);
            }
            Err(unreached(grant, at_hand))
        }
    }
}

/// Whether the account that signs in gave it itself.
fn is_own(grant: &GrantEntry, at_hand: &AtHand<'_>) -> bool {
    grant.sources.contains(&SourceKind::Page)
        || at_hand
            .account
            .is_some_and(|account| same_user(account, &grant.user))
}

fn unnamed(grant: &GrantEntry) -> Trouble {
    Trouble::own(
        "grant_not_named",
        format!(
            "{}: no source says by what name the server revokes grant {} of `{}`",
            grant.server, grant.id, grant.user
        ),
        "have its user remove it on the user's own page",
    )
}

fn unreached(grant: &GrantEntry, at_hand: &AtHand<'_>) -> Trouble {
    let GrantEntry {
        server, id, user, ..
    } = grant;
    let whole = match (grant.kind, at_hand.whole_consumer) {
        (GrantKind::Oauth1, false) => {
            "; `--whole-consumer` ends every grant to its consumer, those of other users too"
        }
        _ => "",
    };
    match grant.user_status {
        Some(UserStatus::Inactive) => Trouble::own(
            "user_not_allowed",
            format!(
                "{server}: `{user}` may not log in, so nobody can act as that user to revoke grant {id}; it lets nobody in \
                 until the user may log in again"
            ),
            format!("let the user log in for the time of a run with `--with-auditor`{whole}"),
        ),
        Some(UserStatus::Unknown) => Trouble::own(
            "unknown_user",
            format!(
                "{server}: there is no user `{user}` any more, and nobody can act as one to revoke grant {id}"
            ),
            format!("the server drops it with its next use{whole}"),
        ),
        _ if grant.status == GrantStatus::Expired && grant.source == SourceKind::Store => {
            Trouble::own(
                "grant_expired",
                format!("{server}: grant {id} of `{user}` has expired, so it cannot revoke itself"),
                format!(
                    "run it with `--with-auditor`, or put the user's password under `grants` of its consumer in the fleet file{whole}"
                ),
            )
        }
        _ => {
            let seen = if grant.sources == [SourceKind::Export] {
                "an export of the database shows it, and its token is not at hand"
            } else {
                "only its user can, and its token is not at hand"
            };
            Trouble::own(
                "no_way",
                format!("{server}: grant {id} of `{user}` cannot be revoked in this run: {seen}"),
                format!(
                    "run it with `--with-auditor`, which acts as the user, or have the user remove it{whole}"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(kind: GrantKind, source: SourceKind) -> GrantEntry {
        GrantEntry {
            consumer_key: Some("deploy-bot".to_owned()),
            handle: (kind != GrantKind::Oauth1).then(|| "7".to_owned()),
            ..GrantEntry::new(kind, "0123456789ab", "jira", "alice", source)
        }
    }

    #[track_caller]
    fn check(grant: &GrantEntry, at_hand: AtHand<'_>, expected: Result<Way, &str>) {
        let found = way(grant, &at_hand).map_err(|trouble| trouble.code);
        assert_eq!(found, expected.map_err(str::to_owned), "{at_hand:?}");
    }

    const NOTHING: AtHand<'static> = AtHand {
        stored: false,
        account: None,
        auditor: false,
        whole_consumer: false,
    };
    const EVERYTHING: AtHand<'static> = AtHand {
        stored: true,
        account: Some("Alice"),
        auditor: true,
        whole_consumer: true,
    };

    #[test]
    fn the_way_that_needs_least_is_taken() {
        let grant = grant(GrantKind::Oauth1, SourceKind::Database);
        let at_hand = EVERYTHING;
        check(&grant, at_hand, Ok(Way::Token));
        let at_hand = AtHand {
            stored: false,
            ..at_hand
        };
        check(&grant, at_hand, Ok(Way::Page));
        let at_hand = AtHand {
            account: Some("admin"),
            ..at_hand
        };
        check(&grant, at_hand, Ok(Way::Auditor));
        let at_hand = AtHand {
            auditor: false,
            ..at_hand
        };
        check(&grant, at_hand, Ok(Way::Consumer));
        check(&grant, NOTHING, Err("no_way"));
    }

    #[test]
    fn what_is_on_the_own_page_is_revoked_there() {
        check(
            &grant(GrantKind::Oauth1, SourceKind::Page),
            NOTHING,
            Ok(Way::Page),
        );
        check(
            &grant(GrantKind::Oauth2, SourceKind::Page),
            EVERYTHING,
            Ok(Way::Page),
        );
    }

    #[test]
    fn other_kinds_need_the_name_that_the_server_has_for_them() {
        let pat = grant(GrantKind::Pat, SourceKind::Pat);
        check(&pat, NOTHING, Ok(Way::Rest));
        let oauth2 = grant(GrantKind::Oauth2, SourceKind::Impersonated);
        check(
            &oauth2,
            AtHand {
                auditor: true,
                ..NOTHING
            },
            Ok(Way::Auditor),
        );
        let whole = AtHand {
            whole_consumer: true,
            ..NOTHING
        };
        check(&oauth2, whole, Err("no_way"));
        for kind in [GrantKind::Pat, GrantKind::Oauth2] {
            let unnamed = GrantEntry {
                handle: None,
                ..grant(kind, SourceKind::Database)
            };
            let elsewhere = AtHand {
                account: None,
                ..EVERYTHING
            };
            check(&unnamed, elsewhere, Err("grant_not_named"));
        }
    }

    #[test]
    fn nobody_acts_as_a_user_who_may_not_log_in() {
        let auditor = AtHand {
            auditor: true,
            ..NOTHING
        };
        let of = |status| GrantEntry {
            user_status: Some(status),
            ..grant(GrantKind::Oauth1, SourceKind::Database)
        };
        check(&of(UserStatus::Active), auditor, Ok(Way::Auditor));
        check(&of(UserStatus::Inactive), auditor, Err("user_not_allowed"));
        check(&of(UserStatus::Unknown), auditor, Err("unknown_user"));
        let whole = AtHand {
            whole_consumer: true,
            ..auditor
        };
        check(&of(UserStatus::Inactive), whole, Ok(Way::Consumer));
    }

    #[test]
    fn advice_names_what_would_help() {
        let advice = |grant: &GrantEntry, at_hand| way(grant, &at_hand).unwrap_err().advice;
        let exported = grant(GrantKind::Oauth1, SourceKind::Export);
        assert!(advice(&exported, NOTHING).contains("--with-auditor"));
        assert!(advice(&exported, NOTHING).contains("--whole-consumer"));
        let expired = GrantEntry {
            status: GrantStatus::Expired,
            ..grant(GrantKind::Oauth1, SourceKind::Store)
        };
        check(&expired, NOTHING, Err("grant_expired"));
        assert!(advice(&expired, NOTHING).contains("password"));
    }

    #[test]
    fn a_way_is_read_back_by_its_word() {
        for way in [
            Way::Token,
            Way::Page,
            Way::Auditor,
            Way::Rest,
            Way::Consumer,
        ] {
            assert_eq!(Way::read(way.as_str()), Some(way));
        }
        assert_eq!(Way::read("by hand"), None);
    }
}
