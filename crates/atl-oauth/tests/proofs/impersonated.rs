//! Calls as a user who gave no grant.

use atl_client::{Body, Request};
use atl_oauth::{ConsumerSigner, OauthError, ProblemKind, RunsAs, send_as, whoami_as};
use atl_testbed::{
    ALICE, ALICE_PASSWORD, BOB, Consumer, Estate, Fault, Generation, Kind, Link, Matcher, Role,
    Server, ServerSpec, Token, User,
};

use crate::{KEY, client};

const WHOAMI: &str = "applinks/whoami";

fn estate() -> Estate {
    let kinds = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
    let specs = kinds.into_iter().flat_map(|kind| {
        [Generation::Legacy, Generation::Current, Generation::Next]
            .map(|generation| ServerSpec::new(kind).generation(generation).context("/c"))
    });
    let estate = Estate::start(specs.collect()).unwrap();
    for server in estate.servers() {
        register(server, true);
    }
    estate
}

fn jira(impersonation: bool) -> Estate {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira)]).unwrap();
    register(estate.server(0), impersonation);
    estate
}

fn register(server: &Server, impersonation: bool) {
    let link = server.add_link(Link::generic("Auditor", "https://auditor.example.com"));
    let mut consumer =
        Consumer::new("auditor", "Auditor", &KEY.public_key().to_one_line()).unwrap();
    consumer.impersonation = impersonation;
    server.put_consumer(Some(link), consumer);
}

fn signer() -> ConsumerSigner<'static> {
    ConsumerSigner::new("auditor", &*KEY)
}

fn who(server: &Server, user: &str) -> Result<RunsAs, OauthError> {
    whoami_as(&client(&server.base_url(), None), &signer(), user)
}

#[test]
fn a_call_is_that_of_the_user_of_nobody_or_refused() {
    for server in estate().servers() {
        let name = server.name();
        assert!(who(server, ALICE).unwrap().is("Alice"), "{name}");
        assert!(!who(server, ALICE).unwrap().is(BOB), "{name}");
        assert_eq!(
            who(server, "nobody-here").unwrap(),
            RunsAs::Nobody,
            "{name}"
        );
        server.put_user(User {
            active: false,
            ..User::new(ALICE, ALICE_PASSWORD, Role::User)
        });
        assert_eq!(who(server, ALICE).unwrap(), RunsAs::Refused, "{name}");
        assert_eq!(server.writes(), 0, "{name}");
    }
}

#[test]
fn names_of_any_letters_arrive() {
    let estate = jira(true);
    let server = estate.server(0);
    for name in ["a b+c", "ä&user_id=admin", "100%", "J\u{301}o", "x#y?z"] {
        server.put_user(User::new(name, "secret", Role::User));
        assert_eq!(
            who(server, name).unwrap(),
            RunsAs::User(name.to_owned()),
            "{name}"
        );
    }
}

/// An empty parameter is no impersonation to a server: the call would run as whoever two-legged calls run as.
#[test]
fn nobody_is_not_impersonated() {
    let estate = jira(true);
    let server = estate.server(0);
    for name in ["", " "] {
        let error = who(server, name).unwrap_err();
        assert!(matches!(error, OauthError::NobodyNamed), "{error:?}");
    }
    assert!(server.log().is_empty());
}

#[test]
fn impersonation_that_is_off_is_refused_to_everybody() {
    let estate = jira(false);
    for user in [ALICE, "nobody-here"] {
        assert_eq!(who(estate.server(0), user).unwrap(), RunsAs::Refused);
    }
}

#[test]
fn a_consumer_that_is_gone_is_an_error() {
    let estate = jira(true);
    estate.server(0).remove_consumer("auditor");
    match who(estate.server(0), ALICE) {
        Err(OauthError::Refused { problem, .. }) => {
            assert_eq!(problem.kind, ProblemKind::ConsumerKeyUnknown);
        }
        other => panic!("{other:?}"),
    }
}

/// The second attempt would be refused for its nonce if it were the same signature.
#[test]
fn a_rate_limit_is_waited_for_and_signed_anew() {
    let estate = jira(true);
    let server = estate.server(0);
    server.set(Fault::TooManyRequests(0).on(Matcher::path(WHOAMI)).times(2));
    assert!(who(server, ALICE).unwrap().is(ALICE));
    let statuses: Vec<u16> = server.log().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [429, 429, 200]);
}

#[test]
fn a_request_keeps_its_query_and_its_form() {
    let estate = jira(true);
    let server = estate.server(0);
    server.add_token(Token::access("hunter2hunter2", "auditor", ALICE));
    let fields = vec![("token".to_owned(), "hunter2hunter2".to_owned())];
    let path = "plugins/servlet/oauth/users/access-tokens";
    let request = Request {
        body: Body::Form(fields),
        ..Request::post_form(format!("{path}?a=b%20c"), Vec::new())
    };
    let anonymous = client(&server.base_url(), None);
    let answer = send_as(&anonymous, &signer(), BOB, &request).unwrap();
    assert_eq!(answer.response.status, 401);
    assert_eq!(server.tokens().len(), 1);
    let answer = send_as(&anonymous, &signer(), ALICE, &request).unwrap();
    assert_eq!(answer.response.status, 200);
    assert!(server.tokens().is_empty());
    let log = server.log();
    let last = log.last().unwrap();
    assert_eq!(last.query, "a=b%20c&xoauth_requestor_id=alice");
}
