//! `request` with the parameters that other clients get wrong: what was meant is what is sent, signed and seen.

use atl_testbed::ALICE;
use url::form_urlencoded;

use crate::{estate::Fleet, request::WHOAMI};

/// The server accepts a GET with this query, saw it like this, and reads it as these pairs.
#[track_caller]
fn check(fleet: &Fleet, typed: &str, sent: &str, pairs: &[(&str, &str)]) {
    fleet.forget();
    let run = fleet.request(&["GET", &format!("{WHOAMI}?{typed}")]);
    assert_eq!(run.ok(), ALICE, "{typed}");
    let log = fleet.first().log();
    assert_eq!(log.len(), 1, "{typed}");
    assert_eq!(log[0].query, sent, "{typed}");
    let seen: Vec<_> = form_urlencoded::parse(sent.as_bytes()).collect();
    let expected: Vec<(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> = pairs
        .iter()
        .map(|&(name, value)| (name.into(), value.into()))
        .collect();
    assert_eq!(seen, expected, "{typed}");
}

#[test]
fn a_query_arrives_as_it_was_typed() {
    let fleet = Fleet::granted();
    let same = |query: &str, pairs: &[(&str, &str)]| check(&fleet, query, query, pairs);
    same(
        "a=1&a=2&b=3&a=1",
        &[("a", "1"), ("a", "2"), ("b", "3"), ("a", "1")],
    );
    same(
        "b=2&a=1&a=10&a=1%20",
        &[("b", "2"), ("a", "1"), ("a", "10"), ("a", "1 ")],
    );
    same("jql=a+%3D+b", &[("jql", "a = b")]);
    same("a=%2B&b=%20", &[("a", "+"), ("b", " ")]);
    same("a=1%2B1+%3d+2", &[("a", "1+1 = 2")]);
    same("a=", &[("a", "")]);
    same("a", &[("a", "")]);
    same("a&a=&b&&c", &[("a", ""), ("a", ""), ("b", ""), ("c", "")]);
    same("a=b=c==", &[("a", "b=c==")]);
    same("a=%26%3D%25%23", &[("a", "&=%#")]);
    same("a=%2525", &[("a", "%25")]);
    same("path=a%2Fb/c:d@e?f", &[("path", "a/b/c:d@e?f")]);
    same("a~b=*~.-_!$(),;", &[("a~b", "*~.-_!$(),;")]);
    same(
        "%c3%a9=%E2%82%AC%F0%9F%98%80",
        &[("\u{e9}", "\u{20ac}\u{1f600}")],
    );
    same("a[]=1".replace("[]", "%5B%5D").as_str(), &[("a[]", "1")]);
    same("a=%0A%00%0D", &[("a", "\n\0\r")]);
    same("", &[]);
}

#[test]
fn characters_that_no_url_may_hold_are_encoded() {
    let fleet = Fleet::granted();
    check(
        &fleet,
        "q=caf\u{e9} \u{20ac}&\u{e4}=\u{1f600}",
        "q=caf%C3%A9%20%E2%82%AC&%C3%A4=%F0%9F%98%80",
        &[("q", "caf\u{e9} \u{20ac}"), ("\u{e4}", "\u{1f600}")],
    );
    check(
        &fleet,
        "jql=a in (\"x\", 'y') | [z]^{\\}<>`",
        "jql=a%20in%20(%22x%22,%20%27y%27)%20%7C%20%5Bz%5D%5E%7B%5C%7D%3C%3E%60",
        &[("jql", "a in (\"x\", 'y') | [z]^{\\}<>`")],
    );
}

#[test]
fn a_path_arrives_as_it_was_typed() {
    let fleet = Fleet::granted();
    for (typed, seen) in [
        ("rest/a%2Fb+c~*'()", "/rest/a%2Fb+c~*'()"),
        ("//rest//a;v=1/", "/rest//a;v=1/"),
        ("rest/caf\u{e9} [x]", "/rest/caf%C3%A9%20%5Bx%5D"),
        (
            &format!("{}/rest/a?x=1", fleet.first().base_url()),
            "/rest/a",
        ),
    ] {
        fleet.forget();
        fleet.request_fails(&["GET", typed], 1, &["was answered with 404"]);
        let log = fleet.first().log();
        // A user: the signature was accepted.
        assert_eq!(log[0].user.as_deref(), Some(ALICE), "{typed}");
        assert_eq!(log[0].path, seen, "{typed}");
    }
}

#[test]
fn fields_of_a_form_arrive_as_they_were_typed() {
    let fleet = Fleet::granted();
    let fields = [
        "comment=two words + a plus",
        "comment=again",
        "empty=",
        "equation=a=b&c=d",
        "encoded=%2B%20",
        "\u{e4}=\u{20ac} \u{1f600}",
        "line=one\r\ntwo",
        "mark~*=~*-._!'()",
    ];
    let mut words = vec!["POST", "rest/api/2/search?query=a+b&comment=%2B"];
    for field in &fields {
        words.extend(["--form", field]);
    }
    fleet.request_fails(&words, 1, &["was answered with 404"]);
    let log = fleet.first().log();
    assert_eq!(log[0].user.as_deref(), Some(ALICE));
    assert_eq!(log[0].query, "query=a+b&comment=%2B");
    assert_eq!(
        log[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let seen: Vec<_> = form_urlencoded::parse(log[0].body.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(seen, fields);
}
