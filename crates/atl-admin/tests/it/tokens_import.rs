//! `tokens sql` and `tokens import`: the query, and what comes back of it.

use std::process::Stdio;

use atl_testbed::{Kind, ServerSpec};
use serde_json::{Value, json};

use crate::{
    env::{Env, Run},
    estate::Fleet,
};

const HEADING: &str = "product,kind,id,handle,user,user_status,consumer_key,consumer_name,consumer_registered,name,scopes,\
                       created,expires,renewable_until,last_used,exported\n";

/// Two grants, of which one is over, and the consumer of one of them.
const ROWS: &str = "\
jira,oauth1,1f7f381568f2,,alice,active,deploy-bot,Deploy bot,true,,,2026-03-01T08:00:00Z,2096-03-01T08:00:00Z,,,2026-11-01T00:00:00Z
jira,oauth1,89cb96f7ad59,,bob,inactive,gone-bot,,false,,,2020-01-01 00:00:00,2020-01-02 00:00:00,,,2026-11-01T00:00:00Z
jira,consumer,,,,,deploy-bot,Deploy bot,true,,,,,,,2026-11-01T00:00:00Z
";

/// A token, which nothing may show.
const TOKEN: &str = "5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA";

fn export() -> String {
    format!("{HEADING}{ROWS}")
}

/// A Jira and a Confluence, and a file to import.
fn fleet(file: &str) -> Fleet {
    let fleet = Fleet::new([Kind::Jira, Kind::Confluence].map(ServerSpec::new));
    fleet.env.write("grants.csv", file);
    fleet
}

/// What a refused file leaves behind: nothing, and not a word of what is in it.
#[track_caller]
fn check_refused(fleet: &Fleet, run: &Run, code: i32, message: &str) {
    assert_eq!(run.code, Some(code), "{}", run.shown());
    assert!(run.stderr.contains(message), "{}", run.shown());
    assert!(!run.shown().contains(TOKEN), "{}", run.shown());
    let kept = fleet.env.files();
    assert!(
        !kept.iter().any(|file| file.ends_with("store.db")),
        "{kept:?}"
    );
}

fn import(fleet: &Fleet, line: &str) -> Value {
    let (document, code) = fleet.json(line);
    assert_eq!(code, 0, "{document:#}");
    document["import"].clone()
}

#[test]
fn every_query_is_printed() {
    let env = Env::new();
    for product in ["jira", "confluence"] {
        for database in ["postgres", "mysql", "oracle", "mssql"] {
            let run = env.run(&format!("tokens sql --product {product} --db {database}"));
            let query = run.ok();
            assert!(
                query.starts_with("-- The ") && query.ends_with(";\n"),
                "{query}"
            );
            assert!(
                query.contains(&format!("SELECT '{product}' AS product")),
                "{query}"
            );
            let inferred = query.contains("[inferred]");
            assert_eq!(inferred, product == "confluence");
        }
    }
    for line in [
        "tokens sql --product jira",
        "tokens sql --product bamboo --db mysql",
        "tokens sql --product jira --db mysql -o json",
    ] {
        assert_eq!(env.run(line).code, Some(2), "{line}");
    }
}

#[test]
fn an_export_is_imported_and_a_newer_one_takes_its_place() {
    let fleet = fleet(&export());
    let first = import(&fleet, "tokens import grants.csv -s jira");
    let imported = first["imported"].clone();
    assert_eq!(
        first,
        json!({
            "server": "jira", "product": "jira", "file": "grants.csv", "grants": 2, "consumers": 1,
            "exported": "2026-11-01T00:00:00Z", "imported": imported, "replaced": null,
        })
    );

    let mut command = fleet.command("tokens import - -s jira -o json");
    let newer = export()
        .lines()
        .take(2)
        .fold(String::from("\u{feff}"), |text, line| text + line + "\r\n");
    fleet.env.write("newer.csv", &newer);
    let newer = fs_err::File::open(fleet.env.path("newer.csv")).unwrap();
    command.stdin(Stdio::from(newer.into_file()));
    let run = fleet.env.finish(command);
    let second = &run.json()["import"];
    assert_eq!(
        (&second["grants"], &second["replaced"]),
        (&json!(1), &imported)
    );
    assert_eq!(second["file"], "standard input");

    let (list, code) = fleet.json("tokens list --source export -s jira");
    let grants = list["grants"].as_array().unwrap();
    assert_eq!((grants.len(), code), (1, 0), "{list:#}");
    assert_eq!(grants[0]["id"], "1f7f381568f2");

    let run = fleet.run("tokens import grants.csv -s jira");
    let shown = run.ok();
    assert!(
        shown.contains("grants:") && shown.contains("replaced:"),
        "{shown}"
    );
}

#[test]
fn what_was_imported_is_listed_as_what_it_was_then() {
    let fleet = fleet(&export());
    import(&fleet, "tokens import grants.csv -s jira");
    let (list, code) = fleet.json("tokens list --source export -s jira");
    assert_eq!(code, 0, "{list:#}");
    let grants = list["grants"].as_array().unwrap();
    let shown: Vec<_> = grants
        .iter()
        .map(|grant| {
            ["id", "user", "status", "consumer_key", "created", "source"]
                .map(|key| grant[key].as_str().unwrap())
        })
        .collect();
    let alice = [
        "1f7f381568f2",
        "alice",
        "active",
        "deploy-bot",
        "2026-03-01T08:00:00Z",
        "export",
    ];
    let bob = [
        "89cb96f7ad59",
        "bob",
        "expired",
        "gone-bot",
        "2020-01-01T00:00:00Z",
        "export",
    ];
    assert!(
        shown.len() == 2 && shown.contains(&alice) && shown.contains(&bob),
        "{list:#}"
    );
    let coverage = &list["coverage"][0];
    assert_eq!(
        (&coverage["source"], &coverage["complete"]),
        (&json!("export"), &json!(false))
    );
    let note = coverage["note"].as_str().unwrap();
    assert!(
        note.starts_with("3 rows of `grants.csv`, exported 2026-11-01T00:00:00Z, imported "),
        "{note}"
    );
    assert!(
        note.ends_with("; what changed since then is not in it"),
        "{note}"
    );

    // Who asks for one that is not there learns how to get it; who does not ask is not told.
    let (list, code) = fleet.json("tokens list --source export -s wiki");
    assert_eq!(
        (code, &list["coverage"][0]["error"]["code"]),
        (3, &json!("nothing_imported"))
    );
    let (list, code) = fleet.json("tokens list");
    assert_eq!(code, 0, "{list:#}");
    let sources = list["coverage"].as_array().unwrap().iter();
    let exports = sources.filter(|coverage| coverage["source"] == "export");
    assert!(
        exports
            .map(|coverage| &coverage["server"])
            .eq([&json!("jira")]),
        "{list:#}"
    );
}

#[test]
fn a_file_with_tokens_is_refused_before_anything_is_stored() {
    let refusals = [
        (
            format!(
                "id,created,token,token_secret,consumer_key,username\n1,,{TOKEN},x,bot,alice\n"
            ),
            "its column 3 is named like a secret, with `token` in its name",
        ),
        (
            export().replace("89cb96f7ad59", TOKEN),
            "what stands in `id` of line 3 may be a token itself",
        ),
    ];
    for (text, message) in refusals {
        let fleet = fleet(&text);
        let run = fleet.run("tokens import grants.csv -s jira");
        check_refused(&fleet, &run, 1, message);
        assert!(
            run.stderr.contains("hint: delete the file"),
            "{}",
            run.shown()
        );
        assert_eq!(fleet.requests(), 0);
    }
}

#[test]
fn a_file_that_cannot_be_read_whole_is_not_imported_in_part() {
    let line = ROWS.lines().next().unwrap();
    for (text, message) in [
        (String::new(), "`grants.csv` is empty"),
        ("one,two\n1,2\n".to_owned(), "is no export of grants"),
        (
            export().replacen("created", "made", 1),
            "`grants.csv` has no column `created`",
        ),
        (
            format!("{HEADING}{line}\n{line},more\n"),
            "line 3: 17 fields where the heading has 16",
        ),
        (
            format!(
                "{HEADING}{line}\n{}\n",
                line.replace("2026-03-01T08", "soon")
            ),
            "line 3: `created` is not understood",
        ),
    ] {
        let fleet = fleet(&text);
        let run = fleet.run("tokens import grants.csv -s jira");
        check_refused(&fleet, &run, 1, message);
    }
    let fleet = fleet("");
    let run = fleet.run("tokens import nowhere.csv -s jira");
    check_refused(&fleet, &run, 1, "nowhere.csv");
}

#[test]
fn it_has_to_be_of_the_one_server_that_was_named() {
    let fleet = fleet(&export());
    let run = fleet.run("tokens import grants.csv -s wiki");
    check_refused(
        &fleet,
        &run,
        1,
        "`grants.csv` is an export of Jira, and `wiki` is a Confluence",
    );
    for line in [
        "tokens import grants.csv",
        "tokens import grants.csv -s jira -s wiki",
    ] {
        check_refused(
            &fleet,
            &fleet.run(line),
            2,
            "exactly one server, and 2 are selected",
        );
    }
}

/// Which product a server is says the fleet file; where it does not, the server has to be there.
#[test]
fn a_server_that_is_down_is_not_taken_for_the_right_one() {
    let fleet = fleet(&export());
    let url = fleet.server("jira").base_url();
    fleet.edit(&url, "http://127.0.0.1:1");
    let run = fleet.run("tokens import grants.csv -s jira");
    check_refused(&fleet, &run, 3, "it is not known which product `jira` is");
    assert!(
        run.stderr.contains("say `product: jira`"),
        "{}",
        run.shown()
    );

    fleet.edit(
        "url: http://127.0.0.1:1\n",
        "url: http://127.0.0.1:1\n    product: jira\n",
    );
    let imported = import(&fleet, "tokens import grants.csv -s jira");
    assert_eq!(imported["grants"], 2);
}
