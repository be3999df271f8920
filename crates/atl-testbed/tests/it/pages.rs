//! The pages that a person opens: sign-in, the list of links, a link's consumer.

use atl_testbed::{ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, Kind, Server, ServerSpec};
use reqwest::blocking::Client;

use crate::support::{KEY, client, estate, provision};

/// Somebody's browser, which follows redirects.
fn browser() -> Client {
    Client::builder()
        .cookie_store(true)
        .no_proxy()
        .build()
        .unwrap()
}

fn get(browser: &Client, url: &str) -> String {
    browser.get(url).send().unwrap().text().unwrap()
}

/// The first page, after signing in on the page that comes before it.
fn first_page(browser: &Client, server: &Server, user: &str, password: &str) -> String {
    let before = get(browser, &format!("{}/", server.base_url()));
    assert!(before.contains("<h1>Sign in</h1>"), "{before}");
    assert!(!before.contains("Application links"), "{before}");
    let form = [
        ("j_username", user),
        ("j_password", password),
        ("next", "/"),
    ];
    browser
        .post(format!("{}/j_atl_security_check", server.base_url()))
        .form(&form)
        .send()
        .unwrap()
        .text()
        .unwrap()
}

#[test]
fn an_administrator_finds_the_links_and_their_consumers() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket).context("/git"));
    let server = estate.server(0);
    let id = provision(server, &KEY);
    let link = server.links().remove(0);
    let browser = browser();
    let list = first_page(&browser, server, ADMIN, ADMIN_PASSWORD);
    let path =
        format!("/plugins/servlet/applinks/auth/conf/oauth/add-consumer-manually/{id}/INBOUND");
    let row = format!("<a href=\"/git{path}\">{}</a>", link.name);
    for text in [&row, &link.rpc_url, "<code>bot</code>"] {
        assert!(list.contains(text), "no {text} in {list}");
    }
    let page = get(&browser, &format!("{}{path}", server.base_url()));
    let held = server.consumer("bot").unwrap().public_key.one_line();
    for text in ["name=\"key\" value=\"bot\"", &held] {
        assert!(page.contains(text), "no {text} in {page}");
    }
}

#[test]
fn others_see_no_links() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket));
    let server = estate.server(0);
    provision(server, &KEY);
    let page = first_page(&browser(), server, ALICE, ALICE_PASSWORD);
    assert!(page.contains("Only administrators"), "{page}");
    assert!(!page.contains("<table"), "{page}");
}

#[test]
fn signing_in_leads_to_no_other_server() {
    let estate = estate(ServerSpec::new(Kind::Bitbucket).context("/git"));
    let home = format!("{}/", estate.server(0).base_url());
    let lookalike = home.replace("/git/", "0/git/");
    let longer = home.replace("/git/", "/gitlab/");
    for elsewhere in [
        "https://evil.example.com/",
        "//evil.example.com/",
        &lookalike,
        &longer,
    ] {
        let form = [
            ("j_username", ALICE),
            ("j_password", ALICE_PASSWORD),
            ("next", elsewhere),
        ];
        let answer = client()
            .post(format!("{home}j_atl_security_check"))
            .form(&form)
            .send()
            .unwrap();
        assert_eq!(answer.headers()["location"], home, "{elsewhere}");
    }
}
