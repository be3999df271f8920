//! The revocation of one grant.

use atl_client::{Client, ClientError};
use atl_oauth::OauthError;
use atl_store::{GrantRow, GrantState, Outcome};
use atl_tokens::{Revoked, TokensError, revoke_signed, revoke_signed_in};
use jiff::Timestamp;

use super::{accounts::Accounts, revoked_before, told};
use crate::{
    grants::{
        said::Said,
        settle::REVOKE,
        work::{Done, Opened, Work, gone_here, said_of},
    },
    plan::Status,
    step::RunInfo,
    trouble::{Trouble, message_of},
};

pub(super) struct One<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) info: &'a RunInfo,
    pub(super) client: &'a Client,
    pub(super) row: &'a GrantRow,
    pub(super) accounts: &'a Accounts<'a>,
}

/// How a revocation ended with the grant in place.
enum Failure {
    /// The server did nothing.
    Refused(TokensError),
    /// The server says that it did, and holds the token as before.
    Still(Said),
    /// Nobody knows.
    Unclear(Trouble),
}

impl One<'_> {
    pub(super) fn run(&self) -> Done {
        self.locked()
            .unwrap_or_else(|trouble| self.work.failed(self.row, trouble))
    }

    fn locked(&self) -> Result<Done, Trouble> {
        let Self { work, row, .. } = self;
        let store = work.store;
        let _lock = work.lock(row)?;
        if store.grants()?.iter().all(|kept| kept.id != row.id) {
            let step = revoked_before(store, &row.id)?.ok_or_else(|| gone_here(row))?;
            return Ok(self.gone(told(&step)));
        }
        let opened = work.open(self.client, row)?;
        let begun = Timestamp::now();
        let step = work.begin(self.info, row, REVOKE)?;
        match self.attempt(&opened) {
            Ok(revoked) => {
                store.forget_grant(&row.id)?;
                store.finish(step, &Outcome::Done)?;
                Ok(self.gone(match revoked {
                    Revoked::Now => "revoked".to_owned(),
                    Revoked::AlreadyGone => "it was gone already".to_owned(),
                }))
            }
            Err(Failure::Refused(error)) => {
                store.finish(step, &Outcome::Failed(message_of(&error)))?;
                self.refused(error)
            }
            Err(Failure::Still(said)) => {
                let trouble = Trouble::own(
                    "still_active",
                    format!(
                        "{}: grant {} of `{}` was revoked, and the server holds it as before",
                        row.server, row.id, row.user
                    ),
                    "on a cluster another node may need a minute, then run it again; else have the user remove it on the page of access tokens",
                );
                store.finish(step, &Outcome::Failed(trouble.message.clone()))?;
                Ok(Done::troubled(work.record(row, &said)?, trouble))
            }
            // The step stays open, and the next run that works on grants asks again.
            Err(Failure::Unclear(trouble)) => {
                let said = Said {
                    state: GrantState::Unknown,
                    note: Some(format!(
                        "whether its revocation of {begun:.0} took effect is not known"
                    )),
                    gone: false,
                };
                Ok(Done::troubled(work.record(row, &said)?, trouble))
            }
        }
    }

    /// Revokes it and asks the server whether it is gone. Where the answer was lost and it is not, once more.
    fn attempt(&self, opened: &Opened) -> Result<Revoked, Failure> {
        let mut again = true;
        loop {
            let error = match self.take(opened) {
                Ok(Revoked::AlreadyGone) => return Ok(Revoked::AlreadyGone),
                Ok(Revoked::Now) => None,
                Err(error) if !error.may_have_happened() => {
                    return if self.is_gone_all_the_same(opened, &error) {
                        Ok(Revoked::AlreadyGone)
                    } else {
                        Err(Failure::Refused(error))
                    };
                }
                Err(error) => Some(error),
            };
            match (opened.ask(self.client, self.row), error) {
                (Ok(said), _) if said.gone => return Ok(Revoked::Now),
                (Ok(said), None) => return Err(Failure::Still(said)),
                (Ok(_), Some(_)) if again => again = false,
                (Ok(_), Some(error)) => return Err(Failure::Refused(error)),
                (Err(asking), None) => return Err(Failure::Unclear(self.unclear(&asking))),
                (Err(_), Some(error)) => return Err(Failure::Unclear(self.unclear(&error))),
            }
        }
    }

    /// Whether a page that revokes nothing, or that nobody is let in to, has nothing to revoke either.
    fn is_gone_all_the_same(&self, opened: &Opened, error: &TokensError) -> bool {
        matches!(error, TokensError::NotRevoked { .. })
            && opened
                .ask(self.client, self.row)
                .is_ok_and(|said| said.gone)
    }

    fn take(&self, opened: &Opened) -> Result<Revoked, TokensError> {
        let token = &opened.secrets.token;
        let error = match revoke_signed(self.client, &opened.signer(), token) {
            Err(error @ TokensError::Expired { .. }) => error,
            answer => return answer,
        };
        match self.accounts.of(self.row)? {
            Some(user) => revoke_signed_in(&user, token).map(|()| Revoked::Now),
            None => Err(error),
        }
    }

    fn refused(&self, error: TokensError) -> Result<Done, Trouble> {
        let Self { work, row, .. } = self;
        if !matches!(error, TokensError::Expired { .. }) {
            let down = is_down(&error);
            return Ok(work.failed(row, error.into()).down(down));
        }
        let (consumer, user) = (&row.consumer, &row.user);
        let mut trouble = Trouble::from(error);
        trouble.advice = format!(
            "{}; or put the password of `{user}` under `grants` of consumer `{consumer}` in the fleet file and run it again",
            trouble.advice
        );
        let said = Said {
            state: GrantState::Expired,
            note: None,
            gone: false,
        };
        Ok(Done::troubled(work.record(row, &said)?, trouble))
    }

    fn unclear(&self, error: &dyn std::error::Error) -> Trouble {
        let GrantRow {
            server, id, user, ..
        } = self.row;
        Trouble {
            code: "revocation_unclear".to_owned(),
            message: format!(
                "{server}: whether grant {id} of `{user}` was revoked is not known: {}",
                message_of(error)
            ),
            advice: "run it again when the server answers: it asks the server first".to_owned(),
            status: Status::Unreachable,
        }
    }

    /// A grant that nobody has any more.
    fn gone(&self, note: String) -> Done {
        let said = Said {
            state: GrantState::Rejected,
            note: Some(note),
            gone: true,
        };
        Done::well(self.work.entry(&said_of(self.row, &said)))
    }
}

fn is_down(error: &TokensError) -> bool {
    matches!(
        error,
        TokensError::Client(ClientError::Connection { .. })
            | TokensError::Oauth(OauthError::Client(ClientError::Connection { .. }))
    )
}
