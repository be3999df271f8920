//! A server that knows `deploy-bot`, and the clients of those who dance.

use std::{sync::LazyLock, time::Duration};

use atl_client::{BaseUrl, Client, Credentials, Login, ServerConfig, Tls, Transport};
use atl_keys::{KeySize, Keypair};
use atl_oauth::{
    AccessToken, Approval, ApproveError, ConsumerSigner, Pending, TokenState, approve, token_state,
};
use atl_testbed::{ALICE, ALICE_PASSWORD, Consumer, Estate, Kind, Link, Server, ServerSpec};

pub(crate) const CALLBACK: &str = "https://deploy.example.com/oauth/callback?at=home";

/// A keypair made for these tests.
pub(crate) static KEY: LazyLock<Keypair> =
    LazyLock::new(|| Keypair::generate(KeySize::Bits2048).unwrap());

pub(crate) fn signer() -> ConsumerSigner<'static> {
    ConsumerSigner::new("deploy-bot", &*KEY)
}

/// A Jira that knows `deploy-bot`.
pub(crate) fn jira() -> Estate {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira).context("/jira")]).unwrap();
    register(estate.server(0));
    estate
}

/// A link whose consumer holds [`KEY`] and has no callback.
pub(crate) fn register(server: &Server) {
    let link = server.add_link(Link::generic("Deploy bot", "https://deploy.example.com"));
    let public = KEY.public_key().to_one_line();
    let consumer = Consumer::new("deploy-bot", "Deploy bot", &public).unwrap();
    server.put_consumer(Some(link), consumer);
}

/// The client that sends signed calls.
pub(crate) fn caller(url: &str) -> Client {
    client(url, Credentials::Anonymous)
}

/// The client of a user, who signs in with a session.
pub(crate) fn user(url: &str, username: &str, password: &str) -> Client {
    let credentials = Credentials::Password {
        username: username.to_owned(),
        password: password.into(),
        login: Login::Session,
    };
    client(url, credentials)
}

pub(crate) fn alice(server: &Server) -> Client {
    user(&server.base_url(), ALICE, ALICE_PASSWORD)
}

fn client(url: &str, credentials: Credentials) -> Client {
    let config = ServerConfig {
        name: "jira".to_owned(),
        base_url: BaseUrl::parse(url).unwrap(),
        sign_as: None,
        product: None,
        credentials,
        tls: Tls::default(),
        proxy: None,
        timeout: Duration::from_secs(30),
        allow_http: false,
    };
    Client::new(config, &Transport::default()).unwrap()
}

pub(crate) fn ask(server: &Server, callback: &str) -> Pending {
    Pending::ask(&caller(&server.base_url()), &signer(), callback).unwrap()
}

/// What comes of a headless approval as `client`.
pub(crate) fn approved(server: &Server, client: &Client) -> Result<Approval, ApproveError> {
    approve(client, &ask(server, CALLBACK))
}

/// The whole dance as Alice.
pub(crate) fn dance(server: &Server, callback: &str) -> AccessToken {
    let pending = ask(server, callback);
    let approval = approve(&alice(server), &pending).unwrap();
    let approved = pending.decided(approval).unwrap();
    approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap()
}

pub(crate) fn state(server: &Server, token: &AccessToken) -> TokenState {
    token_state(&caller(&server.base_url()), &signer(), &token.token).unwrap()
}

pub(crate) fn active() -> TokenState {
    TokenState::Active {
        user: ALICE.to_owned(),
    }
}
