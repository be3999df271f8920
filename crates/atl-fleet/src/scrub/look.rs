//! What is on a copy: every link with its consumer, and what an earlier run left unfinished.

use atl_applinks::{ApplicationLink, Applinks, ApplinksError, Consumer};
use atl_client::Client;

use super::{
    fate::{Fate, ScrubOptions, display_url, fate, named},
    record::Record,
};
use crate::{
    known::Known,
    planner::two_legged_of,
    trouble::Trouble,
    two_legged::matrix_of,
    wanted::{Ready, TwoLegged},
};

/// A link as it was found.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    pub(super) link: ApplicationLink,
    /// The application URL that it came along with; an earlier run may have re-pointed it since.
    pub(super) origin: String,
    /// Its consumer; where an earlier run took it away, the one that it had.
    pub(super) consumer: Option<Consumer>,
    pub(super) two_legged: TwoLegged,
    /// The classes of its outgoing providers, without their package.
    pub(super) outgoing: Vec<String>,
    /// The consumer of the fleet file that it is for.
    pub(super) named: Option<String>,
    pub(super) fate: Fate,
    pub(super) note: Option<String>,
    /// The display URL that it is to have.
    pub(super) display_url: String,
}

impl Copied {
    /// A link of which nothing more is known.
    pub(super) fn of(link: ApplicationLink) -> Self {
        Self {
            origin: link.rpc_url.clone().unwrap_or_default(),
            display_url: link.display_url.clone(),
            link,
            consumer: None,
            two_legged: TwoLegged::default(),
            outgoing: Vec::new(),
            named: None,
            fate: Fate::None,
            note: None,
        }
    }

    /// What the store's locks and the journal know it by.
    pub(super) fn called(&self) -> &str {
        self.named.as_deref().unwrap_or(&self.link.name)
    }

    /// The application URL that it is to have.
    pub(super) fn url(&self) -> &str {
        match &self.fate {
            Fate::Repoint { to } => to,
            _ => self.link.rpc_url.as_deref().unwrap_or_default(),
        }
    }

    pub(super) fn two_legged_word(&self) -> &'static str {
        match (self.two_legged.enabled, self.two_legged.impersonation) {
            (_, true) => "impersonation",
            (true, false) => "on",
            (false, false) => "off",
        }
    }
}

/// Reads every link and decides about it.
pub(super) fn look(
    client: &Client,
    ready: &Ready,
    known: &Known,
    options: &ScrubOptions,
) -> Result<Vec<Copied>, Trouble> {
    client.sign_in()?;
    let applinks = Applinks::open(client)?;
    let links = applinks.list()?;
    let records = Record::of(known, client.base_url().as_str());
    // The second half of a link that is being re-pointed, as long as the first is there, is no link of its own.
    let is_half = |link: &ApplicationLink| {
        records.iter().any(|record| {
            record.link_id != link.id
                && link.has_url(&record.url)
                && links.iter().any(|other| other.id == record.link_id)
        })
    };
    let mut copied = Vec::new();
    for link in links.iter().filter(|link| !is_half(link)) {
        let mut seen = Copied::of(link.clone());
        if !link.system {
            read(&applinks, &mut seen)?;
        }
        let record = records.iter().find(|record| record.is_of(link));
        if let Some(record) = record {
            seen.origin.clone_from(&record.origin);
            seen.link.name.clone_from(&record.name);
            if seen.consumer.is_none() {
                seen.consumer = Some(record.consumer());
                seen.two_legged = record.two_legged.clone();
            }
        }
        let key = seen.consumer.as_ref().map(|consumer| consumer.key.as_str());
        let named = named(&ready.consumers, client.server(), &seen.origin, key);
        seen.named = named.map(|consumer| consumer.name.clone());
        let taken = |url: &str| {
            let mut others = links.iter().filter(|other| other.id != link.id);
            others.any(|other| other.has_url(url) && !is_half(other))
        };
        (seen.fate, seen.note) = fate(&seen, options, taken);
        if let Fate::Repoint { to } = &seen.fate {
            seen.display_url = display_url(&seen, options, to);
        }
        copied.push(seen);
    }
    Ok(copied)
}

fn read(applinks: &Applinks<'_>, seen: &mut Copied) -> Result<(), Trouble> {
    let id = &seen.link.id;
    let matrix = matrix_of(applinks, id)?;
    seen.consumer = applinks.consumer(id)?;
    seen.two_legged = two_legged_of(
        seen.consumer.as_ref(),
        matrix.as_ref().filter(|_| seen.consumer.is_some()),
    );
    seen.outgoing = match applinks.providers(id) {
        Ok(providers) => providers
            .iter()
            .map(|provider| {
                let class = provider.class.as_str();
                class.rsplit('.').next().unwrap_or(class).to_owned()
            })
            .collect(),
        // An older server has no such resource, which says nothing about what goes out.
        Err(error) if is_absence(&error) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(())
}

fn is_absence(error: &ApplinksError) -> bool {
    matches!(error.code(), "no_such_link" | "not_found")
}
