//! `request` and what comes back: streamed, whole, with its head, and explained where it is no success.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::mpsc,
    thread,
};

use atl_testbed::{ALICE, Fault, Kind, Matcher, When};

use crate::{
    env::Env,
    estate::{CONSUMER, Fleet},
    grants::token,
    request::WHOAMI,
    wire::Wire,
};

/// A fleet whose server is this URL, and a key to sign with.
fn fleet_at(url: &str) -> Env {
    let env = Env::new();
    env.write(
        "fleet.yaml",
        &format!(
            "version: 1\nservers:\n  jira: {{ url: {url} }}\nconsumers:\n  {CONSUMER}: {{ url: 'https://deploy.example.com' }}\n"
        ),
    );
    let made = env.run(&format!("keys generate --consumer {CONSUMER} --bits 2048"));
    assert_eq!(made.code, Some(0), "{}", made.shown());
    env
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Takes one connection and the head of its request.
fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    stream
}

/// What the program writes to stdout for this answer, byte by byte.
#[track_caller]
fn passed_on(reply: Vec<u8>) -> Vec<u8> {
    let wire = Wire::start(move |_| reply.clone());
    let env = fleet_at(&wire.url());
    let output = env
        .command("request --two-legged GET rest/x")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(0), ""));
    output.stdout
}

#[test]
fn bytes_are_passed_on_as_they_are() {
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let reply = answer("200 OK", "content-type: image/png\r\n", &bytes);
    assert!(passed_on(reply) == bytes);
    // gzip of `gzip`, two bytes that are no text, and `done`.
    let packed = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xaf, 0xca, 0x2c, 0x50,
        0xf8, 0xcf, 0xa0, 0x90, 0x92, 0x9f, 0x97, 0x0a, 0x00, 0x25, 0x9d, 0x2b, 0x7d, 0x0c, 0x00,
        0x00, 0x00,
    ];
    let reply = answer("200 OK", "content-encoding: gzip\r\n", &packed);
    assert_eq!(passed_on(reply), b"gzip \xff\0 done");
}

#[test]
fn bytes_of_a_failure_are_passed_on_but_for_the_token() {
    let fleet = Fleet::granted();
    let body = format!("you sent oauth_token=\"{}\"", token(1));
    fleet.first().set(Fault::Answer(500, body));
    let stdout = fleet.request_fails(&["GET", "rest/x"], 1, &["500: you sent"]);
    assert_eq!(stdout, "you sent oauth_token=\"[redacted]\"");

    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let reply = answer("500 Internal Server Error", "", &bytes);
    let wire = Wire::start(move |_| reply.clone());
    let env = fleet_at(&wire.url());
    let mut command = env.command("request --two-legged GET rest/x");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout == bytes);
}

#[test]
fn a_large_body_is_passed_on_whole() {
    let fleet = Fleet::granted();
    let line = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
    let text = line.repeat(20 * (1 << 20) / line.len());
    fleet.first().set(Fault::Answer(200, text.clone()));
    let run = fleet.request(&["GET", "rest/large"]);
    assert_eq!((run.code, run.stdout.len()), (Some(0), text.len()));
    assert!(run.stdout == text);
    // One that explains a failure is not cut either.
    fleet.first().clear_faults();
    fleet.first().set(Fault::Answer(404, text.clone()));
    let run = fleet.request(&["GET", "rest/large"]);
    assert_eq!((run.code, run.stdout.len()), (Some(1), text.len()));
    assert!(run.stdout == text);
}

#[test]
fn a_body_is_passed_on_before_it_has_come_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (first_half_was_read, wait) = mpsc::channel();
    let server = thread::spawn(move || {
        let mut stream = accept(&listener);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nfirst\n")
            .unwrap();
        wait.recv().unwrap();
        stream.write_all(b"second").unwrap();
    });
    let env = fleet_at(&url);
    let mut child = env
        .command("request --two-legged GET rest/x")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    assert_eq!(text, "first\n");
    first_half_was_read.send(()).unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first\nsecond");
    assert!(child.wait().unwrap().success());
    server.join().unwrap();
}

#[test]
fn the_head_comes_first_where_it_is_asked_for() {
    let fleet = Fleet::granted();
    let run = fleet.request(&["-i", "GET", "rest/api/2/myself"]);
    let (head, body) = run.ok().split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("HTTP/1.1 200 OK"));
    let lines: Vec<&str> = lines.collect();
    assert!(
        lines.contains(&"content-type: application/json"),
        "{lines:?}"
    );
    assert!(lines.contains(&"x-ausername: alice"), "{lines:?}");
    assert!(body.starts_with(r#"{"self":"#), "{body}");

    let run = fleet.request(&["--include", "GET", "rest/nothing"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.starts_with("HTTP/1.1 404 Not Found\r\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_answer_to_head_has_no_body() {
    let reply = answer(
        "200 OK",
        "content-type: text/plain\r\nx-ausername: bob\r\n",
        b"",
    );
    let reply = String::from_utf8(reply)
        .unwrap()
        .replace("length: 0", "length: 5000");
    let packed = reply.replace("text/plain", "text/plain\r\ncontent-encoding: gzip");
    let wire = Wire::start(move |path| if path == "/packed" { &packed } else { &reply }.clone());
    let env = fleet_at(&wire.url());
    assert_eq!(env.run("request --two-legged HEAD packed").ok(), "");
    let run = env.run("request --two-legged HEAD rest/x");
    assert_eq!(run.ok(), "");
    let run = env.run("request --two-legged -i head rest/x");
    assert_eq!(
        run.ok(),
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-ausername: bob\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n"
    );
    let fleet = Fleet::granted();
    let run = fleet.request(&["HEAD", "rest/nothing"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert_eq!(fleet.first().log()[0].user.as_deref(), Some(ALICE));
}

#[test]
fn every_status_has_its_exit_code_and_its_body() {
    let fleet = Fleet::granted();
    for (status, code, said) in [
        (201, 0, ""),
        (204, 0, ""),
        (302, 1, "was answered with 302"),
        (400, 1, "was answered with 400: the body"),
        (401, 4, "the user lacks the permission"),
        (403, 4, "was answered with 403: the body"),
        (404, 1, "check that the server has this resource"),
        (409, 1, "was answered with 409: the body"),
        (418, 1, "was answered with 418: the body"),
        (429, 1, "run it again"),
        (500, 1, "look at the server's log"),
        (503, 1, "was answered with 503: the body"),
    ] {
        let body = if status == 204 { "" } else { "the body" };
        fleet.first().clear_faults();
        fleet.first().set(Fault::Answer(status, body.to_owned()));
        let run = fleet.request(&["POST", "rest/x"]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(code), body),
            "{status}: {}",
            run.shown()
        );
        assert!(run.stderr.contains(said), "{status}: {}", run.shown());
        assert_eq!(
            run.stderr.is_empty(),
            code == 0,
            "{status}: {}",
            run.shown()
        );
    }
}

#[test]
fn a_redirect_is_said_and_not_followed() {
    let there = Wire::web("200 OK", "text/plain", "there");
    let to = format!("{}/jira", there.url());
    let web = Wire::redirect(to.clone());
    let env = fleet_at(&web.url());
    let run = env.run("request --two-legged GET rest/x?secret=1");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    for said in [
        format!("GET rest/x was redirected (301) to {to}/rest/x\n"),
        format!("use `url: {to}` for this server"),
    ] {
        assert!(run.stderr.contains(&said), "no `{said}`: {}", run.stderr);
    }
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    assert_eq!((web.requests(), there.requests()), (1, 0));
}

#[test]
fn a_context_path_typed_twice_is_noticed() {
    let fleet = Fleet::new([atl_testbed::ServerSpec::new(Kind::Jira).context("/jira")]);
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.grant(1, ALICE);
    fleet.request_fails(
        &["GET", "/jira/rest/api/2/myself"],
        1,
        &["leave `/jira` out of PATH"],
    );
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let fleet = Fleet::granted();
    fleet.first().stop();
    let stdout = fleet.request_fails(&["GET", WHOAMI], 3, &["the connection was refused"]);
    assert_eq!(stdout, "");
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_no_longer_than_that() {
    let fleet = Fleet::granted();
    fleet.first().set(Fault::Hang);
    let words = ["POST", "rest/x", "--timeout", "2s"];
    fleet.request_fails(&words, 3, &["the answer took too long"]);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let env = fleet_at(&format!("http://{}", listener.local_addr().unwrap()));
    let stalled = thread::spawn(move || {
        let mut stream = accept(&listener);
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nfirst\n";
        stream.write_all(reply).unwrap();
        stream
    });
    let run = env.run("request --two-legged POST rest/x --timeout 2s");
    let _open_until_now = stalled.join().unwrap();
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(3), "first\n"),
        "{}",
        run.shown()
    );
    assert!(
        run.stderr.contains("the answer took too long"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_body_that_breaks_off_is_passed_on_as_far_as_it_came() {
    let fleet = Fleet::granted();
    fleet
        .first()
        .set(Fault::Truncate.on(Matcher::path("whoami")));
    let stdout = fleet.request_fails(&["GET", WHOAMI], 3, &["the answer ended early"]);
    assert_eq!(stdout, "al");
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn only_what_changes_nothing_is_sent_again_and_signed_anew() {
    let fleet = Fleet::granted();
    let server = fleet.first();
    let fail = [
        || Fault::Reset(When::Before),
        || Fault::TooManyRequests(0),
        || Fault::Unavailable,
    ];
    for fault in fail {
        for (method, sent) in [("GET", 2), ("POST", 1), ("PUT", 1), ("PURGE", 1)] {
            server.clear_faults();
            server.set(fault().times(1));
            fleet.forget();
            let run = fleet.request(&[method, WHOAMI]);
            assert_eq!(fleet.requests(), sent, "{method}: {}", run.shown());
            let good = (method == "GET").then_some(0);
            assert_eq!(
                run.code.filter(|code| *code == 0),
                good,
                "{method}: {}",
                run.shown()
            );
        }
    }
}

#[test]
fn a_write_whose_answer_was_lost_is_not_made_again() {
    let fleet = Fleet::granted();
    fleet.first().set(Fault::Reset(When::After));
    fleet.request_fails(
        &["POST", "rest/x", "-d", "{}"],
        3,
        &["the connection was cut before an answer came"],
    );
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn a_nonce_that_was_seen_is_replaced_once() {
    let fleet = Fleet::granted();
    let used = || Fault::Answer(401, "oauth_problem=nonce_used".to_owned());
    fleet.first().set(used().times(1));
    fleet.request_fails(&["POST", "rest/x"], 1, &["404"]);
    assert_eq!(fleet.requests(), 2);
    fleet.first().set(used());
    fleet.forget();
    fleet.request_fails(&["POST", "rest/x"], 4, &["nonce_used"]);
    assert_eq!(fleet.requests(), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let fleet = Fleet::granted();
    fleet
        .first()
        .set(Fault::Answer(200, "line\n".repeat(1 << 20)));
    let run = fleet
        .env
        .shell("atl-admin request GET rest/x | head -n 1; echo ${PIPESTATUS[0]}");
    assert_eq!(run.ok(), "line\n0\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_a_failure() {
    let fleet = Fleet::granted();
    let run = fleet
        .env
        .shell("atl-admin request GET plugins/servlet/applinks/whoami > /dev/full");
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(
        run.stderr.contains("could not write to stdout"),
        "{}",
        run.stderr
    );
}
