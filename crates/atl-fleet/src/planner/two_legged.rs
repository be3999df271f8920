//! Planning two-legged OAuth, and refusing what could not be put back (cli.md 4.9; protocol.md 1.7, 1.12).

use atl_applinks::Matrix;
use serde_json::Value;

use super::Context;
use crate::{
    kept::target,
    plan::{Action, Change, Field, Kind},
    trouble::Trouble,
    two_legged::same_user,
    wanted::{Consumer, TwoLegged},
};

/// What two-legged OAuth is set to: by the matrix where it was read, else by the consumer's own entry.
pub(crate) fn two_legged_of(
    consumer: Option<&atl_applinks::Consumer>,
    matrix: Option<&Matrix>,
) -> TwoLegged {
    let entry = consumer.map_or((false, false), |entry| {
        (entry.two_lo_allowed, entry.two_lo_impersonation_allowed)
    });
    let (enabled, impersonation) = matrix.map_or(entry, |matrix| {
        (matrix.incoming.two_lo, matrix.incoming.two_lo_impersonation)
    });
    TwoLegged {
        enabled: enabled || impersonation,
        impersonation,
        execute_as: consumer
            .and_then(|entry| entry.executing_two_lo_user.clone())
            .filter(|user| !user.trim().is_empty()),
    }
}

/// The change to two-legged OAuth, where the fleet file or an unfinished run wants one.
pub(super) fn plan_two_legged(
    consumer: &Consumer,
    context: &Context<'_>,
) -> Result<Option<Change>, Trouble> {
    let kept = context.kept(consumer);
    let seen = context.seen;
    let has = has_now(consumer, context);
    let wants = match (&consumer.two_legged, &kept) {
        (None, None) => return Ok(None),
        // What is not named is as good as it was; the executor keeps it.
        (Some(wants), None) => wants.clone(),
        (file, Some(kept)) => target(file.as_ref(), &kept.two_legged),
    };
    let mut fields = Vec::new();
    let mut differs = |path: &str, before: Option<Value>, after: Value| {
        fields.push(Field::new(path, before, after));
    };
    if has.enabled != wants.enabled {
        differs("enabled", Some(has.enabled.into()), wants.enabled.into());
    }
    if has.impersonation != wants.impersonation {
        differs(
            "impersonation",
            Some(has.impersonation.into()),
            wants.impersonation.into(),
        );
    }
    if let Some(user) = wants.execute_as.as_deref().filter(|_| wants.enabled)
        && !same_user(&has, &wants)
    {
        differs(
            "execute_as",
            has.execute_as.clone().map(Value::from),
            user.into(),
        );
    }
    for class in &seen.lost_providers {
        differs("outgoing_provider", None, class.as_str().into());
    }
    if fields.is_empty() {
        let shown = wants.enabled && consumer.two_legged.is_some();
        return Ok(shown.then(|| context.change(consumer, Kind::TwoLegged, Action::None, fields)));
    }
    if !seen.has_matrix {
        return Err(Trouble::own(
            "two_legged_unsupported",
            format!(
                "`{}` has application links {}, and two-legged OAuth is set over REST from 5.2 on",
                context.server, seen.applinks_version
            ),
            "set it by hand in the server's admin pages and leave `two_legged` out of the fleet file, or take this server out of the consumer's `servers`",
        ));
    }
    let needs_system = wants.impersonation && !has.impersonation
        || fields.iter().any(|field| field.path == "execute_as");
    if needs_system && seen.system_administrator == Some(false) {
        return Err(Trouble::own(
            "system_administrator_needed",
            format!(
                "impersonation and an executing user can only be set by a system administrator of `{}`",
                context.server
            ),
            "sign in as a system administrator (`admin:` of this server), or leave `impersonation` and `execute_as` out",
        ));
    }
    let action = if has.enabled || !wants.enabled {
        Action::Update
    } else {
        Action::Create
    };
    Ok(Some(context.change(
        consumer,
        Kind::TwoLegged,
        action,
        fields,
    )))
}

/// What two-legged OAuth of our consumer is set to now.
fn has_now(consumer: &Consumer, context: &Context<'_>) -> TwoLegged {
    let seen = context.seen;
    let ours = seen.ours(consumer);
    two_legged_of(ours, seen.matrix.as_ref().filter(|_| ours.is_some()))
}

/// cli.md 4.9: what a write would reset and nobody could put back is refused before it.
pub(crate) fn refuse_unrestorable(
    consumer: &Consumer,
    context: &Context<'_>,
) -> Result<(), Trouble> {
    let seen = context.seen;
    if context.options.force {
        return Ok(());
    }
    let has = has_now(consumer, context);
    let stays = if has.enabled {
        target(consumer.two_legged.as_ref(), &has)
    } else {
        TwoLegged::default()
    };
    let outgoing = seen
        .matrix
        .filter(|_| has.enabled || consumer.two_legged.is_some())
        .is_some_and(|matrix| matrix.outgoing.two_lo_impersonation);
    let what = match &stays.execute_as {
        _ if !stays.enabled && !outgoing => return Ok(()),
        Some(user) if stays.enabled => format!("its two-legged calls run as `{user}`"),
        _ if stays.impersonation => "impersonation is on".to_owned(),
        _ if outgoing => "its outgoing side impersonates".to_owned(),
        _ if !seen.has_matrix => {
            return Err(Trouble::own(
                "executing_user",
                format!(
                    "changing consumer `{}` on `{}` resets two-legged OAuth, which is on without a user, and this server has no REST to put it back",
                    consumer.name, context.server
                ),
                "accept the loss with `--force` and set it again by hand",
            ));
        }
        _ => return Ok(()),
    };
    // Where the server does not tell our rights, the executor tries them before anything is lost.
    let can_be_tried = stays.execute_as.is_some() || seen.has_matrix;
    if seen.system_administrator.unwrap_or(can_be_tried) {
        return Ok(());
    }
    Err(unrestorable(&consumer.name, context.server, &what))
}

/// The refusal of a write that would lose what only a system administrator can put back.
pub(crate) fn unrestorable(consumer: &str, server: &str, what: &str) -> Trouble {
    Trouble::own(
        "executing_user",
        format!(
            "changing consumer `{consumer}` on `{server}` resets two-legged OAuth; {what}, which only a system administrator can put back"
        ),
        "sign in as a system administrator, or accept the loss with `--force` and set it again by hand",
    )
}
