//! Faults on demand.

use std::thread;
use std::time::{Duration, Instant};

use atl_testbed::{Estate, Fault, Kind, Link, Matcher, Server, ServerSpec, Setting, When};
use serde_json::{Value, json};

use crate::support::{KEY, Signed, call, client, estate, json, provision};

const LINKS: &str = "/rest/applinks/3.0/applicationlink";
const MANIFEST: &str = "/rest/applinks/1.0/manifest";

fn body() -> Value {
    json!({ "name": "Bot", "rpcUrl": "https://a.example.com", "displayUrl": "https://a.example.com", "typeId": "generic" })
}

fn create(server: &Server) -> reqwest::Result<reqwest::blocking::Response> {
    client()
        .put(format!("{}{LINKS}", server.base_url()))
        .basic_auth("admin", Some("admin-secret-1"))
        .json(&body())
        .send()
}

fn started() -> Estate {
    estate(ServerSpec::new(Kind::Jira))
}

#[test]
fn a_reset_comes_before_or_after_the_change() {
    for (when, made) in [(When::Before, 0), (When::After, 1)] {
        let estate = started();
        let jira = estate.server(0);
        jira.set(
            Fault::Reset(when)
                .on(Matcher::method("PUT").at("applicationlink"))
                .times(1),
        );
        let broken = create(jira).unwrap_err();
        assert!(
            format!("{broken:?}").contains("ConnectionReset"),
            "{broken:?}"
        );
        assert_eq!(jira.links().len(), made, "{when:?}");
        assert_eq!(jira.log().pop().unwrap().status, 0);
        assert_eq!(
            call(jira, "GET", LINKS, None).status(),
            200,
            "others are not concerned"
        );
        assert_eq!(
            create(jira).unwrap().status().as_u16(),
            if made == 0 { 201 } else { 400 },
            "once only"
        );
    }
}

#[test]
fn answers_of_others_change_nothing() {
    let estate = started();
    let jira = estate.server(0);
    for (fault, status) in [
        (Fault::TooManyRequests(7), 429),
        (Fault::Unavailable, 503),
        (Fault::Html, 200),
        (Fault::Answer(418, "{}".to_owned()), 418),
    ] {
        jira.set(fault.times(1));
        let answer = create(jira).unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
    }
    assert_eq!((jira.links(), jira.writes()), (vec![], 4));
}

#[test]
fn a_truncated_answer_breaks_off() {
    let estate = started();
    let jira = estate.server(0);
    jira.set(Fault::Truncate);
    let answer = call(jira, "GET", MANIFEST, None);
    assert_eq!(answer.status(), 200);
    assert!(answer.text().is_err());
    jira.clear_faults();
    assert_eq!(json(jira, "GET", MANIFEST, None).1["typeId"], "jira");
}

#[test]
fn latency_delays() {
    let estate = started();
    let jira = estate.server(0);
    jira.set(Fault::Latency(Duration::from_millis(30)));
    let before = Instant::now();
    assert_eq!(call(jira, "GET", MANIFEST, None).status(), 200);
    assert!(before.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_request_that_hangs_goes_on_when_faults_end() {
    let estate = started();
    let jira = estate.server(0);
    let hold = jira.hold(Matcher::any(), When::Before);
    jira.set(Fault::Hang);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| create(jira).unwrap().status());
        assert!(hold.wait_reached());
        hold.release();
        while !waiting.is_finished() {
            jira.clear_faults();
            thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap(), 201);
    });
}

#[test]
fn a_held_request_waits_on_the_side_it_was_told_to() {
    for (when, made) in [(When::Before, 0), (When::After, 1)] {
        let estate = started();
        let jira = estate.server(0);
        let hold = jira.hold(Matcher::method("PUT"), when);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| create(jira).unwrap().status());
            assert!(hold.wait_reached());
            assert_eq!(jira.links().len(), made, "{when:?}");
            hold.release();
            assert_eq!(waiting.join().unwrap(), 201);
        });
        assert_eq!(jira.links().len(), 1);
    }
}

#[test]
fn a_server_can_go_down_and_come_back() {
    let estate = started();
    let jira = estate.server(0);
    jira.add_link(Link::generic("Bot", "https://a.example.com"));
    jira.stop();
    assert!(
        client()
            .get(format!("{}{MANIFEST}", jira.base_url()))
            .send()
            .unwrap_err()
            .is_connect()
    );
    jira.start().unwrap();
    assert_eq!(call(jira, "GET", LINKS, None).status(), 200);
    assert_eq!(jira.links().len(), 1, "nothing is forgotten");
}

/// Connections take turns, so of every two signed calls one meets the second node.
#[test]
fn the_second_node_learns_late() {
    let estate = started();
    let jira = estate.server(0);
    jira.set(Setting::TwoNodes {
        catch_up_after: None,
    });
    provision(jira, &KEY);
    let statuses = || {
        let mut statuses = [0, 1].map(|_| Signed::request_token("bot").send(jira, &KEY).status);
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(statuses(), [200, 401]);
    assert_eq!(statuses(), [200, 401]);
    jira.sync();
    assert_eq!(statuses(), [200, 200]);
}

#[test]
fn the_second_node_learns_after_so_many_requests() {
    let estate = started();
    let jira = estate.server(0);
    jira.set(Setting::TwoNodes {
        catch_up_after: Some(2),
    });
    provision(jira, &KEY);
    let accepted = (0..8)
        .filter(|_| Signed::request_token("bot").send(jira, &KEY).status == 200)
        .count();
    assert_eq!(accepted, 6, "all but two of the second node's");
}

#[test]
fn two_hundred_servers_are_nothing() {
    let estate = Estate::start((0..200).map(|_| ServerSpec::new(Kind::Jira)).collect()).unwrap();
    assert_eq!(
        json(estate.server_named("jira-200"), "GET", MANIFEST, None).0,
        200
    );
    assert!(estate.fleet_yaml().contains("jira-200:\n"));
}

#[test]
fn https_with_an_authority_of_its_own() {
    let estate = Estate::start(vec![
        ServerSpec::new(Kind::Jira).tls(),
        ServerSpec::new(Kind::Bamboo).client_certificate(),
    ])
    .unwrap();
    let ca = reqwest::Certificate::from_pem(estate.ca_pem().unwrap().as_bytes()).unwrap();
    let builder = || reqwest::blocking::Client::builder().tls_certs_only([ca.clone()]);
    let get = |client: reqwest::blocking::ClientBuilder, server: &Server| {
        client
            .build()
            .unwrap()
            .get(format!("{}{MANIFEST}", server.base_url()))
            .send()
            .map(|answer| answer.status().as_u16())
    };
    assert_eq!(get(builder(), estate.server(0)).unwrap(), 200);
    assert!(
        get(reqwest::blocking::Client::builder(), estate.server(0)).is_err(),
        "nobody else vouches for it"
    );
    assert!(
        get(builder(), estate.server(1)).is_err(),
        "it wants a certificate"
    );
    let (certificate, key) = estate.client_pem("admin").unwrap().unwrap();
    let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    assert_eq!(
        get(builder().identity(identity), estate.server(1)).unwrap(),
        200
    );
}

#[test]
fn one_of_many_requests_is_held() {
    let estate = started();
    let jira = estate.server(0);
    let hold = jira.hold_one(Matcher::any(), 1, When::Before);
    assert_eq!(call(jira, "GET", LINKS, None).status(), 200, "the first");
    thread::scope(|scope| {
        let second = scope.spawn(|| create(jira).unwrap().status());
        assert!(hold.wait_reached());
        assert_eq!(call(jira, "GET", LINKS, None).status(), 200, "the third");
        hold.release();
        assert_eq!(second.join().unwrap(), 201);
    });
}
