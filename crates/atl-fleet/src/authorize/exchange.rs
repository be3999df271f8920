//! The exchange of an approved request token. The grant is in the store before anything else can fail.

use atl_oauth::{AccessToken, Approved, OauthError, token_id, token_state};
use atl_store::{GrantRow, GrantSecrets, GrantState, Outcome};
use jiff::Timestamp;

use super::{
    dance::{Dance, Failure},
    held::Before,
};
use crate::trouble::{Trouble, message_of};

/// Why there is no access token.
enum NotExchanged {
    /// The server said no, and the request token is as it was.
    Refused(OauthError),
    /// The answer was lost: the grant may be there, and nobody has its token.
    Lost(OauthError),
}

/// What a grant in the store says until the server has said who gave it.
const NOT_READ_BACK: &str = "who approved it has not been read back yet";

fn not_read_back(row: &GrantRow, why: Trouble) -> Trouble {
    Trouble {
        message: format!(
            "the grant {} is in the store, but who approved it could not be asked: {}",
            row.id, why.message
        ),
        ..why
    }
}

impl Dance<'_> {
    /// Exchanges under the lock of this consumer and server, so that two runs do not make two grants, and the journal
    /// knows of it before and after.
    pub(super) fn exchange(
        &self,
        approved: &Approved,
        before: &Before,
    ) -> Result<GrantRow, Failure> {
        let _lock = self.lock()?;
        if let Some(row) = self.given_meanwhile(before)? {
            return Ok(row);
        }
        let page = self.page();
        let step = self.begin()?;
        let (outcome, result) = match self.ask_for_token(approved) {
            Ok(token) => self.keep(&token, before),
            Err(NotExchanged::Refused(error)) => {
                let message = message_of(&error);
                (Outcome::Failed(message), Err(error.into()))
            }
            Err(NotExchanged::Lost(error)) => {
                let (outcome, trouble) = self.lost(page.as_ref(), &error);
                (outcome, Err(trouble.into()))
            }
        };
        let finished = self.store.finish(step, &outcome);
        let row = result?;
        finished?;
        Ok(row)
    }

    /// A grant that another run put into the store while this one waited for the approval. The request token is then
    /// left to expire.
    fn given_meanwhile(&self, before: &Before) -> Result<Option<GrantRow>, Trouble> {
        let mut rows = self.stored()?.into_iter();
        Ok(rows.find(|row| row.state == GrantState::Active && !before.known.contains(&row.id)))
    }

    /// A request token is good for one exchange only, so asking again after a lost answer cannot make a second grant.
    fn ask_for_token(&self, approved: &Approved) -> Result<AccessToken, NotExchanged> {
        let exchange = || approved.exchange(self.client, &self.signer());
        let lost = match exchange() {
            Ok(token) => return Ok(token),
            Err(error) if error.may_have_happened() => error,
            Err(error) => return Err(NotExchanged::Refused(error)),
        };
        match exchange() {
            Ok(token) => Ok(token),
            // Said of a request token that is still there.
            Err(error @ (OauthError::RequestTokenExpired { .. } | OauthError::Denied { .. })) => {
                Err(NotExchanged::Refused(error))
            }
            Err(_) => Err(NotExchanged::Lost(lost)),
        }
    }

    /// Puts the grant into the store, then asks whose it is.
    fn keep(&self, token: &AccessToken, before: &Before) -> (Outcome, Result<GrantRow, Failure>) {
        let now = Timestamp::now();
        let row = GrantRow {
            id: token_id(&token.token),
            consumer: self.consumer.name.clone(),
            consumer_key: self.consumer.key.clone(),
            server: self.client.server().to_owned(),
            server_url: self.server_url().to_owned(),
            user: self.user.to_owned(),
            created: now,
            issued: now,
            expires_in: token.expires_in,
            session_expires_in: token.session_expires_in,
            renewable: token.session_handle.is_some(),
            state: GrantState::Unknown,
            checked: None,
            note: Some(NOT_READ_BACK.to_owned()),
        };
        let secrets = GrantSecrets {
            token: token.token.clone(),
            secret: token.secret.clone(),
            session_handle: token.session_handle.clone(),
        };
        let dead: Vec<&str> = before.dead.iter().map(String::as_str).collect();
        if let Err(error) = self.store.put_grant(&row, &secrets, &dead) {
            let (outcome, trouble) = self.not_stored(&row, &secrets, error);
            return (outcome, Err(trouble.into()));
        }
        let (outcome, result) = match token_state(self.client, &self.signer(), &secrets.token) {
            // The next run asks again.
            Err(error) => (Outcome::Done, Err(not_read_back(&row, error.into()))),
            Ok(state) => match self.read_back(&row, &secrets, state) {
                Ok(row) => (Outcome::Done, Ok(row)),
                Err(error) => (Outcome::Failed(error.message.clone()), Err(error)),
            },
        };
        let id = Some(row.id);
        (outcome, result.map_err(|error| Failure { error, id }))
    }
}
