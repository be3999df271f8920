//! Servers, clients on them, and keys.

use std::time::Duration;

use atl_applinks::{Applinks, NewConsumer, NewLink};
use atl_client::{BaseUrl, Client, Credentials, Login, ServerConfig, Tls, Transport};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, Estate, Exchange, Generation, Kind, MANAGER, MANAGER_PASSWORD, Server,
    ServerSpec,
};

/// `openssl genrsa 2048 | openssl rsa -pubout`, without markers and line ends.
pub(crate) const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAstMe77nSttg9DxdN0o8nmxxolVDKzWHM4+QHvfG7eIrOpbv5cIF74EZ000wdAg3zn9mA+o2QvuKthvh552CKPeMCORWR0E0VRueBF5+PmMamvCfCvA37Hu2DsvpZxxTeaFTwmiA5aMztRrQaxPbSUeiiNmlnKbt+BphGEsK6W/hvuyu3LvwcpMX3QnH2na3gR/AkNToHbGAN85/N5uY10AKwMtWc6yAwuvnv3WUulHoyo+izMulG23sPixuam6A56Hq1ikWsC07gR0/0OvDuoiJwbibYUSREJiCbBHJiD2eyuPsk3t6f3+ltPR50OWRllSfSkrx6NcFS+sMkF7ytwQIDAQAB";
/// Another one.
pub(crate) const OTHER_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjhl+pDvM51he8YJ6S3ImyLVQW5teWCZ6jgTSM2pqS3v5YSPMq4OQylWUfIH41WH6+zax6LeO6w730rvp88YfuRqSIIAz8ATb7EBNxbcaVT61EpQSU6/9qMQ9kw4MVbPuupvWiUK2tmIQ9sGxwuci2mcekHvu+/6HFkUNW5EWWpCzcCazlesoRXm4ciOgMeE4FPCmhv1S6oF85fWm2d1DCBEtZY3L1mDGYcZVYwOcWRgHhyKHLac1Q+iGBcxOdO7Qyv1YaqJGlBLNNB7iaseAukJvvl3aa+pHl2H59jCW42FqEfHu3bX9ZiEWUVw5T9lESRb/vNtLV60g8afmMlAHrwIDAQAB";

/// The application URL of the tests.
pub(crate) const URL: &str = "https://deploy.example.com";

pub(crate) const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
pub(crate) const GENERATIONS: [Generation; 4] = [
    Generation::Legacy,
    Generation::Transitional,
    Generation::Current,
    Generation::Next,
];

pub(crate) fn client_of(server: &Server, username: &str, password: &str) -> Client {
    client_at(server.name(), &server.base_url(), username, password)
}

pub(crate) fn client_at(name: &str, url: &str, username: &str, password: &str) -> Client {
    let config = ServerConfig {
        name: name.to_owned(),
        base_url: BaseUrl::parse(url).unwrap(),
        sign_as: None,
        product: None,
        credentials: Credentials::Password {
            username: username.to_owned(),
            password: password.into(),
            login: Login::Auto,
        },
        tls: Tls::default(),
        proxy: None,
        timeout: Duration::from_secs(20),
        allow_http: false,
    };
    Client::new(config, &Transport::default()).unwrap()
}

/// Checks something on every product and generation, as a system administrator.
pub(crate) fn everywhere(check: impl Fn(&Server, &Applinks<'_>)) {
    let specs = KINDS.iter().flat_map(|kind| {
        let spec = |generation: &Generation| {
            ServerSpec::new(*kind)
                .generation(*generation)
                .context("/ctx")
        };
        GENERATIONS.iter().map(spec)
    });
    let estate = Estate::start(specs.collect()).unwrap();
    for server in estate.servers() {
        let client = client_of(server, ADMIN, ADMIN_PASSWORD);
        check(server, &Applinks::open(&client).unwrap());
    }
}

/// Checks something on one server, as a system administrator.
pub(crate) fn on(spec: ServerSpec, check: impl Fn(&Server, &Applinks<'_>)) {
    signed_in(spec, ADMIN, ADMIN_PASSWORD, check);
}

/// Checks something on a current Jira, as a system administrator.
pub(crate) fn on_jira(check: impl Fn(&Server, &Applinks<'_>)) {
    on(ServerSpec::new(Kind::Jira), check);
}

/// Checks something on a current Jira, as an administrator who is not one of the system.
pub(crate) fn as_manager(check: impl Fn(&Server, &Applinks<'_>)) {
    signed_in(
        ServerSpec::new(Kind::Jira),
        MANAGER,
        MANAGER_PASSWORD,
        check,
    );
}

pub(crate) fn signed_in(
    spec: ServerSpec,
    user: &str,
    password: &str,
    check: impl Fn(&Server, &Applinks<'_>),
) {
    let estate = Estate::start(vec![spec]).unwrap();
    let server = estate.server(0);
    let client = client_of(server, user, password);
    check(server, &Applinks::open(&client).unwrap());
}

pub(crate) fn new_link(name: &str, url: &str) -> NewLink {
    NewLink {
        name: name.to_owned(),
        url: url.to_owned(),
    }
}

/// The link of the tests, created.
pub(crate) fn created(links: &Applinks<'_>) -> String {
    links.create(&new_link("Deploy bot", URL)).unwrap()
}

pub(crate) fn bot() -> NewConsumer {
    NewConsumer {
        key: "deploy-bot".to_owned(),
        name: "Deploy bot".to_owned(),
        description: Some("Deploys".to_owned()),
        public_key: KEY.to_owned(),
        callback: Some("https://deploy.example.com/callback".to_owned()),
    }
}

/// The requests of a log, as `METHOD path`.
pub(crate) fn requests(server: &Server) -> Vec<String> {
    let line = |exchange: Exchange| format!("{} {}", exchange.method, exchange.path);
    server.log().into_iter().map(line).collect()
}
