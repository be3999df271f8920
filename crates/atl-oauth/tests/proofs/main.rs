//! `look` and `prove` against a testbed, and against answers that no such server gives.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as its test does"
)]

mod allowed;
mod answers;
mod estate;
mod impersonated;
mod responder;

use std::sync::LazyLock;

use atl_client::{BaseUrl, Client, Credentials, ServerConfig, Tls, Transport};
use atl_keys::{KeySize, Keypair};

/// A keypair made for these tests.
pub(crate) static KEY: LazyLock<Keypair> =
    LazyLock::new(|| Keypair::generate(KeySize::Bits2048).unwrap());

pub(crate) fn client(url: &str, sign_as: Option<&str>) -> Client {
    let config = ServerConfig {
        name: "jira".to_owned(),
        base_url: BaseUrl::parse(url).unwrap(),
        sign_as: sign_as.map(|url| BaseUrl::parse(url).unwrap()),
        product: None,
        credentials: Credentials::Anonymous,
        tls: Tls::default(),
        proxy: None,
        timeout: std::time::Duration::from_secs(30),
        allow_http: false,
    };
    Client::new(config, &Transport::default()).unwrap()
}
