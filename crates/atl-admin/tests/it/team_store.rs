//! The same runs with the store of a team, on a real PostgreSQL.

use atl_testbed::{ALICE, ALICE_PASSWORD, Kind, Matcher, Postgres, PostgresDatabase, When};

use crate::estate::{CONSUMER, Fleet, server};

/// A fleet whose store is an empty database; `None` where there is no PostgreSQL, which the test then says.
fn fleet(test: &str) -> Option<(Fleet, PostgresDatabase)> {
    let database = Postgres::shared()
        .map_err(|why| atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why))
        .ok()?
        .database();
    let fleet = Fleet::of(Kind::Jira)
        .with(
            "ATL_ADMIN_STORE",
            &database
                .url()
                .replace(&format!(":{}", database.password()), ""),
        )
        .with("PGPASSWORD", database.password())
        .with("ATL_ADMIN_STORE_KEY", "file:team.key");
    Some((fleet, database))
}

#[test]
fn a_fleet_is_provisioned_from_it_and_plans_empty() {
    let Some((fleet, database)) = fleet("a_fleet_is_provisioned_from_it_and_plans_empty") else {
        return;
    };
    // Looking makes nothing.
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(10));
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'atl_admin'";
    let count: i64 = database.client().query_one(made, &[]).unwrap().get(0);
    assert_eq!(count, 0);
    assert!(!fleet.env.path("team.key").exists());

    let (document, code) = fleet.json("apply");
    assert_eq!(code, 0, "{document:#}");
    assert!(fleet.first().consumer(CONSUMER).is_some());
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(0));
    fleet.forget();
    assert_eq!(fleet.run("apply").code, Some(0));
    assert_eq!(fleet.writes(), 0);
    for command in ["keys list", "history", "check"] {
        let run = fleet.run(command);
        assert_eq!(run.code, Some(0), "{command}: {}", run.shown());
        assert!(!run.shown().contains(database.password()), "{command}");
    }
    assert!(!fleet.env.path("home/data/atl-admin/store.db").exists());
}

#[test]
fn the_second_administrator_is_told_who_holds_the_lock() {
    let Some((fleet, _database)) = fleet("the_second_administrator_is_told_who_holds_the_lock")
    else {
        return;
    };
    let put = Matcher::method("PUT").at("/consumer");
    let hold = fleet.first().hold_one(put, 0, When::Before);
    let first = fleet.start("apply -o json");
    assert!(hold.wait_reached());
    let second = fleet.run("apply -o json");
    assert_eq!(second.code, Some(1), "{}", second.shown());
    let error = server(&second.json(), "jira")["error"].clone();
    assert_eq!(error["code"], "locked");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`apply` of "), "{message}");

    // Killed, its lock is free and its open step is settled.
    first.kill();
    assert!(hold.wait_gone());
    hold.release();
    let again = fleet.run("apply");
    assert_eq!(again.code, Some(0), "{}", again.shown());
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(0));
}

#[test]
fn an_auditor_that_one_administrator_left_is_removed_by_the_next_audit() {
    let test = "an_auditor_that_one_administrator_left_is_removed_by_the_next_audit";
    let Some((fleet, _database)) = fleet(test) else {
        return;
    };
    assert_eq!(fleet.run("apply").code, Some(0));
    let page = Matcher::path("users/access-tokens");
    let hold = fleet.first().hold_one(page, 0, When::Before);
    let running = fleet.start("audit --with-auditor");
    assert!(hold.wait_reached());
    running.kill();
    assert!(hold.wait_gone());
    hold.release();
    assert_eq!(fleet.auditor_check()["status"], "fail");
    let run = fleet.run("audit --with-auditor --since last");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.has_no_auditor("after the next audit");
}

#[test]
fn a_lost_connection_stops_the_run_and_the_next_one_goes_on() {
    let Some((fleet, database)) = fleet("a_lost_connection_stops_the_run_and_the_next_one_goes_on")
    else {
        return;
    };
    let put = Matcher::method("PUT").at("/consumer");
    let hold = fleet.first().hold_one(put, 0, When::Before);
    let first = fleet.start("apply -o json");
    assert!(hold.wait_reached());
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.client().execute(cut, &[]).unwrap();
    hold.release();
    let first = first.end();
    assert_eq!(first.code, Some(1), "{}", first.shown());
    assert!(
        first.shown().contains("store_connection_lost"),
        "{}",
        first.shown()
    );
    let again = fleet.run("apply");
    assert_eq!(again.code, Some(0), "{}", again.shown());
    assert_eq!(fleet.run("plan --detailed-exitcode").code, Some(0));
}

#[test]
fn a_grant_is_given_and_kept_in_it() {
    let Some((fleet, _database)) = fleet("a_grant_is_given_and_kept_in_it") else {
        return;
    };
    let fleet = fleet.with("ALICE_PASSWORD", ALICE_PASSWORD);
    fleet.wants(&[ALICE]);
    fleet.provision();
    let (document, code) = fleet.json("authorize --headless");
    assert_eq!(code, 0, "{document:#}");
    for command in ["authorize --status", "tokens verify"] {
        assert_eq!(fleet.run(command).code, Some(0), "{command}");
    }
    let (grants, _) = fleet.json("tokens list --source store");
    assert_eq!(grants["grants"][0]["user"], ALICE, "{grants:#}");
    assert_eq!(grants["grants"][0]["status"], "active", "{grants:#}");
}

#[test]
fn a_store_moves_there_and_the_fleet_plans_empty_from_it() {
    let Some((team, database)) = fleet("a_store_moves_there_and_the_fleet_plans_empty_from_it")
    else {
        return;
    };
    drop(team);
    let fleet = Fleet::provisioned().with("PGPASSWORD", database.password());
    let url = database
        .url()
        .replace(&format!(":{}", database.password()), "");
    let (document, code) = fleet.json(&format!("store migrate --to {url}"));
    assert_eq!(
        (code, &document["verified"]),
        (0, &true.into()),
        "{document:#}"
    );
    assert_eq!(document["copied"]["keypairs"], 1, "{document:#}");
    let again = fleet.run(&format!("store migrate --to {url}"));
    assert_eq!(again.code, Some(1), "{}", again.shown());
    assert!(again.stderr.contains("already"), "{}", again.stderr);

    fleet.env.write(
        "team.key",
        &fleet.env.read("home/config/atl-admin/store.key"),
    );
    let flags = format!("--store {url} --store-key file:team.key");
    let run = fleet.run(&format!("plan --detailed-exitcode {flags}"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let back = fleet.run(&format!("store migrate --to sqlite:back.db {flags}"));
    assert_eq!(back.code, Some(0), "{}", back.shown());
    assert!(back.stdout.contains("1 keypair, "), "{}", back.stdout);
}
