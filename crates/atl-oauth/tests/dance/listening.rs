//! The callback on this machine.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use atl_oauth::{Approval, ListenError, Listener};
use atl_testbed::ALICE;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    browser::{Page, get, send},
    rig::{active, ask, caller, jira, signer, state},
};

const NOT_AT_ALL: Duration = Duration::ZERO;
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_mins(1);

fn ours() -> SecretString {
    "ours".into()
}

/// A listener that waits for `ours`.
fn waiting() -> Listener {
    let listener = Listener::bind(None).unwrap();
    assert!(listener.wait(&ours(), NOT_AT_ALL).is_none());
    listener
}

fn port(listener: &Listener) -> u16 {
    listener.callback().port().unwrap()
}

fn with_query(listener: &Listener, query: &str) -> Url {
    let mut url = listener.callback();
    url.set_query(Some(query));
    url
}

fn verifier(approval: Option<Approval>) -> Option<String> {
    match approval? {
        Approval::Verifier(verifier) => Some(verifier.expose_secret().to_owned()),
        Approval::Denied => Some("denied".to_owned()),
    }
}

/// Makes sure that the callback can still come.
#[track_caller]
fn check_unharmed(listener: &Listener) {
    let page = get(&with_query(
        listener,
        "oauth_token=ours&oauth_verifier=a1B2c3",
    ));
    assert_eq!(page.status, 200);
    let approval = listener.wait(&ours(), AS_LONG_AS_IT_TAKES);
    assert_eq!(verifier(approval).as_deref(), Some("a1B2c3"));
}

#[test]
fn a_dance_ends_at_the_callback() {
    let estate = jira();
    let server = estate.server(0);
    let listener = Listener::bind(None).unwrap();
    let pending = ask(server, listener.callback().as_str());
    let token = pending.token().expose_secret();
    let verifier = server.approve(token, ALICE).unwrap();
    let url = with_query(
        &listener,
        &format!("oauth_token={token}&oauth_verifier={verifier}"),
    );
    let browser = thread::spawn(move || get(&url));
    let approval = listener.wait(pending.token(), AS_LONG_AS_IT_TAKES).unwrap();
    // The page that is being sent is sent to its end.
    drop(listener);
    let page = browser.join().unwrap();
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("You can close this page"),
        "{}",
        page.body
    );
    let approved = pending.decided(approval).unwrap();
    let granted = approved
        .exchange(&caller(&server.base_url()), &signer())
        .unwrap();
    assert_eq!(state(server, &granted), active());
}

#[test]
fn the_page_is_plain_and_kept_nowhere() {
    let listener = waiting();
    let page = get(&with_query(
        &listener,
        "oauth_token=ours&oauth_verifier=denied",
    ));
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("connection", "close"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(
        !page.body.contains("<script") && !page.body.contains("http"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("You have denied the request"),
        "{}",
        page.body
    );
    assert_eq!(
        verifier(listener.wait(&ours(), NOT_AT_ALL)).as_deref(),
        Some("denied")
    );
}

#[test]
fn a_callback_is_taken_once_and_answered_again() {
    let listener = waiting();
    check_unharmed(&listener);
    let again = get(&with_query(
        &listener,
        "oauth_token=ours&oauth_verifier=d4E5f6",
    ));
    assert_eq!(again.status, 200);
    assert!(listener.wait(&ours(), NOT_AT_ALL).is_none());
}

#[test]
fn what_comes_between_two_waits_is_kept() {
    let listener = waiting();
    for _ in 0..2 {
        assert!(listener.wait(&ours(), NOT_AT_ALL).is_none());
    }
    let page = get(&with_query(
        &listener,
        "oauth_token=ours&oauth_verifier=a1B2c3",
    ));
    assert_eq!(page.status, 200);
    assert_eq!(
        verifier(listener.wait(&ours(), NOT_AT_ALL)).as_deref(),
        Some("a1B2c3")
    );
}

#[test]
fn a_foreign_callback_is_refused() {
    let listener = waiting();
    for token in ["theirs", "our", "ours%20", "OURS"] {
        let page = get(&with_query(
            &listener,
            &format!("oauth_token={token}&oauth_verifier=d4E5f6"),
        ));
        assert_eq!(page.status, 403, "{token}");
    }
    check_unharmed(&listener);
}

#[test]
fn nothing_of_a_request_comes_back() {
    let listener = waiting();
    let script = "%3Cscript%3Ealert(1)%3C/script%3E";
    let host = format!("127.0.0.1:{}", port(&listener));
    let ask = |target: &str, host: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nReferer: <script>\r\n\r\n");
        send(
            Ipv4Addr::LOCALHOST.into(),
            port(&listener),
            request.as_bytes(),
        )
        .unwrap()
    };
    for (page, status) in [
        (
            ask(
                &format!("/oauth/callback?oauth_token={script}&oauth_verifier={script}"),
                &host,
            ),
            403,
        ),
        (ask(&format!("/oauth/callback?{script}"), &host), 400),
        (ask(&format!("/{script}"), &host), 404),
        (
            ask(
                "/oauth/callback?oauth_token=ours&oauth_verifier=a1B2c3",
                "<script>",
            ),
            403,
        ),
        (
            ask(
                "/oauth/callback?oauth_token=ours&oauth_verifier=<script>",
                &host,
            ),
            400,
        ),
    ] {
        assert_eq!(page.status, status);
        let shown = format!("{}{}", page.head, page.body).to_lowercase();
        assert!(
            !shown.contains("script") && !shown.contains("alert"),
            "{shown}"
        );
    }
    check_unharmed(&listener);
}

#[test]
fn everything_else_is_refused() {
    let listener = waiting();
    let good = "/oauth/callback?oauth_token=ours&oauth_verifier=a1B2c3";
    let local = format!("127.0.0.1:{}", port(&listener));
    let ask = |method: &str, target: &str, host: &str| {
        let request = format!("{method} {target} HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n");
        send(
            Ipv4Addr::LOCALHOST.into(),
            port(&listener),
            request.as_bytes(),
        )
        .unwrap()
    };
    let own = format!("Host: {local}\r\n");
    for (page, status) in [
        (ask("GET", "/favicon.ico", &own), 404),
        (ask("GET", "/", &own), 404),
        (ask("POST", good, &own), 405),
        (ask("HEAD", good, &own), 405),
        (ask("OPTIONS", good, &own), 405),
        (ask("GET", good, "Host: evil.example\r\n"), 403),
        (
            ask(
                "GET",
                good,
                &format!("Host: evil.example:{}\r\n", port(&listener)),
            ),
            403,
        ),
        (
            ask("GET", good, &format!("{own}Host: evil.example\r\n")),
            403,
        ),
        (ask("GET", good, ""), 403),
        (ask("GET", &format!("http://evil.example{good}"), &own), 403),
        (ask("GET", "/oauth/callback?oauth_token=ours", &own), 400),
        (ask("GET", &format!("{good}&oauth_token=ours"), &own), 400),
        (
            ask("GET", &format!("{good}&oauth_verifier=d4E5f6"), &own),
            400,
        ),
    ] {
        assert_eq!(page.status, status, "{page:?}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    assert_eq!(ask("PUT", good, &own).header("allow"), Some("GET"));
    assert!(listener.wait(&ours(), NOT_AT_ALL).is_none());
    check_unharmed(&listener);
}

#[test]
fn garbage_and_what_is_too_long_harm_nothing() {
    let listener = waiting();
    let address = (Ipv4Addr::LOCALHOST, port(&listener));
    let mut open = Vec::new();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        &[0; 4096],
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(bytes).unwrap();
        open.push(stream);
    }
    let long = "a".repeat(1024 * 1024);
    for request in [
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
    ] {
        let answer = send(address.0.into(), address.1, request.as_bytes());
        assert!(answer.is_none_or(|page| page.status >= 400));
    }
    check_unharmed(&listener);
    drop(open);
}

#[test]
fn connections_that_say_nothing_do_not_stop_the_callback() {
    let listener = waiting();
    let mut silent = Vec::new();
    for begun in [
        &b""[..],
        b"GET /oauth/callback?oauth_token=ours",
        b"GET / HTTP/1.1\r\nHost: ",
    ] {
        for _ in 0..70 {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(&listener))).unwrap();
            stream.write_all(begun).unwrap();
            silent.push(stream);
        }
    }
    check_unharmed(&listener);
    let mut oldest = &silent[0];
    oldest.set_nonblocking(true).unwrap();
    let ended = oldest.read(&mut [0]);
    assert!(
        !matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock),
        "the oldest makes room"
    );
}

#[test]
fn the_other_names_of_this_machine_are_as_good() {
    let listener = waiting();
    let port = port(&listener);
    let ask = |address: IpAddr, host: &str| -> Page {
        let request = format!(
            "GET /oauth/callback?oauth_token=ours&oauth_verifier=a1B2c3 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
        );
        send(address, port, request.as_bytes()).unwrap()
    };
    assert_eq!(ask(Ipv4Addr::LOCALHOST.into(), "localhost").status, 200);
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped in part: this machine has no IPv6");
        return;
    }
    assert_eq!(ask(Ipv6Addr::LOCALHOST.into(), "localhost").status, 200);
    assert_eq!(ask(Ipv6Addr::LOCALHOST.into(), "[::1]").status, 200);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let listener = Listener::bind(None).unwrap();
    let url = listener.callback();
    assert_eq!(
        (url.host_str(), url.path()),
        (Some("127.0.0.1"), "/oauth/callback")
    );
    let port = port(&listener);
    let error = Listener::bind(Some(port)).unwrap_err();
    assert!(matches!(error, ListenError::Taken { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("port {port} of this machine is taken")
    );
    assert_eq!(error.code(), "port_taken");
    assert!(error.advice().contains("`--port`"), "{}", error.advice());
}

#[test]
fn a_port_that_is_taken_in_one_of_the_two_is_taken() {
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        let Ok(theirs) = TcpListener::bind((address, 0)) else {
            eprintln!("skipped in part: this machine has no {address}");
            continue;
        };
        let port = theirs.local_addr().unwrap().port();
        let error = Listener::bind(Some(port)).unwrap_err();
        assert!(
            matches!(error, ListenError::Taken { .. }),
            "{address}: {error:?}"
        );
    }
}

#[test]
fn a_listener_ends_when_it_is_dropped_and_its_port_can_be_chosen() {
    let first = waiting();
    let chosen = port(&first);
    check_unharmed(&first);
    drop(first);
    let second = Listener::bind(Some(chosen)).unwrap();
    assert_eq!(port(&second), chosen);
    assert!(second.wait(&ours(), NOT_AT_ALL).is_none());
    check_unharmed(&second);
    drop(second);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, chosen)).is_err());
}

/// A callback that came before anybody waits, its answer still to be read.
fn early(listener: &Listener, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(listener))).unwrap();
    let target = format!("/oauth/callback?oauth_token={token}&oauth_verifier=a1B2c3");
    let host = format!("localhost:{}", port(listener));
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    // What came first has been read once what came later has been answered.
    let later = listener.callback().join("/favicon.ico").unwrap();
    assert_eq!(get(&later).status, 404);
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_callback_that_came_early_is_taken_and_answered_even_if_nobody_listens_any_more() {
    let listener = Listener::bind(None).unwrap();
    let ours_early = early(&listener, "ours");
    let theirs = early(&listener, "theirs");
    let approval = listener.wait(&ours(), NOT_AT_ALL);
    assert_eq!(verifier(approval).as_deref(), Some("a1B2c3"));
    drop(listener);
    let (ours, theirs) = (rest(ours_early), rest(theirs));
    assert!(ours.starts_with("HTTP/1.1 200 "), "{ours}");
    assert!(theirs.starts_with("HTTP/1.1 403 "), "{theirs}");
}

#[test]
fn an_answer_that_is_held_ends_with_the_listener() {
    let listener = Listener::bind(None).unwrap();
    let held = early(&listener, "theirs");
    drop(listener);
    let answer = rest(held);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_listener_shows_its_callback_and_nothing_else() {
    let listener = waiting();
    let shown = format!("{listener:?}");
    assert!(
        shown.contains("/oauth/callback") && !shown.contains("ours"),
        "{shown}"
    );
}
