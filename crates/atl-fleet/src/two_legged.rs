//! Setting two-legged OAuth, and putting back what writing it resets (protocol.md 1.7, 1.12; cli.md 4.9).

use atl_applinks::{Applinks, Flags, Matrix, NewConsumer, Provider};
use serde_json::json;

use crate::{
    planner::two_legged_of,
    step::Journal,
    trouble::Trouble,
    wanted::{Consumer, TwoLegged},
};

/// What a link had before a write that resets it.
pub(crate) struct Before {
    /// Two-legged OAuth of the consumer.
    pub(crate) two_legged: TwoLegged,
    matrix: Option<Matrix>,
    providers: Vec<Provider>,
}

impl Before {
    /// Reads consumer, matrix and outgoing providers.
    pub(crate) fn read(
        applinks: &Applinks<'_>,
        link_id: &str,
        entry: Option<&atl_applinks::Consumer>,
    ) -> Result<Self, Trouble> {
        let matrix = applinks
            .has_matrix()
            .then(|| applinks.matrix(link_id))
            .transpose()?;
        let providers = if matrix.is_some() {
            applinks.providers(link_id)?
        } else {
            Vec::new()
        };
        let two_legged = two_legged_of(entry, matrix.as_ref().filter(|_| entry.is_some()));
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

    /// What two-legged OAuth is to be afterwards: what the fleet file says, else what it was. An executing user that
    /// the file does not mention is kept.
    pub(crate) fn target(&self, consumer: &Consumer) -> TwoLegged {
        let Some(wants) = &consumer.two_legged else {
            return self.two_legged.clone();
        };
        if !wants.enabled {
            return TwoLegged::default();
        }
        let execute_as = wants
            .execute_as
            .clone()
            .or_else(|| self.two_legged.execute_as.clone());
        TwoLegged {
            execute_as,
            ..wants.clone()
        }
    }
}

/// Makes two-legged OAuth what it is to be and puts the outgoing side back. The consumer is registered already.
pub(crate) fn set(
    applinks: &Applinks<'_>,
    journal: &Journal<'_>,
    consumer: &Consumer,
    registered: &NewConsumer,
    link_id: &str,
    before: &Before,
) -> Result<(), Trouble> {
    let target = before.target(consumer);
    let entry = applinks.consumer(link_id)?;
    let matrix = applinks
        .has_matrix()
        .then(|| applinks.matrix(link_id))
        .transpose()?;
    let has = two_legged_of(entry.as_ref(), matrix.as_ref());
    if let Some(user) = target.execute_as.as_deref().filter(|_| target.enabled)
        && has != target
    {
        journal.write(
            &consumer.name,
            "executing user",
            json!({ "link_id": link_id, "execute_as": user, "impersonation": target.impersonation }),
            || applinks.save_form(link_id, registered, true, Some(user), target.impersonation),
            || Ok(two_legged_of(applinks.consumer(link_id)?.as_ref(), None) == target),
        )?;
    } else if (has.enabled, has.impersonation) != (target.enabled, target.impersonation) {
        let Some(matrix) = matrix else {
            return Err(Trouble::own(
                "two_legged_unsupported",
                format!(
                    "two-legged OAuth of `{}` on `{}` could not be set: this server has no REST for it",
                    consumer.name, journal.server
                ),
                "set it by hand in the server's admin pages",
            ));
        };
        let outgoing = before
            .matrix
            .map_or(matrix.outgoing, |matrix| matrix.outgoing);
        let incoming = Flags {
            enabled: true,
            two_lo: target.enabled,
            two_lo_impersonation: target.impersonation,
        };
        let wanted = Matrix { incoming, outgoing };
        journal.write(
            &consumer.name,
            "two-legged OAuth",
            json!({ "link_id": link_id, "enabled": target.enabled, "impersonation": target.impersonation }),
            || applinks.put_matrix(link_id, &wanted),
            || Ok(applinks.matrix(link_id)?.incoming == incoming),
        )?;
    }
    put_providers_back(applinks, journal, consumer, link_id, before)
}

/// Writing the matrix re-registers outgoing providers with an empty configuration.
fn put_providers_back(
    applinks: &Applinks<'_>,
    journal: &Journal<'_>,
    consumer: &Consumer,
    link_id: &str,
    before: &Before,
) -> Result<(), Trouble> {
    if before.providers.is_empty() {
        return Ok(());
    }
    let now = applinks.providers(link_id)?;
    for provider in before
        .providers
        .iter()
        .filter(|provider| !now.contains(provider))
    {
        journal.write(
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
pub(crate) fn read_back(
    applinks: &Applinks<'_>,
    server: &str,
    consumer: &Consumer,
    link_id: &str,
    before: &Before,
) -> Result<(), Trouble> {
    let target = before.target(consumer);
    let entry = applinks.consumer(link_id)?;
    let matrix = applinks
        .has_matrix()
        .then(|| applinks.matrix(link_id))
        .transpose()?;
    let has = two_legged_of(entry.as_ref(), matrix.as_ref());
    let same_user =
        !target.enabled || target.execute_as.is_none() || has.execute_as == target.execute_as;
    if (has.enabled, has.impersonation) == (target.enabled, target.impersonation) && same_user {
        return Ok(());
    }
    Err(Trouble::own(
        "read_back",
        format!(
            "two-legged OAuth of `{}` on `{server}` was to be {} and reads back as {}",
            consumer.name,
            describe(&target),
            describe(&has)
        ),
        "look at the link in the server's admin pages, then run again",
    ))
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
