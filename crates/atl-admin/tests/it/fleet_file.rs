//! How what is wrong with a fleet file is shown.

use crate::env::Env;

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
