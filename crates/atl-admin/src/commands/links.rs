//! `links`

mod adopt;
mod delete;

use atl_fleet::{
    Needs, Ready, Status,
    links::{LinkEntry, ServerLinks, list},
};
use serde_json::{Value, json};

use crate::{
    context::Context,
    error::{Error, Result, tell},
    exit::Exit,
    flags::Format,
    output::Column,
    progress::{self, Progress},
    term,
};

const COLUMNS: [Column; 13] = [
    Column::new("server", "SERVER"),
    Column::new("id", "ID"),
    Column::new("type_id", "TYPE"),
    Column::new("name", "NAME"),
    Column::new("rpc_url", "APPLICATION URL"),
    Column::new("consumer_key", "CONSUMER KEY"),
    Column::new("managed_as", "MANAGED AS"),
    Column::new("two_legged", "2LO"),
    Column::new("fingerprint", ""),
    Column::new("bits", ""),
    Column::new("callback", ""),
    Column::new("execute_as", ""),
    Column::new("auditor", ""),
];

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Commands {
    /// List all application links of the selected servers
    List,
    /// Show one application link of one server
    Show(Link),
    /// Create the link of one consumer on one server, as the fleet file has it
    Create,
    /// Delete one application link of one server
    #[command(after_help = "Example:\n  atl-admin links delete -s jira https://deploy.example.com")]
    Delete(delete::Args),
    /// Print what the fleet file needs to say for links that a server already has
    #[command(
        after_help = "What it prints goes below `consumers:` of the fleet file; the private keys are imported with \
                      `keys import`.\n\nExample:\n  atl-admin links adopt -s jira https://deploy.example.com > adopted.yaml"
    )]
    Adopt(adopt::Args),
}

/// Which link.
#[derive(Debug, clap::Args)]
pub struct Link {
    /// The link's id, application URL or name
    #[arg(value_name = "LINK")]
    pub link: String,
}

pub(crate) fn run(context: &Context, command: &Commands) -> Result<Exit> {
    match command {
        Commands::List => show_all(context),
        Commands::Show(link) => show(context, link),
        Commands::Create => create(context),
        Commands::Delete(args) => delete::run(context, args),
        Commands::Adopt(args) => adopt::run(context, args),
    }
}

/// Reads the links of the selected servers.
fn read(context: &Context) -> Result<(Ready, Vec<ServerLinks>)> {
    let ready = context.ready(Needs {
        admin: true,
        ..Needs::default()
    })?;
    let progress = Progress::new(context);
    let servers = list(&ready, progress.run(&|_| {}))?;
    progress.finish();
    Ok((ready, servers))
}

fn show_all(context: &Context) -> Result<Exit> {
    let (_, servers) = read(context)?;
    let output = &context.output;
    match output.format() {
        Format::Json | Format::Yaml => output.document(&json!({ "servers": servers }))?,
        Format::Ndjson => servers
            .iter()
            .try_for_each(|server| output.event("server", server))?,
        Format::Table | Format::Csv => {
            let rows: Vec<_> = servers
                .iter()
                .flat_map(|server| server.links.iter().map(|link| row(&server.server, link)))
                .collect();
            if rows.is_empty() && servers.iter().all(|server| server.error.is_none()) {
                term::note("these servers have no application links");
            }
            output.listing("links", "link", &COLUMNS, &rows)?;
            for server in &servers {
                if let Some(trouble) = &server.error {
                    tell(&server.server, trouble);
                }
                for entry in server.links.iter().filter(|entry| entry.auditor) {
                    tell_auditor(&server.server, entry);
                }
            }
        }
    }
    Ok(exit_of(&servers))
}

/// Says of a link that it is no ordinary one.
fn tell_auditor(server: &str, entry: &LinkEntry) {
    term::warn(&format!(
        "{server}: the link {} is that of an auditor consumer, which may act as any user\n\
         hint: a run that goes on now removes it at its end; otherwise run `atl-admin audit --remove-auditor -s {server}`",
        entry.link.id
    ));
}

/// A command that looks: 4 if all were refused, 3 if anything could not be looked at.
fn exit_of(servers: &[ServerLinks]) -> Exit {
    let all = |status| servers.iter().all(|server| server.status == status);
    if all(Status::Ok) {
        Exit::Done
    } else if all(Status::Refused) {
        Exit::Refused
    } else {
        Exit::Unreachable
    }
}

fn row(server: &str, entry: &LinkEntry) -> Value {
    let consumer = entry.consumer.as_ref();
    json!({
        "server": server,
        "id": entry.link.id,
        "type_id": entry.link.type_id,
        "name": entry.link.name,
        "rpc_url": entry.link.rpc_url,
        "display_url": entry.link.display_url,
        "primary": entry.link.primary,
        "system": entry.link.system,
        "managed_as": entry.managed_as,
        "auditor": entry.auditor,
        "consumer_key": consumer.map(|consumer| &consumer.key),
        "consumer_name": consumer.map(|consumer| &consumer.name),
        "description": consumer.and_then(|consumer| consumer.description.as_ref()),
        "callback": consumer.and_then(|consumer| consumer.callback.as_ref()),
        "fingerprint": consumer.and_then(|consumer| consumer.fingerprint.as_ref()),
        "bits": consumer.and_then(|consumer| consumer.bits),
        "two_legged": consumer.map(|consumer| match (consumer.two_legged, consumer.impersonation) {
            (_, true) => "impersonation",
            (true, false) => "on",
            (false, false) => "off",
        }),
        "execute_as": consumer.and_then(|consumer| consumer.execute_as.as_ref()),
    })
}

fn show(context: &Context, args: &Link) -> Result<Exit> {
    let formats = [Format::Table, Format::Json, Format::Yaml];
    context.output.one_of(&formats)?;
    let (_, servers) = read(context)?;
    let (server, links) = the_one(&servers)?;
    let entry = atl_fleet::links::find(server, links, &args.link)?;
    context.output.facts("link", &row(server, entry))?;
    Ok(Exit::Done)
}

/// The one selected server with its links.
fn the_one(servers: &[ServerLinks]) -> Result<(&str, &[LinkEntry])> {
    let [server] = servers else {
        return Err(not_one_server(servers.len()));
    };
    match &server.error {
        None => Ok((&server.server, &server.links)),
        Some(trouble) => Err(Error::from(trouble.clone())),
    }
}

/// One consumer on one server, exactly as `apply` makes it.
fn create(context: &Context) -> Result<Exit> {
    let consumer = context.one_consumer()?.to_owned();
    let servers = context.selected_servers()?;
    if servers.len() != 1 {
        return Err(not_one_server(servers.len()));
    }
    let selection = crate::cli::Selection {
        servers,
        consumers: vec![consumer],
    };
    super::apply::carry_out(
        context,
        "links create",
        &selection,
        progress::SETTLE,
        |ready| {
            (
                super::apply::Permissions::default().options(context, ready),
                None,
            )
        },
    )
}

/// The usage error of a command for one server.
pub(crate) fn not_one_server(number: usize) -> Error {
    Error::usage(format!(
        "this command needs exactly one server, and {number} are selected"
    ))
    .hint("select it with `--server NAME`")
}
