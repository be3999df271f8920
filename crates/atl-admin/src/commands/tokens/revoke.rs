//! `tokens revoke`

mod everywhere;

use atl_fleet::{
    Needs, Passwords, Ready, RunOptions, StartError,
    auditor::{left_behind, remove_left_behind},
    grants::{
        GrantChoiceError, Revocation, RevocationReport, RevokedGrant, Way, consumer_to_put_back,
        needs_passwords,
    },
    of_revocation,
};
use atl_store::Store;
use atl_tokens::GrantEntry;

use super::{
    Filters, nothing,
    reach::{Reach, Source},
};
use crate::{
    cli::Selection,
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    flags::Format,
    interrupt,
    output::{counted, grants::NO_GRANTS, inventory::By, revocation::show},
    progress::Progress,
    term,
};

const COMMAND: &str = "tokens revoke";

/// The arguments.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Args {
    /// Which grants.
    #[command(flatten)]
    pub filters: Filters,
    /// Where they are looked for.
    #[command(flatten)]
    pub reach: Reach,
    /// Only grants that are older than `policy.max_grant_age` of their consumer in the fleet file allows
    #[arg(long)]
    pub policy: bool,
    /// Where no other way leads to a grant, remove its consumer from the server and register the same one again: every
    /// grant to it ends, those of other users too
    #[arg(long)]
    pub whole_consumer: bool,
    /// Only show what would be revoked, and how; nothing is written anywhere, and no auditor consumer is set up
    #[arg(long)]
    pub dry_run: bool,
    /// Go on where much would be revoked at once
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let selected = args.filters.select() || args.policy;
    if !selected && context.globals.selection == Selection::default() {
        return Err(Error::usage("nothing says which grants to revoke")
            .hint("name ids, or give a filter, `--server` or `--consumer`"));
    }
    if args.looks_further() {
        return everywhere::run(context, args);
    }
    let store = if args.dry_run {
        context.store_to_look_at()?
    } else {
        context.store_if_any(COMMAND)?
    };
    let put_back = store.as_ref().map(consumer_to_put_back);
    if !args.dry_run && put_back.transpose()? == Some(true) {
        drop(store);
        return everywhere::run(context, args);
    }
    // What the store cannot help with may be found elsewhere.
    let done = store.as_ref().map(|store| with(context, args, store));
    match done.transpose()?.flatten() {
        Some(exit) => Ok(exit),
        None if args.reach.sources.is_empty() => {
            drop(store);
            everywhere::run(context, args)
        }
        // The fleet file has to be in order all the same.
        None => context
            .ready(Needs::default())
            .and_then(|_| nothing(context, &args.filters)),
    }
}

impl Args {
    /// Whether more than the store is to be looked at, whatever the store has.
    fn looks_further(&self) -> bool {
        let elsewhere = |source: &Source| *source != Source::Store;
        self.reach.sources.iter().any(elsewhere)
            || self.reach.with_auditor
            || self.policy
            || self.whole_consumer
    }
}

/// Removes auditor consumers that an earlier run left; its events say so.
fn remove_left(ready: &Ready, store: &Store, run: RunOptions<'_>) -> Result<()> {
    remove_left_behind(ready, store, &run_info(COMMAND), run)?;
    Ok(())
}

/// What the store can help with; `None` where it has no such grant.
fn with(context: &Context, args: &Args, store: &Store) -> Result<Option<Exit>> {
    let (filter, by) = (args.filters.filter(), args.filters.by);
    let expired = !args.dry_run && needs_passwords(store, &filter)?;
    let needs = |admin| Needs {
        admin,
        grant_passwords: if expired {
            Passwords::All
        } else {
            Passwords::Nobody
        },
        ..Needs::default()
    };
    let mut ready = context.ready(needs(false))?;
    let revocation = match Revocation::new(&ready, store, &filter) {
        Err(StartError::Grant(GrantChoiceError::NoSuchGrant { .. })) => return Ok(None),
        revocation => revocation?,
    };
    let grants = revocation.grants();
    if grants.is_empty() && revocation.revoked_before().is_empty() {
        return Ok(None);
    }
    revocation
        .revoked_before()
        .iter()
        .for_each(|told| term::note(told));
    if args.dry_run {
        tell(context, by, grants)?;
        return Ok(Some(Exit::Done));
    }
    if let Some(trouble) = revocation.refusal(context.consumers()?, args.force) {
        return Err(trouble.into());
    }
    if !grants.is_empty() {
        for grant in &grants {
            let GrantEntry {
                id,
                server,
                user,
                consumer,
                ..
            } = grant;
            term::note(&format!(
                "will revoke grant {id} of `{user}` for `{}` on `{server}`",
                consumer.as_deref().unwrap_or_default()
            ));
        }
        if filter.ids.is_empty() && args.reach.sources.is_empty() {
            term::note(
                "only grants of the store are looked at; `--with-auditor` and `--source` look on the servers too",
            );
        }
        let question = format!("Revoke {}?", counted(grants.len(), "grant"));
        context.terminal.confirm(&question)?;
    }
    let progress = Progress::new(context);
    let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
    let run = progress.run(&sink);
    if !left_behind(&ready, store)?.is_empty() {
        ready = context.ready(needs(true))?;
        remove_left(&ready, store, run)?;
    }
    let revocation = Revocation::new(&ready, store, &filter)?;
    let report = revocation.carry_out(&run_info(COMMAND), run)?;
    progress.finish();
    let report = RevocationReport {
        failed: report.failed,
        ..of_store(report.grants)
    };
    show(context, &report, by, NO_GRANTS)?;
    if progress.interrupted() {
        interrupt::tell();
        return Ok(Some(Exit::Interrupted));
    }
    Ok(Some(of_revocation(&report).into()))
}

/// A report of grants of the store.
fn of_store(grants: Vec<GrantEntry>) -> RevocationReport {
    let way = Some(Way::Token);
    let revoked = |grant| RevokedGrant { grant, way };
    RevocationReport::new(grants.into_iter().map(revoked).collect())
}

/// What would be revoked.
fn tell(context: &Context, by: Option<By>, grants: Vec<GrantEntry>) -> Result<()> {
    let output = &context.output;
    let report = of_store(grants);
    if output.format() == Format::Ndjson {
        let mut grants = report.grants.iter();
        grants.try_for_each(|grant| output.event("grant", grant))?;
    }
    show(context, &report, by, NO_GRANTS)?;
    term::note("nothing was revoked: this was a dry run");
    Ok(())
}
