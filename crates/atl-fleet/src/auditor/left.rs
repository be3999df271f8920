//! Auditor consumers that a run left behind: found in the journal and on the servers, and removed.

use std::{collections::BTreeMap, fmt};

use atl_applinks::ApplicationLink;
use atl_client::ServerConfig;
use atl_store::{JournalRow, Outcome, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{
    LOCK, make,
    names::{Names, REMOVES, STANDS, is_auditor},
    place::{self, Place},
    remove::{is_gone, remove as take_away},
    standing,
};
use crate::{
    engine::{RunOptions, StartError, clients, side_by_side},
    event::Event,
    plan::Status,
    step::{Journal, RunInfo},
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

    fn names(&self) -> Names {
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

    fn not_removed(&self, trouble: &Trouble) -> EndedAuditor {
        let trouble = standing::left(&self.server, &self.names(), trouble);
        self.ended(AuditorState::Left, Some(trouble))
    }

    fn ended(&self, state: AuditorState, error: Option<Trouble>) -> EndedAuditor {
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
/// now; [`remove`] finds that out.
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
    drop(clients(&ready.servers)?);
    let open = store
        .map(Store::open_steps)
        .transpose()?
        .unwrap_or_default();
    Ok(side_by_side(run.parallel, &ready.servers, |_, server| {
        let config = &server.config;
        let mut left = open_on(&open, &config.name, config.base_url.as_str());
        let listed = make::go_on(run).and_then(|()| place::at(config, listed));
        let error = match listed {
            Ok(listed) => {
                let unlisted = unlisted(&config.name, &listed, &left);
                left.extend(unlisted);
                None
            }
            Err(trouble) => Some(trouble),
        };
        ServerAuditors {
            server: config.name.clone(),
            status: error.as_ref().map_or(Status::Ok, |error| error.status),
            error,
            left,
        }
    }))
}

fn listed(place: &Place<'_>) -> Result<Vec<ApplicationLink>, Trouble> {
    let mut links = place.applinks.list()?;
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

/// Removes what the journal has open on the selected servers: what changing commands do before their own work. Nothing is
/// sent where there is nothing.
///
/// # Errors
///
/// Where the store cannot be read, or a server's configuration cannot work; what a server says is in the result.
pub fn remove_left_behind(
    ready: &Ready,
    store: &Store,
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Vec<EndedAuditor>, StartError> {
    remove(ready, store, &left_behind(ready, store)?, info, run)
}

/// Removes these, each server beside the others, and closes what the journal has open of them. One that is gone already is
/// no failure. Where a run that goes on now has an auditor on a server, that server is left alone.
///
/// # Errors
///
/// Where a server's configuration cannot work; what a server says is in the result.
pub fn remove(
    ready: &Ready,
    store: &Store,
    left: &[LeftAuditor],
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Result<Vec<EndedAuditor>, StartError> {
    let here = |config: &ServerConfig| -> Vec<&LeftAuditor> {
        let left = left.iter();
        left.filter(|left| left.server == config.name).collect()
    };
    let tasks: Vec<_> = ready
        .servers
        .iter()
        .map(|server| (server, here(&server.config)))
        .filter(|(_, left)| !left.is_empty())
        .collect();
    drop(clients(tasks.iter().map(|(server, _)| *server))?);
    let ended = side_by_side(run.parallel, &tasks, |_, (server, left)| {
        let ended = remove_on(&server.config, store, left, info, run);
        for ended in &ended {
            (run.sink)(&Event::Auditor(ended));
        }
        ended
    });
    Ok(ended.into_iter().flatten().collect())
}

fn remove_on(
    config: &ServerConfig,
    store: &Store,
    left: &[&LeftAuditor],
    info: &RunInfo,
    run: RunOptions<'_>,
) -> Vec<EndedAuditor> {
    let all = |state, trouble: &Trouble| {
        let left = left.iter();
        left.map(|left| left.ended(state, Some(trouble.clone())))
            .collect()
    };
    let server_url = config.base_url.as_str();
    let _lock = match store.lock(server_url, LOCK) {
        Ok(lock) => lock,
        Err(error @ StoreError::Locked { .. }) => return all(AuditorState::InUse, &error.into()),
        Err(error) => return all(AuditorState::Left, &error.into()),
    };
    if let Err(trouble) = make::go_on(run) {
        return all(AuditorState::Left, &trouble);
    }
    let ended = place::at(config, |place| {
        let journal = journal_of(place, config, store, info, run);
        let ended = left.iter().map(|left| {
            let ended = end(place, &journal, run, &left.names());
            ended.map_or_else(
                |trouble| left.not_removed(&trouble),
                |state| left.ended(state, None),
            )
        });
        Ok(ended.collect())
    });
    ended.unwrap_or_else(|trouble| {
        let left = left.iter();
        left.map(|left| left.not_removed(&trouble)).collect()
    })
}

/// Removes everything that the journal has open here, which an auditor that is about to be set up does first. The lock is
/// held.
pub(super) fn end_all(
    place: &Place<'_>,
    journal: &Journal<'_>,
    run: RunOptions<'_>,
) -> Result<(), Trouble> {
    let rows = journal.store.open_steps()?;
    for left in open_on(&rows, journal.server, journal.server_url) {
        let state = end(place, journal, run, &left.names())
            .map_err(|trouble| standing::left(journal.server, &left.names(), &trouble))?;
        (run.sink)(&Event::Auditor(&left.ended(state, None)));
    }
    Ok(())
}

pub(super) fn journal_of<'a>(
    place: &Place<'_>,
    config: &'a ServerConfig,
    store: &'a Store,
    info: &'a RunInfo,
    run: RunOptions<'a>,
) -> Journal<'a> {
    Journal {
        store,
        info,
        server: &config.name,
        server_url: config.base_url.as_str(),
        account: Some(place.account.clone()),
        sink: run.sink,
    }
}

/// Removes one, as far as it is there, and closes what the journal has open of it. The lock is held.
fn end(
    place: &Place<'_>,
    journal: &Journal<'_>,
    run: RunOptions<'_>,
    names: &Names,
) -> Result<AuditorState, Trouble> {
    let open = journal.store.open_steps()?;
    let state = if is_gone(place, names)? {
        AuditorState::Gone
    } else {
        let step = journal.begin(&names.consumer_key, REMOVES, json!(names))?;
        let removed = take_away(place, names, run.settle);
        let outcome = match &removed {
            Ok(()) => Outcome::Done,
            Err(trouble) => Outcome::Unknown(trouble.message.clone()),
        };
        journal.store.finish(step, &outcome)?;
        removed?;
        AuditorState::Removed
    };
    let ours = |row: &&JournalRow| {
        let is_ours = |read: Names| read.consumer_key == names.consumer_key;
        row.step.server_url == journal.server_url && Names::read(row).is_some_and(is_ours)
    };
    for row in open.iter().filter(ours) {
        journal.store.finish(row.id, &outcome(row, state))?;
    }
    Ok(state)
}

/// How a step ended whose run did not end it.
fn outcome(row: &JournalRow, state: AuditorState) -> Outcome {
    if row.step.action != STANDS {
        return Outcome::Unknown(
            "the run was killed; a later run removed the auditor consumer, or found it gone"
                .to_owned(),
        );
    }
    let what = match state {
        AuditorState::Removed => "a later run removed it",
        _ => "a later run found it gone",
    };
    Outcome::Failed(format!(
        "the run ended without removing the auditor consumer; {what}"
    ))
}
