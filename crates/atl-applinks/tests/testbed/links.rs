//! Links: protocol.md 1.4.

use atl_applinks::{ApplicationLink, Applinks, ApplinksError, link_id};
use atl_client::Failure;
use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Estate, Fault, Generation, Kind, Link, Matcher,
    ServerSpec,
};

use crate::setup::{
    URL, as_manager, bot, client_of, created, everywhere, new_link, on_jira, signed_in,
};

#[test]
fn a_link_is_created_read_changed_and_deleted() {
    everywhere(|server, links| {
        assert_eq!(links.list().unwrap(), []);
        let id = links
            .create(&new_link("Deploy bot", &format!("{URL}/")))
            .unwrap();
        assert_eq!(id, link_id(URL), "{}", server.name());
        let mut link = ApplicationLink {
            id: id.clone(),
            type_id: "generic".to_owned(),
            name: "Deploy bot".to_owned(),
            display_url: URL.to_owned(),
            rpc_url: Some(URL.to_owned()),
            primary: true,
            system: false,
        };
        assert_eq!(links.list().unwrap(), [link.clone()]);
        assert_eq!(links.link(&id).unwrap(), Some(link.clone()));

        link.name = "Renamed".to_owned();
        link.display_url = "https://elsewhere.example.com".to_owned();
        links.update(&link).unwrap();
        assert_eq!(links.list().unwrap(), [link]);

        links.delete(&id).unwrap();
        assert_eq!(links.list().unwrap(), []);
    });
}

#[test]
fn a_taken_name_is_suffixed_and_not_refused() {
    everywhere(|_, links| {
        created(links);
        let id = links
            .create(&new_link("Deploy bot", "https://other.example.com"))
            .unwrap();
        assert_eq!(links.link(&id).unwrap().unwrap().name, "Deploy bot - 2");
    });
}

#[test]
fn a_duplicate_url_is_an_error_of_its_own() {
    everywhere(|server, links| {
        let first = created(links);
        let error = links
            .create(&new_link("Another", &format!("{URL}/")))
            .unwrap_err();
        assert!(
            matches!(&error, ApplinksError::DuplicateLink { id, .. } if *id == first),
            "{error:?}"
        );
        assert_eq!(error.code(), "duplicate_link");
        assert_eq!(error.failure(), Failure::Failed);
        assert!(!error.may_have_happened());
        assert_eq!(server.links().len(), 1);
    });
}

#[test]
fn a_relocated_link_stands_in_the_way_by_its_id() {
    on_jira(|server, links| {
        let id = server.add_link(Link::generic("Old", URL));
        server.edit_link(id, |link| {
            link.rpc_url = "https://moved.example.com".to_owned();
        });
        let error = links.create(&new_link("New", URL)).unwrap_err();
        assert!(
            matches!(&error, ApplinksError::DuplicateLink { id, .. } if *id == link_id(URL)),
            "{error:?}"
        );
    });
}

#[test]
fn urls_that_differ_in_case_are_different_links() {
    on_jira(|_, links| {
        let lower = created(links);
        let upper = links
            .create(&new_link("Upper", "https://Deploy.example.com"))
            .unwrap();
        assert_ne!(lower, upper);
    });
}

#[test]
fn an_unknown_id_is_no_link_although_the_server_answers_500() {
    everywhere(|_, links| {
        created(links);
        assert_eq!(
            links.link(&link_id("https://unknown.example.com")).unwrap(),
            None
        );
        assert_eq!(links.link("no-uuid").unwrap(), None);
    });
}

#[test]
fn deleting_takes_the_consumer_and_a_second_time_is_success() {
    everywhere(|server, links| {
        let id = created(links);
        links.put_consumer(&id, &bot()).unwrap();
        assert_eq!(server.consumers().len(), 1);
        links.delete(&id).unwrap();
        assert_eq!(server.consumers().len(), 0);
        links.delete(&id).unwrap();
    });
}

#[test]
fn a_change_that_the_server_refuses_is_said_in_its_words() {
    everywhere(|_, links| {
        created(links);
        links
            .create(&new_link("Taken", "https://other.example.com"))
            .unwrap();
        let mut link = links.list().unwrap().remove(0);
        let refused = |link: &ApplicationLink| {
            let error = links.update(link).unwrap_err();
            assert!(
                matches!(&error, ApplinksError::Rejected { words, .. } if !words.is_empty()),
                "{error:?}"
            );
            assert_eq!(error.code(), "rejected");
        };
        link.name = "Taken".to_owned();
        refused(&link);
        link.name = "Free".to_owned();
        link.rpc_url = Some("https://elsewhere.example.com".to_owned());
        refused(&link);
    });
}

#[test]
fn system_links_have_no_application_url_and_belong_to_system_administrators() {
    as_manager(|server, links| {
        let id = server.add_link(Link {
            system: true,
            ..Link::generic("System", URL)
        });
        let link = links.list().unwrap().remove(0);
        assert_eq!((link.rpc_url.as_deref(), link.system), (None, true));
        let error = links.delete(&id.to_string()).unwrap_err();
        assert!(
            matches!(error, ApplinksError::SystemLink { .. }),
            "{error:?}"
        );
        assert_eq!(error.failure(), Failure::Refused);
        let error = links
            .update(&ApplicationLink {
                rpc_url: Some(URL.to_owned()),
                ..link
            })
            .unwrap_err();
        assert_eq!(error.code(), "system_link");
        assert_eq!(server.links().len(), 1);
    });
}

#[test]
fn an_ordinary_user_is_refused() {
    signed_in(
        ServerSpec::new(Kind::Jira),
        ALICE,
        ALICE_PASSWORD,
        |_, links| {
            let error = links.list().unwrap_err();
            assert_eq!(error.failure(), Failure::Refused, "{error:?}");
            assert!(!error.advice().is_empty());
        },
    );
}

#[test]
fn application_links_3_are_refused_with_advice() {
    let estate = Estate::start(vec![
        ServerSpec::new(Kind::Jira).generation(Generation::Ancient),
    ])
    .unwrap();
    let client = client_of(estate.server(0), ADMIN, ADMIN_PASSWORD);
    let error = Applinks::open(&client).unwrap_err();
    assert_eq!(error.code(), "unsupported_version");
    assert_eq!(error.failure(), Failure::Failed);
    assert!(error.to_string().contains("3.10.2"), "{error}");
    assert!(error.advice().contains("upgrade"), "{}", error.advice());
}

#[test]
fn links_are_found_on_older_roots_where_the_best_one_is_missing() {
    on_jira(|server, links| {
        server.set(
            Fault::Answer(404, String::new())
                .on(Matcher::path("/rest/applinks/3.0/applicationlink")),
        );
        let id = {
            assert_eq!(links.list().unwrap(), []);
            created(links)
        };
        assert_eq!(links.list().unwrap()[0].id, id);
        links.delete(&id).unwrap();
        let missed = server
            .log()
            .iter()
            .filter(|exchange| exchange.status == 404)
            .count();
        assert_eq!(missed, 1, "the root that answers is remembered");
    });
}
