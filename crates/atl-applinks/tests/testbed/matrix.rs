//! The OAuth matrix and the outgoing providers: protocol.md 1.6 and 1.12.

use atl_applinks::{ApplinksError, Flags, Matrix, Provider, link_id};
use atl_client::Failure;
use atl_testbed::{Exchange, Fault, Generation, Kind, Matcher, ServerSpec, Token};
use serde_json::Value;
use uuid::Uuid;

use crate::setup::{KEY, as_manager, bot, created, everywhere, on, on_jira, requests};

const OAUTH: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";
const IMPERSONATION: &str =
    "com.atlassian.applinks.api.auth.types.TwoLeggedOAuthWithImpersonationAuthenticationProvider";

const THREE_LO: Flags = Flags {
    enabled: true,
    two_lo: false,
    two_lo_impersonation: false,
};
const TWO_LO: Flags = Flags {
    two_lo: true,
    ..THREE_LO
};
const IMPERSONATING: Flags = Flags {
    two_lo_impersonation: true,
    ..TWO_LO
};
const OFF: Flags = Flags {
    enabled: false,
    ..THREE_LO
};

fn config() -> Vec<(String, String)> {
    [
        ("consumerKey.outbound", "out"),
        ("serviceProvider.authorizeUrl", "/authorize"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[test]
fn two_legged_oauth_is_switched_on_and_keeps_the_consumer() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        let modern = server.generation() >= Generation::Current;
        assert_eq!(links.has_matrix(), modern);
        if !modern {
            server.clear_log();
            for error in [
                links.matrix(&id).unwrap_err(),
                links.put_matrix(&id, &Matrix::default()).unwrap_err(),
            ] {
                assert_eq!(error.code(), "two_legged_unsupported");
                assert!(!error.advice().is_empty());
            }
            assert_eq!(server.log().len(), 0);
            return;
        }
        let before = Matrix {
            incoming: THREE_LO,
            outgoing: OFF,
        };
        assert_eq!(links.matrix(&id).unwrap(), before);
        let after = Matrix {
            incoming: IMPERSONATING,
            outgoing: OFF,
        };
        links.put_matrix(&id, &after).unwrap();
        assert_eq!(links.matrix(&id).unwrap(), after);
        let consumer = links.consumer(&id).unwrap().unwrap();
        assert_eq!(consumer.public_key.as_deref(), Some(KEY));
        assert!(consumer.two_lo_allowed && consumer.two_lo_impersonation_allowed);
    });
}

#[test]
fn impersonation_needs_a_system_administrator() {
    as_manager(|_, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        links
            .put_matrix(
                &id,
                &Matrix {
                    incoming: TWO_LO,
                    outgoing: OFF,
                },
            )
            .unwrap();
        let error = links
            .put_matrix(
                &id,
                &Matrix {
                    incoming: IMPERSONATING,
                    outgoing: OFF,
                },
            )
            .unwrap_err();
        assert!(
            matches!(error, ApplinksError::NeedsSystemAdministrator { .. }),
            "{error:?}"
        );
        assert_eq!(error.failure(), Failure::Refused);
        assert!(
            error.advice().contains("system administrator"),
            "{}",
            error.advice()
        );

        let provider = Provider {
            class: IMPERSONATION.to_owned(),
            config: Vec::new(),
        };
        let error = links.put_provider(&id, &provider).unwrap_err();
        assert_eq!(error.code(), "needs_system_administrator");
    });
}

#[test]
fn enabling_without_a_consumer_is_an_error_of_its_own() {
    on_jira(|_, links| {
        let id = created(links);
        let error = links
            .put_matrix(
                &id,
                &Matrix {
                    incoming: TWO_LO,
                    outgoing: OFF,
                },
            )
            .unwrap_err();
        assert_eq!(error.code(), "consumer_unavailable");
    });
}

#[test]
fn an_unknown_link_has_no_matrix_and_no_providers() {
    on_jira(|_, links| {
        let unknown = link_id("https://unknown.example.com");
        let provider = Provider {
            class: OAUTH.to_owned(),
            config: Vec::new(),
        };
        for error in [
            links.matrix(&unknown).unwrap_err(),
            links.put_matrix(&unknown, &Matrix::default()).unwrap_err(),
            links.disable_incoming(&unknown).unwrap_err(),
            links.providers(&unknown).unwrap_err(),
            links.put_provider(&unknown, &provider).unwrap_err(),
        ] {
            assert_eq!(error.code(), "no_such_link", "{error:?}");
        }
    });
}

#[test]
fn providers_are_written_read_and_overwritten() {
    everywhere(|_, links| {
        let id = created(links);
        assert_eq!(links.providers(&id).unwrap(), []);
        let provider = Provider {
            class: OAUTH.to_owned(),
            config: config(),
        };
        links.put_provider(&id, &provider).unwrap();
        assert_eq!(links.providers(&id).unwrap(), [provider]);
        let empty = Provider {
            class: OAUTH.to_owned(),
            config: Vec::new(),
        };
        links.put_provider(&id, &empty).unwrap();
        assert_eq!(links.providers(&id).unwrap(), [empty]);
        let unknown = Provider {
            class: "com.example.Unknown".to_owned(),
            config: Vec::new(),
        };
        assert_eq!(
            links.put_provider(&id, &unknown).unwrap_err().code(),
            "rejected"
        );
    });
}

#[test]
fn authentication_itself_is_never_asked() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        links.providers(&id).unwrap();
        links.disable_incoming(&id).unwrap();
        assert!(
            !requests(server)
                .iter()
                .any(|request| request.ends_with("/authentication"))
        );
    });
}

#[test]
fn disabling_removes_the_consumer_and_its_tokens() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        server.add_token(Token::access("token", "deploy-bot", "alice"));
        links.disable_incoming(&id).unwrap();
        assert_eq!(
            links.consumer(&id).unwrap(),
            None,
            "{:?}",
            server.generation()
        );
        assert_eq!(server.consumers().len(), 0);
        assert_eq!(server.tokens().len(), 0);
        assert_eq!(server.links().len(), 1);
        links.disable_incoming(&id).unwrap();
    });
}

#[test]
fn disabling_leaves_outgoing_authentication_as_it_was() {
    on_jira(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        let provider = Provider {
            class: OAUTH.to_owned(),
            config: config(),
        };
        links.put_provider(&id, &provider).unwrap();
        assert_eq!(links.matrix(&id).unwrap().outgoing, THREE_LO);

        links.disable_incoming(&id).unwrap();
        assert_eq!(
            links.matrix(&id).unwrap(),
            Matrix {
                incoming: OFF,
                outgoing: THREE_LO
            }
        );
        assert_eq!(links.providers(&id).unwrap(), [provider]);
        assert_eq!(server.consumers().len(), 0);
        let log = server.log();
        let put =
            |exchange: &&Exchange| exchange.method == "PUT" && exchange.path.ends_with("/oauth");
        let sent: Value = serde_json::from_str(&log.iter().find(put).unwrap().body).unwrap();
        assert_eq!(
            sent["outgoing"]["enabled"], true,
            "anything else deletes outgoing tokens"
        );
    });
}

#[test]
fn a_provider_that_cannot_be_put_back_is_reported_as_such() {
    on_jira(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        links
            .put_provider(
                &id,
                &Provider {
                    class: OAUTH.to_owned(),
                    config: config(),
                },
            )
            .unwrap();
        let refusal = r#"{"status":400,"message":["no"]}"#.to_owned();
        server.set(
            Fault::Answer(400, refusal).on(Matcher::method("PUT").at("/authentication/provider")),
        );
        let error = links.disable_incoming(&id).unwrap_err();
        assert_eq!(error.code(), "providers_not_restored");
        assert!(error.may_have_happened());
        assert_eq!(server.consumers().len(), 0);
    });
}

#[test]
fn a_server_that_hides_its_version_is_probed() {
    let hidden = r#"{"id":"a","name":"Jira","typeId":"jira","version":"9.12.0"}"#.to_owned();
    let manifest =
        || Fault::Answer(200, hidden.clone()).on(Matcher::path("/rest/applinks/1.0/manifest"));
    let estate = atl_testbed::Estate::start(vec![
        ServerSpec::new(Kind::Jira),
        ServerSpec::new(Kind::Jira).generation(Generation::Transitional),
    ])
    .unwrap();
    for server in estate.servers() {
        server.set(manifest());
        let client =
            crate::setup::client_of(server, atl_testbed::ADMIN, atl_testbed::ADMIN_PASSWORD);
        let links = atl_applinks::Applinks::open(&client).unwrap();
        let id = created(&links);
        assert!(links.has_matrix(), "until it is found not to");
        let found = links.matrix(&id).is_ok();
        assert_eq!(found, server.generation() == Generation::Current);
        assert_eq!(links.has_matrix(), found);
        links.put_consumer(&id, &bot()).unwrap();
        links.disable_incoming(&id).unwrap();
        assert_eq!(server.consumers().len(), 0);
    }
}

#[test]
fn the_matrix_of_a_link_made_elsewhere_is_read() {
    on(ServerSpec::new(Kind::Bamboo), |server, links| {
        let id = created(links);
        let uuid: Uuid = id.parse().unwrap();
        let flags = atl_testbed::Flags {
            enabled: true,
            two_legged: true,
            impersonation: true,
        };
        server.set_matrix(uuid, atl_testbed::Flags::default(), flags);
        assert_eq!(
            links.matrix(&id).unwrap(),
            Matrix {
                incoming: OFF,
                outgoing: IMPERSONATING
            }
        );
    });
}
