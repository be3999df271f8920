//! `tokens list`

use std::collections::BTreeMap;

use atl_fleet::{
    GrantEntry, Needs,
    grants::{self, GrantList},
};
use atl_store::GrantState;
use serde_json::{Value, json};

use super::Filters;
use crate::{
    cli::Selection,
    context::Context,
    error::Result,
    exit::Exit,
    flags::Format,
    output::{
        Column,
        grants::{COLUMNS, NO_GRANTS},
    },
    term,
};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which grants.
    #[command(flatten)]
    pub filters: Filters,
    /// Count them, for each user, consumer or server
    #[arg(long, value_name = "GROUP", value_enum)]
    pub by: Option<By>,
}

/// What grants are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Who gave them
    User,
    /// Who they were given to
    Consumer,
    /// Where
    Server,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let ready = context.ready(Needs::default())?;
    let store = context.store_to_look_at()?;
    let everything = context.globals.selection == Selection::default();
    let filter = args.filters.filter();
    let list = grants::list(&ready, store.as_ref(), &filter, everything)?;
    if list.grants.is_empty() {
        term::note(NO_GRANTS);
    }
    match args.by {
        None => show(context, &list)?,
        Some(by) => count(context, by, &list.grants)?,
    }
    Ok(Exit::Done)
}

fn show(context: &Context, list: &GrantList) -> Result<()> {
    let output = &context.output;
    match output.format() {
        Format::Json | Format::Yaml => output.document(list),
        _ => output.listing("grants", "grant", &COLUMNS, &list.grants),
    }
}

fn count(context: &Context, by: By, grants: &[GrantEntry]) -> Result<()> {
    let (key, heading, of): (_, _, fn(&GrantEntry) -> &str) = match by {
        By::User => ("user", "USER", |grant| &grant.user),
        By::Consumer => ("consumer", "CONSUMER", |grant| &grant.consumer),
        By::Server => ("server", "SERVER", |grant| &grant.server),
    };
    let columns = [
        Column::new(key, heading),
        Column::new("grants", "GRANTS"),
        Column::new("active", "ACTIVE"),
        Column::new("expired", "EXPIRED"),
        Column::new("rejected", "REJECTED"),
        Column::new("unknown", "UNKNOWN"),
    ];
    let mut groups: BTreeMap<&str, Vec<GrantState>> = BTreeMap::new();
    for grant in grants {
        groups.entry(of(grant)).or_default().push(grant.status);
    }
    let rows: Vec<Value> = groups
        .into_iter()
        .map(|(name, states)| {
            let count = |wanted| states.iter().filter(|&&state| state == wanted).count();
            json!({
                key: name,
                "grants": states.len(),
                "active": count(GrantState::Active),
                "expired": count(GrantState::Expired),
                "rejected": count(GrantState::Rejected),
                "unknown": count(GrantState::Unknown),
            })
        })
        .collect();
    context.output.listing("groups", "group", &columns, &rows)
}
