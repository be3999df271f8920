//! `tokens import`

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use atl_client::{Client, Product, ServerConfig, Transport};
use atl_fleet::{Needs, Ready};
use atl_tokens::Export;
use serde_json::json;

use crate::{
    commands::links::not_one_server, context::Context, error::Error, error::Result, exit::Exit,
    flags::Format, term,
};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file; `-` is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context
        .output
        .one_of(&[Format::Table, Format::Json, Format::Yaml])?;
    let ready = context.ready(Needs::default())?;
    let config = one_server(&ready)?;
    let export = read(&args.file)?;
    let product = export.check_product(&config.name, product(config)?)?;
    let Export {
        grants, consumers, ..
    } = export;
    if !export.ignored.is_empty() {
        let columns = export.ignored.join("`, `");
        term::note(&format!(
            "left out what is no column of an export: `{columns}`"
        ));
    }
    let store = context.store("tokens import")?;
    let url = config.base_url.to_string();
    let before = store.imports()?;
    let before = before.iter().find(|import| import.server_url == url);
    let row = export.store(&store, &config.name, &config.base_url, product)?;
    let facts = json!({
        "server": row.server,
        "product": row.product,
        "file": row.file,
        "grants": grants,
        "consumers": consumers,
        "exported": row.exported,
        "imported": row.imported,
        "replaced": before.map(|import| import.imported),
    });
    context.output.facts("import", &facts)?;
    Ok(Exit::Done)
}

fn one_server(ready: &Ready) -> Result<&ServerConfig> {
    match &ready.servers[..] {
        [server] => Ok(&server.config),
        servers => Err(not_one_server(servers.len())),
    }
}

/// What the fleet file says, else what the server says of itself: rows of another product would be taken for its own.
fn product(config: &ServerConfig) -> Result<Product> {
    let product =
        Client::new(config.clone(), &Transport::default()).and_then(|client| client.product());
    product.map_err(|error| {
        Error::from(error)
            .while_doing(format!(
                "it is not known which product `{}` is",
                config.name
            ))
            .hint("or say `product: jira` or `product: confluence` of it in the fleet file")
    })
}

fn read(path: &Path) -> Result<Export> {
    if path == Path::new("-") {
        return read_from("standard input", io::stdin().lock());
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let file = fs_err::File::open(path).map_err(|error| Error::io(&error))?;
    read_from(&name.to_string_lossy(), file)
}

fn read_from(name: &str, input: impl Read) -> Result<Export> {
    Ok(Export::read(name, input)?)
}
