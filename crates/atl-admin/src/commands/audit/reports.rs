//! The files of `--html`, `--sarif` and `--junit`.

use std::{
    fmt,
    io::{self, Read as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use atl_fleet::{
    audit::{Findings, Reported},
    inventory::Inventory,
};
use atl_tokens::GrantEntry;

use crate::{
    error::{Error, Result},
    files::Target,
    report::{Report, Rows, html, junit, sarif},
};

/// Where the audit is written to, beside what is printed.
#[derive(Debug, Default, clap::Args)]
pub struct ReportFlags {
    /// Write the audit to a self-contained web page, for people
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the findings as SARIF 2.1.0, for code scanning services
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Write the findings as JUnit's XML, for continuous integration
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// A kind of report.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Html,
    Sarif,
    Junit,
}

impl Kind {
    /// What one that this program wrote has near its beginning.
    fn mark(self) -> &'static str {
        match self {
            Self::Html => "<meta name=\"generator\" content=\"atl-admin ",
            Self::Sarif => "\"driver\":{\"name\":\"atl-admin\"",
            Self::Junit => "<testsuites name=\"atl-admin audit\"",
        }
    }

    fn write(self, report: &Report<'_>, to: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Html => html(report, to),
            Self::Sarif => sarif(report, to),
            Self::Junit => junit(report, to),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML report",
            Self::Sarif => "a SARIF report",
            Self::Junit => "a JUnit report",
        })
    }
}

/// The files that were asked for, before anything is done for them.
#[derive(Debug)]
pub(super) struct ReportFiles(Vec<(Kind, Target)>);

impl ReportFiles {
    /// Checks that each can be written, and that nothing else than an older report of its kind is in its place.
    pub(super) fn new(flags: &ReportFlags) -> Result<Self> {
        let named = [
            (Kind::Html, &flags.html),
            (Kind::Sarif, &flags.sarif),
            (Kind::Junit, &flags.junit),
        ];
        let mut files: Vec<(Kind, Target)> = Vec::new();
        for (kind, path) in named {
            let Some(path) = path else { continue };
            if let Some((other, _)) = files.iter().find(|(_, file)| file.path() == path) {
                let path = path.display();
                return Err(
                    Error::usage(format!("`{path}` cannot be {other} and {kind}"))
                        .hint("name two files"),
                );
            }
            let replaces = path.is_file();
            if replaces && !begins_with(path, kind.mark())? {
                let path = path.display();
                return Err(Error::failed(format!(
                    "`{path}` is not {kind} of this program, and is not overwritten"
                ))
                .hint("name another file, or move this one away first"));
            }
            files.push((kind, Target::new(path, replaces)?));
        }
        Ok(Self(files))
    }

    /// Writes them, readable for their owner only, since they name people; each appears whole or not at all.
    pub(super) fn write(&self, report: &Report<'_>) -> Result<()> {
        self.0.iter().try_for_each(|(kind, target)| {
            target.write_secret_with(&mut |to| kind.write(report, to))
        })
    }
}

/// Whether a file has this text near its beginning, or nothing at all.
fn begins_with(path: &Path, mark: &str) -> Result<bool> {
    let file = fs_err::File::open(path).map_err(|error| Error::io(&error))?;
    let mut head = Vec::new();
    file.take(1024)
        .read_to_end(&mut head)
        .map_err(|error| Error::path("read", path, &error))?;
    Ok(head.is_empty() || String::from_utf8_lossy(&head).contains(mark))
}

/// The findings that nobody accepted.
pub(super) struct New<'a>(pub(super) &'a Findings);

impl Rows<Reported> for New<'_> {
    fn each(&self, take: &mut dyn FnMut(&Reported) -> ControlFlow<()>) -> io::Result<()> {
        let read = self.0.each(&mut |reported| take(&reported));
        read.map_err(io::Error::other)
    }
}

/// The findings that somebody accepted.
pub(super) struct Accepted<'a>(pub(super) &'a Findings);

impl Rows<Reported> for Accepted<'_> {
    fn each(&self, take: &mut dyn FnMut(&Reported) -> ControlFlow<()>) -> io::Result<()> {
        let read = self.0.each_accepted(&mut |reported| take(&reported));
        read.map_err(io::Error::other)
    }
}

/// The grants that the filter lets through, whatever its limit.
pub(super) struct Grants<'a>(pub(super) &'a Inventory);

impl Rows<GrantEntry> for Grants<'_> {
    fn each(&self, take: &mut dyn FnMut(&GrantEntry) -> ControlFlow<()>) -> io::Result<()> {
        let read = self.0.matching(&mut |grant| take(&grant));
        read.map_err(io::Error::other)
    }
}
