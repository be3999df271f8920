//! `look` and `prove` against servers that verify signatures with code of their own.

use atl_keys::{KeySize, Keypair};
use atl_oauth::{
    Clock, ConsumerSigner, KeyState, OauthError, Problem, ProblemKind, Unclear, look, prove,
};
use atl_testbed::{
    Consumer, Estate, Fault, Generation, Kind, Link, Matcher, SERVICE_USER, Server, ServerSpec,
    Setting, When,
};

use crate::{KEY, client};

const PRODUCTS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];

fn jira() -> Estate {
    Estate::start(vec![ServerSpec::new(Kind::Jira).context("/jira")]).unwrap()
}

/// A link whose consumer holds this key.
fn register(server: &Server, key: &Keypair, change: impl FnOnce(&mut Consumer)) {
    let link = server.add_link(Link::generic("Deploy bot", "https://deploy.example.com"));
    let public = key.public_key().to_one_line();
    let mut consumer = Consumer::new("deploy-bot", "Deploy bot", &public).unwrap();
    change(&mut consumer);
    server.put_consumer(Some(link), consumer);
}

fn signer() -> ConsumerSigner<'static> {
    ConsumerSigner::new("deploy-bot", &*KEY)
}

fn looked(server: &Server) -> KeyState {
    look(&client(&server.base_url(), None), &signer()).unwrap()
}

fn proven(server: &Server) -> KeyState {
    prove(&client(&server.base_url(), None), &signer()).unwrap()
}

fn refused(state: KeyState) -> Problem {
    match state {
        KeyState::Refused(problem) => problem,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn every_product_accepts_a_registered_key_and_knows_no_other() {
    let generations = [Generation::Legacy, Generation::Current, Generation::Next];
    let specs = PRODUCTS
        .into_iter()
        .flat_map(|kind| {
            generations.map(|generation| ServerSpec::new(kind).generation(generation).context("/c"))
        })
        .collect();
    let estate = Estate::start(specs).unwrap();
    for server in estate.servers() {
        assert_eq!(
            looked(server),
            KeyState::ConsumerUnknown,
            "{}",
            server.name()
        );
        assert_eq!(
            proven(server),
            KeyState::ConsumerUnknown,
            "{}",
            server.name()
        );
        register(server, &KEY, |_| {});
        assert_eq!(looked(server), KeyState::Accepted, "{}", server.name());
        assert_eq!(proven(server), KeyState::Accepted, "{}", server.name());
    }
}

#[test]
fn looking_leaves_no_trace_and_proving_leaves_a_request_token() {
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    assert_eq!(looked(server), KeyState::Accepted);
    assert!(server.tokens().is_empty());
    assert_eq!(server.writes(), 0);
    assert_eq!(proven(server), KeyState::Accepted);
    assert_eq!(server.tokens().len(), 1);
}

#[test]
fn a_two_legged_consumer_is_accepted_whoever_it_runs_as() {
    for execute_as in [None, Some(SERVICE_USER.to_owned())] {
        let estate = jira();
        register(estate.server(0), &KEY, |consumer| {
            consumer.two_legged = true;
            consumer.execute_as = execute_as;
        });
        assert_eq!(looked(estate.server(0)), KeyState::Accepted);
    }
}

#[test]
fn another_public_key_is_told_from_another_address() {
    let estate = jira();
    let server = estate.server(0);
    register(
        server,
        &Keypair::generate(KeySize::Bits2048).unwrap(),
        |_| {},
    );
    for problem in [refused(looked(server)), refused(proven(server))] {
        assert_eq!(problem.kind, ProblemKind::SignatureInvalid);
        assert_eq!(
            problem.base_string_difference.as_deref(),
            Some("the base strings are equal, so the server holds another public key")
        );
        assert!(
            problem.advice().contains("keys import"),
            "{}",
            problem.advice()
        );
    }
}

#[test]
fn a_proxy_that_rewrites_the_address_is_named_and_sign_as_mends_it() {
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    server.set(Setting::SeenAs(Some(
        "https://jira.internal:7999".to_owned(),
    )));
    for problem in [refused(looked(server)), refused(proven(server))] {
        let difference = problem.base_string_difference.as_deref().unwrap();
        assert!(
            difference.contains("the scheme `https`, `http` was signed"),
            "{difference}"
        );
        assert!(
            difference.contains("the host `jira.internal`, `127.0.0.1` was signed"),
            "{difference}"
        );
        assert!(difference.contains("the port `7999`"), "{difference}");
        assert!(
            problem
                .advice()
                .contains("`https://jira.internal:7999/jira/plugins"),
            "{}",
            problem.advice()
        );
    }
    let client = client(&server.base_url(), Some("https://jira.internal:7999/jira"));
    assert_eq!(look(&client, &signer()).unwrap(), KeyState::Accepted);
    assert_eq!(prove(&client, &signer()).unwrap(), KeyState::Accepted);
}

#[test]
fn a_wrong_clock_is_measured() {
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    for (skew, words) in [(3600, "ahead of"), (-3600, "behind")] {
        server.set(Setting::ClockSkew(skew));
        for problem in [refused(looked(server)), refused(proven(server))] {
            assert_eq!(problem.kind, ProblemKind::TimestampRefused);
            let measured = problem.clock_skew.unwrap();
            assert!((measured - skew).abs() < 60, "{measured}");
            assert!(problem.advice().contains(words), "{}", problem.advice());
        }
    }
}

#[test]
fn a_consumer_that_may_not_dance_is_known_and_refused() {
    let estate = jira();
    register(estate.server(0), &KEY, |consumer| {
        consumer.three_legged = false;
    });
    let problem = refused(proven(estate.server(0)));
    assert_eq!(problem.kind, ProblemKind::PermissionDenied);
    assert!(
        problem.advice().contains("enable incoming OAuth"),
        "{}",
        problem.advice()
    );
}

#[test]
fn a_look_is_repeated_with_a_signature_of_its_own() {
    let faults = [
        Fault::Reset(When::Before),
        Fault::Reset(When::After),
        Fault::Unavailable,
        Fault::TooManyRequests(0),
    ];
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    for fault in faults {
        server.clear_log();
        server.set(fault.clone().on(Matcher::path("whoami")).times(2));
        assert_eq!(looked(server), KeyState::Accepted, "{fault:?}");
        assert_eq!(server.log().len(), 3, "{fault:?}");
    }
}

#[test]
fn patience_ends() {
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    let client = client(&server.base_url(), None);

    server.set(Fault::Unavailable.on(Matcher::path("whoami")));
    let error = look(&client, &signer()).unwrap_err();
    assert!(
        matches!(
            error,
            OauthError::Unclear {
                status: 503,
                reason: Unclear::Failing,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(server.log().len(), 3);

    server.clear_faults();
    server.clear_log();
    server.set(Fault::TooManyRequests(60).on(Matcher::path("whoami")));
    let error = look(&client, &signer()).unwrap_err();
    assert_eq!(error.code(), "rate_limited");
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_proof_is_asked_for_once() {
    let estate = jira();
    let server = estate.server(0);
    register(server, &KEY, |_| {});
    server.set(
        Fault::Reset(When::After)
            .on(Matcher::path("request-token"))
            .times(1),
    );
    let client = client(&server.base_url(), None);
    let error = prove(&client, &signer()).unwrap_err();
    assert!(matches!(error, OauthError::Client(_)), "{error:?}");
    assert_eq!(server.log().len(), 1);
    assert_eq!(prove(&client, &signer()).unwrap(), KeyState::Accepted);
}

/// A clock that has stopped.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> i64 {
        0
    }
}

#[test]
fn the_clock_of_the_signer_is_the_one_that_counts() {
    let estate = jira();
    register(estate.server(0), &KEY, |_| {});
    let signer = ConsumerSigner {
        clock: &Stopped,
        ..signer()
    };
    let client = client(&estate.server(0).base_url(), None);
    let problem = refused(look(&client, &signer).unwrap());
    assert_eq!(problem.kind, ProblemKind::TimestampRefused);
    assert!(problem.clock_skew.unwrap() > 1_790_000_000, "{problem:?}");
}
