//! What holds for every command: flags, environment variables, usage errors, colour.

use crate::env::Env;

#[test]
fn wrong_usage_ends_with_2() {
    let env = Env::new();
    for line in [
        "",
        "nonsense",
        "--nonsense",
        "keys",
        "keys nonsense",
        "keys list --parallel 0",
        "keys list --timeout 30",
        "keys list --timeout 0s",
        "keys list -o xml",
        "keys list --color sometimes",
        "keys show bot.pem -o csv",
        "keys generate",
        "keys generate --out a.pem --consumer x",
        "keys generate --consumer a/b",
        "keys generate --out a.pem --bits 1024",
        "keys generate --out a.pem --no-passphrase --kdf scrypt",
        "keys import a.pem",
        "keys import a.pem -c one -c two",
        "keys export x",
        "keys export x --public --private --out a.pem",
        "keys export x --private",
        "keys list --store mysql://u:p@h/d",
        "keys generate -c x --store-key plain-text",
        "keys generate -c x --store-key env:UNSET",
        "history -s label:prod",
        "schema -o csv",
        "history --limit 0",
    ] {
        let run = env.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert_eq!(run.stdout, "", "{line}");
        assert_ne!(run.stderr, "", "{line}");
    }
    assert_eq!(env.files(), [""; 0], "nothing was made");
}

#[test]
fn a_secret_typed_in_the_wrong_place_is_not_repeated() {
    let env = Env::new();
    for line in [
        "keys generate -c x --store-key s3cret",
        "keys list --store postgres://u:s3cret@h/d",
    ] {
        assert!(!env.run(line).stderr.contains("s3cret"), "{line}");
    }
    let env = env
        .with("ATL_ADMIN_STORE", "postgres://u:s3cret@h/d")
        .with("ATL_ADMIN_STORE_KEY", "s3cret");
    for line in [
        "--help",
        "keys list --help",
        "keys list",
        "keys generate -c x",
    ] {
        let run = env.run(line);
        assert!(!run.shown().contains("s3cret"), "{line}");
    }
}

#[test]
fn flags_beat_the_environment() {
    let env = Env::new().with("ATL_ADMIN_OUTPUT", "csv");
    let header = "id,consumer,bits,fingerprint,created,state,servers,age\n";
    assert_eq!(env.run("keys list").stdout, header);
    assert_eq!(
        env.run("-o json keys list").json()["keys"],
        serde_json::json!([])
    );
    assert_eq!(env.run("keys list -o json").json()["format_version"], "1.0");
}

#[test]
fn boolean_variables_are_on_unless_they_say_off() {
    for (value, code) in [
        ("", 0),
        ("0", 0),
        ("no", 0),
        ("off", 0),
        ("FALSE", 0),
        ("1", 0),
    ] {
        let env = Env::new().with("ATL_ADMIN_NO_INPUT", value);
        assert_eq!(env.run("keys list").code, Some(code), "{value:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let check = |line: &str, variables: &[(&str, &str)], expected: bool| {
        let env = variables
            .iter()
            .fold(Env::new(), |env, (name, value)| env.with(name, value));
        let run = env.run(line);
        assert_eq!(
            run.stderr.contains('\u{1b}'),
            expected,
            "{line} {variables:?}"
        );
    };
    let failing = "keys show ./missing.pem";
    check(failing, &[], false);
    check(&format!("{failing} --color always"), &[], true);
    check(
        &format!("{failing} --color never"),
        &[("CLICOLOR_FORCE", "1")],
        false,
    );
    check(failing, &[("CLICOLOR_FORCE", "1")], true);
    check(failing, &[("CLICOLOR_FORCE", "0")], false);
    check(
        failing,
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
        false,
    );
    check("keys list --nonsense --color always", &[], true);
    check("keys list --nonsense", &[], false);
}

#[test]
fn an_error_says_what_why_and_what_to_do() {
    let env = Env::new();
    insta::assert_snapshot!(env.run("keys show ./missing.pem").shown(), @r"
    -- stderr
    error: failed to open file `./missing.pem`: No such file or directory (os error 2)
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys show missing").shown(), @r"
    -- stderr
    error: the store has no keypair `missing`
    hint: `atl-admin keys list` shows ids and consumers; `--store` names another store
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys show x -o csv").shown(), @r"
    -- stderr
    error: this command has no `csv` output
    hint: use `--output` with one of: table, json, yaml
    -- exit 2
    ");
}

#[test]
fn the_version_is_told() {
    let run = Env::new().run("--version");
    assert_eq!(
        run.ok(),
        concat!("atl-admin ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
