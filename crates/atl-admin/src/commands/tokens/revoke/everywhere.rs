//! Revocation of what all sources show, each grant by the way that leads to it.

use atl_fleet::{
    Needs, Passwords, Ready,
    grants::{
        Asked, Everywhere, GrantFilter, Means, RevocationReport, RevokedGrant, needs_passwords,
    },
    inventory::{self, Ask, Inventory},
    of_looking, of_revocation,
};
use atl_store::Store;

use super::{Args, COMMAND, remove_left};
use crate::{
    context::{Context, run_info},
    error::{Error, Result},
    exit::Exit,
    flags::Format,
    interrupt,
    output::{counted, inventory::consumer_of, revocation::show},
    progress::Progress,
    term,
};

const NO_GRANTS: &str = "no such grants were found; the coverage says where none could be seen";

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let (filter, by) = (args.filters.filter(), args.filters.by);
    let ask = args.reach.ask(context, &filter.users)?;
    // An auditor consumer is in the journal before it is on a server.
    let store = match (args.dry_run, ask.auditor) {
        (true, _) => context.store_to_look_at()?,
        (false, true) => Some(context.store(COMMAND)?),
        (false, false) => context.store_if_any(COMMAND)?,
    };
    let asked = Asked::of(store.as_ref(), &filter)?;
    asked.before.iter().for_each(|told| term::note(told));
    let Some(filter) = asked.filter else {
        show(context, &RevocationReport::new(Vec::new()), by, NO_GRANTS)?;
        return Ok(Exit::Done);
    };
    let ready = context.ready(needs(args, &ask, store.as_ref(), &filter)?)?;
    let policies = |consumer: &atl_fleet::Consumer| consumer.policy.max_grant_age.is_some();
    if args.policy && !ready.consumers.iter().any(policies) {
        return Err(
            Error::usage("no selected consumer of the fleet file has `policy.max_grant_age`")
                .hint("give it to the consumers, such as `policy: { max_grant_age: 90d }`, or use `--older-than`"),
        );
    }
    Run {
        context,
        args,
        ready: &ready,
        filter: &filter,
        ask: &ask,
    }
    .run(store)
}

/// What of the fleet file it needs: to write to a server, the administrator.
fn needs(args: &Args, ask: &Ask, store: Option<&Store>, filter: &GrantFilter) -> Result<Needs> {
    let expired = match store {
        Some(store) if !args.dry_run && !ask.auditor => needs_passwords(store, filter)?,
        _ => false,
    };
    let asks = ask.needs();
    Ok(Needs {
        admin: asks.admin || !args.dry_run,
        grant_passwords: if expired {
            Passwords::All
        } else {
            Passwords::Nobody
        },
        ..asks
    })
}

struct Run<'a> {
    context: &'a Context,
    args: &'a Args,
    ready: &'a Ready,
    filter: &'a GrantFilter,
    ask: &'a Ask,
}

impl Run<'_> {
    fn run(&self, store: Option<Store>) -> Result<Exit> {
        let Self { context, args, .. } = self;
        let progress = Progress::new(context);
        let sink = |event: &atl_fleet::Event<'_>| progress.take(event);
        let run = progress.run(&sink);
        let info = run_info(COMMAND);
        if let Some(store) = &store
            && !args.dry_run
        {
            remove_left(self.ready, store, run)?;
        }
        let ask = Ask {
            auditor: self.ask.auditor && !args.dry_run,
            ..self.ask.clone()
        };
        let every = GrantFilter {
            limit: None,
            ..self.filter.clone()
        };
        let inventory = inventory::gather(self.ready, store.as_ref(), &ask, &every, &info, run)?;
        progress.finish();
        if progress.interrupted() {
            interrupt::tell();
            return Ok(Exit::Interrupted);
        }
        let means = Means {
            auditor: self.ask.auditor,
            whole_consumer: args.whole_consumer,
            policy: args.policy,
            limit: self.filter.limit,
        };
        let everywhere = Everywhere::new(self.ready, store.as_ref(), &inventory, means)?;
        let by = self.args.filters.by;
        if args.dry_run {
            return self.tell(&everywhere, &inventory);
        }
        self.ask_first(&everywhere)?;
        let nothing = everywhere.grants().is_empty();
        let store = match store {
            Some(store) => store,
            None if nothing => {
                show(context, &everywhere.report(), by, NO_GRANTS)?;
                return Ok(of_revocation(&everywhere.report()).into());
            }
            None => context.store(COMMAND)?,
        };
        let report = everywhere.carry_out(&store, &info, run)?;
        progress.finish();
        show(context, &report, by, NO_GRANTS)?;
        if progress.interrupted() {
            interrupt::tell();
            return Ok(Exit::Interrupted);
        }
        Ok(of_revocation(&report).into())
    }

    /// Says what would be done, and asks once; what ends grants that nobody chose is asked for itself.
    fn ask_first(&self, everywhere: &Everywhere<'_>) -> Result<()> {
        let Self {
            context, filter, ..
        } = self;
        let named = !(filter.ids.is_empty()
            && filter.users.is_empty()
            && filter.consumer_keys.is_empty()
            && context.consumers()?.is_empty());
        if let Some(trouble) = everywhere.refusal(named, self.args.force) {
            return Err(trouble.into());
        }
        let grants = everywhere.grants();
        let (reached, others): (Vec<_>, Vec<_>) =
            grants.iter().partition(|revoked| revoked.way.is_some());
        for revoked in &reached {
            let how = revoked.way.map_or("", |way| way.describe());
            term::note(&format!("will revoke {} {how}", which(revoked)));
        }
        for revoked in others {
            term::note(&format!("cannot revoke {}", which(revoked)));
        }
        if !reached.is_empty() {
            let question = format!("Revoke {}?", counted(reached.len(), "grant"));
            context.terminal.confirm(&question)?;
        }
        for consequence in everywhere.consequences() {
            let question = format!(
                "Remove consumer `{}` from `{}` and register it again, which ends {} of {}, at least?",
                consequence.consumer_key,
                consequence.server,
                counted(consequence.grants, "grant"),
                counted(consequence.users, "user"),
            );
            context.terminal.confirm(&question)?;
        }
        Ok(())
    }

    /// What would be revoked, and how.
    fn tell(&self, everywhere: &Everywhere<'_>, inventory: &Inventory) -> Result<Exit> {
        let output = &self.context.output;
        let report = everywhere.report();
        if output.format() == Format::Ndjson {
            let mut grants = report.grants.iter();
            grants.try_for_each(|grant| output.event("grant", grant))?;
            let mut failed = report.failed.iter();
            failed.try_for_each(|failed| output.event("grant_failed", failed))?;
        }
        show(self.context, &report, self.args.filters.by, NO_GRANTS)?;
        if self.ask.auditor {
            term::note(
                "no auditor consumer was set up, so grants that only their users' own pages show are not listed",
            );
        }
        term::note("nothing was revoked: this was a dry run");
        Ok(of_looking(inventory.statuses(), false).into())
    }
}

/// A grant in words.
fn which(revoked: &RevokedGrant) -> String {
    let grant = &revoked.grant;
    let consumer = consumer_of(grant);
    format!(
        "grant {} of `{}` for `{}` on `{}`",
        grant.id,
        grant.user,
        consumer.unwrap_or_default(),
        grant.server
    )
}
