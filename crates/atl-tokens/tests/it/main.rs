//! Users' own grants, listed and revoked on a testbed.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as its test does"
)]

mod as_user;
mod confluence_tables;
mod database;
mod export;
mod export_files;
mod impersonated;
mod jira_tables;
mod mariadb;
mod own_page;
mod page;
mod pats;
mod revocation;
mod rules;
mod users;

use std::{ops::ControlFlow, sync::LazyLock};

use atl_client::{BaseUrl, Client, Credentials, Login, ServerConfig, Tls, Transport};
use atl_keys::{KeySize, Keypair};
use atl_oauth::ConsumerSigner;
use atl_testbed::{Consumer, Estate, Generation, Kind, Link, Server, ServerSpec, Token};
use atl_tokens::{Coverage, Found, GrantEntry, LookedAt, Source};

const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];

/// Two access tokens of alice and one of bob.
const FIRST: &str = "5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA";
const SECOND: &str = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";
const OF_BOB: &str = "QwErTyUiOpAsDfGhJkLzXcVbNm012345";

/// A keypair made for these tests.
static KEY: LazyLock<Keypair> = LazyLock::new(|| Keypair::generate(KeySize::Bits2048).unwrap());

fn signer() -> ConsumerSigner<'static> {
    ConsumerSigner::new("deploy-bot", &*KEY)
}

/// Every product in this generation.
fn products(generation: Generation) -> Estate {
    let specs = KINDS.map(|kind| ServerSpec::new(kind).generation(generation).context("/c"));
    Estate::start(specs.to_vec()).unwrap()
}

fn jira() -> Estate {
    Estate::start(vec![ServerSpec::new(Kind::Jira).context("/jira")]).unwrap()
}

/// Two consumers; alice gave a grant to each, and bob one to the first.
fn fill(server: &Server) {
    let public = KEY.public_key().to_one_line();
    for (key, name) in [("deploy-bot", "Deploy bot"), ("ci", "CI & <more>")] {
        let link = server.add_link(Link::generic(name, &format!("https://{key}.example.com")));
        let mut consumer = Consumer::new(key, name, &public).unwrap();
        consumer.description = Some(format!("Runs at https://{key}.example.com"));
        server.put_consumer(Some(link), consumer);
    }
    for (token, key, user) in [
        (FIRST, "deploy-bot", "alice"),
        (SECOND, "ci", "alice"),
        (OF_BOB, "deploy-bot", "bob"),
    ] {
        server.add_token(Token::access(token, key, user));
    }
}

/// A consumer that may impersonate everybody.
fn add_auditor(server: &Server) {
    let link = server.add_link(Link::generic("Auditor", "https://auditor.example.com"));
    let public = KEY.public_key().to_one_line();
    let mut consumer = Consumer::new("auditor", "Auditor", &public).unwrap();
    consumer.impersonation = true;
    server.put_consumer(Some(link), consumer);
}

fn auditor() -> ConsumerSigner<'static> {
    ConsumerSigner::new("auditor", &*KEY)
}

/// What a source finds, in the order of ids, and its coverage.
fn read(mut source: impl Source) -> (Vec<GrantEntry>, Coverage) {
    let mut grants = Vec::new();
    let coverage = source.read(&mut |found| {
        if let Found::Grant(grant) = found {
            grants.push(*grant);
        }
        ControlFlow::Continue(())
    });
    grants.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(coverage.source, LookedAt::Source(source.kind()));
    (grants, coverage)
}

/// The tokens that are alive, sorted.
fn alive(server: &Server) -> Vec<String> {
    let mut values: Vec<_> = server.tokens().into_iter().map(|it| it.value).collect();
    values.sort();
    values
}

fn client(server: &Server, credentials: Credentials) -> Client {
    let config = ServerConfig {
        name: "jira".to_owned(),
        base_url: BaseUrl::parse(&server.base_url()).unwrap(),
        sign_as: None,
        product: None,
        credentials,
        tls: Tls::default(),
        proxy: None,
        timeout: std::time::Duration::from_secs(30),
        allow_http: false,
    };
    Client::new(config, &Transport::default()).unwrap()
}

fn anonymous(server: &Server) -> Client {
    client(server, Credentials::Anonymous)
}

fn signed_in(server: &Server, username: &str, password: &str, login: Login) -> Client {
    let credentials = Credentials::Password {
        username: username.to_owned(),
        password: password.into(),
        login,
    };
    client(server, credentials)
}
