//! `links`

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
    Delete(Delete),
    /// Print what the fleet file needs to say for links that a server already has
    #[command(
        after_help = "Example:\n  atl-admin links adopt -s jira https://deploy.example.com >> fleet.yaml"
    )]
    Adopt(Adopt),
}

/// Which link.
#[derive(Debug, clap::Args)]
pub struct Link {
    /// The link's id or application URL
    #[arg(value_name = "LINK")]
    pub link: String,
}

/// The arguments of `links delete`.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// Which link.
    #[command(flatten)]
    pub link: Link,
    /// Delete it although its consumer key is shared with another link
    #[arg(long)]
    pub force: bool,
}

/// The arguments of `links adopt`.
#[derive(Debug, clap::Args)]
pub struct Adopt {
    /// Only the link with this id or application URL
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}
