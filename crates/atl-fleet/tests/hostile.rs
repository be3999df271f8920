//! Files that are no fleet files, and secrets that must not show.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use atl_fleet::{ConnectionOptions, Environment, FleetErrors, FleetFile, Needs, Passwords, Select};
use proptest::prelude::*;

fn environment() -> Environment<'static> {
    Environment {
        var: &|name| (name == "SECRET").then(|| MARKER.to_owned()),
        command: None,
        keyring: None,
    }
}

const MARKER: &str = "hunter2marker";

fn read(bytes: &[u8]) -> Result<FleetFile, FleetErrors> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), bytes).unwrap();
    FleetFile::read(file.path(), &environment())
}

/// `line:column: message` of the first error.
fn first(bytes: &[u8]) -> String {
    let errors = read(bytes).map(drop).unwrap_err();
    let error = errors.errors().first().unwrap();
    let position = error
        .position
        .map(|position| format!("{position}: "))
        .unwrap_or_default();
    format!("{position}{}", error.message)
}

#[test]
fn files_that_are_no_fleet_files_are_refused() {
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend("version: 1".encode_utf16().flat_map(u16::to_le_bytes));
    let large = "# \n".repeat(4 * 1024 * 1024).into_bytes();
    let deep = [b"version: ".to_vec(), b"[".repeat(100_000)].concat();
    let cases: [(&[u8], &str); 9] = [
        (b"", "1:1: the fleet file is empty"),
        (b"\n\n", "3:1: the fleet file is empty"),
        (b"version: 1\nservers: \0", "2:10: not a text file"),
        (b"\x7fELF\x02\x01\x01\0\0", "1:8: not a text file"),
        (b"version: 1\n\n# \xc3\xbc\xff", "3:4: not UTF-8 text"),
        (&utf16, "1:1: not UTF-8 text"),
        (&large, "larger than 1 MiB, too large to be a fleet file"),
        (&deep, "1:265: not valid YAML: recursion limit exceeded"),
        (b"just text", "1:1: expected a mapping, found a text"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(first(bytes), expected);
    }
}

#[test]
fn a_file_that_cannot_be_opened_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.yaml"), folder.path().to_owned()] {
        let errors = FleetFile::read(&path, &environment())
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(
            errors.starts_with(&format!("{}: ", path.display())),
            "{errors}"
        );
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let text = "version: 1\r\nservers:\r\n  jira:\r\n    url: https://jira.example.com\r\n";
    assert_eq!(read(text.as_bytes()).unwrap().server_names(), ["jira"]);
    assert_eq!(
        read(format!("\u{feff}{text}").as_bytes())
            .unwrap()
            .server_names(),
        ["jira"]
    );
    assert_eq!(
        first(format!("\u{feff}{text}    ulr: x\r\n").as_bytes()),
        "5:5: unknown key"
    );
}

#[test]
fn the_errors_of_a_file_with_thousands_all_come_back() {
    let server = |index| format!("  s{index}: {{ urll: x, {MARKER}{index}x: y }}\n");
    let text: String = (0..5000).map(server).collect();
    let text = format!("version: 1\nservers:\n{text}");
    assert_eq!(
        read(text.as_bytes()).map(drop).unwrap_err().errors().len(),
        15_000
    );
}

/// What a fleet file looks like with `secret` wherever one may stand, and then broken at a place.
fn with_secret(secret: &str) -> String {
    format!(
        "version: 1\ndefaults:\n  admin:\n    username: admin\n    password: {secret}\nservers:\n  jira:\n    \
         url: https://jira.example.com\n    database: {secret}\n    admin: {{ token: {secret} }}\n  wiki:\n    \
         url: https://me:{MARKER}@wiki.example.com\n    proxy: http://me:{MARKER}@proxy:1\nconsumers:\n  bot:\n    \
         url: https://bot.example.com\n    grants:\n      - user: svc\n        password: {secret}\n"
    )
}

/// Everything that a program could print about a file.
fn printed(text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), text).unwrap();
    let needs = Needs {
        admin: true,
        database: true,
        grant_passwords: Passwords::All,
        at_hand: true,
    };
    let connection = ConnectionOptions {
        timeout: Duration::from_secs(1),
        allow_http: false,
    };
    match FleetFile::read(file.path(), &environment()) {
        Err(errors) => format!("{errors} {errors:?}"),
        Ok(fleet) => {
            let debug = format!("{fleet:?}");
            match fleet.ready(
                &Select::default(),
                needs.clone(),
                &environment(),
                connection,
            ) {
                Err(errors) => format!("{debug} {errors} {errors:?}"),
                Ok(ready) => format!("{debug} {ready:?} {:?}", ready.warnings),
            }
        }
    }
}

#[test]
fn a_secret_shows_in_no_message_however_it_is_written() {
    for secret in [
        MARKER.to_owned(),
        format!("\"{MARKER}\""),
        format!("'{MARKER}"),
        format!("\"{MARKER}\\q\""),
        format!("*{MARKER}"),
        format!("&{MARKER}"),
        format!("!{MARKER}"),
        format!("!{MARKER} x"),
        format!("!!int {MARKER}"),
        format!("!!binary {MARKER}"),
        format!("@{MARKER}"),
        format!("%{MARKER}"),
        format!("{MARKER}: {MARKER}"),
        format!("[{MARKER}]"),
        format!("{{ {MARKER}: {MARKER} }}"),
        format!("{{ {MARKER}"),
        format!("x\n    password {MARKER}"),
        format!("{{ password {MARKER}, {MARKER}, {MARKER} }}"),
        format!("|\n      {MARKER}\n    {MARKER}\n"),
        format!("\"a\n  {MARKER}: b"),
        format!("${{{MARKER}}}"),
        format!("${{{MARKER}:x}}"),
        format!("\"${{env:{MARKER} }}\""),
        format!("${{{MARKER}"),
        format!("${{cmd:echo {MARKER}}}"),
        format!("x${{env:UNDEFINED}}{MARKER}"),
        "${env:SECRET}".to_owned(),
    ] {
        for text in [
            with_secret(&secret).replace("admin: { token: ", "admin: { token "),
            with_secret(&secret).replace("defaults:", "defaults: |"),
            with_secret(&secret).replace("jira:", "jira: >"),
            with_secret(&secret).replace("grants:", "grants: |"),
        ] {
            let seen = printed(&text);
            assert!(!seen.contains(MARKER), "{secret}: {seen}");
        }
        for wiki in [MARKER, "other"] {
            let text = with_secret(&secret)
                .replace(&format!("me:{MARKER}@wiki"), &format!("me:{wiki}@wiki"));
            let seen = printed(&text);
            assert!(!seen.contains(MARKER), "{secret}: {seen}");
            let seen = printed(&text.replace("me:other@wiki", "wiki"));
            assert!(!seen.contains(MARKER), "{secret}: {seen}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let result = read(&bytes);
        prop_assert!(result.is_err());
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in "([a-z$\\{\\}:*&!|>'\"#%@\\[\\], \n\t-]|env:|url|servers: |<<: |\\u{feff}|ü){0,80}") {
        let errors = read(text.as_bytes()).map(drop).unwrap_err();
        prop_assert!(!errors.errors().is_empty());
        prop_assert!(errors.errors().iter().all(|error| error.position.is_some()));
    }

    #[test]
    fn a_file_cut_or_damaged_anywhere_shows_no_secret(cut in 0_usize..600, insert in "[\"'\\[\\]{}:*&!|>#%@ \n\t-]{0,3}", remove in 0_usize..4) {
        let mut text = with_secret(MARKER);
        let at = cut.min(text.len());
        let end = (at + remove).min(text.len());
        text.replace_range(at..end, &insert);
        let seen = printed(&text);
        // What was cut in two is no longer the secret.
        prop_assert!(!seen.contains(MARKER), "{}", seen);
    }
}
