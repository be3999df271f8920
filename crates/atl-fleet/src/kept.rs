//! What a write resets, written down before the write: an open step of the journal until it is put back (cli.md 4.7,
//! 4.9). A kill or a failure in between then loses nothing, since the next run finds the step open.

use std::collections::BTreeMap;

use atl_applinks::Provider;
use atl_store::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    execute::Work,
    recover,
    trouble::Trouble,
    wanted::{Consumer, TwoLegged},
};

/// The journal's word for it.
pub(crate) const ACTION: &str = "keep two-legged OAuth";

/// The settings of outgoing OAuth that are journalled: none is a secret (protocol.md 1.6).
const SETTINGS: [&str; 4] = [
    "consumerKey.outbound",
    "serviceProvider.requestTokenUrl",
    "serviceProvider.accessTokenUrl",
    "serviceProvider.authorizeUrl",
];

/// What a consumer and its link had before a write that resets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The link.
    pub(crate) link_id: String,
    /// Two-legged OAuth.
    pub(crate) two_legged: TwoLegged,
    /// The settings of outgoing OAuth, by provider class.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, BTreeMap<String, String>>,
}

impl Kept {
    /// What there is to lose; `None` where it is nothing.
    pub(crate) fn of(
        link_id: &str,
        two_legged: &TwoLegged,
        providers: &[Provider],
    ) -> Option<Self> {
        let kept = Self::all(link_id, two_legged, providers);
        let nothing = kept.two_legged == TwoLegged::default() && kept.providers.is_empty();
        (!nothing).then_some(kept)
    }

    /// What there is, be it nothing to lose.
    pub(crate) fn all(link_id: &str, two_legged: &TwoLegged, providers: &[Provider]) -> Self {
        Self {
            link_id: link_id.to_owned(),
            two_legged: two_legged.clone(),
            providers: providers
                .iter()
                .map(|provider| (provider.class.clone(), settings(provider)))
                .filter(|(_, settings)| !settings.is_empty())
                .collect(),
        }
    }

    /// Reads the detail of a journal step.
    pub(crate) fn read(detail: &Value) -> Option<Self> {
        serde_json::from_value(detail.clone()).ok()
    }

    /// The classes whose settings are not there now.
    pub(crate) fn lost(&self, now: &[Provider]) -> Vec<String> {
        self.providers
            .iter()
            .filter(|(class, kept)| {
                now.iter()
                    .find(|provider| provider.class == **class)
                    .is_none_or(|provider| settings(provider) != **kept)
            })
            .map(|(class, _)| class.clone())
            .collect()
    }

    /// The providers as they were: what is there now, with the settings that were lost.
    pub(crate) fn restore(&self, now: Vec<Provider>) -> Vec<Provider> {
        let lost = self.lost(&now);
        let mut providers: Vec<_> = now
            .into_iter()
            .filter(|provider| !lost.contains(&provider.class))
            .collect();
        for class in lost {
            let config = self.providers.get(&class).into_iter().flatten();
            providers.push(Provider {
                config: config
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                class,
            });
        }
        providers
    }
}

fn settings(provider: &Provider) -> BTreeMap<String, String> {
    provider
        .config
        .iter()
        .filter(|(name, _)| SETTINGS.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// What two-legged OAuth is to be: what the fleet file says, else what it was. An executing user that the file does
/// not mention is kept.
pub(crate) fn target(file: Option<&TwoLegged>, was: &TwoLegged) -> TwoLegged {
    match file {
        None => was.clone(),
        Some(wants) if !wants.enabled => TwoLegged::default(),
        Some(wants) => TwoLegged {
            execute_as: wants.execute_as.clone().or_else(|| was.execute_as.clone()),
            ..wants.clone()
        },
    }
}

/// Everything is as it was, or as the fleet file wants it: there is nothing left to put back.
pub(crate) fn close(
    work: &Work<'_>,
    consumer: &Consumer,
    outcome: &Outcome,
) -> Result<(), Trouble> {
    for row in recover::open(work, &consumer.name)? {
        if row.step.action == ACTION {
            work.execute.store.finish(row.id, outcome)?;
        }
    }
    Ok(())
}
