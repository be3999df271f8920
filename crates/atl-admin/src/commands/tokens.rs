//! `tokens`

pub(crate) mod filters;
mod import;
mod list;
pub(crate) mod reach;
mod renew;
mod revoke;
mod sql;
mod verify;

use atl_fleet::{GrantReport, StartError, grants::GrantChoiceError};
use filters::Filters;

use crate::{context::Context, error::Result, exit::Exit, output::grants::show};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Commands {
    /// List who granted what to whom, from all sources that the fleet file permits
    #[command(
        after_help = "Grants come from the store, the page of the account that signs in, the REST API for personal access \
                      tokens, the database that the fleet file names, an imported export, and with `--with-auditor` every \
                      user's own page; one that several sources saw is listed once. The coverage says what each could \
                      see.\n\nExit codes: 4 where every server refused, 3 where something that was asked for could not \
                      be looked at, else 0.\n\nExamples:\n  atl-admin tokens list\n  \
                      atl-admin tokens list --source store --expires-in 30d --sort expires\n  \
                      atl-admin tokens list --with-auditor --user alice\n  atl-admin tokens list --by consumer"
    )]
    List(list::Args),
    /// Ask the servers about grants of the store, with one signed call each
    #[command(
        after_help = "Records what the servers say. Exit codes: 10 where a grant has expired or is rejected, 3 where one \
                      could not be asked about, 4 where every call was refused, else 0.\n\nExamples:\n  \
                      atl-admin tokens verify\n  atl-admin tokens verify -s jira --user alice -o json"
    )]
    Verify(verify::Args),
    /// Renew grants of the store by their session handles
    #[command(
        after_help = "A renewed grant has a new token and a new id, and the old token is dead at once. Without filters every \
                      grant of the selected servers and consumers is renewed; with `--expires-in` those that expire later \
                      are left alone, which is success. A grant that has expired can be renewed while its session \
                      lasts.\n\nExamples:\n  atl-admin tokens renew --expires-in 30d\n  \
                      atl-admin tokens renew -s jira --user svc-deploy"
    )]
    Renew(renew::Args),
    /// Revoke grants on their servers: those of the store, and with more flags those of anybody
    #[command(
        after_help = "Shows what it would do, then asks. At least one id, filter, `--server` or `--consumer` says which \
                      grants. A grant of the store revokes itself; one that has expired signs nothing any more, and is \
                      revoked as its user where the fleet file has the password. A grant that is gone already is \
                      success.\n\nWhere the store has no such grant, and with `--source`, `--with-auditor`, `--policy` or \
                      `--whole-consumer`, grants are looked for as `tokens list` does, and each is revoked by the way that \
                      needs least: with its own token, on the page of the account that signs in, over the REST API for \
                      personal access tokens, or as its user through an auditor consumer (`--with-auditor`). Each is \
                      looked for again afterwards. What no way leads to is listed in the end, with the reason; \
                      docs/audit.md says more.\n\nExamples:\n  \
                      atl-admin tokens revoke 0a1b2c3d4e5f\n  \
                      atl-admin tokens revoke --user alice --with-auditor --dry-run\n  \
                      atl-admin tokens revoke --policy --with-auditor\n  \
                      atl-admin tokens revoke -s jira --older-than 365d --yes"
    )]
    Revoke(revoke::Args),
    /// Print the query that exports the grants of a server's database
    #[command(
        after_help = "For databases that this tool does not read itself. The query only reads, and selects a digest of each \
                      token, computed by the database, never the token; its comments say how to run it and save what it \
                      gives as CSV. Those for PostgreSQL and MariaDB are tried on real servers, those for Oracle and SQL \
                      Server are not. How Confluence keeps grants is inferred.\n\nExample:\n  \
                      atl-admin tokens sql --product jira --db oracle > jira.sql"
    )]
    Sql(sql::Args),
    /// Import the grants that were exported from a server's database
    #[command(
        after_help = "Reads the CSV that the query of `tokens sql` gives, for the one server of `--server`, and keeps it in the \
                      store in the place of the former import of that server: `tokens list --source export` and `audit` \
                      then see what was in it. A file is imported whole or not at all. One with a column of tokens, or with \
                      anything but a digest where a digest should be, is refused. Which product the server is says the \
                      fleet file (`product:`), else the server.\n\nExamples:\n  \
                      atl-admin tokens import grants.csv -s jira\n  \
                      mysql --batch jira < jira.sql | atl-admin tokens import - -s jira"
    )]
    Import(import::Args),
}

pub(crate) fn run(context: &Context, command: &Commands) -> Result<Exit> {
    match command {
        Commands::List(args) => list::run(context, args),
        Commands::Verify(args) => verify::run(context, args),
        Commands::Renew(args) => renew::run(context, args),
        Commands::Revoke(args) => revoke::run(context, args),
        Commands::Sql(args) => sql::run(context, args),
        Commands::Import(args) => import::run(context, args),
    }
}

/// There is no store, so no grant is what was asked for.
fn nothing(context: &Context, filters: &Filters) -> Result<Exit> {
    if let Some(id) = filters.ids.first() {
        let id = id.clone();
        return Err(StartError::from(GrantChoiceError::NoSuchGrant { id }).into());
    }
    show(
        context,
        &GrantReport::new(Vec::new(), Vec::new()),
        filters.by,
    )?;
    Ok(Exit::Done)
}
