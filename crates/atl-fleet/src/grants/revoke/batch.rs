//! The grants that one hand ends in one go: looked for, revoked one by one, and looked for again, which is the proof.

use atl_client::ClientError;
use atl_oauth::OauthError;
use atl_store::{JournalRow, Outcome, Store, StoreError};
use atl_tokens::{GrantEntry, Revoked, TokensError};
use serde_json::json;

use super::{
    hand::{Hand, Seen},
    way::Way,
};
use crate::{
    engine::RunOptions,
    event::Event,
    execute::interrupted,
    grants::settle::REVOKE,
    inventory::stopped,
    plan::Status,
    step::{Journal, RunInfo},
    trouble::{Trouble, message_of},
};

/// What working on a batch needs.
pub(super) struct Batch<'a> {
    pub(super) hand: Hand<'a>,
    pub(super) way: Way,
    pub(super) server: &'a str,
    pub(super) server_url: &'a str,
    pub(super) store: &'a Store,
    pub(super) info: &'a RunInfo,
    pub(super) run: RunOptions<'a>,
}

/// What became of a grant: what to say of it, or why it is still there.
pub(super) type Ended = Result<&'static str, Trouble>;

/// A grant that the server was told to end.
struct Sent<'g> {
    place: usize,
    grant: &'g GrantEntry,
    step: i64,
    /// Why it is not known whether it was heard.
    lost: Option<TokensError>,
}

impl Batch<'_> {
    /// Ends these grants, and closes what earlier runs left open of this hand: the first look tells what became of it.
    pub(super) fn run(&self, grants: &[&GrantEntry], left: &[JournalRow]) -> Vec<Ended> {
        let mut seen = match self.look_and_close(left) {
            Ok(seen) => seen,
            Err(trouble) => return grants.iter().map(|_| Err(trouble.clone())).collect(),
        };
        let mut ended: Vec<Option<Ended>> = grants.iter().map(|_| None).collect();
        let mut open = Vec::new();
        let mut down: Option<Trouble> = None;
        for (place, &grant) in grants.iter().enumerate() {
            if !seen.has(&grant.id) {
                let gone = self.forget(grant).map(|()| "it was gone already");
                ended[place] = Some(gone);
                continue;
            }
            let refused = down.clone().map_or_else(
                || match stopped(&self.run) {
                    std::ops::ControlFlow::Break(()) => Err(interrupted()),
                    std::ops::ControlFlow::Continue(()) => Ok(()),
                },
                Err,
            );
            let begun = refused.and_then(|()| self.begin(grant));
            match begun {
                Err(trouble) => ended[place] = Some(Err(trouble)),
                Ok(step) => match self.send(place, grant, step, &seen) {
                    Ok(sent) => open.push(sent),
                    Err((trouble, is_down)) => {
                        down = is_down.then(|| trouble.clone());
                        ended[place] = Some(Err(trouble));
                    }
                },
            }
        }
        // Where the answer was lost and the grant is still there, once more.
        for again in [true, false] {
            if open.is_empty() {
                break;
            }
            match self.hand.look() {
                Ok(now) => seen = now,
                Err(asking) => {
                    for sent in open.drain(..) {
                        ended[sent.place] = Some(Err(self.unclear(&sent, &asking)));
                    }
                    break;
                }
            }
            for sent in std::mem::take(&mut open) {
                let place = sent.place;
                if !seen.has(&sent.grant.id) {
                    ended[place] = Some(self.done(&sent));
                } else if again && sent.lost.is_some() {
                    match self.send(place, sent.grant, sent.step, &seen) {
                        Ok(sent) => open.push(sent),
                        Err((trouble, _)) => ended[place] = Some(Err(trouble)),
                    }
                } else {
                    ended[place] = Some(Err(self.still_there(sent)));
                }
            }
        }
        let unasked = || Err(interrupted());
        ended
            .into_iter()
            .map(|ended| ended.unwrap_or_else(unasked))
            .collect()
    }

    /// Looks, and closes the open steps of earlier runs by what is there.
    fn look_and_close(&self, left: &[JournalRow]) -> Result<Seen, Trouble> {
        let seen = self.hand.look()?;
        for step in left {
            let id = step.step.detail["id"].as_str().unwrap_or_default();
            let outcome = if seen.has(id) {
                Outcome::Failed("a later run found that this did not take effect".to_owned())
            } else {
                self.forget_id(id)?;
                Outcome::Done
            };
            self.store.finish(step.id, &outcome)?;
        }
        Ok(seen)
    }

    fn begin(&self, grant: &GrantEntry) -> Result<i64, Trouble> {
        let consumer = consumer_of(grant);
        (self.run.sink)(&Event::Step {
            server: self.server,
            consumer,
            action: REVOKE,
        });
        let journal = Journal {
            store: self.store,
            info: self.info,
            server: self.server,
            server_url: self.server_url,
            account: None,
            sink: self.run.sink,
        };
        let detail = json!({
            "id": grant.id, "user": grant.user, "kind": grant.kind, "way": self.way, "handle": grant.handle,
        });
        journal.begin(consumer, REVOKE, detail)
    }

    /// Tells the server. What it did not hear or refused is closed at once; the flag says that it does not answer at all.
    fn send<'g>(
        &self,
        place: usize,
        grant: &'g GrantEntry,
        step: i64,
        seen: &Seen,
    ) -> Result<Sent<'g>, (Trouble, bool)> {
        let lost = match self.hand.end(grant, seen) {
            Ok(Revoked::Now | Revoked::AlreadyGone) => None,
            Err(error) if error.may_have_happened() => Some(error),
            Err(error) => {
                let outcome = Outcome::Failed(message_of(&error));
                let is_down = is_down(&error);
                let trouble = match self.store.finish(step, &outcome) {
                    Ok(()) => Trouble::from(error),
                    Err(store) => store.into(),
                };
                return Err((trouble, is_down));
            }
        };
        Ok(Sent {
            place,
            grant,
            step,
            lost,
        })
    }

    fn done(&self, sent: &Sent<'_>) -> Ended {
        self.forget(sent.grant)?;
        self.store.finish(sent.step, &Outcome::Done)?;
        Ok("revoked")
    }

    fn still_there(&self, sent: Sent<'_>) -> Trouble {
        let GrantEntry { id, user, .. } = sent.grant;
        let trouble = match sent.lost {
            Some(error) => Trouble::from(error),
            None => Trouble::own(
                "still_active",
                format!(
                    "{}: grant {id} of `{user}` was revoked, and the server lists it as before",
                    self.server
                ),
                "on a cluster another node may need a minute, then run it again; else have the user remove it on the page of access tokens",
            ),
        };
        let outcome = Outcome::Failed(trouble.message.clone());
        match self.store.finish(sent.step, &outcome) {
            Ok(()) => trouble,
            Err(store) => store.into(),
        }
    }

    /// The step stays open: the next run that has this hand looks again.
    fn unclear(&self, sent: &Sent<'_>, asking: &Trouble) -> Trouble {
        let GrantEntry { id, user, .. } = sent.grant;
        let why = sent
            .lost
            .as_ref()
            .map_or_else(|| asking.message.clone(), |error| message_of(error));
        Trouble {
            code: "revocation_unclear".to_owned(),
            message: format!(
                "{}: whether grant {id} of `{user}` was revoked is not known: {why}",
                self.server
            ),
            advice: format!(
                "{}; run it again then: it looks first",
                asking.advice.trim_end_matches('.')
            ),
            status: match asking.status {
                Status::Refused => Status::Refused,
                _ => Status::Unreachable,
            },
        }
    }

    /// Nobody has it any more, so the store need not keep it.
    fn forget(&self, grant: &GrantEntry) -> Result<(), Trouble> {
        Ok(self.forget_id(&grant.id)?)
    }

    fn forget_id(&self, id: &str) -> Result<(), StoreError> {
        let rows = self.store.grants()?;
        let is_here =
            |row: &&atl_store::GrantRow| row.id == id && row.server_url == self.server_url;
        match rows.iter().find(is_here) {
            Some(row) => self.store.forget_grant(&row.id).map(drop),
            None => Ok(()),
        }
    }
}

/// Who it was given to, in the best words there are.
pub(super) fn consumer_of(grant: &GrantEntry) -> &str {
    let names = [
        &grant.consumer,
        &grant.consumer_key,
        &grant.consumer_name,
        &grant.name,
    ];
    let mut names = names.into_iter().flatten();
    names.next().map_or("", String::as_str)
}

fn is_down(error: &TokensError) -> bool {
    matches!(
        error,
        TokensError::Client(ClientError::Connection { .. })
            | TokensError::Oauth(OauthError::Client(ClientError::Connection { .. }))
    )
}
