//! `keys`

mod check;
mod ending;
mod export;
mod forget;
mod generate;
mod import;
mod list;
mod protection;
mod retire;
mod show;

use std::{collections::BTreeSet, path::Path, time::Duration};

use atl_fleet::age::{age, in_words};
use atl_keys::{Fingerprint, Half, KeyError, KeyFile};
use atl_store::{KeyState, KeypairRow, Registration, Store};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    output::Column,
};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Commands {
    /// Generate a keypair, into the store or into files
    Generate(generate::Args),
    /// List the keypairs of the store: how old they are, where each is registered, and when it was last proven there
    List(list::Args),
    /// Show the public half of a key, of a file or of the store
    Show(show::Args),
    /// Write a key of the store out: the public half, or the private half to a file
    Export(export::Args),
    /// Take a private key from a file into the store
    Import(import::Args),
    /// Name what is wrong with a key file, and the command that mends it
    Check(check::Args),
    /// Retire keypairs that no server holds any more
    Retire(retire::Args),
    /// Delete retired keypairs from the store for good
    Forget(forget::Args),
}

pub(crate) fn run(context: &Context, command: Commands) -> Result<Exit> {
    match command {
        Commands::Generate(args) => generate::run(context, &args),
        Commands::List(_) => list::run(context),
        Commands::Show(args) => show::run(context, &args),
        Commands::Export(args) => export::run(context, &args),
        Commands::Import(args) => import::run(context, &args),
        Commands::Check(args) => check::run(context, &args),
        Commands::Retire(args) => retire::run(context, &args),
        Commands::Forget(args) => forget::run(context, &args),
    }
}

const COLUMNS: [Column; 8] = [
    Column::new("id", "ID"),
    Column::new("consumer", "CONSUMER"),
    Column::new("bits", "BITS"),
    Column::new("fingerprint", "FINGERPRINT"),
    Column::new("created", "CREATED"),
    Column::new("state", "STATE"),
    Column::new("servers", "SERVERS"),
    Column::new("age", ""),
];

/// A keypair of the store as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    consumer: String,
    bits: usize,
    fingerprint: Fingerprint,
    created: String,
    state: KeyState,
    servers: Vec<String>,
    /// In seconds.
    age: u64,
    registered: Vec<Place>,
}

/// A server that a keypair is registered on.
#[derive(Debug, Serialize)]
struct Place {
    server: String,
    server_url: String,
    /// When the server last accepted a call signed with it, in whole seconds.
    proven: Option<Timestamp>,
}

impl Shown {
    fn new(row: KeypairRow, registrations: &[Registration]) -> Self {
        let registered: Vec<_> = registrations
            .iter()
            .filter(|registration| registration.fingerprint == row.fingerprint)
            .map(|registration| Place {
                server: registration.server.clone(),
                server_url: registration.server_url.clone(),
                proven: registration
                    .proven
                    .and_then(|time| Timestamp::from_second(time.as_second()).ok()),
            })
            .collect();
        // A server that moved to another URL is registered under both.
        let servers: BTreeSet<_> = registered
            .iter()
            .map(|place| place.server.clone())
            .collect();
        Self {
            id: row.id,
            consumer: row.consumer,
            bits: row.bits,
            fingerprint: row.fingerprint,
            created: format!("{:.0}", row.created),
            state: row.state,
            servers: servers.into_iter().collect(),
            age: age(row.created, Timestamp::now()).as_secs(),
            registered,
        }
    }

    fn age_in_words(&self) -> String {
        in_words(Duration::from_secs(self.age))
    }
}

impl Place {
    fn proven_in_words(&self) -> String {
        self.proven.map_or_else(
            || "not known".to_owned(),
            |proven| in_words(age(proven, Timestamp::now())) + " ago",
        )
    }
}

/// The keypair of the store with this id or fingerprint, or the one in use of this consumer.
fn find(context: &Context, wanted: &str) -> Result<(Store, KeypairRow)> {
    let store = context.store_to_look_at()?.ok_or_else(|| missing(wanted))?;
    let row = find_in(&store.keypairs()?, wanted)?;
    Ok((store, row))
}

fn missing(wanted: &str) -> Error {
    Error::failed(format!("the store has no keypair `{wanted}`"))
        .hint("`atl-admin keys list` shows ids and consumers; `--store` names another store")
}

/// The one with this id or fingerprint.
fn exact(rows: &[KeypairRow], wanted: &str) -> Option<KeypairRow> {
    let mut rows = rows.iter();
    rows.find(|row| row.id == wanted || row.fingerprint.to_string() == wanted)
        .cloned()
}

fn find_in(rows: &[KeypairRow], wanted: &str) -> Result<KeypairRow> {
    if let Some(row) = exact(rows, wanted) {
        return Ok(row);
    }
    let mut active = rows
        .iter()
        .filter(|row| row.consumer == wanted && row.state == KeyState::Active);
    match (active.next(), active.next()) {
        (Some(row), None) => Ok(row.clone()),
        (Some(first), Some(second)) => {
            let ids: Vec<_> = [first, second]
                .into_iter()
                .chain(active)
                .map(|row| format!("`{}`", row.id))
                .collect();
            Err(
                Error::usage(format!("consumer `{wanted}` has several keypairs in use"))
                    .hint(format!("say which one by its id: {}", ids.join(", "))),
            )
        }
        _ => Err(missing(wanted)),
    }
}

/// Whether a text holds a private key, whatever its form.
fn is_private(text: &[u8]) -> bool {
    let form = atl_keys::check(KeyFile { name: "", text }, None, None).form;
    contains(text, b"PRIVATE KEY-----") || form.is_some_and(|form| form.half() == Half::Private)
}

/// Whether a text holds a private key that a passphrase opens.
fn is_encrypted(text: &[u8]) -> bool {
    contains(text, b"BEGIN ENCRYPTED PRIVATE KEY-----")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Why a key file was not read, with its name and the command that mends it.
fn of_file(error: &KeyError, path: &Path) -> Error {
    let (generic, mend) = (error.mend("FILE"), error.mend(&path.to_string_lossy()));
    let advice = match generic.zip(mend) {
        Some((generic, mend)) => error.advice().replace(&generic, &mend),
        None => error.advice(),
    };
    Error::failed(format!("could not take a key from `{}`", path.display()))
        .caused_by(Some(error))
        .hint(advice)
}
