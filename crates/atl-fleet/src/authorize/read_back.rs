//! Whose grant it is: the account that approved must be the one that was named.

use atl_oauth::TokenState;
use atl_store::{GrantRow, GrantSecrets, GrantState, Outcome, StoreError};
use atl_tokens::revoke_signed;
use jiff::Timestamp;

use super::dance::Dance;
use crate::{
    grants::same_user,
    plan::Status,
    trouble::{Trouble, message_of},
};

impl Dance<'_> {
    /// Writes down whose a new grant is, as the server says it.
    pub(super) fn read_back(
        &self,
        row: &GrantRow,
        secrets: &GrantSecrets,
        state: TokenState,
    ) -> Result<GrantRow, Trouble> {
        match state {
            TokenState::Active { user } if same_user(&user, self.user) => {
                self.recorded(row, secrets, user)
            }
            TokenState::Active { user } => Err(self.wrong_account(row, secrets, &user)?),
            TokenState::NotAllowed => Err(self.not_allowed(row)?),
            state @ (TokenState::Expired | TokenState::Rejected(_)) => {
                Err(self.dead_at_once(row, state)?)
            }
        }
    }

    /// The grant works: it is written down so, with the user's name as the server spells it.
    pub(super) fn recorded(
        &self,
        row: &GrantRow,
        secrets: &GrantSecrets,
        user: String,
    ) -> Result<GrantRow, Trouble> {
        let row = GrantRow {
            user,
            state: GrantState::Active,
            checked: Some(Timestamp::now()),
            note: None,
            ..row.clone()
        };
        self.store.put_grant(&row, secrets, &[])?;
        Ok(row)
    }

    /// Somebody else approved: the grant is revoked at once, signed with itself. Where that fails it stays in the
    /// store, as whose it is, so that it can be revoked later.
    pub(super) fn wrong_account(
        &self,
        row: &GrantRow,
        secrets: &GrantSecrets,
        user: &str,
    ) -> Result<Trouble, StoreError> {
        let (server, named, id) = (self.client.server(), self.user, &row.id);
        let said = format!("{server}: `{user}` approved, and not `{named}`");
        match revoke_signed(self.client, &self.signer(), &secrets.token) {
            Ok(_) => {
                self.store.forget_grant(id)?;
                Ok(Trouble::own(
                    "wrong_account",
                    format!("{said}; the grant was revoked again"),
                    format!("sign in to the server as `{named}` before approving"),
                ))
            }
            Err(error) => {
                let note = format!("`{named}` was to approve; it could not be revoked");
                let row = GrantRow {
                    user: user.to_owned(),
                    state: GrantState::Active,
                    checked: Some(Timestamp::now()),
                    note: Some(note),
                    ..row.clone()
                };
                self.store.put_grant(&row, secrets, &[])?;
                Ok(Trouble::own(
                    "wrong_account",
                    format!(
                        "{said}, and the grant {id} could not be revoked: {}",
                        message_of(&error)
                    ),
                    format!(
                        "revoke it with `atl-admin tokens revoke {id}`, or as `{user}` at {}; then sign in as `{named}` \
                         and approve again",
                        self.page_url()
                    ),
                ))
            }
        }
    }

    /// The grant is there, and its user may not sign in (protocol.md 3.5).
    pub(super) fn not_allowed(&self, row: &GrantRow) -> Result<Trouble, Trouble> {
        self.said(row, TokenState::NotAllowed)?;
        Ok(Trouble {
            status: Status::Refused,
            ..Trouble::own(
                "user_not_allowed",
                format!(
                    "{}: the grant {} exists, but its user `{}` may not sign in",
                    self.client.server(),
                    row.id,
                    row.user
                ),
                "have an administrator activate the account, or give it access to the product",
            )
        })
    }

    fn dead_at_once(&self, row: &GrantRow, state: TokenState) -> Result<Trouble, Trouble> {
        let said = self.said(row, state)?;
        let why = said.note.unwrap_or_else(|| said.state.as_str().to_owned());
        Ok(Trouble {
            status: Status::Refused,
            ..Trouble::own(
                "grant_not_accepted",
                format!(
                    "{}: the server gave the grant {} out and does not accept it: {why}",
                    self.client.server(),
                    row.id
                ),
                "run it again; if it stays so, look into the server's log, and whether its nodes share a database and a \
                 clock",
            )
        })
    }

    /// The grant is there and the store did not take it: it is revoked, since nobody would know of it.
    pub(super) fn not_stored(
        &self,
        row: &GrantRow,
        secrets: &GrantSecrets,
        error: StoreError,
    ) -> (Outcome, Trouble) {
        let mut trouble = Trouble::from(error);
        let revoked = revoke_signed(self.client, &self.signer(), &secrets.token).is_ok();
        if revoked {
            trouble
                .message
                .push_str("; the new grant was revoked again");
            return (Outcome::Failed(trouble.message.clone()), trouble);
        }
        let lost = format!(
            "; the new grant {} was lost and could not be revoked",
            row.id
        );
        trouble.message.push_str(&lost);
        let look = format!("; revoke it as `{}` at {}", self.user, self.page_url());
        trouble.advice.push_str(&look);
        (Outcome::Unknown(trouble.message.clone()), trouble)
    }
}
