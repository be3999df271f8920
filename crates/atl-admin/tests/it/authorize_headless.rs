//! `authorize --headless`: signed in as the user, approved, exchanged, read back, stored.

use atl_testbed::{
    ALICE, ALICE_PASSWORD, BOB, Consumer, Fault, Generation, Kind, Link, Matcher, Role, ServerSpec,
    Setting, User, When,
};
use serde_json::json;

use crate::{
    dances::{ACCESS_TOKEN, PAGE, REQUEST_TOKEN, access_tokens, asked, code, failure, granted_by},
    estate::{CONSUMER, Fleet, KINDS, URL, keys},
};

const HEADLESS: &str = "authorize --headless";

/// Those that `apply` can provision.
const GENERATIONS: [Generation; 4] = [
    Generation::Legacy,
    Generation::Transitional,
    Generation::Current,
    Generation::Next,
];

#[test]
fn every_product_of_every_generation_gives_a_grant() {
    let specs = KINDS.into_iter().flat_map(|kind| {
        GENERATIONS.map(|generation| {
            ServerSpec::new(kind)
                .generation(generation)
                .name(&format!("{kind:?}-{generation:?}").to_lowercase())
        })
    });
    let fleet = Fleet::granting(specs);
    let run = fleet.run(&format!("{HEADLESS} -o json -vvv --trace-http"));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.hides_tokens(&run);
    let report = run.json();
    let grants = report["grants"].as_array().unwrap();
    assert_eq!(
        (grants.len(), &report["failed"]),
        (16, &json!([])),
        "{report:#}"
    );
    for grant in grants {
        assert_eq!(grant["status"], "active", "{grant:#}");
        assert_eq!(grant["user"], ALICE);
        assert!(
            !grant["expires"].is_null() && !grant["checked"].is_null(),
            "{grant:#}"
        );
    }
    for server in fleet.estate.servers() {
        assert_eq!(granted_by(server), [ALICE], "{}", server.name());
        // Whoever signed in has signed out again, wherever the product lets one.
        assert_eq!(server.failed_sign_ins(ALICE), 0, "{}", server.name());
    }
}

/// Where the link can be made in the admin pages only, an administrator registers our key there.
#[test]
fn a_consumer_that_was_registered_by_hand_is_as_good() {
    let specs = KINDS.map(|kind| ServerSpec::new(kind).generation(Generation::Ancient));
    let fleet = Fleet::new(specs).with("ALICE_PASSWORD", ALICE_PASSWORD);
    fleet.wants(&[ALICE]);
    let made = fleet.run("keys generate --consumer deploy-bot --bits 2048");
    assert_eq!(made.code, Some(0), "{}", made.shown());
    let public = fleet.run("keys export deploy-bot --public");
    for server in fleet.estate.servers() {
        let link = server.add_link(Link::generic(CONSUMER, URL));
        let consumer = Consumer::new(CONSUMER, "Deploy bot", public.ok()).unwrap();
        server.put_consumer(Some(link), consumer);
    }
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{report:#}");
    for server in fleet.estate.servers() {
        assert_eq!(granted_by(server), [ALICE], "{}", server.name());
    }
}

#[test]
fn a_grant_that_works_is_left_alone() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let (first, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{first:#}");
    fleet.forget();
    let (second, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{second:#}");
    assert_eq!(second["grants"][0]["id"], first["grants"][0]["id"]);
    assert_eq!(fleet.first().log().len(), 1, "one signed call, and no more");
    assert_eq!(access_tokens(fleet.first()).len(), 1);
}

#[test]
fn a_dead_grant_is_replaced() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let (first, _) = fleet.report(HEADLESS);
    let token = access_tokens(fleet.first()).remove(0);
    let expired = |fleet: &Fleet| fleet.first().age_tokens(200_000_000);
    let revoked = |fleet: &Fleet| assert!(fleet.first().remove_token(&token.value));
    let mut last = first["grants"][0]["id"].clone();
    for end in [&revoked as &dyn Fn(&Fleet), &expired] {
        end(&fleet);
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(exit, 0, "{report:#}");
        let grants = report["grants"].as_array().unwrap();
        assert_eq!(grants.len(), 1, "{report:#}");
        assert_eq!(grants[0]["status"], "active");
        assert_ne!(grants[0]["id"], last);
        last = grants[0]["id"].clone();
    }
}

#[test]
fn the_report_has_its_promised_shape() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira), ServerSpec::new(Kind::Bamboo)]);
    fleet.server("bamboo").stop();
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 5, "{report:#}");
    assert_eq!(report["format_version"], "1.0");
    let promised = [
        "id",
        "kind",
        "server",
        "user",
        "consumer_key",
        "consumer_name",
        "created",
        "last_used",
        "expires",
        "status",
        "source",
        "sources",
    ];
    let grant = keys(&report["grants"][0]);
    assert!(promised.iter().all(|key| grant.contains(key)), "{grant:?}");
    let failed = failure(&report);
    assert_eq!(failed["server"], "bamboo");
    assert_eq!(
        (&failed["consumer"], &failed["user"]),
        (&json!(CONSUMER), &json!(ALICE))
    );
    assert_eq!(keys(&failed["error"]), ["advice", "code", "message"].into());
}

#[test]
fn a_line_a_grant_while_it_goes_on() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.wants(&[ALICE, "nobody"]);
    let fleet = fleet.with("NOBODY_PASSWORD", "a-wrong-one");
    let run = fleet.run(&format!("{HEADLESS} -o ndjson"));
    assert_eq!(run.code, Some(5), "{}", run.shown());
    let lines = run.stdout.lines();
    let events: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| {
        events
            .iter()
            .filter(|event| event["event"] == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("grant").len(), 1, "{}", run.stdout);
    assert_eq!(of("grant")[0]["user"], ALICE);
    assert_eq!(of("grant_failed")[0]["error"]["code"], "wrong_password");
}

#[test]
fn people_get_a_table() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.wants(&[ALICE, "nobody"]);
    let fleet = fleet.with("NOBODY_PASSWORD", "a-wrong-one");
    let run = fleet.run(HEADLESS);
    assert_eq!(run.code, Some(5), "{}", run.shown());
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("ID "), "{}", run.shown());
    assert!(
        lines[1].contains("jira    alice  deploy-bot  active"),
        "{}",
        run.shown()
    );
    assert_eq!(lines[2..], ["1 grant: 1 active"]);
    assert!(
        run.stderr
            .starts_with("error: jira: `deploy-bot` for `nobody`: the password"),
        "{}",
        run.shown()
    );
}

#[test]
fn nobody_to_ask_and_no_password_is_wrong_usage() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let check = |line: &str, says: &str| {
        let run = fleet.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert!(run.stderr.contains(says), "{line}: {}", run.shown());
        assert_eq!(fleet.requests(), 0, "{line}");
    };
    check("authorize --headless --user bob", "no password of `bob`");
    check("authorize --no-input", "--headless");
    check("authorize --oob", "no terminal");
    check("authorize --headless --oob", "cannot be used with");
    check("authorize --oob --no-browser", "cannot be used with");
    check("authorize --headless --port 4000", "cannot be used with");
    check("authorize --port 0", "0");
    check("authorize --user=", "--user");
    fleet.wants(&[]);
    check("authorize --headless", "under `grants:`");
    fleet.edit("    callback:", "    state: absent\n    callback:");
    check("authorize --headless --user alice", "under `grants:`");
}

#[test]
fn only_the_users_that_were_named() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.wants(&[ALICE, BOB]);
    let (report, exit) = fleet.report(&format!("{HEADLESS} --user BOB"));
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(granted_by(fleet.first()), [BOB]);
    let (report, exit) = fleet.report(&format!("{HEADLESS} --user alice --user bob"));
    assert_eq!((exit, report["grants"].as_array().unwrap().len()), (0, 2));
}

/// The products compare names without case, and the store has the name as the server spells it.
#[test]
fn names_are_compared_without_case() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet
        .first()
        .put_user(User::new("Carol", "carol-secret-1", Role::User));
    let fleet = fleet.with("CAROL_PASSWORD", "carol-secret-1");
    fleet.wants(&["Carol"]);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((exit, &report["grants"][0]["user"]), (0, &json!("Carol")));
    fleet.edit("user: Carol", "user: carol");
    fleet.forget();
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((exit, &report["grants"][0]["user"]), (0, &json!("Carol")));
    assert_eq!(asked(fleet.first(), REQUEST_TOKEN), 0);
}

#[test]
fn a_wrong_password_is_sent_once() {
    for kind in KINDS {
        let fleet = Fleet::granting([ServerSpec::new(kind)]).with("ALICE_PASSWORD", "wrong-secret");
        // Two consumers of the same user on the same server.
        fleet.edit(
            "\nconsumers:\n",
            "\nconsumers:\n  other-bot:\n    url: https://other.example.com\n    keypair: { bits: 2048 }\n    grants:\n      \
             - { user: alice, password: \"${env:ALICE_PASSWORD}\" }\n",
        );
        fleet.provision();
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(exit, 4, "{kind:?}: {report:#}");
        for failed in report["failed"].as_array().unwrap() {
            assert_eq!(failed["error"]["code"], "wrong_password", "{report:#}");
        }
        assert_eq!(report["failed"].as_array().unwrap().len(), 2);
        assert_eq!(fleet.first().failed_sign_ins(ALICE), 1, "{kind:?}");
        assert!(!report.to_string().contains("wrong-secret"));
    }
}

#[test]
fn a_captcha_is_said_and_not_made_worse() {
    for kind in KINDS {
        // The form of an older Bitbucket does not tell a CAPTCHA from a wrong password.
        let generation = match kind {
            Kind::Bitbucket => Generation::Next,
            _ => Generation::Current,
        };
        let spec = ServerSpec::new(kind).generation(generation);
        let fleet = Fleet::granting([spec.setting(Setting::CaptchaAfter(Some(1)))])
            .with("ALICE_PASSWORD", "wrong-secret");
        assert_eq!(fleet.report(HEADLESS).1, 4);
        let fleet = fleet.with("ALICE_PASSWORD", ALICE_PASSWORD);
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(
            (code(&report), exit),
            ("captcha", 4),
            "{kind:?}: {report:#}"
        );
        assert_eq!(fleet.first().failed_sign_ins(ALICE), 2, "one a run");
        assert!(access_tokens(fleet.first()).is_empty());
    }
}

#[test]
fn a_second_step_is_said() {
    for kind in KINDS {
        let fleet = Fleet::granting([ServerSpec::new(kind).generation(Generation::Next)]);
        let asks = Fault::Answer(401, r#"{"message":"totp code required"}"#.to_owned());
        fleet
            .first()
            .set(asks.on(Matcher::path("/rest/tsv/1.0/authenticate")));
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(
            (code(&report), exit),
            ("two_step", 4),
            "{kind:?}: {report:#}"
        );
        assert!(access_tokens(fleet.first()).is_empty());
    }
}

/// The exchange was made and its answer lost; so is that of asking again. The user's page shows what it left.
#[test]
fn a_stray_grant_is_found_and_revoked() {
    for generation in [Generation::Current, Generation::Next] {
        let fleet = Fleet::granting([ServerSpec::new(Kind::Jira).generation(generation)]);
        let lost = Fault::Reset(When::After)
            .on(Matcher::path(ACCESS_TOKEN))
            .times(1);
        fleet.first().set(lost);
        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!((code(&report), exit), ("exchange_lost", 3), "{report:#}");
        let message = failure(&report)["error"]["message"].as_str().unwrap();
        assert!(message.contains("which was revoked"), "{message}");
        assert!(access_tokens(fleet.first()).is_empty(), "{message}");
        assert_eq!(fleet.dances()[0]["outcome"], "failed");

        let (report, exit) = fleet.report(HEADLESS);
        assert_eq!(exit, 0, "{report:#}");
        assert_eq!(granted_by(fleet.first()), [ALICE]);
    }
}

/// The exchange was not made; asking again makes it.
#[test]
fn an_exchange_that_did_not_arrive_is_made_again() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    let lost = Fault::Reset(When::Before)
        .on(Matcher::path(ACCESS_TOKEN))
        .times(1);
    fleet.first().set(lost);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(granted_by(fleet.first()), [ALICE]);
}

#[test]
fn a_stray_grant_that_cannot_be_found_is_told_of() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.first().set(
        Fault::Reset(When::After)
            .on(Matcher::path(ACCESS_TOKEN))
            .times(1),
    );
    fleet.first().set(Fault::Html.on(Matcher::path(PAGE)));
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("exchange_lost", 3), "{report:#}");
    let advice = failure(&report)["error"]["advice"].as_str().unwrap();
    let page = format!("{}{PAGE}", fleet.first().base_url());
    assert!(advice.contains(&page) && advice.contains(ALICE), "{advice}");
    assert_eq!(access_tokens(fleet.first()).len(), 1);
    assert_eq!(fleet.dances()[0]["outcome"], "unknown");
}

/// What is new on the page and called otherwise is not revoked, and not passed over either.
#[test]
fn a_stray_grant_of_another_name_is_named() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.edit("name: Deploy bot", "name: Renamed here");
    let lost = Fault::Reset(When::After)
        .on(Matcher::path(ACCESS_TOKEN))
        .times(1);
    fleet.first().set(lost);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!((code(&report), exit), ("exchange_lost", 3), "{report:#}");
    let message = failure(&report)["error"]["message"].as_str().unwrap();
    assert!(message.contains("new on the page of `alice`"), "{message}");
    let id = message.rsplit(' ').next().unwrap();
    let is_id = id.len() == 12 && id.bytes().all(|it| it.is_ascii_hexdigit());
    assert!(is_id, "{message}");
    assert_eq!(access_tokens(fleet.first()).len(), 1);
    assert_eq!(fleet.dances()[0]["outcome"], "unknown");
}

#[test]
fn a_consumer_that_is_not_there_is_said() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    fleet.first().remove_consumer(CONSUMER);
    let (report, exit) = fleet.report(HEADLESS);
    assert_eq!(
        (code(&report), exit),
        ("consumer_key_unknown", 4),
        "{report:#}"
    );
    let advice = failure(&report)["error"]["advice"].as_str().unwrap();
    assert!(advice.contains("atl-admin apply"), "{advice}");
    // No password went out for nothing.
    assert!(
        fleet
            .first()
            .log()
            .iter()
            .all(|exchange| exchange.user.is_none())
    );
}

#[test]
fn the_journal_knows_of_the_dance() {
    let fleet = Fleet::granting([ServerSpec::new(Kind::Jira)]);
    assert_eq!(fleet.report(HEADLESS).1, 0);
    let steps = fleet.dances();
    assert_eq!(steps.len(), 1, "{steps:#?}");
    assert_eq!(steps[0]["outcome"], "done", "{steps:#?}");
    assert_eq!(
        (&steps[0]["account"], &steps[0]["consumer"]),
        (&json!(ALICE), &json!(CONSUMER))
    );
}
