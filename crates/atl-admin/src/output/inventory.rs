//! What sources could see, and grants counted.

use std::collections::BTreeMap;

use atl_fleet::Trouble;
use atl_tokens::{Coverage, GrantEntry, GrantStatus};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Column;
use crate::{
    context::Context,
    error::{Result, tell},
    files::Target,
    flags::Format,
    term,
};

/// What grants are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Who gave them
    User,
    /// Who they were given to
    Consumer,
    /// Where
    Server,
}

impl By {
    fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Consumer => "consumer",
            Self::Server => "server",
        }
    }

    fn of(self, grant: &GrantEntry) -> String {
        match self {
            Self::User => grant.user.clone(),
            Self::Server => grant.server.clone(),
            Self::Consumer => consumer_of(grant).unwrap_or_else(|| "(none)".to_owned()),
        }
    }
}

/// Who a grant was given to, in the best words there are for it.
pub(crate) fn consumer_of(grant: &GrantEntry) -> Option<String> {
    let names = [
        &grant.consumer,
        &grant.consumer_key,
        &grant.consumer_name,
        &grant.name,
    ];
    names.into_iter().flatten().next().cloned()
}

/// Grants counted by group and status.
pub(crate) struct Counts {
    by: By,
    groups: BTreeMap<String, BTreeMap<GrantStatus, u64>>,
}

impl Counts {
    /// Those of grants that are at hand.
    pub(crate) fn of<'g>(by: By, grants: impl IntoIterator<Item = &'g GrantEntry>) -> Self {
        let mut counts = Self::new(by);
        grants.into_iter().for_each(|grant| counts.add(grant));
        counts
    }

    pub(crate) fn new(by: By) -> Self {
        Self {
            by,
            groups: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, grant: &GrantEntry) {
        let group = self.groups.entry(self.by.of(grant)).or_default();
        *group.entry(grant.status).or_default() += 1;
    }

    /// What there is to show of each group.
    pub(crate) fn columns(&self) -> [Column; 6] {
        let heading = match self.by {
            By::User => "USER",
            By::Consumer => "CONSUMER",
            By::Server => "SERVER",
        };
        [
            Column::new(self.by.key(), heading),
            Column::new("grants", "GRANTS"),
            Column::new("active", "ACTIVE"),
            Column::new("expired", "EXPIRED"),
            Column::new("rejected", "REJECTED"),
            Column::new("unknown", "UNKNOWN"),
        ]
    }

    /// One row a group.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let key = self.by.key();
        self.groups
            .iter()
            .map(|(name, counts)| {
                let count = |status| counts.get(&status).copied().unwrap_or_default();
                json!({
                    key: name,
                    "grants": counts.values().sum::<u64>(),
                    "active": count(GrantStatus::Active),
                    "expired": count(GrantStatus::Expired),
                    "rejected": count(GrantStatus::Rejected),
                    "unknown": count(GrantStatus::Unknown),
                })
            })
            .collect()
    }

    /// How many grants there are.
    pub(crate) fn total(&self) -> u64 {
        self.groups.values().flat_map(BTreeMap::values).sum()
    }

    /// Prints them with what could be seen; gives how many grants there are.
    pub(crate) fn show(&self, context: &Context, coverage: &[Coverage]) -> Result<u64> {
        self.print(context, &[("coverage", json!(coverage))])?;
        tell_coverage(context, coverage)?;
        Ok(self.total())
    }

    /// Prints them; where the output is one document, with these fields. Of NDJSON they were printed while the run went
    /// on, and what else has no place for them says them in another way.
    pub(crate) fn print(&self, context: &Context, more: &[(&str, Value)]) -> Result<()> {
        let (output, rows) = (&context.output, self.rows());
        match output.format() {
            Format::Json | Format::Yaml => {
                let mut document = json!({ "groups": rows });
                for (name, value) in more {
                    document[*name] = value.clone();
                }
                output.document(&document)
            }
            Format::Ndjson | Format::Csv | Format::Table => {
                output.listing("groups", "group", &self.columns(), &rows)
            }
        }
    }
}

/// Says for people what could be seen and what not: below a table, and on stderr where stdout has another form. What
/// could not be looked at is an error.
pub(crate) fn tell_coverage(context: &Context, coverage: &[Coverage]) -> Result<()> {
    if context.output.format() == Format::Table {
        context.output.text("\n")?;
        show_coverage(context, coverage)?;
    }
    tell_unseen(context, coverage);
    Ok(())
}

/// The table of what could be seen.
pub(crate) fn show_coverage(context: &Context, coverage: &[Coverage]) -> Result<()> {
    let columns = [
        Column::new("server", "SERVER"),
        Column::new("source", "SOURCE"),
        Column::new("seen", "SEEN"),
        Column::new("note", "NOTE"),
    ];
    let rows: Vec<Value> = coverage
        .iter()
        .map(|line| {
            let seen = match (line.complete, &line.gap) {
                (true, _) => "all",
                (false, None) => "part",
                (false, Some(_)) => "not all that was asked for",
            };
            json!({ "server": line.server, "source": line.source, "seen": seen, "note": line.note })
        })
        .collect();
    context
        .output
        .listing("coverage", "coverage", &columns, &rows)
}

/// Keeps the pages that were not understood, without their secrets, where only this user can read them.
fn keep_pages(context: &Context, coverage: &[Coverage]) {
    for line in coverage {
        let Some(page) = &line.page else {
            continue;
        };
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%S");
        let name = format!("page-{}-{now}.html", line.server);
        let kept = context.private_folder().and_then(|folder| {
            let target = Target::new(&folder.join(name), true)?;
            target.write_secret(page.as_str().as_bytes())?;
            Ok(target.path().display().to_string())
        });
        match kept {
            Ok(path) => term::note(&format!(
                "{}: the page that was not understood was kept, without its secrets, in `{path}`",
                line.server
            )),
            Err(error) => term::warn(&format!(
                "{}: the page that was not understood could not be kept: {}",
                line.server,
                error.message()
            )),
        }
    }
}

/// Says on stderr what stdout has no place for.
pub(crate) fn tell_unseen(context: &Context, coverage: &[Coverage]) {
    keep_pages(context, coverage);
    match context.output.format() {
        Format::Csv => coverage.iter().for_each(|line| {
            let source = serde_json::to_value(line.source).unwrap_or_default();
            term::note(&format!(
                "{}: {}: {}",
                line.server,
                source.as_str().unwrap_or_default(),
                line.note
            ));
        }),
        Format::Table => {}
        Format::Json | Format::Ndjson | Format::Yaml => return,
    }
    // What keeps several sources of a server from being looked at is said once.
    let mut told = Vec::new();
    for line in coverage {
        if let Some(gap) = &line.gap
            && !told.contains(&(&line.server, gap))
        {
            tell(&line.server, &Trouble::from(gap));
            told.push((&line.server, gap));
        }
    }
}
