//! Answers that are not what was asked for: never taken for "nothing there", never for "done".

use atl_applinks::{Applinks, ApplinksError, link_id};
use atl_client::Failure;
use atl_testbed::{Fault, Link, Matcher, Server, When};

use crate::setup::{URL, bot, created, new_link, on_jira};

const PAGE: &str = "<html><head><title>Company portal</title></head><body>Sign in</body></html>";
const ODD: [&str; 6] = [
    PAGE,
    "<applicationLinks/>",
    "{}",
    "[]",
    "null",
    r#"{"applicationLinks":[{"id"#,
];

fn answering(server: &Server, status: u16, body: &str, matcher: Matcher) {
    server.clear_faults();
    server.set(Fault::Answer(status, body.to_owned()).on(matcher));
}

#[track_caller]
fn is_no_answer(error: &ApplinksError) {
    assert_eq!(error.failure(), Failure::Unreachable, "{error:?}");
    assert!(!error.advice().is_empty());
}

#[test]
fn an_unreadable_answer_is_never_nothing_there() {
    on_jira(|server, links| {
        let id = created(links);
        for body in ODD {
            answering(
                server,
                200,
                body,
                Matcher::method("GET").at("/rest/applinks"),
            );
            is_no_answer(&links.list().unwrap_err());
            is_no_answer(&links.consumer(&id).unwrap_err());
            is_no_answer(&links.matrix(&id).unwrap_err());
            is_no_answer(&links.providers(&id).unwrap_err());
            is_no_answer(&links.disable_incoming(&id).unwrap_err());
        }
    });
}

#[test]
fn a_404_that_is_not_the_resources_own_is_no_answer() {
    on_jira(|server, links| {
        let id = created(links);
        for body in [PAGE, "Not Found"] {
            answering(server, 404, body, Matcher::path(&id));
            for error in [
                links.consumer(&id).unwrap_err(),
                links.put_consumer(&id, &bot()).unwrap_err(),
                links.providers(&id).unwrap_err(),
                links.matrix(&id).unwrap_err(),
                links.delete(&id).unwrap_err(),
            ] {
                assert!(matches!(error, ApplinksError::Client(_)), "{error:?}");
            }
        }
        // An empty one says that there is nothing, where that is looked at again before it matters; else it is none.
        answering(server, 404, "", Matcher::path(&id));
        assert_eq!(links.consumer(&id).unwrap(), None);
        links.delete(&id).unwrap();
        for error in [
            links.put_consumer(&id, &bot()).unwrap_err(),
            links.providers(&id).unwrap_err(),
            links.matrix(&id).unwrap_err(),
        ] {
            assert!(matches!(error, ApplinksError::Client(_)), "{error:?}");
        }
        server.clear_faults();
        assert_eq!(links.list().unwrap().len(), 1);
    });
}

fn create(links: &Applinks<'_>) -> Result<String, ApplinksError> {
    links.create(&new_link("Deploy bot", URL))
}

#[test]
fn an_id_that_the_answer_does_not_tell_is_looked_up() {
    on_jira(|server, links| {
        server.add_link(Link::generic("Deploy bot", URL));
        for body in [
            "",
            PAGE,
            "<status/>",
            r#"{"status-code":201}"#,
            r#"{"resources-created":[{"href":"x"}]}"#,
        ] {
            answering(server, 201, body, Matcher::method("PUT"));
            assert_eq!(create(links).unwrap(), link_id(URL), "{body}");
        }
    });
}

#[test]
fn an_id_that_nothing_tells_is_an_error_that_may_have_created() {
    on_jira(|server, links| {
        answering(server, 201, "{}", Matcher::method("PUT"));
        let error = create(links).unwrap_err();
        assert!(
            matches!(error, ApplinksError::IdUnknown { source: None, .. }),
            "{error:?}"
        );
        assert!(error.may_have_happened());
        server.set(Fault::Answer(200, PAGE.to_owned()).on(Matcher::method("GET")));
        let error = create(links).unwrap_err();
        assert!(
            matches!(
                error,
                ApplinksError::IdUnknown {
                    source: Some(_),
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.may_have_happened());
    });
}

#[test]
fn a_lost_answer_may_have_created() {
    on_jira(|server, links| {
        server.set(
            Fault::Reset(When::After)
                .on(Matcher::method("PUT"))
                .times(1),
        );
        let error = create(links).unwrap_err();
        assert!(error.may_have_happened(), "{error:?}");
        assert_eq!(links.list().unwrap().len(), 1);
        assert_eq!(create(links).unwrap_err().code(), "duplicate_link");
    });
}

#[test]
fn another_400_is_no_duplicate() {
    on_jira(|server, links| {
        answering(
            server,
            400,
            r#"{"status":400,"message":["No type with id generic installed"]}"#,
            Matcher::method("PUT"),
        );
        let error = create(links).unwrap_err();
        assert_eq!(error.code(), "rejected");
        assert!(
            error
                .to_string()
                .contains("No type with id generic installed"),
            "{error}"
        );
        answering(server, 400, "", Matcher::method("PUT"));
        assert!(
            create(links)
                .unwrap_err()
                .to_string()
                .contains("no reason given")
        );
    });
}

#[test]
fn a_page_that_is_not_the_form_is_an_error() {
    on_jira(|server, links| {
        let id = created(links);
        for (method, sent) in [("GET", false), ("POST", true)] {
            answering(
                server,
                200,
                PAGE,
                Matcher::method(method).at("/plugins/servlet/applinks/auth"),
            );
            let error = links
                .save_form(&id, &bot(), false, None, false)
                .unwrap_err();
            assert_eq!(error.code(), "form_unreadable");
            assert!(error.to_string().contains("Company portal"), "{error}");
            assert_eq!(error.may_have_happened(), sent);
            is_no_answer(&error);
        }
        assert_eq!(server.consumers().len(), 0);
    });
}
