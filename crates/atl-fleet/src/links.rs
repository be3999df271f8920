//! Application links one at a time: list, show, create, delete, adopt.

use atl_applinks::{ApplicationLink, Applinks, Consumer as Registered, Matrix};
use atl_client::Client;
use atl_keys::PublicKey;
use atl_store::Store;
use serde::Serialize;
use serde_json::json;

use crate::{
    auditor::is_auditor,
    choose::public_key_of,
    engine::{RunOptions, StartError, clients, side_by_side},
    grants::ended,
    plan::Status,
    step::{Journal, RunInfo},
    trouble::Trouble,
    wanted::Ready,
};

/// The links of one server, or why they could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct ServerLinks {
    /// The server's name.
    pub server: String,
    /// How it went.
    pub status: Status,
    /// Why it is not `ok`.
    pub error: Option<Trouble>,
    /// Its links.
    pub links: Vec<LinkEntry>,
}

/// A link with its incoming consumer.
#[derive(Debug, Clone, Serialize)]
pub struct LinkEntry {
    /// The link.
    #[serde(flatten)]
    pub link: ApplicationLink,
    /// Its incoming consumer.
    pub consumer: Option<ConsumerEntry>,
    /// The consumer of the fleet file that this link is for, by its application URL.
    pub managed_as: Option<String>,
    /// Whether it is that of an auditor consumer, which a run is using or has left.
    pub auditor: bool,
}

/// An incoming consumer as reports show it.
#[derive(Debug, Clone, Serialize)]
pub struct ConsumerEntry {
    /// The consumer key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its callback.
    pub callback: Option<String>,
    /// The fingerprint of its public key, where it is one.
    pub fingerprint: Option<String>,
    /// The size of its public key.
    pub bits: Option<usize>,
    /// Two-legged OAuth.
    pub two_legged: bool,
    /// Two-legged OAuth with impersonation.
    pub impersonation: bool,
    /// The user that two-legged calls run as.
    pub execute_as: Option<String>,
}

impl ConsumerEntry {
    fn new(entry: Registered, matrix: Option<&Matrix>) -> Self {
        let two = crate::planner::two_legged_of(Some(&entry), matrix);
        let key = public_key_of(&entry);
        Self {
            fingerprint: key.as_ref().map(|key| key.fingerprint().to_string()),
            bits: key.as_ref().map(PublicKey::bits),
            key: entry.key,
            name: entry.name,
            description: entry.description,
            callback: entry.callback,
            two_legged: two.enabled,
            impersonation: two.impersonation,
            execute_as: two.execute_as,
        }
    }
}

/// Lists the links of every selected server; a failure stays on its server.
///
/// # Errors
///
/// Only where nothing could be started.
pub fn list(ready: &Ready, run: RunOptions<'_>) -> Result<Vec<ServerLinks>, StartError> {
    let clients = clients(&ready.servers)?;
    Ok(side_by_side(run.parallel, &clients, |_, client| {
        let read = read_links(client, ready);
        client.sign_out();
        let server = client.server().to_owned();
        match read {
            Ok(links) => ServerLinks {
                server,
                status: Status::Ok,
                error: None,
                links,
            },
            Err(trouble) => ServerLinks {
                server,
                status: trouble.status,
                error: Some(trouble),
                links: Vec::new(),
            },
        }
    }))
}

fn read_links(client: &Client, ready: &Ready) -> Result<Vec<LinkEntry>, Trouble> {
    client.manifest()?;
    client.sign_in()?;
    let applinks = Applinks::open(client)?;
    let mut entries = Vec::new();
    for link in applinks.list()? {
        let consumer = if link.system {
            None
        } else {
            applinks.consumer(&link.id)?
        };
        let managed_as = ready
            .named
            .iter()
            .find(|named| named.server == client.server() && link.has_url(&named.url))
            .map(|named| named.consumer.clone());
        entries.push(LinkEntry {
            auditor: is_auditor(&link),
            link,
            consumer: consumer.map(|entry| ConsumerEntry::new(entry, None)),
            managed_as,
        });
    }
    Ok(entries)
}

/// Finds a link by id, application URL or name; a name that several carry is refused.
///
/// # Errors
///
/// There is no such link, or more than one.
pub fn find<'l>(
    server: &str,
    links: &'l [LinkEntry],
    wanted: &str,
) -> Result<&'l LinkEntry, Trouble> {
    let exact = links
        .iter()
        .find(|entry| entry.link.id.eq_ignore_ascii_case(wanted) || entry.link.has_url(wanted));
    if let Some(entry) = exact {
        return Ok(entry);
    }
    let named: Vec<_> = links
        .iter()
        .filter(|entry| entry.link.name == wanted)
        .collect();
    match named.as_slice() {
        [entry] => Ok(entry),
        [] => Err(Trouble::own(
            "no_such_link",
            format!("`{server}` has no link with the id, application URL or name `{wanted}`"),
            "`atl-admin links list` shows what it has",
        )),
        several => Err(Trouble::own(
            "ambiguous_link",
            format!("{} links on `{server}` are named `{wanted}`", several.len()),
            "name it by its id",
        )),
    }
}

/// What one change of a single link needs.
pub struct One<'a> {
    /// The client of the server, not necessarily signed in.
    client: Client,
    store: &'a Store,
    info: &'a RunInfo,
    run: RunOptions<'a>,
}

impl<'a> One<'a> {
    /// For the one selected server; `None` where not exactly one is selected.
    ///
    /// # Errors
    ///
    /// The server's configuration cannot work.
    pub fn new(
        ready: &Ready,
        store: &'a Store,
        info: &'a RunInfo,
        run: RunOptions<'a>,
    ) -> Result<Option<Self>, StartError> {
        let mut clients = clients(&ready.servers)?;
        Ok(clients
            .pop()
            .filter(|_| clients.is_empty())
            .map(|client| Self {
                client,
                store,
                info,
                run,
            }))
    }

    fn journal(&self, account: String) -> Journal<'_> {
        Journal {
            store: self.store,
            info: self.info,
            server: self.client.server(),
            server_url: self.client.base_url().as_str(),
            account: Some(account),
            sink: self.run.sink,
        }
    }

    /// Deletes a link, its consumer and every grant of that consumer key. A key that another link shares needs `force`.
    ///
    /// # Errors
    ///
    /// It is a system link, its key is shared, or the server or the store refused.
    pub fn delete(
        &self,
        entry: &LinkEntry,
        links: &[LinkEntry],
        force: bool,
    ) -> Result<(), Trouble> {
        let server = self.client.server();
        if entry.link.system {
            return Err(Trouble::own(
                "system_link",
                format!("`{}` on `{server}` is a system link", entry.link.name),
                "system links are not deleted with this tool",
            ));
        }
        let shared = entry.consumer.as_ref().and_then(|consumer| {
            links.iter().find(|other| {
                other.link.id != entry.link.id
                    && other
                        .consumer
                        .as_ref()
                        .is_some_and(|has| has.key == consumer.key)
            })
        });
        if let Some(other) = shared.filter(|_| !force) {
            return Err(crate::planner::shared_key(
                server,
                entry
                    .consumer
                    .as_ref()
                    .map_or("", |consumer| consumer.key.as_str()),
                &other.link.name,
            ));
        }
        let account = self.client.sign_in()?;
        let applinks = Applinks::open(&self.client)?;
        let server_url = self.client.base_url().as_str();
        let consumer = entry
            .managed_as
            .clone()
            .unwrap_or_else(|| entry.link.name.clone());
        let _lock = self.store.lock(server_url, &consumer)?;
        let gone = || -> Result<bool, Trouble> {
            Ok(applinks.list()?.iter().all(|link| link.id != entry.link.id))
        };
        self.journal(account.username).write_then(
            &consumer,
            "link delete",
            json!({ "link_id": entry.link.id, "application_url": entry.link.rpc_url }),
            || applinks.delete(&entry.link.id),
            gone,
            || {
                let carried = entry.consumer.as_ref().map(|entry| entry.key.as_str());
                Ok(ended::and_forgotten(
                    self.store,
                    server_url,
                    &entry.link.id,
                    carried,
                )?)
            },
        )?;
        if !gone()? {
            return Err(Trouble::own(
                "read_back",
                format!(
                    "the link {} was deleted on `{server}` and is still listed",
                    entry.link.id
                ),
                "run `atl-admin links list` in a minute",
            ));
        }
        self.client.sign_out();
        Ok(())
    }
}
