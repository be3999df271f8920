//! `request` with bodies: what is signed, what is not, and how they arrive.

use std::process::Stdio;

use atl_testbed::{ALICE, Exchange};

use crate::estate::Fleet;

const ISSUE: &str = r#"{"fields":{"summary":"a=b&c + d é"}}"#;
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends, and what the server saw; it has no such resource, and accepts the signature.
#[track_caller]
fn sent(fleet: &Fleet, words: &[&str]) -> Exchange {
    fleet.forget();
    fleet.request_fails(words, 1, &["was answered with 404"]);
    let mut log = fleet.first().log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].user.as_deref(), Some(ALICE), "{words:?}");
    log.remove(0)
}

#[test]
fn json_is_sent_and_not_signed() {
    let fleet = Fleet::granted();
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
        let seen = sent(&fleet, &[method, "rest/api/2/issue?a=b", "-d", ISSUE]);
        assert_eq!(seen.method, method);
        assert_eq!(seen.body, ISSUE);
        assert_eq!(seen.header("content-type"), Some("application/json"));
    }
    let seen = sent(&fleet, &["POST", "rest/x", "-d", "-1"]);
    assert_eq!(seen.body, "-1");
}

#[test]
fn a_body_comes_from_a_file_or_stdin() {
    let fleet = Fleet::granted();
    fleet.env.write("issue.json", ISSUE);
    let seen = sent(&fleet, &["POST", "rest/api/2/issue", "-d", "@issue.json"]);
    assert_eq!(seen.body, ISSUE);

    fleet.forget();
    let mut command = fleet.command("request POST rest/api/2/issue -d @-");
    let file = fs_err::File::open(fleet.env.path("issue.json")).unwrap();
    command.stdin(Stdio::from(file.into_file()));
    assert_eq!(fleet.env.finish(command).code, Some(1));
    assert_eq!(fleet.first().log()[0].body, ISSUE);

    fleet.forget();
    fleet.request_fails(
        &["POST", "rest/x", "-d", "@missing.json"],
        1,
        &["missing.json"],
    );
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn a_large_body_arrives_whole() {
    let fleet = Fleet::granted();
    let text = "0123456789abcdef".repeat(1 << 18);
    fleet.env.write("large.txt", &text);
    let words = [
        "POST",
        "rest/x",
        "-d",
        "@large.txt",
        "-H",
        "content-type: text/plain",
    ];
    let seen = sent(&fleet, &words);
    assert!(
        seen.body == text,
        "{} bytes of {}",
        seen.body.len(),
        text.len()
    );
    assert_eq!(seen.header("content-type"), Some("text/plain"));
}

#[test]
fn a_form_given_as_bytes_is_signed_where_it_is_posted() {
    let fleet = Fleet::granted();
    let body = "a=b+c&a=%2B&d=&e&\u{e9}=\u{e9}";
    for (method, kind) in [
        ("POST", FORM),
        ("POST", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("PUT", FORM),
        ("PATCH", FORM),
        ("POST", "text/plain"),
        ("POST", "multipart/form-data; boundary=x"),
    ] {
        let header = format!("Content-Type: {kind}");
        let seen = sent(&fleet, &[method, "rest/x?a=1", "-H", &header, "-d", body]);
        assert_eq!(
            (seen.body.as_str(), seen.header("content-type")),
            (body, Some(kind))
        );
    }
    // Containers compare the name with its case.
    let header = "Content-Type: Application/X-WWW-Form-URLEncoded ;charset=\"utf-8\"";
    let seen = sent(&fleet, &["POST", "rest/x?a=1", "-H", header, "-d", body]);
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded;charset=\"utf-8\"")
    );
}

#[test]
fn a_form_that_is_not_posted_is_sent_and_not_signed() {
    let fleet = Fleet::granted();
    for method in ["PUT", "PATCH", "DELETE"] {
        let seen = sent(
            &fleet,
            &[method, "rest/x", "--form", "a=b c", "--form", "a=2"],
        );
        assert_eq!(seen.body, "a=b+c&a=2", "{method}");
        assert_eq!(seen.header("content-type"), Some(FORM));
    }
}

#[test]
fn methods_are_those_that_were_asked_for() {
    let fleet = Fleet::granted();
    for (typed, seen) in [
        ("get", "GET"),
        ("Options", "OPTIONS"),
        ("delete", "DELETE"),
        ("PROPFIND", "PROPFIND"),
        ("M-SEARCH", "M-SEARCH"),
    ] {
        let exchange = sent(&fleet, &[typed, "rest/x"]);
        assert_eq!(exchange.method, seen);
        let waived = (seen != "GET").then_some("no-check");
        assert_eq!(exchange.header("x-atlassian-token"), waived, "{typed}");
    }
}

#[test]
fn headers_that_are_given_take_the_place_of_our_own() {
    let fleet = Fleet::granted();
    let seen = sent(
        &fleet,
        &[
            "POST",
            "rest/x",
            "-H",
            "Accept:text/html",
            "--header",
            "X-Atlassian-Token:   nocheck  ",
            "-H",
            "X-Two: 1",
            "-H",
            "x-two: 2",
            "-H",
            "X-Empty:",
            "-H",
            "X-Colon: a:b",
        ],
    );
    let all = |name: &str| -> Vec<&str> {
        let of_name = seen.headers.iter().filter(|(given, _)| given == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(all("accept"), ["text/html"]);
    assert_eq!(all("x-atlassian-token"), ["nocheck"]);
    assert_eq!(all("x-two"), ["1", "2"]);
    assert_eq!(all("x-empty"), [""]);
    assert_eq!(all("x-colon"), ["a:b"]);
}
