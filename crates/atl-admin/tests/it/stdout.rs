//! Data goes to stdout, whole or to as many as care to read it.

use crate::env::Env;

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let env = Env::new();
    for line in [
        "atl-admin completions bash | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}",
        "atl-admin --help | true; echo ${PIPESTATUS[0]}",
        "atl-admin keys list -o json | true; echo ${PIPESTATUS[0]}",
    ] {
        let run = env.shell(line);
        assert_eq!(run.stdout, "0\n", "{line}: {}", run.shown());
        assert!(!run.stderr.contains("panicked"), "{line}");
        assert!(!run.stderr.contains("error"), "{line}: {}", run.shown());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_a_failure() {
    let run = Env::new().shell("atl-admin keys list -o json > /dev/full");
    insta::assert_snapshot!(run.shown(), @r"
    -- stderr
    the store has no such keypairs
    error: could not write to stdout
    Caused by: No space left on device (os error 28)
    -- exit 1
    ");
}

#[test]
fn every_format_has_the_same_rows() {
    let env = Env::new();
    let mut made = env
        .run("keys generate --consumer bot --bits 2048 -o json")
        .json();
    let of = |format: &str| env.run(&format!("keys list -o {format}")).ok().to_owned();

    let mut json: serde_json::Value = serde_json::from_str(&of("json")).unwrap();
    let mut yaml: serde_json::Value = serde_yaml::from_str(&of("yaml")).unwrap();
    // It gets older from one run to the next.
    for document in [&mut made, &mut json, &mut yaml] {
        document["keys"][0]["age"].take();
    }
    assert_eq!(json["format_version"], "1.0");
    assert_eq!(json, made);
    assert_eq!(yaml, json);
    let key = &made["keys"][0];

    let line = of("ndjson");
    assert_eq!(line.lines().count(), 1);
    let mut event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["event"].take(), "key");
    assert_eq!(event["fingerprint"], key["fingerprint"]);

    let csv = of("csv");
    assert_eq!(csv.lines().count(), 2);
    let table = of("table");
    assert_eq!(table.lines().count(), 2);
    for (text, field) in [(csv, "fingerprint"), (table, "id")] {
        assert!(text.contains(key[field].as_str().unwrap()), "{text}");
    }
}

#[test]
fn a_table_fits_the_width() {
    let env = Env::new().with("COLUMNS", "60");
    assert_eq!(
        env.run("keys generate --consumer bot --bits 2048").code,
        Some(0)
    );
    let run = env.run("keys list");
    assert!(
        run.ok().lines().all(|line| line.chars().count() <= 60),
        "{}",
        run.shown()
    );
}
