//! A testbed, a fleet file for it and the program, which finds the administrator's password in its environment.

use std::{collections::BTreeSet, process::Command};

use atl_testbed::{
    ADMIN_PASSWORD, ALICE_PASSWORD, Consumer, Estate, Kind, Link, MANAGER_PASSWORD, Server,
    ServerSpec, TokenKind,
};
use serde_json::Value;

use crate::env::{Env, Run};

/// The four products.
pub(crate) const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
/// The application URL of the fleet file's consumer.
pub(crate) const URL: &str = "https://deploy.example.com";
/// The consumer of the fleet file, which is also its consumer key.
pub(crate) const CONSUMER: &str = "deploy-bot";
/// Where the store key is when no flag says otherwise.
const STORE_KEY: &str = "home/config/atl-admin/store.key";

/// Servers, and a folder with a fleet file that names them all and one consumer.
pub(crate) struct Fleet {
    pub(crate) estate: Estate,
    pub(crate) env: Env,
}

impl Fleet {
    pub(crate) fn new(specs: impl IntoIterator<Item = ServerSpec>) -> Self {
        let estate = Estate::start(specs.into_iter().collect()).unwrap();
        let env = Env::new().with("ATL_ADMIN_PASSWORD", ADMIN_PASSWORD);
        env.write("fleet.yaml", &estate.fleet_yaml());
        if let Some(ca) = estate.ca_pem() {
            env.write("estate-ca.pem", &ca);
        }
        Self { estate, env }
    }

    /// One server, called `jira`, `wiki`, `git` or `bamboo`.
    pub(crate) fn of(kind: Kind) -> Self {
        Self::new([ServerSpec::new(kind)])
    }

    /// One Jira with the link in place, and an empty log.
    pub(crate) fn provisioned() -> Self {
        let fleet = Self::of(Kind::Jira);
        let run = fleet.run("apply");
        assert_eq!(run.code, Some(0), "{}", run.shown());
        fleet.forget();
        fleet
    }

    /// Sets an environment variable of the program; the last one of a name counts.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env = self.env.with(name, value);
        self
    }

    /// The fleet file names no consumer any more.
    pub(crate) fn without_consumers(self) -> Self {
        let text = self.env.read("fleet.yaml");
        let servers = &text[..text.find("\nconsumers:").unwrap()];
        self.env.write("fleet.yaml", servers);
        self
    }

    /// Replaces every `from` in the fleet file.
    #[track_caller]
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.env.read("fleet.yaml");
        assert!(text.contains(from), "no `{from}` in:\n{text}");
        self.env.write("fleet.yaml", &text.replace(from, to));
    }

    /// Adds lines to the entry of a server.
    #[track_caller]
    pub(crate) fn add_to(&self, server: &str, line: &str) {
        let url = format!("    url: {}\n", self.server(server).base_url());
        self.edit(&url, &format!("{url}    {line}\n"));
    }

    /// The program, not yet started.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.env.command(line)
    }

    /// Runs the program; no run may show a secret.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Run {
        let run = self.env.run(line);
        self.hides_secrets(&run);
        run
    }

    /// Runs the program for its JSON and its exit code.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> (Value, i32) {
        let run = self.run(&format!("{line} -o json"));
        (run.json(), run.code.unwrap())
    }

    /// Neither stream holds a password, a private key, an access token or the store's key.
    #[track_caller]
    pub(crate) fn hides_secrets(&self, run: &Run) {
        let key = self
            .env
            .path(STORE_KEY)
            .exists()
            .then(|| self.env.read(STORE_KEY));
        let secrets = [
            ADMIN_PASSWORD,
            MANAGER_PASSWORD,
            ALICE_PASSWORD,
            "PRIVATE KEY",
        ];
        let tokens: Vec<String> = self
            .estate
            .servers()
            .iter()
            .flat_map(Server::tokens)
            .filter(|token| token.kind == TokenKind::Access)
            .flat_map(|token| {
                [
                    Some(token.value),
                    token.session.map(|session| session.handle),
                ]
            })
            .flatten()
            // Made by hand, a token may be a word of the language.
            .filter(|secret| secret.len() >= 32)
            .collect();
        let tokens = tokens.iter().map(String::as_str);
        for secret in secrets.into_iter().chain(key.as_deref()).chain(tokens) {
            assert!(!run.stdout.contains(secret), "{secret} in stdout");
            assert!(!run.stderr.contains(secret), "{secret} in {}", run.stderr);
        }
    }

    pub(crate) fn server(&self, name: &str) -> &Server {
        self.estate.server_named(name)
    }

    /// The first server.
    pub(crate) fn first(&self) -> &Server {
        self.estate.server(0)
    }

    /// How many requests to change something the servers saw.
    pub(crate) fn writes(&self) -> usize {
        self.estate.servers().iter().map(Server::writes).sum()
    }

    /// How many requests the servers saw.
    pub(crate) fn requests(&self) -> usize {
        let count = |server: &Server| server.log().len();
        self.estate.servers().iter().map(count).sum()
    }

    /// Empties the servers' logs.
    pub(crate) fn forget(&self) {
        self.estate.servers().iter().for_each(Server::clear_log);
    }

    /// The link of the fleet file's consumer on the first server.
    #[track_caller]
    pub(crate) fn link(&self) -> Link {
        self.first().link(URL).unwrap()
    }
}

/// Makes a link by hand that carries a consumer with a key that is in no store.
pub(crate) fn link_by_hand(server: &Server, url: &str, consumer_key: &str) -> Link {
    let id = server.add_link(Link::generic(consumer_key, url));
    let public_key = include_str!("../../../../fixtures/keys/another.pub.pem");
    let consumer = Consumer::new(consumer_key, consumer_key, public_key).unwrap();
    server.put_consumer(Some(id), consumer);
    server.link(url).unwrap()
}

/// A server's entry in a document with `servers`.
#[track_caller]
pub(crate) fn server<'v>(document: &'v Value, name: &str) -> &'v Value {
    let servers = document["servers"].as_array().unwrap();
    let mut found = servers.iter().filter(|server| server["server"] == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no `{name}` in {document:#}"))
}

/// The names of the fields of an object.
#[track_caller]
pub(crate) fn keys(value: &Value) -> BTreeSet<&str> {
    let fields = value.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}
