//! Setting two-legged OAuth, and putting back what writing it resets (protocol.md 1.7, 1.12; cli.md 4.9).

use atl_applinks::{Applinks, ApplinksError, Flags, Matrix, NewConsumer, Provider};
use serde_json::json;

use crate::{
    event::Event,
    execute::Work,
    kept::{Kept, target},
    planner::two_legged_of,
    settle::Try,
    trouble::Trouble,
    wanted::{Consumer, TwoLegged},
};

/// What a link had before a write that resets it.
pub(crate) struct Before {
    /// Two-legged OAuth of the consumer.
    pub(crate) two_legged: TwoLegged,
    matrix: Option<Matrix>,
    /// The outgoing providers.
    pub(crate) providers: Vec<Provider>,
}

impl Before {
    /// Reads consumer, matrix and outgoing providers. What an earlier run had and could not put back takes precedence.
    pub(crate) fn read(
        applinks: &Applinks<'_>,
        link_id: &str,
        entry: Option<&atl_applinks::Consumer>,
        kept: Option<&Kept>,
    ) -> Result<Self, Trouble> {
        let matrix = matrix_of(applinks, link_id)?;
        let mut providers = match matrix {
            Some(matrix) => outgoing_providers(applinks, link_id, matrix)?,
            None => Vec::new(),
        };
        let mut two_legged = two_legged_of(entry, matrix.as_ref().filter(|_| entry.is_some()));
        if let Some(kept) = kept {
            providers = kept.restore(providers);
            two_legged = kept.two_legged.clone();
        }
        Ok(Self {
            two_legged,
            matrix,
            providers,
        })
    }

    /// A link made a moment ago has nothing to lose.
    pub(crate) fn nothing() -> Self {
        Self {
            two_legged: TwoLegged::default(),
            matrix: None,
            providers: Vec::new(),
        }
    }
}

/// The outgoing providers. Where nothing goes out, a server without this resource has none to lose.
fn outgoing_providers(
    applinks: &Applinks<'_>,
    link_id: &str,
    matrix: Matrix,
) -> Result<Vec<Provider>, ApplinksError> {
    match applinks.providers(link_id) {
        Err(error)
            if matrix.outgoing == Flags::default()
                && matches!(error.code(), "no_such_link" | "not_found") =>
        {
            Ok(Vec::new())
        }
        read => read,
    }
}

/// The matrix of a link; `None` where the server has none.
pub(crate) fn matrix_of(
    applinks: &Applinks<'_>,
    link_id: &str,
) -> Result<Option<Matrix>, ApplinksError> {
    if !applinks.has_matrix() {
        return Ok(None);
    }
    match applinks.matrix(link_id) {
        Ok(matrix) => Ok(Some(matrix)),
        Err(ApplinksError::NoMatrix { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn now(applinks: &Applinks<'_>, link_id: &str) -> Result<(TwoLegged, Option<Matrix>), Trouble> {
    let entry = applinks.consumer(link_id)?;
    let matrix = matrix_of(applinks, link_id)?;
    Ok((two_legged_of(entry.as_ref(), matrix.as_ref()), matrix))
}

/// Whether what is there is what is to be; the user of calls that are off does not matter, nor does its case.
pub(crate) fn same(has: &TwoLegged, wants: &TwoLegged) -> bool {
    (has.enabled, has.impersonation) == (wants.enabled, wants.impersonation)
        && (!wants.enabled || same_user(has, wants))
}

/// Whether the executing user is the wanted one; none is wanted where none is named.
pub(crate) fn same_user(has: &TwoLegged, wants: &TwoLegged) -> bool {
    wants.execute_as.as_deref().is_none_or(|wants| {
        has.execute_as
            .as_deref()
            .is_some_and(|has| has.eq_ignore_ascii_case(wants))
    })
}

/// What a PUT resets and only a system administrator can put back: where the server does not say whether we are one, it
/// is tried before anything is lost. An executing user goes through the admin form together with the consumer, all or
/// nothing, and is returned; for impersonation the matrix is written as it is.
pub(crate) fn try_rights(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    before: &Before,
) -> Result<Option<TwoLegged>, Trouble> {
    let wants = target(consumer.two_legged.as_ref(), &before.two_legged);
    if !(before.two_legged.enabled && wants.enabled) {
        return Ok(None);
    }
    if wants.execute_as.is_some() {
        return Ok(Some(wants));
    }
    let needs_rights = |matrix: &Matrix| {
        matrix.incoming.two_lo_impersonation || matrix.outgoing.two_lo_impersonation
    };
    if let Some(matrix) = before.matrix.filter(needs_rights) {
        work.journal.write(
            &consumer.name,
            "two-legged OAuth",
            json!({ "link_id": link_id, "enabled": true, "impersonation": matrix.incoming.two_lo_impersonation }),
            || work.applinks.put_matrix(link_id, &matrix),
            || Ok(work.applinks.matrix(link_id)?.incoming == matrix.incoming),
        )?;
    }
    Ok(None)
}

/// Makes two-legged OAuth what it is to be, puts the outgoing side back, and reads back what was written. The consumer
/// is registered already. Where two-legged OAuth is off and is to be off, nothing is written and one look is enough:
/// registering switches it off, so a node that learns late could only say that it is still on.
pub(crate) fn set(
    work: &Work<'_>,
    consumer: &Consumer,
    registered: &NewConsumer,
    link_id: &str,
    before: &Before,
) -> Result<(), Trouble> {
    let applinks = work.applinks;
    let mut wants = target(consumer.two_legged.as_ref(), &before.two_legged);
    let (mut has, mut matrix) = now(applinks, link_id)?;
    let is_off = !has.enabled && !has.impersonation && !wants.enabled && !wants.impersonation;
    if let Some(user) = wants.execute_as.clone().filter(|_| wants.enabled)
        && !same_user(&has, &wants)
    {
        let form = work.journal.write(
            &consumer.name,
            "executing user",
            json!({ "link_id": link_id, "execute_as": user, "impersonation": wants.impersonation }),
            || applinks.save_form(link_id, registered, true, Some(&user), wants.impersonation),
            || Ok(same(&now(applinks, link_id)?.0, &wants)),
        );
        match form {
            // `--force` accepts the loss of a user that the file does not ask for (cli.md 4.9).
            Err(trouble)
                if trouble.code == "needs_system_administrator"
                    && work.execute.options.force
                    && consumer
                        .two_legged
                        .as_ref()
                        .is_none_or(|file| file.execute_as.is_none()) =>
            {
                wants.execute_as = None;
                wants.impersonation = false;
            }
            other => other?,
        }
        (has, matrix) = now(applinks, link_id)?;
    }
    if (has.enabled, has.impersonation) != (wants.enabled, wants.impersonation) {
        let Some(matrix) = matrix else {
            return Err(Trouble::own(
                "two_legged_unsupported",
                format!(
                    "two-legged OAuth of `{}` on `{}` could not be set: this server has no REST for it",
                    consumer.name, work.journal.server
                ),
                "set it by hand in the server's admin pages",
            ));
        };
        let outgoing = before
            .matrix
            .map_or(matrix.outgoing, |matrix| matrix.outgoing);
        let incoming = Flags {
            enabled: true,
            two_lo: wants.enabled,
            two_lo_impersonation: wants.impersonation,
        };
        let wanted = Matrix { incoming, outgoing };
        work.journal.write(
            &consumer.name,
            "two-legged OAuth",
            json!({ "link_id": link_id, "enabled": wants.enabled, "impersonation": wants.impersonation }),
            || applinks.put_matrix(link_id, &wanted),
            || Ok(applinks.matrix(link_id)?.incoming == incoming),
        )?;
    }
    put_providers_back(work, consumer, link_id, before)?;
    if is_off {
        return Ok(());
    }
    read_back(work, consumer, link_id, &wants)
}

/// Writing the matrix re-registers outgoing providers with an empty configuration.
fn put_providers_back(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    before: &Before,
) -> Result<(), Trouble> {
    if before.providers.is_empty() {
        return Ok(());
    }
    let applinks = work.applinks;
    let now = applinks.providers(link_id)?;
    for provider in before
        .providers
        .iter()
        .filter(|provider| !now.contains(provider))
    {
        work.journal.write(
            &consumer.name,
            "outgoing provider",
            json!({ "link_id": link_id, "provider": provider.class }),
            || applinks.put_provider(link_id, provider),
            || Ok(applinks.providers(link_id)?.contains(provider)),
        )?;
    }
    Ok(())
}

/// Reads two-legged OAuth back; what is not as it is to be is an error that names it.
fn read_back(
    work: &Work<'_>,
    consumer: &Consumer,
    link_id: &str,
    wants: &TwoLegged,
) -> Result<(), Trouble> {
    work.settle(|| match now(work.applinks, link_id) {
        Ok((has, _)) if same(&has, wants) => Try::Done(()),
        Ok((has, _)) => Try::NotYet(Trouble::own(
            "read_back",
            format!(
                "two-legged OAuth of `{}` on `{}` was to be {} and reads back as {}",
                consumer.name,
                work.journal.server,
                describe(wants),
                describe(&has)
            ),
            "look at the link in the server's admin pages, then run again",
        )),
        Err(trouble) => Try::Never(trouble),
    })
}

/// What `--force` accepted the loss of is told, once it is lost.
pub(crate) fn tell_loss(work: &Work<'_>, consumer: &Consumer, link_id: &str, before: &Before) {
    let was = &before.two_legged;
    if !work.execute.options.force || was.execute_as.is_none() {
        return;
    }
    let is = match now(work.applinks, link_id) {
        Ok((is, _)) if same(&is, was) => return,
        Ok((is, _)) => describe(&is),
        Err(trouble) => format!("not known: {}", trouble.message),
    };
    let message = format!(
        "the registration reset two-legged OAuth, which was {}; it is {is} now: a system administrator can set it in the \
         server's admin pages",
        describe(was)
    );
    (work.execute.sink)(&Event::Warning {
        server: work.journal.server,
        consumer: &consumer.name,
        message: &message,
    });
}

fn describe(two: &TwoLegged) -> String {
    let user = two
        .execute_as
        .as_deref()
        .map_or_else(String::new, |user| format!(" as `{user}`"));
    match (two.enabled, two.impersonation) {
        (false, _) => "off".to_owned(),
        (true, false) => format!("on{user}"),
        (true, true) => format!("on{user} with impersonation"),
    }
}
