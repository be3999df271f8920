//! The admin form: protocol.md 1.11; and what the account may do: protocol.md 5.2.

use atl_applinks::{ApplinksError, NewConsumer, link_id};
use atl_client::Failure;
use atl_testbed::{Fault, Matcher, SERVICE_USER, ServerSpec, Setting};

use crate::setup::{KEY, KINDS, OTHER_KEY, as_manager, bot, created, everywhere, on, on_jira};

#[test]
fn the_form_sets_what_rest_cannot() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        let moved = NewConsumer {
            public_key: OTHER_KEY.to_owned(),
            ..bot()
        };
        links
            .save_form(&id, &moved, true, Some(SERVICE_USER), true)
            .unwrap();
        let consumer = links.consumer(&id).unwrap().unwrap();
        assert_eq!(
            consumer.executing_two_lo_user.as_deref(),
            Some(SERVICE_USER),
            "{}",
            server.name()
        );
        assert!(consumer.two_lo_allowed && consumer.two_lo_impersonation_allowed);
        assert_eq!(consumer.public_key.as_deref(), Some(OTHER_KEY));
        assert_eq!(
            consumer.callback.as_deref(),
            Some("https://deploy.example.com/callback/"),
            "the server appends a slash"
        );
        assert_eq!(consumer.description.as_deref(), Some("Deploys"));

        links.save_form(&id, &bot(), false, None, false).unwrap();
        let sent = server.log().pop().unwrap().body;
        assert!(sent.contains("&atl_token="), "{sent}");
        assert!(!sent.contains("two-lo-enabled"), "{sent}");
        let consumer = links.consumer(&id).unwrap().unwrap();
        assert!(!consumer.two_lo_allowed && !consumer.two_lo_impersonation_allowed);
        assert_eq!(consumer.public_key.as_deref(), Some(KEY));
    });
}

#[test]
fn what_the_form_complains_about_is_said() {
    everywhere(|server, links| {
        let id = created(links);
        let broken = NewConsumer {
            public_key: "nonsense".to_owned(),
            ..bot()
        };
        let unknown_user = links.save_form(&id, &bot(), true, Some("nobody"), false);
        let no_user = links.save_form(&id, &bot(), true, None, false);
        let bad_key = links.save_form(&id, &broken, false, None, false);
        for refused in [unknown_user, no_user, bad_key] {
            let error = refused.unwrap_err();
            assert!(
                matches!(&error, ApplinksError::FormRefused { words, .. } if !words.is_empty()),
                "{error:?}"
            );
            assert_eq!(error.failure(), Failure::Failed);
            assert!(!error.may_have_happened());
        }
        assert_eq!(server.consumers().len(), 0);
    });
}

#[test]
fn two_legged_oauth_needs_a_system_administrator() {
    as_manager(|server, links| {
        let id = created(links);
        let error = links
            .save_form(&id, &bot(), true, Some(SERVICE_USER), false)
            .unwrap_err();
        assert!(
            matches!(error, ApplinksError::NeedsSystemAdministrator { .. }),
            "{error:?}"
        );
        assert_eq!(server.consumers().len(), 0);
        links.save_form(&id, &bot(), false, None, false).unwrap();
        assert_eq!(server.consumers().len(), 1);
    });
}

#[test]
fn a_session_is_elevated_for_the_form() {
    for kind in KINDS {
        let spec = ServerSpec::new(kind).setting(Setting::BasicAllowed(false));
        on(spec, |server, links| {
            let id = created(links);
            links.put_consumer(&id, &bot()).unwrap();
            links
                .save_form(&id, &bot(), true, Some(SERVICE_USER), false)
                .unwrap();
            let consumer = server.consumer("deploy-bot").unwrap();
            assert_eq!(consumer.execute_as.as_deref(), Some(SERVICE_USER));
        });
    }
}

#[test]
fn an_unknown_link_has_no_form() {
    everywhere(|_, links| {
        let unknown = link_id("https://unknown.example.com");
        let error = links
            .save_form(&unknown, &bot(), false, None, false)
            .unwrap_err();
        assert_eq!(error.code(), "no_such_link");
    });
}

#[test]
fn the_configuration_of_basic_tells_system_administrators() {
    for kind in KINDS {
        on(ServerSpec::new(kind), |server, links| {
            assert_eq!(links.is_system_administrator().unwrap(), Some(true));
            assert_eq!(links.basic_allowed().unwrap(), Some(true));
            assert_eq!(server.writes(), 0);
        });
        on(
            ServerSpec::new(kind).setting(Setting::BasicAllowed(false)),
            |_, links| {
                assert_eq!(links.basic_allowed().unwrap(), Some(false));
            },
        );
    }
    as_manager(|_, links| {
        assert_eq!(links.is_system_administrator().unwrap(), Some(false));
        assert_eq!(links.basic_allowed().unwrap(), None);
    });
    on_jira(|server, links| {
        server.set(Fault::Answer(404, String::new()).on(Matcher::path("/rest/basicauth")));
        assert_eq!(links.is_system_administrator().unwrap(), None);
        assert_eq!(links.basic_allowed().unwrap(), None);
    });
}
