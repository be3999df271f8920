//! After a lost answer: the user's own page, before and after, shows whether it left a grant.

use atl_client::Client;
use atl_oauth::{OauthError, token_id};
use atl_store::Outcome;
use atl_tokens::{TokensError, read_page, revoke_signed_in};
use secrecy::{ExposeSecret as _, SecretString};

use super::dance::Dance;
use crate::trouble::{Trouble, message_of};

/// An OAuth 1 grant on the page.
struct Listed {
    token: SecretString,
    consumer_name: Option<String>,
}

/// The page of a signed-in user, as it was before the exchange.
pub(super) struct Page<'a> {
    client: &'a Client,
    /// `None` where it could not be read.
    before: Option<Vec<Listed>>,
}

fn list(client: &Client) -> Result<Vec<Listed>, TokensError> {
    let rows = read_page(client)?.into_iter();
    let listed = rows.filter_map(|row| {
        Some(Listed {
            token: row.token()?.clone(),
            consumer_name: row.consumer_name,
        })
    });
    Ok(listed.collect())
}

/// What a lost answer left behind.
enum Left {
    /// Nothing.
    Nothing,
    /// This grant, which was revoked.
    Revoked(String),
    /// This grant, which could not be revoked, and why.
    Stays(String, String),
    /// One of these that the page did not have before, or none of them.
    OneOf(Vec<String>),
    /// That could not be found out.
    Unknown,
}

impl<'a> Page<'a> {
    /// Reads it before the exchange; that it cannot be read matters only where the answer is lost.
    pub(super) fn read(client: &'a Client) -> Self {
        Self {
            client,
            before: list(client).ok(),
        }
    }

    /// Reads it again, and revokes the one grant that was not there before, where it is called after the consumer. What
    /// is called otherwise may be somebody else's, or ours under a name that we do not know.
    fn tidy(&self, consumer_name: &str) -> Left {
        let (Some(before), Ok(after)) = (&self.before, list(self.client)) else {
            return Left::Unknown;
        };
        let was_there = |grant: &Listed| {
            before
                .iter()
                .any(|known| known.token.expose_secret() == grant.token.expose_secret())
        };
        let new: Vec<&Listed> = after.iter().filter(|it| !was_there(it)).collect();
        let may_be_ours = |grant: &&&Listed| {
            let name = grant.consumer_name.as_deref();
            name.is_none_or(|name| name == consumer_name)
        };
        let ours: Vec<&Listed> = new.iter().filter(may_be_ours).copied().collect();
        match (ours.as_slice(), new.as_slice()) {
            (_, []) => Left::Nothing,
            ([stray], _) => match revoke_signed_in(self.client, &stray.token) {
                Ok(()) => Left::Revoked(token_id(&stray.token)),
                Err(error) => Left::Stays(token_id(&stray.token), message_of(&error)),
            },
            ([], candidates) | (candidates, _) => Left::OneOf(
                candidates
                    .iter()
                    .map(|grant| token_id(&grant.token))
                    .collect(),
            ),
        }
    }
}

impl Dance<'_> {
    /// What to say of a lost answer, for the journal and the report.
    pub(super) fn lost(&self, page: Option<&Page<'_>>, error: &OauthError) -> (Outcome, Trouble) {
        let left = page.map_or(Left::Unknown, |page| page.tidy(&self.consumer.display_name));
        let (user, url) = (self.user, self.page_url());
        let again = "run it again".to_owned();
        let (outcome, what, advice): (fn(String) -> Outcome, _, _) = match left {
            Left::Nothing => (
                Outcome::Failed,
                format!("the page of `{user}` shows that it left no grant"),
                again,
            ),
            Left::Revoked(id) => (
                Outcome::Failed,
                format!("it left the grant {id} on the page of `{user}`, which was revoked"),
                again,
            ),
            Left::Stays(id, why) => (
                Outcome::Unknown,
                format!(
                    "it left the grant {id} on the page of `{user}`, which could not be revoked: {why}"
                ),
                format!("revoke it as `{user}` at {url}, then run it again"),
            ),
            Left::OneOf(ids) => (
                Outcome::Unknown,
                format!(
                    "it may have left one of these, which are new on the page of `{user}`: {}",
                    ids.join(", ")
                ),
                format!("sign in as `{user}`, revoke what nobody uses at {url}, then run it again"),
            ),
            Left::Unknown => (
                Outcome::Unknown,
                format!("`{user}` may have a grant that this store does not have"),
                format!("sign in as `{user}`, revoke what nobody uses at {url}, then run it again"),
            ),
        };
        let lost = message_of(error);
        let message = format!("the answer to the exchange was lost ({lost}); {what}");
        let trouble = Trouble {
            status: crate::trouble::status_of(error.failure()),
            ..Trouble::own("exchange_lost", message.clone(), advice)
        };
        (outcome(message), trouble)
    }
}
