//! `init`

mod template;

use std::io::{self, BufRead, Write};

use atl_client::BaseUrl;
use template::{Consumer, Server};

use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    files::Target,
    flags::Format,
    term,
};

/// The arguments.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(
    after_help = "Asks on a terminal where no `--url` is given. Nothing is sent to any server, and a file that exists is \
                  never overwritten.\n\nExamples:\n  atl-admin init\n  atl-admin init --url https://jira.example.com \
                  --url https://wiki.example.com/confluence\n  atl-admin init --url https://jira.example.com \
                  -c deploy-bot --consumer-url https://deploy.example.com"
)]
pub struct Args {
    /// The base URL of a server, with its context path if it has one (can be repeated)
    #[arg(long = "url", value_name = "URL")]
    pub urls: Vec<String>,
    /// The administrator who signs in on the servers
    #[arg(long, value_name = "NAME", default_value = "admin")]
    pub username: String,
    /// The application URL of the consumer named with `--consumer`
    #[arg(long, value_name = "URL")]
    pub consumer_url: Option<String>,
    /// Its OAuth callback
    #[arg(long, value_name = "URL", requires = "consumer_url")]
    pub callback: Option<String>,
}

pub(crate) fn run(context: &Context, args: Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    let target = Target::new(&context.globals.fleet, false)?;
    let consumer = match (context.consumers()?, &args.consumer_url) {
        ([], None) => None,
        ([name], Some(_)) => Some(name.clone()),
        _ => {
            return Err(Error::usage(
                "one `--consumer` and `--consumer-url` belong together",
            ));
        }
    };
    let (args, consumer) = if !args.urls.is_empty() {
        (args, consumer)
    } else if context.terminal.can_ask {
        interview(args, &mut io::stdin().lock(), &mut io::stderr())?
    } else {
        return Err(Error::usage("no server was named, and nobody can be asked")
            .hint("name them: `atl-admin init --url https://jira.example.com`"));
    };
    let servers = name_servers(&args.urls)?;
    let consumer = match (consumer, &args.consumer_url) {
        (Some(name), Some(url)) => Some(Consumer {
            name,
            url: BaseUrl::parse(url)?.to_string(),
            callback: args.callback.clone(),
        }),
        _ => None,
    };
    target.write_public(template::fleet(&servers, &args.username, consumer.as_ref()).as_bytes())?;
    let path = target.path().display();
    let many = if servers.len() == 1 { "" } else { "s" };
    term::note(&format!(
        "wrote `{path}` with {} server{many}; next: set ATL_ADMIN_PASSWORD, then run `atl-admin check`",
        servers.len()
    ));
    Ok(Exit::Done)
}

/// Asks for what the flags did not say.
fn interview(
    mut args: Args,
    input: &mut impl BufRead,
    screen: &mut impl Write,
) -> Result<(Args, Option<String>)> {
    loop {
        let question = if args.urls.is_empty() {
            "Base URL of a server, with its context path:"
        } else {
            "Base URL of another server (empty to go on):"
        };
        let answer = term::ask(input, screen, question)?;
        match BaseUrl::parse(&answer) {
            Ok(_) => args.urls.push(answer),
            Err(_) if answer.is_empty() && !args.urls.is_empty() => break,
            Err(error) => {
                writeln!(screen, "{error}").ok();
            }
        }
    }
    let username = term::ask(
        input,
        screen,
        &format!("Administrator who signs in [{}]:", args.username),
    )?;
    if !username.is_empty() {
        args.username = username;
    }
    let consumer = term::ask(
        input,
        screen,
        "Consumer to register, such as `deploy-bot` (empty for none yet):",
    )?;
    if consumer.is_empty() {
        return Ok((args, None));
    }
    args.consumer_url = Some(term::ask(input, screen, "Its application URL:")?);
    let callback = term::ask(input, screen, "Its OAuth callback (empty for none):")?;
    args.callback = Some(callback).filter(|url| !url.is_empty());
    Ok((args, Some(consumer)))
}

/// Each server with a name of its own: the first label of its host, or its context path where the host has no name.
fn name_servers(urls: &[String]) -> Result<Vec<Server>> {
    let mut servers: Vec<Server> = Vec::new();
    for url in urls {
        let url = BaseUrl::parse(url)?.to_string();
        if servers.iter().any(|server| server.url == url) {
            return Err(Error::usage(format!("`{url}` is given twice")));
        }
        let base = name(&url);
        let taken = |name: &str| servers.iter().any(|server| server.name == name);
        let (mut name, mut number) = (base.clone(), 2);
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        servers.push(Server { name, url });
    }
    Ok(servers)
}

fn name(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    let host = url.as_ref().and_then(url::Url::domain);
    let label = host.and_then(|host| host.split('.').next());
    let path = url
        .as_ref()
        .and_then(|url| url.path_segments()?.next_back());
    let named = [label.filter(|label| *label != "localhost"), path];
    let name: String = named
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty())
        .unwrap_or("server")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .take(60)
        .collect();
    if name.is_empty() {
        "server".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_get_names_of_their_own() {
        let check = |urls: &[&str], expected: &[&str]| {
            let urls: Vec<_> = urls.iter().map(ToString::to_string).collect();
            let names: Vec<_> = name_servers(&urls)
                .unwrap()
                .into_iter()
                .map(|server| server.name)
                .collect();
            assert_eq!(names, expected, "{urls:?}");
        };
        check(&["https://jira.example.com"], &["jira"]);
        check(
            &[
                "https://wiki.example.com/confluence",
                "https://wiki.example.org",
            ],
            &["wiki", "wiki-2"],
        );
        check(
            &[
                "http://127.0.0.1:8080/jira",
                "http://localhost:8090/wiki",
                "http://[::1]:1",
            ],
            &["jira", "wiki", "server"],
        );
    }

    #[test]
    fn one_server_is_named_once() {
        let urls = ["https://jira.example.com", "https://jira.example.com/"].map(str::to_owned);
        assert!(name_servers(&urls).is_err());
    }

    #[test]
    fn asks_until_it_knows() {
        let answers =
            "nonsense\n\nhttps://jira.example.com\n\nboss\ndeploy-bot\nhttps://d.example.com\n\n";
        let mut screen = Vec::new();
        let (args, consumer) =
            interview(Args::default(), &mut answers.as_bytes(), &mut screen).unwrap();
        assert_eq!(args.urls, ["https://jira.example.com"]);
        assert_eq!(args.username, "boss");
        assert_eq!(consumer.as_deref(), Some("deploy-bot"));
        assert_eq!(args.consumer_url.as_deref(), Some("https://d.example.com"));
        assert_eq!(args.callback, None);
    }
}
