//! The planner: what is wanted, what was observed and what is known go in, changes and refusals come out. No I/O.

mod removal;
mod two_legged;

use serde_json::Value;

pub(crate) use removal::shared_key;
use removal::{delete_link, plan_absent, refuse_prune};
use two_legged::plan_two_legged;
pub(crate) use two_legged::{refuse_unrestorable, two_legged_of, unrestorable};

use crate::{
    choose::{Held, Wanted, choose, public_key_of},
    kept::Kept,
    known::{FileKeys, Known},
    observe::{Observed, ObservedConsumer, Probe},
    plan::{Action, Change, Field, Kind, PlanOptions, ServerPlan, Status},
    trouble::Trouble,
    wanted::{Consumer, ReadyServer, State},
};

/// Plans one server. A refusal concerns one consumer; the others are planned all the same.
pub(crate) fn plan_server(
    server: &ReadyServer,
    consumers: &[&Consumer],
    observed: &Observed,
    known: &Known,
    files: &FileKeys,
    options: &PlanOptions,
) -> ServerPlan {
    let name = &server.config.name;
    let url = server.config.base_url.as_str();
    let mut plan = ServerPlan {
        server: name.clone(),
        product: Some(observed.product),
        version: Some(observed.version.clone()),
        status: Status::Ok,
        error: None,
        observed: Some(observed.digest()),
        changes: Vec::new(),
    };
    for consumer in consumers {
        let Some(seen) = observed.consumers.get(&consumer.name) else {
            continue;
        };
        let context = Context {
            server: name,
            server_url: url,
            seen,
            known,
            files,
            options,
        };
        match context.plan(consumer) {
            Ok(changes) => plan.changes.extend(changes),
            Err(trouble) => {
                plan.note(&trouble);
                let mut change = context.change(consumer, Kind::Consumer, Action::None, Vec::new());
                change.error = Some(trouble);
                plan.changes.push(change);
            }
        }
    }
    for made in &observed.unnamed {
        let kills = known.living_grants(url, &made.consumer_key);
        let mut change = delete_link(&made.consumer, &made.link.id, kills);
        if let Some(trouble) = refuse_prune(name, made, options) {
            plan.note(&trouble);
            change.action = Action::None;
            change.kills_grants = 0;
            change.error = Some(trouble);
        }
        plan.changes.push(change);
    }
    plan
}

/// What the plan for one consumer on one server depends on.
pub(crate) struct Context<'a> {
    pub(crate) server: &'a str,
    pub(crate) server_url: &'a str,
    pub(crate) seen: &'a ObservedConsumer,
    pub(crate) known: &'a Known,
    pub(crate) files: &'a FileKeys,
    pub(crate) options: &'a PlanOptions,
}

impl Context<'_> {
    /// Plans one consumer, or refuses.
    pub(crate) fn plan(&self, consumer: &Consumer) -> Result<Vec<Change>, Trouble> {
        match consumer.state {
            State::Present => plan_present(consumer, self),
            State::Absent => plan_absent(consumer, self),
        }
    }

    fn kept(&self, consumer: &Consumer) -> Option<Kept> {
        let link = self.seen.link.as_ref()?;
        self.known.kept(&consumer.name, self.server_url, &link.id)
    }

    fn change(
        &self,
        consumer: &Consumer,
        kind: Kind,
        action: Action,
        fields: Vec<Field>,
    ) -> Change {
        let link_id = self.seen.link.as_ref().map_or_else(
            || atl_applinks::link_id(&consumer.url),
            |link| link.id.clone(),
        );
        Change {
            fields,
            ..Change::new(kind, action, &consumer.name, link_id)
        }
    }
}

fn plan_present(consumer: &Consumer, context: &Context<'_>) -> Result<Vec<Change>, Trouble> {
    let seen = context.seen;
    refuse_retired(consumer, context)?;
    refuse_link(consumer, context)?;
    if seen.ours(consumer).is_none() {
        refuse_owned_key(consumer, context)?;
    }
    let held = Held::of(seen.consumer.as_ref(), &consumer.key);
    let wanted = choose(
        consumer,
        context.server_url,
        &held,
        context.known,
        context.files,
        context.options.replace_keys,
    );
    if let Wanted::Stranger(fingerprint) = &wanted {
        return Err(unknown_key(
            consumer,
            context.server,
            fingerprint.as_ref().map(ToString::to_string),
        ));
    }
    let mut changes = vec![plan_link(consumer, context)];
    let fields = consumer_fields(consumer, seen, &held, &wanted);
    let action = match (&seen.consumer, fields.is_empty()) {
        (None, _) => Action::Create,
        (Some(_), true) => Action::None,
        (Some(_), false) => Action::Update,
    };
    let mut change = context.change(consumer, Kind::Consumer, action, fields);
    if change.replaces_consumer() {
        change.kills_grants_complete = false;
        let removed = seen
            .consumer
            .as_ref()
            .map_or("", |entry| entry.key.as_str());
        change.kills_grants = context.known.living_grants(context.server_url, removed);
        if let Some(other) = seen.shared_with.as_ref().filter(|_| !context.options.force) {
            return Err(shared_key(context.server, removed, other));
        }
    }
    if action == Action::None {
        match &seen.probe {
            Probe::Accepted => change.verified = Some(true),
            Probe::Refused { trouble, .. } => {
                change.verified = Some(false);
                change.error = Some(trouble.clone());
            }
            Probe::Unknown => {
                change.verified = Some(false);
                change.error = Some(stale_consumer(consumer, context.server));
            }
            Probe::NotAsked => {}
        }
    }
    changes.push(change);
    changes.extend(plan_two_legged(consumer, context)?);
    let puts = changes
        .iter()
        .any(|change| change.kind != Kind::Link && change.is_change());
    if puts {
        refuse_unrestorable(consumer, context)?;
    }
    Ok(changes)
}

/// A consumer key that was retired for another one is not made again because the fleet file still names it.
fn refuse_retired(consumer: &Consumer, context: &Context<'_>) -> Result<(), Trouble> {
    let name = &consumer.name;
    let succession = context.known.succession(name, context.server_url);
    match succession {
        Some(succession) if context.seen.link.is_none() && succession.succeeds(consumer) => {
            Err(Trouble::own(
                "retired",
                format!(
                    "the consumer key `{}` of `{name}` on `{}` was retired; `{}` has taken its place",
                    succession.consumer_key, context.server, succession.new_key
                ),
                format!(
                    "write `key: {}` and `url: {}` under `{name}` in the fleet file",
                    succession.new_key, succession.new_url
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// A link at our URL that is not ours to touch, or one that moved away from it.
fn refuse_link(consumer: &Consumer, context: &Context<'_>) -> Result<(), Trouble> {
    let Context {
        server,
        seen,
        options,
        ..
    } = context;
    if let Some(link) = &seen.relocated {
        return Err(Trouble::own(
            "relocated",
            format!(
                "the id computed from `{}` belongs on `{server}` to the link `{}`, whose application URL is now `{}`",
                consumer.url,
                link.name,
                link.rpc_url.as_deref().unwrap_or("none")
            ),
            "set `url` of this consumer to the link's present application URL, or relocate or delete that link on the server",
        ));
    }
    let Some(link) = &seen.link else {
        return Ok(());
    };
    if link.system || link.type_id != "generic" {
        return Err(Trouble::own(
            "foreign_link",
            format!(
                "the link `{}` at `{}` on `{server}` is of type `{}`, not a generic one",
                link.name, consumer.url, link.type_id
            ),
            "give the consumer an application URL of its own in the fleet file",
        ));
    }
    match &seen.consumer {
        Some(other) if other.key != consumer.key && !options.replace_consumer => Err(Trouble::own(
            "foreign_consumer",
            format!(
                "the link `{}` at `{}` on `{server}` carries the consumer key `{}`, not `{}`",
                link.name, consumer.url, other.key, consumer.key
            ),
            "if that consumer may go, with every token it was granted, run again with `--replace-consumer`; otherwise correct `key` or `url` in the fleet file",
        )),
        _ => Ok(()),
    }
}

/// cli.md 4.6: the server would silently take the key over, live tokens and all.
fn refuse_owned_key(consumer: &Consumer, context: &Context<'_>) -> Result<(), Trouble> {
    let Context { server, seen, .. } = context;
    match &seen.probe {
        Probe::Unknown => Ok(()),
        Probe::Refused { trouble, .. } if !seen.probe.shows_the_consumer() => Err(trouble.clone()),
        Probe::NotAsked => Err(Trouble::own(
            "not_asked",
            format!(
                "`{server}` was not asked whether it knows the consumer key `{}`",
                consumer.key
            ),
            "run again; if it happens again, report it",
        )),
        Probe::Accepted | Probe::Refused { .. } => {
            let owner = seen.owner.as_ref().map_or_else(
                || "by no link (an orphan of a link that was deleted or changed)".to_owned(),
                |name| format!("by the link `{name}`"),
            );
            Err(Trouble::own(
                "consumer_key_taken",
                format!(
                    "the consumer key `{}` exists on `{server}` already, owned {owner}",
                    consumer.key
                ),
                "choose another `key` for this consumer, or remove the other consumer on the server first; registering it here would take its tokens over",
            ))
        }
    }
}

pub(crate) fn unknown_key(
    consumer: &Consumer,
    server: &str,
    fingerprint: Option<String>,
) -> Trouble {
    let held = fingerprint.unwrap_or_else(|| "a public key that could not be read".to_owned());
    Trouble::own(
        "unknown_key",
        format!(
            "`{server}` holds {held} for consumer `{}`, and its private half is not in the store",
            consumer.name
        ),
        format!(
            "use the store that has it (`--store`), or import the private key with `atl-admin keys import FILE --consumer {}`; \
             `--replace-keys` registers another key, and everything that signs with the present one stops working",
            consumer.name
        ),
    )
}

fn stale_consumer(consumer: &Consumer, server: &str) -> Trouble {
    Trouble::own(
        "consumer_key_unknown",
        format!(
            "`{server}` lists the consumer key `{}` on our link but does not know it when a call is signed with it",
            consumer.key
        ),
        "another cluster node may answer from a stale cache, or another link that shared the key was deleted: wait a minute and run again; if it stays so, delete the link and apply again",
    )
}

fn plan_link(consumer: &Consumer, context: &Context<'_>) -> Change {
    match &context.seen.link {
        None => context.change(
            consumer,
            Kind::Link,
            Action::Create,
            vec![
                Field::new("name", None, Value::from(consumer.display_name.as_str())),
                Field::new("url", None, Value::from(consumer.url.as_str())),
            ],
        ),
        Some(link) if strip(&link.display_url) != strip(&consumer.url) => context.change(
            consumer,
            Kind::Link,
            Action::Update,
            vec![Field::new(
                "display_url",
                Value::from(link.display_url.as_str()),
                Value::from(consumer.url.as_str()),
            )],
        ),
        Some(_) => context.change(consumer, Kind::Link, Action::None, Vec::new()),
    }
}

/// An address without its trailing slashes, as the servers store it.
pub(crate) fn strip(url: &str) -> &str {
    url.trim_end_matches('/')
}

fn consumer_fields(
    consumer: &Consumer,
    seen: &ObservedConsumer,
    held: &Held,
    wanted: &Wanted,
) -> Vec<Field> {
    let mut fields = Vec::new();
    let before = seen.consumer.as_ref();
    let mut text = |path: &str, has: Option<&str>, wants: Option<&str>| {
        let (has, wants) = (
            has.filter(|text| !text.is_empty()),
            wants.filter(|text| !text.is_empty()),
        );
        if has != wants {
            fields.push(Field::new(
                path,
                has.map(Value::from),
                wants.map(Value::from),
            ));
        }
    };
    text(
        "key",
        before.map(|entry| entry.key.as_str()),
        Some(&consumer.key),
    );
    text(
        "name",
        before.map(|entry| entry.name.as_str()),
        Some(&consumer.display_name),
    );
    text(
        "description",
        before.and_then(|entry| entry.description.as_deref()),
        consumer.description.as_deref(),
    );
    let callback = before.and_then(|entry| entry.callback.as_deref());
    if !same_callback(consumer, seen, callback) {
        text("callback", callback, consumer.callback.as_deref());
    }
    let has = before.and_then(|entry| match held {
        Held::Key(Some(fingerprint)) => Some(fingerprint.to_string()),
        // A key of another consumer, or one that is no key: shown by what the server prints.
        Held::Key(None) => Some("unreadable".to_owned()),
        Held::Nothing => public_key_of(entry).map(|key| key.fingerprint().to_string()),
    });
    match wanted {
        Wanted::Key { fingerprint, .. } if has.as_deref() != Some(fingerprint.as_str()) => {
            fields.push(Field::new(
                "public_key",
                has.map(Value::from),
                Value::from(fingerprint.to_string()),
            ));
        }
        Wanted::Made => {
            let field = Field::new("public_key", has.map(Value::from), None);
            fields.push(Field {
                known_after_apply: true,
                ..field
            });
        }
        Wanted::Key { .. } | Wanted::Stranger(_) => {}
    }
    fields
}

/// The admin form, the only way to set an executing user, appends `/` to the callback (protocol.md 1.11).
fn same_callback(consumer: &Consumer, seen: &ObservedConsumer, has: Option<&str>) -> bool {
    let through_form = consumer
        .two_legged
        .as_ref()
        .is_some_and(|two| two.execute_as.is_some())
        || seen
            .consumer
            .as_ref()
            .is_some_and(|entry| entry.executing_two_lo_user.is_some());
    through_form
        && has
            .zip(consumer.callback.as_deref())
            .is_some_and(|(has, wants)| has.strip_suffix('/') == Some(wants))
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
