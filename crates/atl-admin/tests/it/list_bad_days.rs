//! `tokens list` on bad days: what could not be seen is said, and never taken for "none".

use atl_testbed::{
    ADMIN, Fault, Generation, Granted, Kind, Language, Layout, Matcher, Oddity, Population,
    Postgres, PostgresDatabase, Rule, Server, ServerSpec, Setting, Token, User, When, skip,
};
use serde_json::Value;

use crate::estate::{CONSUMER, Fleet};

const JANUARY: i64 = 1_735_689_600;
const TOKENS: [&str; 2] = [
    "bHq3vYtZ0kWm8RsXc5NdJ2fLgPa7Ue91",
    "9TzQe4MnKx7VwCy2HsBj6RdLp0GfAu3i",
];
const PAGE: &str = "users/access-tokens";

/// A provisioned Jira whose administrator has two grants.
fn jira() -> Fleet {
    let fleet = Fleet::provisioned();
    for token in TOKENS {
        fleet
            .first()
            .add_token(Token::access(token, CONSUMER, ADMIN));
    }
    fleet
}

fn grants(list: &Value) -> usize {
    list["grants"].as_array().unwrap().len()
}

/// The only line of the coverage.
fn coverage(list: &Value) -> &Value {
    let lines = list["coverage"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{list:#}");
    &lines[0]
}

/// Nothing is listed, and it is a failure that says why.
#[track_caller]
fn is_not_seen(fleet: &Fleet, line: &str, exit: i32, code: &str) {
    let (list, found) = fleet.json(line);
    assert_eq!(found, exit, "{line}: {list:#}");
    assert_eq!(grants(&list), 0, "{line}: {list:#}");
    let line = coverage(&list);
    assert_eq!(line["error"]["code"], code, "{list:#}");
    assert_eq!(line["complete"], false, "{list:#}");
    assert_ne!(line["error"]["hint"], "", "{list:#}");
}

#[test]
fn what_stands_in_place_of_the_page_is_not_one_without_grants() {
    let fleet = jira();
    let line = "tokens list --source page";
    for (oddity, code) in [
        (Oddity::SignIn, "page_not_understood"),
        (Oddity::Error(200), "page_not_understood"),
        (Oddity::Error(500), "server_error"),
        (Oddity::Half, "page_not_understood"),
        (Oddity::Padded(10 * 1024 * 1024), "too_large"),
    ] {
        fleet.first().set(Setting::Oddity(Some(oddity)));
        is_not_seen(&fleet, line, 3, code);
    }
    fleet.first().set(Setting::Oddity(None));
    fleet.first().set(Fault::Html.on(Matcher::path(PAGE)));
    is_not_seen(&fleet, line, 3, "page_not_understood");
}

#[test]
fn a_page_that_was_not_understood_is_kept_without_its_secrets() {
    let fleet = jira();
    fleet.first().set(Setting::Oddity(Some(Oddity::Half)));
    let run = fleet.run("tokens list --source page");
    assert_eq!(run.code, Some(3), "{}", run.shown());
    fleet.hides_secrets(&run);
    let files = fleet.env.files();
    let kept: Vec<_> = files.iter().filter(|name| name.contains("page-")).collect();
    assert_eq!(kept.len(), 1, "{files:?}");
    assert!(run.stderr.contains(kept[0].as_str()), "{}", run.shown());
    #[cfg(unix)]
    assert_eq!(fleet.env.mode(kept[0]), 0o600);
    let page = fleet.env.read(kept[0]);
    assert!(page.contains("[redacted]") && page.contains("<t"), "{page}");
    for token in TOKENS {
        assert!(!page.contains(token), "{page}");
    }
}

#[test]
fn other_layouts_and_languages_and_what_looks_like_a_token_change_nothing() {
    let fleet = jira();
    let (first, code) = fleet.json("tokens list --source page");
    assert_eq!((code, grants(&first)), (0, 2), "{first:#}");
    fleet.first().set(Setting::Oddity(Some(Oddity::Decoys)));
    let ids = |list: &Value| {
        let grants = list["grants"].as_array().unwrap().iter();
        grants.map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    for (number, layout) in Layout::ALL.into_iter().chain(Layout::UNSEEN).enumerate() {
        let language = Language::ALL[number % Language::ALL.len()];
        fleet.first().set(Setting::Layout(layout));
        fleet.first().set(Setting::Language(language));
        let (list, code) = fleet.json("tokens list --source page");
        assert_eq!(code, 0, "{layout:?} {language:?}: {list:#}");
        assert_eq!(ids(&list), ids(&first), "{layout:?} {language:?}");
    }
}

/// A Jira whose users granted our consumer something.
fn crowd(users: usize) -> Fleet {
    let fleet = Fleet::provisioned();
    let granted = Population::of(users).granting(CONSUMER, |number| Some(JANUARY + number));
    fleet.first().populate(&granted);
    fleet
}

/// The name of a user who has a grant.
fn some_user(server: &Server) -> String {
    let token = server.tokens().into_iter().find_map(|token| token.user);
    token.unwrap()
}

#[test]
fn users_who_are_gone_or_may_not_log_in_are_named() {
    let fleet = crowd(4);
    let user = some_user(fleet.first());
    fleet.first().put_user(User {
        active: false,
        ..User::ordinary("bob")
    });
    fleet
        .env
        .write("users.txt", &format!("vanished\n{user}\nbob\n"));
    let (list, code) =
        fleet.json("tokens list --with-auditor --source impersonated --users users.txt");
    assert_eq!((code, grants(&list)), (0, 1), "{list:#}");
    let note = coverage(&list)["note"].as_str().unwrap();
    for said in [
        "1 user unknown to the server: `vanished`",
        "who may not log in",
        "`bob`",
    ] {
        assert!(note.contains(said), "{note}");
    }
    assert_eq!(fleet.run("check").code, Some(0), "no auditor is left");
}

#[test]
fn a_rate_limit_in_the_middle_of_five_hundred_users_costs_nobody_the_page() {
    let fleet = crowd(500);
    for path in ["whoami", PAGE] {
        let limit = Rule::new(Fault::TooManyRequests(1)).after(250).times(10);
        fleet.first().set(limit.on(Matcher::path(path)));
    }
    let (list, code) = fleet.json("tokens list --with-auditor --source impersonated");
    assert_eq!((code, grants(&list)), (0, 500), "{}", list["coverage"]);
    let limited = fleet.first().log();
    let limited = limited.iter().filter(|exchange| exchange.status == 429);
    assert!(limited.count() >= 10);
}

#[test]
fn rights_that_are_withdrawn_in_the_middle_are_no_clean_result() {
    let fleet = crowd(100);
    let server = fleet.first();
    let hold = server.hold_one(Matcher::path(PAGE), 30, When::Before);
    let running = fleet.start("tokens list --with-auditor --source impersonated -p 2 -o json");
    assert!(hold.wait_reached());
    let mut consumers = server.consumers().into_iter();
    let auditor = consumers.find(|it| it.key.starts_with("atl-admin-auditor-"));
    server.remove_consumer(&auditor.unwrap().key);
    hold.release();
    let run = running.end();
    assert_eq!(run.code, Some(4), "{}", run.shown());
    let list = run.json();
    let error = &coverage(&list)["error"];
    assert_eq!(error["code"], "consumer_key_unknown", "{list:#}");
    // What was read before that is listed.
    assert!((20..60).contains(&grants(&list)), "{list:#}");
    let check = fleet.run("check");
    assert_eq!(check.code, Some(0), "{}", check.shown());
}

#[test]
fn a_version_without_personal_access_tokens_has_none_and_says_so() {
    let fleet = Fleet::new(
        [Kind::Jira, Kind::Confluence, Kind::Bitbucket]
            .map(|kind| ServerSpec::new(kind).generation(Generation::Legacy)),
    );
    let (list, code) = fleet.json("tokens list --source pat");
    assert_eq!((code, grants(&list)), (0, 0), "{list:#}");
    let lines = list["coverage"].as_array().unwrap();
    assert_eq!(lines.len(), 3, "{list:#}");
    for line in lines {
        let note = line["note"].as_str().unwrap();
        assert!(note.contains("no personal access tokens"), "{note}");
        assert_eq!(line["complete"], false);
    }
}

/// A Jira whose fleet file names this database, and has been written to it.
fn on_database(test: &str) -> Option<(Fleet, PostgresDatabase)> {
    let postgres = match Postgres::shared() {
        Ok(postgres) => postgres,
        Err(why) => {
            skip("atl-admin", test, why);
            return None;
        }
    };
    let fleet = Fleet::provisioned();
    fleet.add_to("jira", "database: ${env:JIRA_DB}");
    Some((fleet, postgres.database()))
}

const DATABASE: &str = "tokens list --source database";

#[test]
fn a_database_that_is_away_or_another_one_is_not_an_empty_one() {
    let test = "a_database_that_is_away_or_another_one_is_not_an_empty_one";
    let Some((fleet, database)) = on_database(test) else {
        return;
    };
    let away = format!("postgres://atl:hunter2@127.0.0.1:1/{}", database.name());
    let fleet = fleet.with("JIRA_DB", &away);
    is_not_seen(&fleet, DATABASE, 3, "database_unreachable");
    let run = fleet.run(DATABASE);
    assert!(!run.shown().contains("hunter2"), "{}", run.shown());

    let fleet = fleet.with("JIRA_DB", &database.url());
    is_not_seen(&fleet, DATABASE, 3, "database_not_jira");
    let tables = "CREATE TABLE oauthspconsumer (consumer_key text, consumername text); CREATE TABLE oauthsptoken (token text)";
    database.client().batch_execute(tables).unwrap();
    is_not_seen(&fleet, DATABASE, 3, "database_schema");
}

#[test]
fn a_replica_that_takes_no_writes_is_enough() {
    let test = "a_replica_that_takes_no_writes_is_enough";
    let Some((fleet, database)) = on_database(test) else {
        return;
    };
    let population = Population::of(20).granting(CONSUMER, |number| Some(JANUARY + number));
    let pat = Granted::Pat {
        name: "laptop".to_owned(),
        days: None,
    };
    fleet
        .first()
        .populate(&population.granting(pat, |_| Some(JANUARY)));
    fleet.first().write_database(&database);
    let replica = match database.replica() {
        Ok(replica) => replica,
        Err(why) => return skip("atl-admin", test, &why),
    };
    let refused = replica.client().batch_execute("CREATE TABLE mine (id int)");
    assert!(refused.is_err());
    let fleet = fleet.with("JIRA_DB", &replica.url());
    let (list, code) = fleet.json(DATABASE);
    assert_eq!((code, grants(&list)), (0, 40), "{}", list["coverage"]);
    assert_eq!(coverage(&list)["complete"], true);
}

#[test]
fn a_million_rows_are_all_there() {
    const GRANTS: usize = 1_000_000;
    let Some((fleet, database)) = on_database("a_million_rows_are_all_there") else {
        return;
    };
    fleet.first().write_database(&database);
    database.fill_with(u32::try_from(GRANTS).unwrap());
    let fleet = fleet.with("JIRA_DB", &database.url());
    let count = format!("{DATABASE} --by consumer");
    let (counts, code) = fleet.json(&count);
    assert_eq!(code, 0, "{counts:#}");
    let groups = counts["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 50, "{counts:#}");
    let total = groups.iter().map(|group| group["grants"].as_u64().unwrap());
    assert_eq!(total.sum::<u64>(), GRANTS as u64);
    assert_eq!(coverage(&counts)["complete"], true);
}
