//! `links delete`

use atl_fleet::links::{One, find};

use super::{Link, read, the_one};
use crate::{
    context::{Context, run_info},
    error::Result,
    exit::Exit,
    progress::Progress,
    term,
};

/// The arguments of `links delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which link.
    #[command(flatten)]
    pub link: Link,
    /// Delete it although its consumer key is shared with another link
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let (ready, servers) = read(context)?;
    let (server, links) = the_one(&servers)?;
    let entry = find(server, links, &args.link.link)?;
    let consumer = entry
        .consumer
        .as_ref()
        .map_or_else(String::new, |consumer| {
            format!(" and every grant of the consumer key `{}`", consumer.key)
        });
    let question = format!(
        "Delete the link `{}` on `{server}`{consumer}?",
        entry.link.name
    );
    context.terminal.confirm(&question)?;
    let store = context.store("links delete")?;
    let info = run_info("links delete");
    let progress = Progress::new(context);
    if let Some(one) = One::new(&ready, &store, &info, progress.run(&|_| {}))? {
        one.delete(entry, links, args.force)?;
    }
    term::note(&format!(
        "deleted the link `{}` on `{server}`",
        entry.link.name
    ));
    Ok(Exit::Done)
}
