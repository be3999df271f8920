//! `links adopt`

use atl_fleet::{
    adopt,
    links::{ServerLinks, find},
};
use serde_json::{Map, Value, json};

use super::{exit_of, read};
use crate::{
    context::Context,
    error::{Error, Result, tell},
    exit::Exit,
    flags::Format,
    term,
};

/// The arguments of `links adopt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the link with this id, application URL or name
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context
        .output
        .fixed(&[Format::Table, Format::Yaml, Format::Json])?;
    let (_, mut servers) = read(context)?;
    for server in &servers {
        if let Some(trouble) = &server.error {
            tell(&server.server, trouble);
        }
    }
    if let Some(wanted) = &args.link {
        only(&mut servers, wanted)?;
    }
    let adopted = adopt(&servers);
    for consumer in &adopted {
        let key = consumer
            .fingerprint
            .as_deref()
            .unwrap_or("a key that could not be read");
        term::note(&format!(
            "`{0}` is registered with {key}: import its private key with `atl-admin keys import FILE --consumer {0}` \
             before you apply",
            consumer.name
        ));
    }
    if adopted.is_empty() {
        term::note(
            "there is no generic link with an incoming consumer that the fleet file does not name",
        );
    } else {
        let consumers: Map<String, Value> = adopted
            .into_iter()
            .map(|consumer| (consumer.name, consumer.entry))
            .collect();
        let document = json!({ "consumers": consumers });
        if context.output.format() == Format::Json {
            context.output.document(&document)?;
        } else {
            let text = serde_yaml::to_string(&document).map_err(|error| {
                Error::failed("the entries could not be written").caused_by(Some(&error))
            })?;
            context.output.text(&text)?;
        }
    }
    Ok(exit_of(&servers))
}

/// Leaves only the link that is wanted, which at least one server must have.
fn only(servers: &mut [ServerLinks], wanted: &str) -> Result<()> {
    let mut missing = None;
    let mut found = false;
    for server in servers {
        match find(&server.server, &server.links, wanted) {
            Ok(entry) => {
                server.links = vec![entry.clone()];
                found = true;
            }
            Err(trouble) => {
                server.links.clear();
                missing = missing.or(Some(trouble).filter(|_| server.error.is_none()));
            }
        }
    }
    match missing {
        Some(trouble) if !found => Err(trouble.into()),
        _ => Ok(()),
    }
}
