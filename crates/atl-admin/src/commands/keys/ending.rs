//! What `keys retire` and `keys forget` have in common.

use std::path::Path;

use atl_fleet::{
    Needs, Ready, Status,
    keypairs::{End, Objection, end},
};
use atl_store::{KeypairRow, Store};

use super::{COLUMNS, Shown, missing};
use crate::{
    cli::Selection,
    context::Context,
    error::{self, Error, Result},
    exit::Exit,
    flags::Format,
    interrupt,
    progress::Progress,
    term,
};

/// The store, and the keypairs that were named, each once.
pub(super) fn chosen(
    context: &Context,
    command: &str,
    names: &[String],
    find: impl Fn(&[KeypairRow], &str) -> Result<KeypairRow>,
) -> Result<(Store, Vec<KeypairRow>)> {
    if context.globals.selection != Selection::default() {
        return Err(Error::usage(
            "keypairs are not selected with `--server` and `--consumer` here",
        )
        .hint("name them by their ids: `atl-admin keys list` shows them"));
    }
    context.output.one_of(&Format::ALL)?;
    let first = names.first().map_or("", String::as_str);
    let store = context
        .store_if_any(command)?
        .ok_or_else(|| missing(first))?;
    let known = store.keypairs()?;
    let mut rows: Vec<KeypairRow> = Vec::new();
    for name in names {
        let row = find(&known, name)?;
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    Ok((store, rows))
}

/// Does it, or says what stands against it.
pub(super) fn carry_out(
    context: &Context,
    store: &Store,
    rows: &[KeypairRow],
    what: End,
    force: bool,
) -> Result<Exit> {
    let ready = servers(context)?;
    let progress = Progress::new(context);
    let ended = end(
        ready.as_ref(),
        store,
        rows,
        what,
        force,
        progress.run(&|_| {}),
    )?;
    progress.finish();
    let registrations = atl_fleet::registered(store)?;
    let shown: Vec<_> = ended
        .keypairs
        .into_iter()
        .map(|row| Shown::new(row, &registrations))
        .collect();
    context.output.listing("keys", "key", &COLUMNS, &shown)?;
    ended.objections.iter().for_each(tell);
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Exit::Interrupted);
    }
    let verb = match what {
        End::Retire => "retired",
        End::Forget => "forgotten",
    };
    if !ended.objections.is_empty() {
        term::note(&format!("nothing was {verb}"));
    } else if what == End::Forget {
        term::note("they are forgotten, and are not in the store any more");
    }
    Ok(exit_of(&ended.objections))
}

/// All servers of the fleet file; `None` where there is no file and none was named.
fn servers(context: &Context) -> Result<Option<Ready>> {
    let fleet = &context.globals.fleet;
    if fleet == Path::new("fleet.yaml") && matches!(fleet.try_exists(), Ok(false)) {
        term::note("there is no fleet file, so that no server is asked");
        return Ok(None);
    }
    let needs = Needs {
        admin: true,
        ..Needs::default()
    };
    context.ready_for(needs, &Selection::default()).map(Some)
}

fn tell(objection: &Objection) {
    match &objection.server {
        Some(server) => error::tell(server, &objection.trouble),
        None => error::tell_own(&objection.trouble),
    }
}

/// 3 where nothing but not knowing stands against it.
fn exit_of(objections: &[Objection]) -> Exit {
    let known = |one: &Objection| one.trouble.status == Status::Failed;
    if objections.is_empty() {
        Exit::Done
    } else if objections.iter().any(known) {
        Exit::Failed
    } else {
        Exit::Unreachable
    }
}
