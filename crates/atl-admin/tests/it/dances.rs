//! Fleets whose consumer wants grants, and what came of them.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use atl_testbed::{ALICE, ALICE_PASSWORD, BOB_PASSWORD, Server, ServerSpec, Token, TokenKind};
use serde_json::Value;
use url::Url;

use crate::{
    env::Run,
    estate::{CONSUMER, Fleet},
};

/// Where the dances of the fleet file's consumer are listed.
pub(crate) const PAGE: &str = "/plugins/servlet/oauth/users/access-tokens";
/// Where request tokens are asked for.
pub(crate) const REQUEST_TOKEN: &str = "/plugins/servlet/oauth/request-token";
/// Where they are exchanged.
pub(crate) const ACCESS_TOKEN: &str = "/plugins/servlet/oauth/access-token";

impl Fleet {
    /// Provisioned servers, and Alice's grant wanted on all of them.
    pub(crate) fn granting(specs: impl IntoIterator<Item = ServerSpec>) -> Self {
        Self::granting_on(specs, |fleet| fleet)
    }

    /// The same with the store wherever `store` puts it.
    pub(crate) fn granting_on(
        specs: impl IntoIterator<Item = ServerSpec>,
        store: fn(Self) -> Self,
    ) -> Self {
        let fleet = Self::new(specs)
            .with("ALICE_PASSWORD", ALICE_PASSWORD)
            .with("BOB_PASSWORD", BOB_PASSWORD);
        let fleet = store(fleet);
        let small = "    keypair: { bits: 2048 }\n    callback:";
        fleet.edit("    callback:", small);
        fleet.wants(&[ALICE]);
        fleet.provision();
        fleet
    }

    /// Makes the servers as the fleet file says. Proving a key takes a request token, which goes again.
    #[track_caller]
    pub(crate) fn provision(&self) {
        let run = self.run("apply");
        assert_eq!(run.code, Some(0), "{}", run.shown());
        for server in self.estate.servers() {
            for token in server.tokens() {
                server.remove_token(&token.value);
            }
        }
        self.forget();
    }

    /// The fleet file wants grants of these users, whose passwords are in variables; whoever else it wanted them of.
    pub(crate) fn wants(&self, users: &[&str]) {
        let text = self.env.read("fleet.yaml");
        let text = text.split("    grants:\n").next().unwrap();
        let mut text = text.to_owned();
        for (number, user) in users.iter().enumerate() {
            if number == 0 {
                text.push_str("    grants:\n");
            }
            let variable = user.to_uppercase();
            writeln!(
                text,
                "      - {{ user: {user}, password: \"${{env:{variable}_PASSWORD}}\" }}"
            )
            .unwrap();
        }
        self.env.write("fleet.yaml", &text);
    }

    /// Runs the program for the report; no run may show a token.
    #[track_caller]
    pub(crate) fn report(&self, line: &str) -> (Value, i32) {
        let run = self.run(&format!("{line} -o json"));
        self.hides_tokens(&run);
        (run.json(), run.code.unwrap())
    }

    /// Neither stream holds an access token, its secret or its session handle.
    #[track_caller]
    pub(crate) fn hides_tokens(&self, run: &Run) {
        for token in self.estate.servers().iter().flat_map(access_tokens) {
            let handle = token.session.map(|session| session.handle);
            for secret in [Some(token.value), Some(token.secret), handle]
                .into_iter()
                .flatten()
            {
                assert!(!run.stdout.contains(&secret), "{secret} in {}", run.stdout);
                assert!(!run.stderr.contains(&secret), "{secret} in {}", run.stderr);
            }
        }
    }

    /// What the journal says of dances, newest first.
    pub(crate) fn dances(&self) -> Vec<Value> {
        let (history, _) = self.json("history");
        let mut steps = history["journal"].as_array().unwrap().clone();
        steps.retain(|step| step["action"] == "authorize");
        steps
    }
}

/// The access tokens of the fleet file's consumer that are alive.
pub(crate) fn access_tokens(server: &Server) -> Vec<Token> {
    let mut tokens = server.tokens();
    tokens.retain(|token| token.kind == TokenKind::Access && token.consumer_key == CONSUMER);
    tokens
}

/// Whose grants of the fleet file's consumer are alive, by name.
pub(crate) fn granted_by(server: &Server) -> Vec<String> {
    let tokens = access_tokens(server).into_iter();
    let mut users: Vec<_> = tokens.map(|token| token.user.unwrap()).collect();
    users.sort();
    users
}

/// How often the server was asked at this path.
pub(crate) fn asked(server: &Server, path: &str) -> usize {
    let log = server.log();
    log.iter().filter(|exchange| exchange.path == path).count()
}

/// The only failure of a report.
#[track_caller]
pub(crate) fn failure(report: &Value) -> &Value {
    let failed = report["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{report:#}");
    &failed[0]
}

/// The code of the only failure of a report.
#[track_caller]
pub(crate) fn code(report: &Value) -> &str {
    failure(report)["error"]["code"].as_str().unwrap()
}

/// A run whose only dance failed, with this exit code and for this reason.
#[track_caller]
pub(crate) fn failed_with(run: &Run, exit: i32, reason: &str) {
    let ended = (run.code, code(&run.json()).to_owned());
    assert_eq!(ended, (Some(exit), reason.to_owned()), "{}", run.shown());
}

/// The request token that waits for a decision, and the callback that it was asked with.
#[track_caller]
pub(crate) fn pending(server: &Server) -> (String, String) {
    let tokens = server.pending_tokens();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    let token = &tokens[0];
    (token.value.clone(), token.callback.clone().unwrap())
}

/// Goes to a callback as a browser does; the whole answer.
pub(crate) fn visit(callback: &str, query: &str) -> String {
    let url: Url = callback.parse().unwrap();
    let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect((host, port)).unwrap();
    let path = url.path();
    let head =
        format!("GET {path}?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Approves the pending request token by hand as this user; the query that the browser comes back with.
#[track_caller]
pub(crate) fn allow(server: &Server, user: &str) -> (String, String) {
    let (token, callback) = pending(server);
    let verifier = server.approve(&token, user).unwrap();
    (
        callback,
        format!("oauth_token={token}&oauth_verifier={verifier}"),
    )
}

/// The same, and comes back as the browser would; the page that it is shown.
#[track_caller]
pub(crate) fn allow_and_return(server: &Server, user: &str) -> String {
    let (callback, query) = allow(server, user);
    visit(&callback, &query)
}
