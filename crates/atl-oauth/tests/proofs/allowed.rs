//! What a consumer may do, asked of servers of every generation, and of ones that answer strangely.

use atl_client::Request;
use atl_oauth::{
    ConsumerSigner, OauthError, Parameters, ProblemKind, RunsAs, knows_consumer, runs_as, send,
    users_may_grant, whoami_as, whoami_as_anew,
};
use atl_testbed::{
    ALICE, Consumer, Estate, Generation, Kind, Link, SERVICE_USER, Server, ServerSpec, Setting,
};

use crate::{KEY, client, responder::Responder};

fn register(server: &Server) {
    let link = server.add_link(Link::generic("Deploy bot", "https://deploy.example.com"));
    let public = KEY.public_key().to_one_line();
    let consumer = Consumer::new("deploy-bot", "Deploy bot", &public).unwrap();
    server.put_consumer(Some(link), consumer);
}

fn estate() -> Estate {
    let kinds = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
    let specs = kinds.into_iter().flat_map(|kind| {
        [Generation::Legacy, Generation::Current, Generation::Next]
            .map(|generation| ServerSpec::new(kind).generation(generation))
    });
    let estate = Estate::start(specs.collect()).unwrap();
    estate.servers().iter().for_each(register);
    estate
}

fn may_grant(url: &str) -> Result<bool, OauthError> {
    users_may_grant(&client(url, None), "deploy-bot")
}

#[test]
fn whether_users_may_grant_is_asked_without_a_trace() {
    for server in estate().servers() {
        let url = server.base_url();
        assert!(may_grant(&url).unwrap(), "{}", server.name());
        server.edit_consumer("deploy-bot", |consumer| consumer.three_legged = false);
        assert!(!may_grant(&url).unwrap(), "{}", server.name());
        assert_eq!((server.writes(), server.tokens().len()), (0, 0));
    }
}

#[test]
fn a_consumer_that_the_server_does_not_know_says_nothing_about_its_rights() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira)]).unwrap();
    match may_grant(&estate.server(0).base_url()) {
        Err(OauthError::Refused { problem, .. }) => {
            assert_eq!(problem.kind, ProblemKind::ConsumerKeyUnknown);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_without_a_problem_says_nothing_about_the_right() {
    for answer in [
        "200 OK\nContent-Type: text/plain\n\noauth_token=a&oauth_token_secret=b",
        "200 OK\nContent-Type: text/html\n\n<p>Welcome",
        "401 Unauthorized\n\n",
        "404 Not Found\n\nnothing here",
    ] {
        let responder = Responder::start(vec![Box::new(|_| answer.to_owned())]);
        let error = may_grant(&responder.url).unwrap_err();
        assert!(
            matches!(error, OauthError::Unclear { .. }),
            "{answer}: {error:?}"
        );
        responder.asked();
    }
}

#[test]
fn two_legged_calls_run_as_a_user_as_nobody_or_not_at_all() {
    #[track_caller]
    fn check(server: &Server, expected: &RunsAs) {
        let signer = ConsumerSigner::new("deploy-bot", &*KEY);
        let found = runs_as(&client(&server.base_url(), None), &signer).unwrap();
        assert_eq!(&found, expected, "{}", server.name());
    }
    for server in estate().servers() {
        check(server, &RunsAs::Refused);
        server.edit_consumer("deploy-bot", |consumer| consumer.two_legged = true);
        check(server, &RunsAs::Nobody);
        server.edit_consumer("deploy-bot", |consumer| {
            consumer.execute_as = Some(SERVICE_USER.to_owned());
        });
        check(server, &RunsAs::User(SERVICE_USER.to_owned()));
    }
}

#[test]
fn calls_as_a_user_run_as_that_user_or_as_nobody_or_not_at_all() {
    #[track_caller]
    fn check(server: &Server, user: &str, expected: &RunsAs) {
        let client = client(&server.base_url(), None);
        let signer = ConsumerSigner::new("deploy-bot", &*KEY);
        let at = format!("`{user}` on {}", server.name());
        assert_eq!(
            &whoami_as(&client, &signer, user).unwrap(),
            expected,
            "{at}"
        );
        let anew = whoami_as_anew(&client, &signer, user).unwrap();
        assert_eq!(&anew, expected, "{at}");
    }
    for server in estate().servers() {
        server.edit_consumer("deploy-bot", |consumer| consumer.two_legged = true);
        check(server, ALICE, &RunsAs::Refused);
        server.edit_consumer("deploy-bot", |consumer| consumer.impersonation = true);
        check(server, ALICE, &RunsAs::User(ALICE.to_owned()));
        check(server, "a b+c&d=%2F?Ö", &RunsAs::Nobody);
        // Servers take an empty name for no impersonation at all.
        let client = client(&server.base_url(), None);
        let signer = ConsumerSigner::new("deploy-bot", &*KEY);
        let nobody = whoami_as(&client, &signer, "");
        assert!(matches!(nobody, Err(OauthError::NobodyNamed)), "{nobody:?}");
    }
}

#[test]
fn the_user_is_added_to_a_query_as_it_is() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira)]).unwrap();
    let server = estate.server(0);
    register(server);
    server.edit_consumer("deploy-bot", |consumer| consumer.impersonation = true);
    let client = client(&server.base_url(), None);
    let signer = ConsumerSigner::new("deploy-bot", &*KEY);
    for query in ["", "?", "?a=b%20c", "?a=b&"] {
        let request = Request::get(format!("plugins/servlet/applinks/whoami{query}"));
        let answer = send(&client, &signer, Parameters::as_user(ALICE), &request).unwrap();
        assert_eq!(answer.response.text(), ALICE, "{query}: {answer:?}");
    }
}

#[test]
fn whether_a_consumer_is_known_is_asked_without_its_key_and_without_a_trace() {
    let knows = |server: &Server, key: &str| knows_consumer(&client(&server.base_url(), None), key);
    for server in estate().servers() {
        assert!(knows(server, "deploy-bot").unwrap(), "{}", server.name());
        assert!(!knows(server, "other-bot").unwrap(), "{}", server.name());
        server.set(Setting::ClockSkew(4000));
        assert!(knows(server, "deploy-bot").unwrap(), "{}", server.name());
        assert_eq!((server.writes(), server.tokens().len()), (0, 0));
    }
}

#[test]
fn an_answer_without_a_problem_says_nothing_about_a_consumer() {
    for answer in [
        "200 OK\nContent-Type: text/plain\n\n",
        "200 OK\nContent-Type: text/html\n\n<p>Welcome",
        "401 Unauthorized\nWWW-Authenticate: OAuth realm=\"x\"\n\n",
        "404 Not Found\n\nnothing here",
    ] {
        let responder = Responder::start(vec![Box::new(|_| answer.to_owned())]);
        let error = knows_consumer(&client(&responder.url, None), "deploy-bot").unwrap_err();
        assert!(
            matches!(error, OauthError::Unclear { .. }),
            "{answer}: {error:?}"
        );
        responder.asked();
    }
}
