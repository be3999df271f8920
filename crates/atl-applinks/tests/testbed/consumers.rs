//! Consumers: protocol.md 1.7.

use atl_applinks::{ApplinksError, Consumer, NewConsumer, link_id};
use atl_testbed::{Generation, Link};
use serde_json::Value;

use crate::setup::{KEY, OTHER_KEY, URL, bot, created, everywhere, new_link, on_jira};

fn expected() -> Consumer {
    Consumer {
        key: "deploy-bot".to_owned(),
        name: "Deploy bot".to_owned(),
        description: Some("Deploys".to_owned()),
        public_key: Some(KEY.to_owned()),
        callback: Some("https://deploy.example.com/callback".to_owned()),
        two_lo_allowed: false,
        executing_two_lo_user: None,
        two_lo_impersonation_allowed: false,
    }
}

#[test]
fn a_consumer_is_registered_read_back_and_overwritten() {
    everywhere(|server, links| {
        let id = created(links);
        assert_eq!(links.consumer(&id).unwrap(), None);
        links.put_consumer(&id, &bot()).unwrap();
        assert_eq!(links.consumer(&id).unwrap(), Some(expected()));

        let bare = NewConsumer {
            name: "Renamed".to_owned(),
            description: None,
            public_key: OTHER_KEY.to_owned(),
            callback: None,
            ..bot()
        };
        links.put_consumer(&id, &bare).unwrap();
        let read = links.consumer(&id).unwrap().unwrap();
        assert_eq!(read.name, "Renamed");
        assert_eq!(read.public_key.as_deref(), Some(OTHER_KEY));
        assert_eq!((read.description, read.callback), (None, None));
        assert_eq!(server.consumers().len(), 1);
    });
}

#[test]
fn each_generation_is_asked_at_its_own_path() {
    everywhere(|server, links| {
        let id = created(links);
        server.clear_log();
        links.consumer(&id).unwrap();
        let root = match server.generation() {
            Generation::Legacy => "/rest/applinks/2.0",
            _ => "/rest/applinks-oauth/1.0",
        };
        let path = format!("{root}/applicationlink/{id}/authentication/consumer");
        assert_eq!(server.log().last().unwrap().path, path);
    });
}

#[test]
fn a_404_means_no_consumer_or_no_link() {
    everywhere(|_, links| {
        let id = created(links);
        assert_eq!(links.consumer(&id).unwrap(), None);
        let unknown = link_id("https://unknown.example.com");
        assert_eq!(links.consumer(&unknown).unwrap(), None);
        assert_eq!(links.consumer("no-uuid").unwrap(), None);
        let error = links.put_consumer(&unknown, &bot()).unwrap_err();
        assert_eq!(error.code(), "no_such_link");
        assert!(!error.may_have_happened());
    });
}

#[test]
fn only_what_a_generic_link_applies_is_sent() {
    on_jira(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        let log = server.log();
        let body: Value = serde_json::from_str(&log.last().unwrap().body).unwrap();
        let mut fields: Vec<_> = body
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "callback",
                "description",
                "key",
                "name",
                "outgoing",
                "publicKey"
            ]
        );
        assert_eq!(body["outgoing"], false);
    });
}

#[test]
fn a_second_put_resets_two_legged_oauth_on_a_generic_link() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        server.edit_consumer("deploy-bot", |consumer| {
            consumer.two_legged = true;
            consumer.impersonation = true;
            consumer.execute_as = Some("svc-deploy".to_owned());
        });
        let on = links.consumer(&id).unwrap().unwrap();
        assert!(on.two_lo_allowed && on.two_lo_impersonation_allowed);
        assert_eq!(on.executing_two_lo_user.as_deref(), Some("svc-deploy"));
        links.put_consumer(&id, &bot()).unwrap();
        assert_eq!(links.consumer(&id).unwrap(), Some(expected()));
    });
}

#[test]
fn a_key_of_another_link_is_taken_over_without_a_word() {
    everywhere(|server, links| {
        let first = created(links);
        links.put_consumer(&first, &bot()).unwrap();
        let second = links
            .create(&new_link("Second", "https://second.example.com"))
            .unwrap();
        let taken = NewConsumer {
            name: "Taken over".to_owned(),
            ..bot()
        };
        links.put_consumer(&second, &taken).unwrap();
        assert_eq!(links.consumer(&first).unwrap().unwrap().name, "Taken over");
        assert_eq!(links.consumer(&second).unwrap().unwrap().name, "Taken over");
        assert_eq!(server.consumers().len(), 1);
    });
}

#[test]
fn another_key_leaves_the_former_consumer_behind() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        links
            .put_consumer(
                &id,
                &NewConsumer {
                    key: "next-bot".to_owned(),
                    ..bot()
                },
            )
            .unwrap();
        assert_eq!(links.consumer(&id).unwrap().unwrap().key, "next-bot");
        assert!(server.consumer("deploy-bot").is_some());
    });
}

#[test]
fn what_the_server_cannot_do_without_is_checked_before_sending() {
    on_jira(|server, links| {
        let id = created(links);
        server.clear_log();
        for (broken, field) in [
            (
                NewConsumer {
                    name: " ".to_owned(),
                    ..bot()
                },
                "name",
            ),
            (
                NewConsumer {
                    key: String::new(),
                    ..bot()
                },
                "key",
            ),
            (
                NewConsumer {
                    public_key: String::new(),
                    ..bot()
                },
                "public key",
            ),
        ] {
            let error = links.put_consumer(&id, &broken).unwrap_err();
            assert!(
                matches!(error, ApplinksError::EmptyField { field: found, .. } if found == field),
                "{error:?}"
            );
            let error = links
                .save_form(&id, &broken, false, None, false)
                .unwrap_err();
            assert_eq!(error.code(), "empty_field");
        }
        assert_eq!(server.log().len(), 0);
    });
}

#[test]
fn an_unreadable_public_key_is_an_error_of_its_own() {
    everywhere(|server, links| {
        let id = created(links);
        let broken = NewConsumer {
            public_key: "ssh-rsa AAAAB3NzaC1yc2E bot".to_owned(),
            ..bot()
        };
        let error = links.put_consumer(&id, &broken).unwrap_err();
        assert!(
            matches!(&error, ApplinksError::InvalidPublicKey { key, .. } if key == "deploy-bot"),
            "{error:?}"
        );
        assert!(error.advice().contains("keys check"), "{}", error.advice());
        assert_eq!(server.consumers().len(), 0);
    });
}

#[test]
fn an_outgoing_consumer_is_no_incoming_one() {
    on_jira(|server, links| {
        let id = server
            .add_link(Link::generic("Deploy bot", URL))
            .to_string();
        let outgoing = serde_json::json!({
            "key": "out", "name": "Out", "sharedSecret": "s3cret", "outgoing": true
        });
        let path = format!("rest/applinks-oauth/1.0/applicationlink/{id}/authentication/consumer");
        let client =
            crate::setup::client_of(server, atl_testbed::ADMIN, atl_testbed::ADMIN_PASSWORD);
        let answer = client
            .send(&atl_client::Request::put_json(path, outgoing))
            .unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(links.consumer(&id).unwrap(), None);
        links.put_consumer(&id, &bot()).unwrap();
        assert_eq!(links.consumer(&id).unwrap(), Some(expected()));
    });
}
