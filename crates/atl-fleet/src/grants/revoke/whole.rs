//! The end of every grant to one consumer on one server: the consumer is removed, which kills its tokens (protocol.md 3.5),
//! and the same one is registered again. The link stays, and what the removal resets is put back.
//!
//! Until all is as it was, an open step of the journal has the registration, so that a run that is killed in between is
//! finished by the next one.

use atl_applinks::{ApplicationLink, Applinks, Consumer, Flags, Matrix, NewConsumer};
use atl_client::Client;
use atl_oauth::knows_consumer;
use atl_store::{JournalRow, Outcome, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    engine::RunOptions,
    kept::Kept,
    settle::{Try, settle},
    step::{Journal, RunInfo},
    trouble::Trouble,
    two_legged::{Before, same},
    wanted::TwoLegged,
};

/// The journal's word for it.
pub(crate) const ACTION: &str = "consumer end grants";
const REMOVE: &str = "consumer remove";
const REGISTER: &str = "consumer register again";
const FLAGS: &str = "consumer two-legged again";
const PROVIDER: &str = "outgoing provider again";

/// What all of it needs of a server.
pub(super) struct Whole<'a> {
    pub(super) client: &'a Client,
    pub(super) store: &'a Store,
    pub(super) info: &'a RunInfo,
    pub(super) run: RunOptions<'a>,
}

/// What is registered, as it was before. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Registered {
    consumer: Consumer,
    /// Its link, and what a write to that resets.
    #[serde(flatten)]
    kept: Kept,
}

impl Whole<'_> {
    /// Ends every grant to this consumer key; `name` is what the journal calls the consumer.
    pub(super) fn end(&self, name: &str, key: &str) -> Result<(), Trouble> {
        let applinks = self.open()?;
        let _lock = self.store.lock(self.url(), name)?;
        let registered = self.look(&applinks, key)?;
        let journal = self.journal();
        let step = journal.begin(name, ACTION, json!(registered))?;
        let link_id = &registered.kept.link_id;
        let removed = journal.write(
            name,
            REMOVE,
            json!({ "link_id": link_id, "consumer_key": key }),
            || applinks.disable_incoming(link_id),
            || Ok(applinks.consumer(link_id)?.is_none()),
        );
        if let Err(trouble) = removed {
            // What became of it is known unless the server could not be asked: then the step stays open.
            if applinks.consumer(link_id)?.is_some() {
                let outcome = Outcome::Failed(trouble.message.clone());
                self.store.finish(step, &outcome)?;
            }
            return Err(trouble);
        }
        let gone = self.is_gone(key);
        self.put_back(&applinks, name, &registered)?;
        gone?;
        self.forget(key, Timestamp::now())?;
        Ok(self.store.finish(step, &Outcome::Done)?)
    }

    /// Finishes what an earlier run left open: by what the server has now, and by whether the removal was told of.
    pub(super) fn finish(&self, row: &JournalRow) -> Result<(), Trouble> {
        let name = row.step.consumer.as_deref().unwrap_or_default();
        let _lock = self.store.lock(self.url(), name)?;
        let Ok(registered) = serde_json::from_value::<Registered>(row.step.detail.clone()) else {
            let outcome = Outcome::Unknown("this step is of another version".to_owned());
            return Ok(self.store.finish(row.id, &outcome)?);
        };
        let applinks = self.open()?;
        let link = applinks.link(&registered.kept.link_id)?;
        let now = match &link {
            Some(link) => applinks.consumer(&link.id)?,
            None => None,
        };
        let parts = self.parts(row)?;
        let removed = now.is_none() || parts.iter().any(|part| is_done(part, REMOVE));
        let outcome = match (&link, &now) {
            (None, _) => Outcome::Unknown("the link is gone, and its consumer with it".to_owned()),
            (Some(_), Some(now)) if !is_same(now, &registered.consumer) => {
                Outcome::Unknown("somebody registered another consumer meanwhile".to_owned())
            }
            (Some(_), _) => {
                self.put_back(&applinks, name, &registered)?;
                if removed {
                    Outcome::Done
                } else {
                    Outcome::Failed("a later run found that this did not take effect".to_owned())
                }
            }
        };
        if removed {
            self.forget(&registered.consumer.key, row.started)?;
        }
        for part in parts.iter().filter(|part| part.finished.is_none()) {
            let outcome = Outcome::Unknown("a later run made the server as it was".to_owned());
            self.store.finish(part.id, &outcome)?;
        }
        Ok(self.store.finish(row.id, &outcome)?)
    }

    /// What is registered under the key, where it can be removed and registered again exactly as it is.
    fn look(&self, applinks: &Applinks<'_>, key: &str) -> Result<Registered, Trouble> {
        let mut found: Vec<(ApplicationLink, Consumer)> = Vec::new();
        for link in applinks.list()?.into_iter().filter(|link| !link.system) {
            if let Some(consumer) = applinks.consumer(&link.id)?
                && consumer.key == key
            {
                found.push((link, consumer));
            }
        }
        let refused = |why: &str, advice: &str| Err(self.refused(key, why, advice));
        let (link, consumer) = match (found.pop(), found.is_empty()) {
            (Some(found), true) => found,
            (None, _) => {
                return refused(
                    "no link leads to it",
                    "remove what is left of it in the server's database, or register a consumer under this key, which takes it over",
                );
            }
            (Some(_), false) => {
                return refused("two links share its key", "delete one of the links first");
            }
        };
        if link.type_id != "generic" {
            return refused(
                "its link is one between products, whose consumer only that product registers",
                "disable and enable the link's incoming authentication in the server's administration pages",
            );
        }
        if consumer.public_key.is_none() {
            return refused(
                "the server does not show its public key",
                "have the users remove the grants",
            );
        }
        let before = Before::read(applinks, &link.id, Some(&consumer), None)?;
        let two_legged = before.two_legged.clone();
        let kept = Kept::all(&link.id, &two_legged, &before.providers);
        let restored = kept.restore(Vec::new());
        let restorable = before
            .providers
            .iter()
            .all(|provider| provider.config.is_empty() || restored.contains(provider));
        if !restorable {
            return refused(
                "its link has outgoing authentication whose settings may not be written down",
                "have the users remove the grants",
            );
        }
        if two_legged.enabled && two_legged.execute_as.is_none() && !applinks.has_matrix() {
            return refused(
                "its two-legged OAuth could not be put back, since this server has no REST for it",
                "have the users remove the grants",
            );
        }
        let needs_rights = two_legged.execute_as.is_some() || two_legged.impersonation;
        if needs_rights && applinks.is_system_administrator()? != Some(true) {
            return refused(
                "it has an executing user or impersonation, which only a system administrator can put back",
                "sign in as a system administrator",
            );
        }
        Ok(Registered { consumer, kept })
    }

    /// Makes the registration what it was, and reads it back.
    fn put_back(
        &self,
        applinks: &Applinks<'_>,
        name: &str,
        registered: &Registered,
    ) -> Result<(), Trouble> {
        let Registered { consumer, kept } = registered;
        let Kept {
            link_id,
            two_legged,
            ..
        } = kept;
        let journal = self.journal();
        let new = NewConsumer {
            key: consumer.key.clone(),
            name: consumer.name.clone(),
            description: consumer.description.clone(),
            public_key: consumer.public_key.clone().unwrap_or_default(),
            callback: consumer.callback.clone(),
        };
        let detail = json!({ "link_id": link_id, "consumer_key": consumer.key });
        if applinks.consumer(link_id)?.is_none() {
            journal.write(
                name,
                REGISTER,
                detail.clone(),
                || applinks.put_consumer(link_id, &new),
                || Ok(applinks.consumer(link_id)?.is_some()),
            )?;
        }
        let now = || -> Result<TwoLegged, Trouble> {
            Ok(Before::read(
                applinks,
                link_id,
                applinks.consumer(link_id)?.as_ref(),
                None,
            )?
            .two_legged)
        };
        let has = now()?;
        if !same(&has, two_legged) {
            let matrix = |matrix: Matrix| Matrix {
                incoming: Flags {
                    enabled: true,
                    two_lo: two_legged.enabled,
                    two_lo_impersonation: two_legged.impersonation,
                },
                ..matrix
            };
            journal.write(
                name,
                FLAGS,
                detail,
                || match &two_legged.execute_as {
                    Some(user) if two_legged.enabled => applinks.save_form(
                        link_id,
                        &new,
                        true,
                        Some(user),
                        two_legged.impersonation,
                    ),
                    _ => applinks.put_matrix(link_id, &matrix(applinks.matrix(link_id)?)),
                },
                || Ok(same(&now()?, two_legged)),
            )?;
        }
        self.put_providers_back(applinks, name, kept)?;
        settle(self.run.settle, self.run.interrupted, || {
            let back = applinks
                .consumer(link_id)
                .map_err(Trouble::from)
                .and_then(|has| Ok((has, now()?)));
            match back {
                Ok((Some(has), two)) if is_same(&has, consumer) && same(&two, two_legged) => {
                    Try::Done(())
                }
                Ok(_) => Try::NotYet(Trouble::own(
                    "read_back",
                    format!(
                        "the consumer `{}` was registered again on `{}` and does not read back as it was",
                        consumer.key,
                        self.client.server()
                    ),
                    "run `tokens revoke` again: it makes the consumer what it was before",
                )),
                Err(trouble) => Try::Never(trouble),
            }
        })
    }

    /// Writing the matrix registers outgoing providers again without their settings.
    fn put_providers_back(
        &self,
        applinks: &Applinks<'_>,
        name: &str,
        kept: &Kept,
    ) -> Result<(), Trouble> {
        if kept.providers.is_empty() {
            return Ok(());
        }
        let link_id = &kept.link_id;
        let now = applinks.providers(link_id)?;
        let lost = kept.lost(&now);
        let restored = kept.restore(now).into_iter();
        for provider in restored.filter(|provider| lost.contains(&provider.class)) {
            self.journal().write(
                name,
                PROVIDER,
                json!({ "link_id": link_id, "provider": provider.class }),
                || applinks.put_provider(link_id, &provider),
                || {
                    Ok(!kept
                        .lost(&applinks.providers(link_id)?)
                        .contains(&provider.class))
                },
            )?;
        }
        Ok(())
    }

    /// The server itself says that it knows no such consumer, so it has no grant to it either.
    fn is_gone(&self, key: &str) -> Result<(), Trouble> {
        settle(
            self.run.settle,
            self.run.interrupted,
            || match knows_consumer(self.client, key) {
                Ok(false) => Try::Done(()),
                Ok(true) => Try::NotYet(Trouble::own(
                    "still_active",
                    format!(
                        "`{}` was told to remove the consumer `{key}`, and still knows it",
                        self.client.server()
                    ),
                    "on a cluster another node may need a minute, then run it again",
                )),
                Err(error) => Try::NotYet(error.into()),
            },
        )
    }

    /// The store keeps no grant that was given to the consumer until then.
    fn forget(&self, key: &str, until: Timestamp) -> Result<(), Trouble> {
        let rows = self.store.grants()?.into_iter();
        for row in rows.filter(|row| {
            row.server_url == self.url() && row.consumer_key == key && row.issued <= until
        }) {
            self.store.forget_grant(&row.id)?;
        }
        Ok(())
    }

    /// The writes of the same run to the same consumer.
    fn parts(&self, row: &JournalRow) -> Result<Vec<JournalRow>, Trouble> {
        let mut rows = self.store.journal(u32::MAX as usize)?;
        rows.retain(|part| {
            part.step.run == row.step.run
                && part.step.server_url == row.step.server_url
                && part.step.consumer == row.step.consumer
                && [REMOVE, REGISTER, FLAGS, PROVIDER].contains(&part.step.action.as_str())
        });
        Ok(rows)
    }

    fn refused(&self, key: &str, why: &str, advice: &str) -> Trouble {
        Trouble::own(
            "consumer_not_restorable",
            format!(
                "the consumer `{key}` on `{}` is not removed: {why}",
                self.client.server()
            ),
            advice,
        )
    }

    fn open(&self) -> Result<Applinks<'_>, Trouble> {
        self.client.sign_in()?;
        Ok(Applinks::open(self.client)?)
    }

    fn url(&self) -> &str {
        self.client.base_url().as_str()
    }

    fn journal(&self) -> Journal<'_> {
        Journal {
            store: self.store,
            info: self.info,
            server: self.client.server(),
            server_url: self.url(),
            account: None,
            sink: self.run.sink,
        }
    }
}

fn is_done(part: &JournalRow, action: &str) -> bool {
    part.step.action == action && part.outcome == Some(Outcome::Done)
}

/// Whether it is the same registration, two-legged OAuth aside. The admin form appends a slash to a bare callback.
fn is_same(one: &Consumer, other: &Consumer) -> bool {
    let trimmed = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        text.trim_end_matches('/').to_owned()
    };
    one.key == other.key
        && one.name == other.name
        && one.public_key == other.public_key
        && trimmed(&one.description) == trimmed(&other.description)
        && trimmed(&one.callback) == trimmed(&other.callback)
}
