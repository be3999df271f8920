//! `scrub`: on a copy of a server, what came along is listed, and then removed or re-pointed.

mod carry_out;
mod fate;
mod look;
mod other;
mod rebuild;
mod record;
mod report;

use atl_client::Client;
use atl_store::Store;

pub use fate::{Repoint, ScrubOptions};
pub use report::{NotReached, ScrubAction, ScrubReport, ScrubbedLink, Scrubbing};

use crate::{
    engine::{RunOptions, StartError, clients},
    known::Known,
    plan::Status,
    trouble::Trouble,
    wanted::{Ready, ReadyServer},
};
use look::Copied;
use other::Compared;

/// A copy that was looked at: what came along, and what is to become of it.
pub struct Scrub<'a> {
    ready: &'a Ready,
    client: Client,
    copied: Vec<Copied>,
    report: ScrubReport,
    name_needed: Option<String>,
}

/// Looks at the one server of `ready`, and compares it with all other servers of the fleet file, which are asked for
/// their manifests and nothing else. Writes neither servers nor store. What is wrong with the server is in the report.
///
/// # Errors
///
/// A server's configuration cannot work, or the store could not be read.
pub fn look_at_copy<'a>(
    ready: &'a Ready,
    fleet: &[ReadyServer],
    store: Option<&Store>,
    options: &ScrubOptions,
    run: RunOptions<'_>,
) -> Result<Option<Scrub<'a>>, StartError> {
    let [server] = ready.servers.as_slice() else {
        return Ok(None);
    };
    let known = Known::read(store)?;
    let client = clients([server])?.remove(0);
    let others: Vec<&ReadyServer> = fleet
        .iter()
        .filter(|other| other.config.name != server.config.name)
        .collect();
    let others = clients(others)?;
    let mut report = ScrubReport::new(client.server());
    let looked = other::same_address(&client, &others).and_then(|()| {
        client.manifest()?;
        let compared = other::compare(&client, &others, run)?;
        let copied = look::look(&client, ready, &known, options)?;
        Ok((compared, copied))
    });
    let (compared, copied) = match looked {
        Ok(looked) => looked,
        Err(trouble) => {
            client.sign_out();
            report.note(trouble);
            (Compared::default(), Vec::new())
        }
    };
    report.warnings = compared.warnings;
    report.links = copied
        .iter()
        .map(|copied| ScrubbedLink::new(copied, &known, client.base_url().as_str()))
        .collect();
    Ok(Some(Scrub {
        ready,
        client,
        copied,
        report,
        name_needed: compared.name_needed,
    }))
}

impl Scrub<'_> {
    /// What was found, and what is to become of it.
    pub fn report(&self) -> &ScrubReport {
        &self.report
    }

    /// Why a yes is not enough and the server's name must be typed, in one sentence; `None` where a yes is enough.
    pub fn name_needed(&self) -> Option<&str> {
        self.name_needed.as_deref()
    }

    /// Whether there is anything to write.
    pub fn has_work(&self) -> bool {
        self.report.status == Status::Ok
            && self.report.links.iter().any(ScrubbedLink::is_to_be_written)
    }

    /// The report of a run that only looked.
    pub fn only_looked(self) -> ScrubReport {
        self.client.sign_out();
        self.report
    }

    /// The report of a run that was not agreed to: nothing was done.
    pub fn give_up(self) -> ScrubReport {
        self.client.sign_out();
        let mut report = self.report;
        for link in report
            .links
            .iter_mut()
            .filter(|link| link.is_to_be_written())
        {
            link.result = Some(Scrubbing::Skipped);
        }
        report
    }
}

/// The server is not the one that was looked at any more, as far as this link is concerned.
fn moved_on(server: &str, name: &str) -> Trouble {
    Trouble::own(
        "moved_on",
        format!("the link `{name}` on `{server}` has changed since it was listed"),
        "somebody else works on this server: run again, and look at the list",
    )
}
