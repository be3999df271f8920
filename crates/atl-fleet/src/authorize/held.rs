//! What the store has already: a grant that works needs no dance.

use atl_oauth::{TokenState, token_state};
use atl_store::GrantRow;

use super::dance::{Dance, Failure};
use crate::{
    grants::{said::Said, same_user},
    trouble::Trouble,
};

/// What the store has for a dance.
pub(super) enum Held {
    /// A grant that works.
    Works(Box<GrantRow>),
    /// None.
    Nothing(Before),
}

/// What was in the store before a dance.
pub(super) struct Before {
    /// The ids of all grants of this consumer, server and user.
    pub(super) known: Vec<String>,
    /// Those that the server does not accept any more: a new one takes their place.
    pub(super) dead: Vec<String>,
}

impl Dance<'_> {
    /// Asks the server about every grant of this user in the store, newest first, until one works.
    pub(super) fn held(&self) -> Result<Held, Failure> {
        let rows = self.stored()?;
        let mut dead = Vec::new();
        for row in &rows {
            let failed = |error| Failure {
                error,
                id: Some(row.id.clone()),
            };
            if let Some(row) = self.ask(row).map_err(failed)? {
                return Ok(Held::Works(Box::new(row)));
            }
            // One that stood for somebody else is no longer there.
            dead.push(row.id.clone());
        }
        Ok(Held::Nothing(Before {
            known: rows.into_iter().map(|row| row.id).collect(),
            dead,
        }))
    }

    /// A grant as the server sees it now, where it works; what it says is written down.
    fn ask(&self, row: &GrantRow) -> Result<Option<GrantRow>, Trouble> {
        let Some(secrets) = self.store.grant_secrets(row)? else {
            return Ok(None);
        };
        let state = token_state(self.client, &self.signer(), &secrets.token)?;
        match state {
            TokenState::Active { user } if same_user(&user, self.user) => {
                self.recorded(row, &secrets, user).map(Some)
            }
            TokenState::Active { user } if row.checked.is_none() => {
                // A run was killed before it could ask who had approved.
                Err(self.wrong_account(row, &secrets, &user)?)
            }
            TokenState::Active { user } => Err(self.renamed(row, &user)),
            TokenState::NotAllowed => Err(self.not_allowed(row)?),
            state @ (TokenState::Expired | TokenState::Rejected(_)) => {
                self.said(row, state)?;
                Ok(None)
            }
        }
    }

    /// Writes down what the server says of a grant that does not work.
    pub(super) fn said(&self, row: &GrantRow, state: TokenState) -> Result<Said, Trouble> {
        let said = Said::of(row, state);
        self.store
            .set_grant_state(&row.id, said.state, said.note.as_deref())?;
        Ok(said)
    }

    /// A grant that once stood for the user who was named, and now for another one.
    fn renamed(&self, row: &GrantRow, user: &str) -> Trouble {
        Trouble::own(
            "wrong_account",
            format!(
                "{}: the grant {} of `{}` stands for `{user}` now",
                self.client.server(),
                row.id,
                row.user
            ),
            format!(
                "if the account was renamed, name `{user}` in the fleet file; else revoke the grant with \
                 `atl-admin tokens revoke {}`",
                row.id
            ),
        )
    }
}
