//! `request` where what was asked for cannot be meant: nothing is sent to any server.

use atl_testbed::{ALICE, Kind, ServerSpec};

use crate::{
    estate::{CONSUMER, Fleet},
    request::WHOAMI,
};

/// Wrong usage: exit 2, and no server hears of it.
#[track_caller]
fn check(fleet: &Fleet, words: &[&str], said: &[&str]) {
    fleet.forget();
    let stdout = fleet.request_fails(words, 2, said);
    assert_eq!(stdout, "", "{words:?}");
    assert_eq!(fleet.requests(), 0, "{words:?}");
}

#[test]
fn exactly_one_server_and_one_consumer() {
    let fleet = Fleet::new([
        ServerSpec::new(Kind::Jira),
        ServerSpec::new(Kind::Confluence),
    ]);
    check(
        &fleet,
        &["GET", WHOAMI],
        &[
            "needs exactly one server, and 2 are selected",
            "`--server`: `jira`, `wiki`",
        ],
    );
    let mut text = fleet.env.read("fleet.yaml");
    text.push_str("  second-bot:\n    url: https://second.example.com\n    servers: [jira]\n");
    text.push_str("  gone-bot:\n    url: https://gone.example.com\n    state: absent\n");
    fleet.env.write("fleet.yaml", &text);
    check(
        &fleet,
        &["GET", WHOAMI, "-s", "jira"],
        &[
            "needs exactly one consumer, and 2 are selected",
            "`--consumer`: `deploy-bot`, `second-bot`",
        ],
    );
    check(
        &fleet,
        &["GET", WHOAMI, "-s", "wiki", "-c", "second-bot"],
        &[
            "`wiki` is not to have the selected consumer",
            "`--consumer`: `deploy-bot`",
        ],
    );
    check(&fleet, &["GET", WHOAMI, "-s", "nowhere"], &["nowhere"]);
    fleet.request_fails(
        &["GET", WHOAMI, "-s", "wiki"],
        1,
        &["the store has no grant"],
    );
    let fleet = Fleet::of(Kind::Jira).without_consumers();
    check(&fleet, &["GET", WHOAMI], &["consumer"]);
}

#[test]
fn parameters_that_impersonate_go_with_a_grant_only() {
    let fleet = Fleet::two_legged(true, None);
    fleet.grant(1, ALICE);
    for name in ["user_id", "xoauth_requestor_id"] {
        let query = format!("{WHOAMI}?a=b&{name}=bob");
        let field = format!("{name}=bob");
        let header = "Content-Type: application/x-www-form-urlencoded";
        for flag in [&["--two-legged"][..], &["--impersonate", "bob"][..]] {
            for call in [
                &["GET", &query][..],
                &["POST", WHOAMI, "--form", &field][..],
                &["POST", WHOAMI, "-H", header, "-d", &field][..],
            ] {
                let said = format!("the parameter `{name}` of a two-legged call as impersonation");
                check(&fleet, &[flag, call].concat(), &[&said]);
            }
        }
        assert_eq!(fleet.request(&["GET", &query]).ok(), ALICE);
    }
}

#[test]
fn parameters_that_signing_makes() {
    let fleet = Fleet::granted();
    for name in [
        "oauth_token",
        "oauth_signature",
        "oauth_nonce",
        "oauth_consumer_key",
    ] {
        let said = format!("the parameter `{name}` is made by signing");
        check(&fleet, &["GET", &format!("{WHOAMI}?{name}=x")], &[&said]);
        check(
            &fleet,
            &["POST", "x", "--form", &format!("{name}=x")],
            &[&said],
        );
    }
    check(&fleet, &["GET", "x?=1"], &["no name"]);
    check(&fleet, &["POST", "x", "--form", "=1"], &["no name"]);
    check(&fleet, &["GET", "x?a=%E9"], &["not UTF-8 once decoded"]);
    let latin = "Content-Type: application/x-www-form-urlencoded; charset=ISO-8859-1";
    check(
        &fleet,
        &["POST", "x", "-H", latin, "-d", "a=b"],
        &["the form has the charset `ISO-8859-1`"],
    );
}

#[test]
fn flags_that_exclude_each_other() {
    let fleet = Fleet::granted();
    check(
        &fleet,
        &["GET", "x", "--as", "a", "--two-legged"],
        &["cannot be used with"],
    );
    check(
        &fleet,
        &["GET", "x", "--as", "a", "--impersonate", "b"],
        &["cannot be used with"],
    );
    check(
        &fleet,
        &["POST", "x", "-d", "{}", "--form", "a=b"],
        &["cannot be used with"],
    );
    check(
        &fleet,
        &["GET", "x", "--impersonate", ""],
        &["names nobody"],
    );
    check(&fleet, &["GET", "x", "-o", "json"], &["no `json` output"]);
    let format = Fleet::granted().with("ATL_ADMIN_OUTPUT", "json");
    assert_eq!(format.request(&["GET", WHOAMI]).ok(), ALICE);
}

#[test]
fn forms_go_with_methods_that_have_bodies() {
    let fleet = Fleet::granted();
    check(
        &fleet,
        &["GET", "x", "--form", "a=b"],
        &["a form cannot be sent with GET"],
    );
    check(
        &fleet,
        &["head", "x", "--form", "a=b"],
        &["a form cannot be sent with HEAD"],
    );
    check(&fleet, &["POST", "x", "--form", "a"], &["has no `=`"]);
    let json = [
        "POST",
        "x",
        "--form",
        "a=b",
        "-H",
        "Content-Type: application/json",
    ];
    check(&fleet, &json, &["`-H` gives another one"]);
}

#[test]
fn headers_that_cannot_be_given() {
    let fleet = Fleet::granted();
    for name in [
        "Authorization",
        "host",
        "Content-Length",
        "transfer-encoding",
    ] {
        let header = format!("{name}: hunter2");
        check(&fleet, &["GET", "x", "-H", &header], &["cannot be given"]);
    }
    for (header, said) in [
        ("no colon hunter2", "has no colon"),
        (": hunter2", "is not the name of a header"),
        ("a b: hunter2", "is not the name of a header"),
        ("A: hunter2\r\nB: c", "printable ASCII"),
        ("A: hunter2\nb", "printable ASCII"),
        ("A: hunter2 \u{e9}", "printable ASCII"),
    ] {
        check(&fleet, &["GET", "x", "-H", header], &[said]);
        let run = fleet.request(&["GET", "x", "-H", header]);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn methods_that_are_none() {
    let fleet = Fleet::granted();
    for method in ["", "GE T", "GET\r\n", "TRACE", "connect", "\u{e9}"] {
        check(
            &fleet,
            &[method, "x"],
            &["is not a method that can be sent"],
        );
    }
}

#[test]
fn paths_that_lead_elsewhere() {
    let fleet = Fleet::granted();
    let base = fleet.first().base_url();
    for (path, said) in [
        ("https://jira.example.com/rest/x?token=hunter2", "not below"),
        ("http://127.0.0.1:1/rest?token=hunter2", "not below"),
        (&format!("{base}.example.com/x"), "not below"),
        ("../x", "`.` or `..`"),
        ("rest/%2e%2e/x", "`.` or `..`"),
        ("rest/x#top", "fragment"),
        ("rest/x?a=100%", "two hex digits"),
        ("rest/x\r\nHost: evil", "control character"),
    ] {
        check(&fleet, &["GET", path], &["the path cannot be sent", said]);
        let run = fleet.request(&["GET", path]);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_token_does_not_cross_the_network_unencrypted() {
    let fleet = Fleet::granted();
    let mut row = crate::grants::row(fleet.first(), 2, ALICE);
    row.server_url = "http://jira.example.com".to_owned();
    fleet.keep(&row);
    fleet.edit(&fleet.first().base_url(), "http://jira.example.com");
    check(
        &fleet,
        &["GET", "x"],
        &["would cross the network unencrypted", "--allow-http"],
    );
}

#[test]
fn a_consumer_without_a_private_key_here_signs_nothing() {
    let fleet = Fleet::of(Kind::Jira);
    let words = ["GET", WHOAMI, "--two-legged"];
    fleet.request_fails(
        &words,
        1,
        &["has no private key in the store", "atl-admin apply"],
    );
    fleet.env.fixture("another.pub.pem");
    fleet.edit(
        &format!("  {CONSUMER}:\n"),
        &format!("  {CONSUMER}:\n    keypair: {{ public_key_file: another.pub.pem }}\n"),
    );
    fleet.request_fails(
        &words,
        1,
        &["only the public key of consumer `deploy-bot` is here"],
    );
    assert_eq!(fleet.requests(), 0);
}
