//! Auditor consumers that a run left behind, by the journal and by what the server lists.

use atl_oauth::knows_consumer;

use super::{Check, Checks};
use crate::{
    auditor::{LeftAuditor, open_on, unlisted},
    observe::Observed,
    trouble::Trouble,
};

const CHECK: &str = "auditor";

impl Checks<'_> {
    /// One that is on the server fails, whoever set it up. Where the journal has one open that is not there any more, only
    /// the journal is behind.
    pub(super) fn auditor(&mut self, observed: Option<&Observed>) {
        let server = self.client.server();
        let url = self.client.base_url().as_str();
        let mut left = open_on(&self.look.known.open_steps, server, url);
        let Some(observed) = observed else {
            let open = left.iter().map(|left| {
                let why = "and the links of this server could not be read";
                Check::skip(
                    CHECK,
                    format!("{} is open in the journal, {why}", named(left)),
                )
            });
            self.done.extend(open.take(1));
            return;
        };
        let unknown = unlisted(server, &observed.auditors, &left);
        left.extend(unknown);
        let findings: Vec<_> = left
            .iter()
            .map(|left| self.one_auditor(left, observed))
            .collect();
        self.done.push(if findings.is_empty() {
            Check::pass(CHECK, "no auditor consumer was left on this server")
        } else {
            Check::all(CHECK, &findings)
        });
    }

    fn one_auditor(&self, left: &LeftAuditor, observed: &Observed) -> Check {
        let server = self.client.server();
        let is_listed = observed.auditors.iter().any(|link| left.is_on(link));
        let is_there = if is_listed {
            Ok(true)
        } else {
            knows_consumer(self.client, &left.consumer_key)
        };
        let advice = format!("`atl-admin audit --remove-auditor -s {server}`");
        match is_there {
            Ok(true) => Check::fail(
                CHECK,
                &Trouble::own(
                    "auditor_left",
                    format!(
                        "{} is on the server and may act as any user; a run that goes on now removes it at its end",
                        named(left)
                    ),
                    format!("where no such run goes on, remove it with {advice}"),
                ),
            ),
            Ok(false) => Check::warn(
                CHECK,
                format!(
                    "{} is gone from the server, and open in the journal",
                    named(left)
                ),
                format!("the next `apply` closes it, and so does {advice}"),
            ),
            Err(error) => Check::fail(CHECK, &error.into()),
        }
    }
}

/// What it is called, and who set it up.
fn named(left: &LeftAuditor) -> String {
    let key = &left.consumer_key;
    match &left.begun {
        Some(begun) => format!("the auditor consumer `{key}`, which {begun} set up,"),
        None => format!("the auditor consumer `{key}`, which another store or machine set up,"),
    }
}
