//! How what is wrong with a fleet file is shown.

use atl_testbed::{Kind, ServerSpec};

use crate::{env::Env, estate::Fleet};

#[test]
fn all_errors_are_shown_at_once_with_their_place() {
    let env = Env::new();
    env.write(
        "fleet.yaml",
        "version: 1\nservers:\n  jira:\n    url: ftp://jira.example.com\n    lables: [prod]\n",
    );
    insta::assert_snapshot!(env.run("history -s label:prod").shown(), @r"
    -- stderr
    error: fleet.yaml:4:10: not an absolute http or https URL: `ftp://jira.example.com`
    hint: it begins with `https://`
    error: fleet.yaml:5:5: unknown key: `lables`
    hint: did you mean `labels`?
    -- exit 2
    ");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    insta::assert_snapshot!(Env::new().run("history -s label:prod").shown(), @r"
    -- stderr
    error: fleet.yaml: there is no such fleet file
    hint: name one with `--fleet FILE`, or write one with `atl-admin init`
    -- exit 2
    ");
}

/// Nothing is sent, nothing is printed as data, no store is made, and what is wrong is said with its place.
#[track_caller]
fn refused(fleet: &Fleet, says: &[&str]) {
    let files = fleet.env.files();
    for command in ["apply --yes", "plan", "check", "links list"] {
        let run = fleet.run(&format!("{command} -o json"));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{command}: {}",
            run.shown()
        );
        for text in says {
            assert!(
                run.stderr.contains(text),
                "{command}: no `{text}` in {}",
                run.stderr
            );
        }
        assert!(!run.stderr.contains("hunter2"), "{command}: {}", run.stderr);
    }
    assert_eq!((fleet.requests(), fleet.env.files()), (0, files));
}

#[test]
fn mistakes_are_named_with_their_place_before_anything_is_sent() {
    // What is added to the end of the file of one Jira; `{}` is its base URL.
    let check = |lines: &str, says: &[&str]| {
        let fleet = Fleet::of(Kind::Jira);
        let mut text = fleet.env.read("fleet.yaml");
        text.push_str(&lines.replace("{}", &fleet.first().base_url()));
        fleet.env.write("fleet.yaml", &text);
        refused(&fleet, says);
    };
    check(
        "    callbak: https://x.example.com\n",
        &[
            "fleet.yaml:17:5: ",
            "unknown key: `callbak`",
            "did you mean `callback`?",
        ],
    );
    check(
        "    name: Again\n",
        &["fleet.yaml:17:5: ", "duplicate key", "`name`"],
    );
    check(
        "  deploy-bot: { url: https://x.example.com }\n",
        &["fleet.yaml:17:3: ", "duplicate key", "`deploy-bot`"],
    );
    check("    servers: jira\n", &["fleet.yaml:17:14: ", "list"]);
    check(
        "    keypair: { bits: many }\n",
        &["fleet.yaml:17:22: ", "`many`"],
    );
    check("    two_legged: { enabled: [] }\n", &["fleet.yaml:17:28: "]);
    check(
        "    servers: [jra]\n",
        &["fleet.yaml:17:15: ", "`jra`", "did you mean `jira`?"],
    );
    check(
        "    servers: [\"label:prod\"]\n",
        &["fleet.yaml:17:15: ", "label:prod"],
    );
    check(
        "  bad name: { url: https://x.example.com }\n",
        &["fleet.yaml:17:3: ", "`bad name`"],
    );
    check(
        "    policy: { max_grant_age: soon }\n",
        &["fleet.yaml:17:30: ", "`soon`"],
    );
    check(
        "    state: gone\n",
        &["fleet.yaml:17:12: ", "`gone`", "absent"],
    );
}

#[test]
fn addresses_that_cannot_be_used_are_refused() {
    for (url, says) in [
        ("http://me:hunter2@127.0.0.1:1", "credentials"),
        ("127.0.0.1:1", "https://"),
        ("jira.example.com/jira", "https://"),
        ("http://127.0.0.1:1/?os_authType=basic", "query"),
        ("http://127.0.0.1:1/#top", "fragment"),
        ("ftp://127.0.0.1", "http"),
    ] {
        let fleet = Fleet::of(Kind::Jira);
        fleet.edit(&fleet.first().base_url(), url);
        refused(&fleet, &["fleet.yaml:10:10: ", says]);
    }
}

#[test]
fn two_servers_of_one_address_are_refused() {
    let fleet = Fleet::of(Kind::Jira);
    let url = fleet.first().base_url();
    for same in [
        url.clone(),
        format!("{url}/"),
        url.replace("http:", "HTTP:"),
    ] {
        let text = fleet.env.read("fleet.yaml");
        fleet.edit(
            "\nconsumers:",
            &format!("  other:\n    url: {same}\n\nconsumers:"),
        );
        refused(&fleet, &["fleet.yaml:12:10: ", "`jira`"]);
        fleet.env.write("fleet.yaml", &text);
    }
}

#[test]
fn files_that_are_no_fleet_file_are_refused() {
    let fleet = Fleet::of(Kind::Jira);
    let bomb = (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{0}: &a{0} [*a{n}, *a{n}, *a{n}]\n", n + 1)
    });
    for (contents, says) in [
        (String::new(), "empty"),
        ("# only a comment\n".to_owned(), "empty"),
        ("# filler\n".repeat(1_200_000), "too large"),
        (bomb, "fleet.yaml"),
        ("\u{7f}ELF\u{2}\u{1}\0\0".to_owned(), "not a text file"),
        ("just text".to_owned(), "mapping"),
        ("version: 1\nservers: {".to_owned(), "not valid YAML"),
        ("version: 2\n".to_owned(), "`2`"),
    ] {
        fleet.env.write("fleet.yaml", &contents);
        refused(&fleet, &[says]);
    }
    fs_err::write(fleet.env.path("fleet.yaml"), b"version: 1\n\xff\xfe").unwrap();
    refused(&fleet, &["not UTF-8"]);
    fs_err::remove_file(fleet.env.path("fleet.yaml")).unwrap();
    refused(&fleet, &["no such fleet file", "atl-admin init"]);
}

#[test]
fn a_secret_that_does_not_resolve_stops_the_run_before_it_starts() {
    for (reference, says) in [
        ("${env:NOT_SET}", "`NOT_SET`"),
        ("${file:missing.txt}", "missing.txt"),
        ("${cmd:echo hunter2}", "--allow-cmd"),
        ("${vault:x}", "unknown scheme"),
    ] {
        let fleet = Fleet::new(["a", "b"].map(|name| ServerSpec::new(Kind::Jira).name(name)));
        fleet.add_to(
            "b",
            &format!("admin: {{ username: admin, password: \"{reference}\" }}"),
        );
        refused(&fleet, &["fleet.yaml:13:", says]);
        // Only what the selected servers need is resolved; a reference of no known kind is wrong anyway.
        let code = if reference.contains("vault") { 2 } else { 0 };
        assert_eq!(fleet.run("plan -s a").code, Some(code), "{reference}");
    }
}

#[test]
fn a_selection_that_names_nothing_is_refused() {
    let fleet = Fleet::of(Kind::Jira);
    for line in [
        "plan -s jra",
        "apply -s label:prod",
        "check -c deploy",
        "plan -f missing.yaml",
        "links create -c nobody -s jira",
    ] {
        let run = fleet.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn all_errors_of_a_file_come_at_once() {
    let fleet = Fleet::of(Kind::Jira);
    fleet.edit("version: 1", "version: 1\nextra: true");
    fleet.edit(
        "    url: https://deploy.example.com\n",
        "    url: deploy.example.com\n    policy: { max_key_age: old }\n    srevers: [jira]\n",
    );
    fleet.add_to(
        "jira",
        "admin: { username: admin, password: \"${env:NOT_SET}\" }",
    );
    let run = fleet.run("plan");
    for text in ["`extra`", "`deploy.example.com`", "`old`", "`srevers`"] {
        assert!(run.stderr.contains(text), "no {text} in {}", run.stderr);
    }
    assert_eq!((run.code, fleet.requests()), (Some(2), 0));
}

#[test]
fn a_literal_password_is_a_warning() {
    let fleet = Fleet::of(Kind::Jira);
    fleet.edit("${env:ATL_ADMIN_PASSWORD}", atl_testbed::ADMIN_PASSWORD);
    let run = fleet.run("plan -o json");
    assert_eq!(
        (run.code, &run.json()["format_version"]),
        (Some(0), &serde_json::json!("1.0"))
    );
    insta::assert_snapshot!(run.stderr, @"
    warning: fleet.yaml:6:15: a secret stands in the fleet file itself
    hint: use `${env:NAME}`, `${file:PATH}` or `${cmd:COMMAND}`
    ");
}
