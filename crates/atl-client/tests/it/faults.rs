//! Connections that fail, each in its own way.

use std::{net::TcpListener, time::Duration};

use atl_client::{
    ClientError, ConnectionFault, Credentials, Failure, Repeat, Request, ServerConfig,
};

use crate::wire::{Act, Wire, answer, client, config};

#[track_caller]
fn fault(config: ServerConfig, repeat: Repeat) -> (ConnectionFault, bool) {
    let mut request = Request::get("rest/a");
    request.repeat = repeat;
    let error = client(config).send(&request).unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(!error.advice().is_empty());
    match &error {
        ClientError::Connection { fault, .. } => (*fault, error.may_have_happened()),
        other => panic!("no connection: {other:?}"),
    }
}

/// A port where nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_server_that_is_not_there_is_told_apart() {
    #[track_caller]
    fn check(base_url: &str, expected: ConnectionFault) {
        let config = config(base_url, Credentials::Anonymous);
        assert_eq!(fault(config, Repeat::Safe), (expected, false));
    }
    check(
        &format!("http://127.0.0.1:{}", closed_port()),
        ConnectionFault::Refused,
    );
    check("http://no-such-host.invalid", ConnectionFault::Dns);
}

#[test]
fn lost_answers_are_asked_for_again_only_where_that_is_safe() {
    #[track_caller]
    fn check(bytes: &'static [u8], expected: ConnectionFault) {
        for (repeat, tries) in [(Repeat::Safe, 3), (Repeat::Never, 1)] {
            let wire = Wire::start(move |_, _| Act::Bytes(bytes.to_vec()));
            let config = config(&wire.base_url(), Credentials::Anonymous);
            assert_eq!(fault(config, repeat), (expected, true));
            assert_eq!(wire.seen().len(), tries);
        }
    }
    check(b"", ConnectionFault::Reset);
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        ConnectionFault::Truncated,
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
        ConnectionFault::Truncated,
    );
    check(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ConnectionFault::NotHttp);
}

#[test]
fn an_answer_that_comes_at_last_is_taken() {
    let wire = Wire::start(|_, before| {
        if before == 0 {
            Act::Bytes(Vec::new())
        } else {
            answer(200, "{}")
        }
    });
    let client = wire.client(Credentials::Anonymous);
    assert_eq!(client.send(&Request::get("rest/a")).unwrap().status, 200);
}

#[test]
fn a_server_that_hangs_runs_into_the_timeout() {
    let wire = Wire::start(|_, _| Act::Hang);
    let config = ServerConfig {
        timeout: Duration::from_millis(300),
        ..config(&wire.base_url(), Credentials::Anonymous)
    };
    assert_eq!(
        fault(config, Repeat::Safe),
        (ConnectionFault::Timeout, true)
    );
    assert_eq!(
        wire.seen().len(),
        1,
        "the time was used up by the first try"
    );
}

#[test]
fn a_proxy_of_the_configuration_is_used() {
    let proxy = Wire::start(|_, _| answer(200, "{}"));
    let through = |port: u16| ServerConfig {
        proxy: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
        ..config("http://jira.invalid/ctx", Credentials::Anonymous)
    };
    client(through(proxy.port))
        .send(&Request::get("rest/a"))
        .unwrap();
    assert_eq!(proxy.seen()[0].path, "http://jira.invalid/ctx/rest/a");
    assert_eq!(
        fault(through(closed_port()), Repeat::Safe),
        (ConnectionFault::Proxy, false)
    );

    let refusing = Wire::start(|_, _| answer(407, ""));
    let response = client(through(refusing.port))
        .send(&Request::get("rest/a"))
        .unwrap();
    assert_eq!(response.success().unwrap_err().code(), "proxy");
    let tunnel = ServerConfig {
        proxy: Some(
            format!("http://127.0.0.1:{}", refusing.port)
                .parse()
                .unwrap(),
        ),
        ..config("https://jira.invalid/ctx", Credentials::Anonymous)
    };
    assert_eq!(fault(tunnel, Repeat::Safe), (ConnectionFault::Proxy, false));
}

#[test]
fn plain_http_behind_an_https_url_is_a_tls_failure() {
    let wire = Wire::start(|_, _| answer(200, "{}"));
    let config = config(
        &wire.base_url().replace("http:", "https:"),
        Credentials::Anonymous,
    );
    let (found, sent) = fault(config, Repeat::Never);
    assert!(
        matches!(found, ConnectionFault::Tls | ConnectionFault::Truncated),
        "{found:?}"
    );
    assert!(!sent);
}
