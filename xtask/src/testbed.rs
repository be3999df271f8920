//! `cargo xtask testbed`: servers to try `atl-admin` on, until Ctrl-C.

use std::{
    fmt::Write as _,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::Context as _;
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Fault, Generation, Kind,
    MANAGER, MANAGER_PASSWORD, SERVICE_PASSWORD, SERVICE_USER, ServerSpec,
};
use clap::ValueEnum;

use crate::estate::Site;

const GENERATIONS: [Generation; 3] = [Generation::Current, Generation::Next, Generation::Legacy];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which products
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "jira,confluence,bitbucket,bamboo"
    )]
    products: Vec<Product>,
    /// How many servers of each; current, next and legacy generation take turns
    #[arg(long, value_name = "N", default_value = "3")]
    per_product: u16,
    /// How long every request waits first, in milliseconds
    #[arg(long, value_name = "MS", default_value = "0")]
    latency: u64,
    /// Serve https, with certificates of the estate's own authority
    #[arg(long)]
    tls: bool,
    /// Listen on this port and the ones after it (default: any that are free)
    #[arg(long, value_name = "BASE")]
    port: Option<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Product {
    Jira,
    Confluence,
    Bitbucket,
    Bamboo,
}

pub(crate) fn testbed(args: &Args) -> anyhow::Result<()> {
    let interrupted = interruption()?;
    let site = Site::start("testbed", args.specs()?)?;
    if args.latency > 0 {
        for server in site.estate.servers() {
            server.set(Fault::Latency(Duration::from_millis(args.latency)));
        }
    }
    let mut script = String::new();
    for (name, value) in site.variables() {
        writeln!(script, "export {name}='{value}'").ok();
    }
    fs_err::write(site.folder().join("env.sh"), script)?;
    print!("{}", introduction(&site));
    interrupted.recv().context("nothing would end this")?;
    drop(site);
    eprintln!("\nthe servers are stopped, the folder is removed");
    Ok(())
}

/// Hears of Ctrl-C, and of a wish to terminate, from now on.
pub(crate) fn interruption() -> anyhow::Result<Receiver<()>> {
    let (send, receive) = channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more where the end has begun already.
        let _ended = send.send(()).is_err();
    })?;
    Ok(receive)
}

impl Args {
    fn specs(&self) -> anyhow::Result<Vec<ServerSpec>> {
        let mut specs = Vec::new();
        for product in &self.products {
            for generation in GENERATIONS
                .into_iter()
                .cycle()
                .take(self.per_product.into())
            {
                let mut spec = product.spec().generation(generation);
                if self.tls {
                    spec = spec.tls();
                }
                if let Some(base) = self.port {
                    let port = u16::try_from(specs.len())
                        .ok()
                        .and_then(|place| base.checked_add(place));
                    spec = spec.port(port.context("there are not so many ports")?);
                }
                specs.push(spec);
            }
        }
        Ok(specs)
    }
}

impl Product {
    /// Confluence has a context path, as it usually does.
    fn spec(self) -> ServerSpec {
        match self {
            Self::Jira => ServerSpec::new(Kind::Jira),
            Self::Confluence => ServerSpec::new(Kind::Confluence).context("/confluence"),
            Self::Bitbucket => ServerSpec::new(Kind::Bitbucket),
            Self::Bamboo => ServerSpec::new(Kind::Bamboo),
        }
    }
}

fn introduction(site: &Site) -> String {
    const USERS: [(&str, &str, &str); 5] = [
        (ADMIN, ADMIN_PASSWORD, "system administrator"),
        (MANAGER, MANAGER_PASSWORD, "administrator"),
        (ALICE, ALICE_PASSWORD, "user"),
        (BOB, BOB_PASSWORD, "user"),
        (SERVICE_USER, SERVICE_PASSWORD, "user"),
    ];
    let mut text = String::from("Servers\n");
    for server in site.estate.servers() {
        let (kind, generation) = (server.kind(), server.generation());
        writeln!(
            text,
            "  {:<10} {:<38} {kind:?}, {generation:?}",
            server.name(),
            server.base_url()
        )
        .ok();
    }
    text.push_str("\nUsers, on every server\n");
    for (name, password, role) in USERS {
        writeln!(text, "  {name:<10} {password:<20} {role}").ok();
    }
    let folder = site.folder().display();
    write!(
        text,
        "\nIn a browser: open the URL of a server and sign in; an administrator sees its links and their consumers.\n\n\
         With atl-admin, in another terminal (the fleet file is {folder}/fleet.yaml, the store is beside it,\n\
         and ATL_ADMIN_PASSWORD is {ADMIN_PASSWORD}):\n\n  \
         . {folder}/env.sh\n  \
         cargo run -q -p atl-admin -- check\n  \
         cargo run -q -p atl-admin -- apply\n\n\
         Ctrl-C stops the servers and removes the folder.\n"
    )
    .ok();
    text
}
