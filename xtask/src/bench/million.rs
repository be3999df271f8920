//! A Jira whose database holds a million grants: listing them from there, and from an export of it.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, anyhow, ensure};
use atl_testbed::{Estate, Kind, Postgres, PostgresDatabase, ServerSpec};
use tempfile::TempDir;

use super::{
    process::{Taken, count, take},
    report::{aims_table, megabytes, seconds},
};
use crate::run::run;

const SERVER: &str = "jira";

/// What listing or importing is to take at most.
const TIME: Duration = Duration::from_secs(15);
const MEMORY: u64 = 150 * 1024 * 1024;

/// The lines of NDJSON that are no grants: where the run and the server begin and end, and the coverage.
const EVENTS: usize = 3;

/// The line before the values of a CSV.
const HEADING: usize = 1;

/// That of the one who only reads.
const PASSWORD: &str = "reads-only";

/// The Jira, with a folder to work on it from.
struct Jira<'a> {
    program: &'a Path,
    grants: u32,
    database: PostgresDatabase,
    /// Its database as a user who may do nothing but read its tables.
    url: String,
    folder: TempDir,
    /// What is in the fleet file. It is never asked.
    _estate: Estate,
}

impl<'a> Jira<'a> {
    /// Starts PostgreSQL and fills the tables.
    fn start(program: &'a Path, grants: u32) -> anyhow::Result<Self> {
        eprintln!("writing {grants} grants into a database");
        let estate = Estate::start(vec![ServerSpec::new(Kind::Jira)])?;
        let database = Postgres::shared().map_err(|why| anyhow!(why))?.database();
        estate.server(0).write_database(&database);
        database.fill_with(grants);
        let name = reader(&database);
        database.client().batch_execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
        ))?;
        let superuser = format!("atl:{}", database.password());
        let url = database
            .url()
            .replace(&superuser, &format!("{name}:{PASSWORD}"));
        let folder = tempfile::tempdir()?;
        let yaml = format!(
            "version: 1\nservers:\n  {SERVER}:\n    url: {}\n    product: jira\n    database: ${{env:JIRA_DB}}\n",
            estate.server(0).base_url()
        );
        fs_err::write(folder.path().join("fleet.yaml"), yaml)?;
        Ok(Self {
            program,
            grants,
            database,
            url,
            folder,
            _estate: estate,
        })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(self.program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("JIRA_DB", &self.url)
            .args(["--store", "sqlite:store.db"])
            .args(["--store-key", "file:store.key", "--no-input"])
            .args(line.split(' '));
        command
    }

    /// Lists the grants, and sees that each is there; a format has some lines more.
    fn list(&self, source: &str, format: &str, more: usize) -> anyhow::Result<Step> {
        let line = format!("tokens list --source {source} -o {format}");
        eprintln!("$ atl-admin {line}");
        let (lines, taken) = count(&mut self.command(&line))?;
        let grants = usize::try_from(self.grants)?;
        ensure!(
            lines == grants + more,
            "`{line}` printed {lines} lines in place of {grants} grants and {more} more"
        );
        Ok(Step { line, taken })
    }

    /// Writes what the printed query finds to a file, as its comment says.
    fn export(&self, file: &Path) -> anyhow::Result<()> {
        let (query, _) = take(&mut self.command("tokens sql --product jira --db postgres"))?;
        let queries = self.folder.path().join("export.sql");
        fs_err::write(&queries, query)?;
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--csv", "--file"])
            .arg(&queries)
            .env("PGOPTIONS", "-c default_transaction_read_only=on")
            .env("PGHOST", "localhost")
            .env("PGPORT", self.database.server().port().to_string())
            .env("PGDATABASE", self.database.name())
            .env("PGUSER", reader(&self.database))
            .env("PGPASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(fs_err::File::create(file)?.into_file());
        run(&mut psql)
    }
}

/// A command, and what it took.
struct Step {
    line: String,
    taken: Taken,
}

/// Lists so many grants from the database; the section of the report.
pub(super) fn database(program: &Path, grants: u32) -> anyhow::Result<String> {
    let jira = Jira::start(program, grants)?;
    let steps = [
        jira.list("database", "ndjson", EVENTS)?,
        jira.list("database", "csv", HEADING)?,
    ];
    let aims = steps.iter().map(|step| {
        aim(
            &format!("`{}`", step.line),
            step.taken.wall,
            step.taken.peak,
        )
    });
    Ok(format!(
        "{}\n### {grants} grants from a database\n\n\
         The database of a Jira in PostgreSQL {} on the same machine, read over the loopback interface as a user who may do \
         nothing but read its tables.\n\n{}",
        aims_table(aims),
        version(&jira.database)?,
        table(&steps),
    ))
}

/// Imports an export of so many grants and lists them; the section of the report.
pub(super) fn export(program: &Path, grants: u32) -> anyhow::Result<String> {
    let jira = Jira::start(program, grants)?;
    let file = jira.folder.path().join("grants.csv");
    jira.export(&file)?;
    let line = "tokens import grants.csv";
    eprintln!("$ atl-admin {line}");
    let (_, taken) = take(&mut jira.command(line))?;
    let import = Step {
        line: line.to_owned(),
        taken,
    };
    let list = jira.list("export", "ndjson", EVENTS)?;
    let both = import.taken.wall + list.taken.wall;
    let peak = import.taken.peak.max(list.taken.peak);
    let store = fs_err::metadata(jira.folder.path().join("store.db"))?.len();
    let (size, steps) = (fs_err::metadata(&file)?.len(), [import, list]);
    Ok(format!(
        "{}\n### {grants} grants from an export\n\n\
         What the query of `tokens sql --product jira --db postgres` finds in that database, {} of CSV; the store that it was \
         imported into has {}.\n\n{}",
        aims_table([aim("both", both, peak)]),
        megabytes(size),
        megabytes(store),
        table(&steps),
    ))
}

fn aim(what: &str, wall: Duration, peak: u64) -> (String, String, bool) {
    (
        format!(
            "{what}: under {} s and under {}",
            TIME.as_secs(),
            megabytes(MEMORY)
        ),
        format!("{}, {}", seconds(wall), megabytes(peak)),
        wall < TIME && peak < MEMORY,
    )
}

fn table(steps: &[Step]) -> String {
    let mut text = "| command | wall time | processor time | peak memory | processor time of all others, PostgreSQL among them |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for Step { line, taken } in steps {
        // Writing to a string does not fail.
        let _infallible = writeln!(
            text,
            "| `{line}` | {} | {} | {} | {} |",
            seconds(taken.wall),
            seconds(taken.cpu),
            megabytes(taken.peak),
            seconds(taken.others),
        );
    }
    text
}

/// Who may only read a database. Roles are the whole server's, so that each database has its own.
fn reader(database: &PostgresDatabase) -> String {
    format!("reader_of_{}", database.name())
}

fn version(database: &PostgresDatabase) -> anyhow::Result<String> {
    let row = database.client().query_one("SHOW server_version", &[])?;
    let version: String = row.try_get(0)?;
    let version = version.split(' ').next();
    Ok(version.context("PostgreSQL has no version")?.to_owned())
}
