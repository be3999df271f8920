//! Auditor consumers that a run left behind: found in the journal and on the servers.

use std::{collections::BTreeMap, fmt};

use atl_applinks::ApplicationLink;
use atl_client::{Client, ServerConfig};
use atl_store::{JournalRow, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    make,
    names::{Names, STANDS, is_auditor},
    place, standing,
};
use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    plan::Status,
    trouble::Trouble,
    wanted::Ready,
};

/// An auditor consumer that a run left, or that one which goes on now uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftAuditor {
    /// The server's name in the fleet file.
    pub server: String,
    /// The consumer key.
    pub consumer_key: String,
    /// The link.
    pub link_id: String,
    /// Its application URL.
    pub application_url: String,
    /// The run that set it up, where the journal has it; one that is only found on the server is of another store.
    pub begun: Option<Begun>,
}

/// The run that set an auditor up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// When.
    pub at: Timestamp,
    /// The command.
    pub command: String,
    /// The operating system's user.
    pub os_user: String,
    /// The host.
    pub host: String,
}

/// What one server has of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerAuditors {
    /// The server's name.
    pub server: String,
    /// Whether it could be looked at.
    pub status: Status,
    /// Why not; then only what the journal has is listed.
    pub error: Option<Trouble>,
    /// What was found.
    pub left: Vec<LeftAuditor>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditorState {
    /// It was there, and is gone.
    Removed,
    /// It was not there any more.
    Gone,
    /// A run that goes on now has an auditor on this server: left alone.
    InUse,
    /// It could not be removed.
    Left,
}

/// An auditor consumer, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedAuditor {
    /// Which.
    #[serde(flatten)]
    pub auditor: LeftAuditor,
    /// What became of it.
    pub state: AuditorState,
    /// Why it is still there, or who uses it.
    pub error: Option<Trouble>,
}

impl EndedAuditor {
    /// What it makes of a run that was to remove it.
    pub fn status(&self) -> Status {
        self.error
            .as_ref()
            .map_or(Status::Ok, |trouble| trouble.status)
    }
}

impl LeftAuditor {
    fn new(server: &str, names: Names, begun: Option<Begun>) -> Self {
        let Names {
            link_id,
            application_url,
            consumer_key,
        } = names;
        Self {
            server: server.to_owned(),
            consumer_key,
            link_id,
            application_url,
            begun,
        }
    }

    pub(super) fn names(&self) -> Names {
        Names {
            link_id: self.link_id.clone(),
            application_url: self.application_url.clone(),
            consumer_key: self.consumer_key.clone(),
        }
    }

    /// Whether this is its link.
    pub(crate) fn is_on(&self, link: &ApplicationLink) -> bool {
        self.names().is_on(link)
    }

    pub(super) fn not_removed(&self, trouble: &Trouble) -> EndedAuditor {
        let trouble = standing::left(&self.server, &self.names(), trouble);
        self.ended(AuditorState::Left, Some(trouble))
    }

    pub(super) fn ended(&self, state: AuditorState, error: Option<Trouble>) -> EndedAuditor {
        EndedAuditor {
            auditor: self.clone(),
            state,
            error,
        }
    }
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            command,
            os_user,
            host,
        } = self;
        write!(f, "`{command}` of {os_user} on {host} at {at:.0}")
    }
}

impl Begun {
    fn of(row: &JournalRow) -> Self {
        Self {
            at: row.started,
            command: row.step.command.clone(),
            os_user: row.step.os_user.clone(),
            host: row.step.host.clone(),
        }
    }
}

/// Those of the selected servers that the journal has open, without asking any server. One may be of a run that goes on
/// now; [`remove`](super::remove) finds that out.
///
/// # Errors
///
/// Where the store cannot be read.
pub fn left_behind(ready: &Ready, store: &Store) -> Result<Vec<LeftAuditor>, StoreError> {
    let rows = store.open_steps()?;
    let on = |config: &ServerConfig| open_on(&rows, &config.name, config.base_url.as_str());
    Ok(ready
        .servers
        .iter()
        .flat_map(|server| on(&server.config))
        .collect())
}

/// Those that the journal has open on servers that are not among these, which no run of theirs would remove: each with
/// the base URL of its server.
///
/// # Errors
///
/// Where the store cannot be read.
pub fn elsewhere(ready: &Ready, store: &Store) -> Result<Vec<(String, LeftAuditor)>, StoreError> {
    let rows = store.open_steps()?;
    let servers: BTreeMap<&str, &str> = rows
        .iter()
        .map(|row| (&*row.step.server_url, &*row.step.server))
        .collect();
    let known = |url: &str| {
        let mut servers = ready.servers.iter();
        servers.any(|server| server.config.base_url.as_str() == url)
    };
    Ok(servers
        .into_iter()
        .filter(|(url, _)| !known(url))
        .flat_map(|(url, name)| {
            let open = open_on(&rows, name, url).into_iter();
            open.map(|left| (url.to_owned(), left))
        })
        .collect())
}

/// Those that the open steps of the journal have on one server.
pub(crate) fn open_on(rows: &[JournalRow], server: &str, server_url: &str) -> Vec<LeftAuditor> {
    let mut found: BTreeMap<String, LeftAuditor> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.step.server_url == server_url) {
        let Some(names) = Names::read(row) else {
            continue;
        };
        let begun = (row.step.action == STANDS).then(|| Begun::of(row));
        let key = names.consumer_key.clone();
        let left = found
            .entry(key)
            .or_insert_with(|| LeftAuditor::new(server, names, None));
        left.begun = left.begun.take().or(begun);
    }
    found.into_values().collect()
}

/// Those that the journal has open, and those that the selected servers list, of whatever store or machine they are.
/// Changes nothing.
///
/// # Errors
///
/// Only where nothing could be started; what is wrong with a server is said with it.
pub fn find(
    ready: &Ready,
    store: Option<&Store>,
    run: RunOptions<'_>,
) -> Result<Vec<ServerAuditors>, StartError> {
    let clients = clients(&ready.servers)?;
    let open = store
        .map(Store::open_steps)
        .transpose()?
        .unwrap_or_default();
    Ok(side_by_side(run.parallel, &clients, |_, client| {
        let server = client.server();
        let mut left = open_on(&open, server, client.base_url().as_str());
        let error = match make::go_on(run).and_then(|()| listed(client)) {
            Ok(listed) => {
                let unlisted = unlisted(server, &listed, &left);
                left.extend(unlisted);
                None
            }
            Err(trouble) => Some(trouble),
        };
        client.sign_out();
        ServerAuditors {
            server: server.to_owned(),
            status: error.as_ref().map_or(Status::Ok, |error| error.status),
            error,
            left,
        }
    }))
}

fn listed(client: &Client) -> Result<Vec<ApplicationLink>, Trouble> {
    let mut links = place::open(client)?.applinks.list()?;
    links.retain(is_auditor);
    Ok(links)
}

/// Those of these links that the journal does not have open.
pub(crate) fn unlisted(
    server: &str,
    links: &[ApplicationLink],
    open: &[LeftAuditor],
) -> Vec<LeftAuditor> {
    let is_open = |link: &ApplicationLink| open.iter().any(|left| left.is_on(link));
    links
        .iter()
        .filter(|link| !is_open(link))
        .map(|link| LeftAuditor::new(server, Names::of_link(link), None))
        .collect()
}
