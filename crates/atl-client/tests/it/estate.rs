//! Signing in and administering on every product and generation of the testbed.

use atl_client::{
    Account, Client, ClientError, Credentials, Login, Method, Refusal, Request, ServerConfig,
};
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, Estate, Fault, Generation, Kind, Matcher, ServerSpec, Setting, When,
};

use crate::wire::{client, config};

const KINDS: [Kind; 4] = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
const LINKS: &str = "rest/applinks/1.0/applicationlink";

fn sign_in_config(base_url: &str, password: &str, login: Login) -> ServerConfig {
    let username = ADMIN.to_owned();
    config(
        base_url,
        Credentials::Password {
            username,
            password: password.into(),
            login,
        },
    )
}

fn administers(client: &Client) -> Result<Account, ClientError> {
    let account = client.sign_in()?;
    client.send(&Request::get(LINKS))?.success()?;
    Ok(account)
}

#[test]
fn every_product_and_generation_lets_the_administrator_in() {
    for generation in [
        Generation::Transitional,
        Generation::Current,
        Generation::Next,
    ] {
        let specs = KINDS
            .map(|kind| ServerSpec::new(kind).generation(generation).context("/ctx"))
            .to_vec();
        let estate = Estate::start(specs).unwrap();
        for server in estate.servers() {
            for login in [Login::Auto, Login::Session] {
                let client = client(sign_in_config(&server.base_url(), ADMIN_PASSWORD, login));
                let account = administers(&client).unwrap_or_else(|error| {
                    panic!("{:?} {generation:?} {login:?}: {error}", server.kind())
                });
                assert_eq!(account.username, ADMIN);
                client.sign_out();
            }
            assert_eq!(server.failed_sign_ins(ADMIN), 0);
            assert_eq!(server.writes(), 0);
        }
    }
}

#[test]
fn basic_switched_off_means_a_session() {
    let estate = Estate::start(KINDS.map(ServerSpec::new).to_vec()).unwrap();
    for server in estate.servers() {
        server.set(Setting::BasicAllowed(false));
        let client = client(sign_in_config(
            &server.base_url(),
            ADMIN_PASSWORD,
            Login::Auto,
        ));
        administers(&client).unwrap();
        assert_eq!(
            client.sign_in().unwrap().method,
            Method::Session,
            "{:?}",
            server.kind()
        );
    }
}

#[test]
fn a_wrong_password_counts_as_one_failure_everywhere() {
    for generation in [Generation::Current, Generation::Next] {
        let specs = KINDS
            .map(|kind| ServerSpec::new(kind).generation(generation))
            .to_vec();
        let estate = Estate::start(specs).unwrap();
        for server in estate.servers() {
            for (login, failures) in [(Login::Auto, 1), (Login::Session, 2)] {
                let client = client(sign_in_config(&server.base_url(), "wrong", login));
                for _ in 0..2 {
                    let error = administers(&client).unwrap_err();
                    assert_eq!(
                        error.code(),
                        "wrong_password",
                        "{:?} {generation:?} {login:?}",
                        server.kind()
                    );
                }
                assert_eq!(server.failed_sign_ins(ADMIN), failures);
            }
        }
    }
}

#[test]
fn a_captcha_stands_before_the_right_password() {
    let estate = Estate::start(KINDS.map(ServerSpec::new).to_vec()).unwrap();
    for server in estate.servers() {
        server.set(Setting::CaptchaAfter(Some(1)));
        let wrong = client(sign_in_config(&server.base_url(), "wrong", Login::Auto));
        assert_eq!(administers(&wrong).unwrap_err().code(), "wrong_password");
        let right = client(sign_in_config(
            &server.base_url(),
            ADMIN_PASSWORD,
            Login::Auto,
        ));
        assert_eq!(
            administers(&right).unwrap_err().code(),
            "captcha",
            "{:?}",
            server.kind()
        );
        assert_eq!(server.failed_sign_ins(ADMIN), 2);
    }
}

#[test]
fn tokens_administer_where_they_can() {
    let estate = Estate::start(KINDS.map(ServerSpec::new).to_vec()).unwrap();
    for server in estate.servers() {
        let with = |token: String| {
            let credentials = Credentials::Token {
                token: token.into(),
                username: Some(ADMIN.into()),
            };
            administers(&client(config(&server.base_url(), credentials)))
        };
        let good = with(server.add_access_token(ADMIN));
        let unknown = with("unknown".into());
        if server.kind() == Kind::Bitbucket {
            assert_eq!(good.unwrap_err().code(), "token_cannot_administer");
        } else {
            assert_eq!(good.unwrap().method, Method::Token);
            let refused = unknown.unwrap_err();
            assert!(
                matches!(
                    refused,
                    ClientError::SignIn {
                        refusal: Refusal::Anonymous,
                        ..
                    }
                ),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn faults_on_the_way_are_survived_where_that_is_safe() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira)]).unwrap();
    let server = estate.server(0);
    let client = client(sign_in_config(
        &server.base_url(),
        ADMIN_PASSWORD,
        Login::Auto,
    ));
    client.sign_in().unwrap();
    for fault in [
        Fault::Reset(When::Before),
        Fault::Reset(When::After),
        Fault::Truncate,
        Fault::Unavailable,
    ] {
        server.set(fault.times(1).on(Matcher::path("applicationlink")));
        client
            .send(&Request::get(LINKS))
            .unwrap()
            .success()
            .unwrap();
    }
    server.set(Fault::Reset(When::Before).times(1));
    let error = client
        .send(&Request::put_json(LINKS, serde_json::json!({})))
        .unwrap_err();
    assert!(error.may_have_happened());
    assert_eq!(error.code(), "connection_reset");
    server.set(Fault::Html.times(1));
    let error = client
        .send(&Request::get(LINKS))
        .unwrap()
        .json::<serde_json::Value>()
        .unwrap_err();
    assert_eq!(error.code(), "html");
}
