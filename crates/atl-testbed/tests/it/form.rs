//! The admin form (protocol.md 1.11).

use atl_testbed::{Kind, MANAGER, MANAGER_PASSWORD, Server, ServerSpec};
use reqwest::blocking::Response;

use crate::support::{KEY, client, estate, provision, provisioned};

fn post(server: &Server, user: (&str, &str), fields: &[(&str, &str)]) -> Response {
    client()
        .post(format!("{}{}", server.base_url(), path(server)))
        .basic_auth(user.0, Some(user.1))
        .header("x-atlassian-token", "no-check")
        .form(fields)
        .send()
        .unwrap()
}

fn path(server: &Server) -> String {
    format!(
        "/plugins/servlet/applinks/auth/conf/oauth/add-consumer-manually/{}/INBOUND",
        server.links()[0].id
    )
}

const ADMIN: (&str, &str) = ("admin", "admin-secret-1");

fn fields<'a>(public_key: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("oauth-incoming-enabled", "true"),
        ("key", "bot"),
        ("consumerName", "Bot"),
        ("publicKey", public_key),
        ("callback", "https://bot.example.com/back"),
    ];
    fields.extend(more);
    fields
}

#[test]
fn an_executing_user_can_be_set() {
    let estate = provisioned();
    let jira = estate.server(0);
    let pem = KEY.certificate_pem();
    let two_legged = [
        ("two-lo-enabled", "true"),
        ("two-lo-execute-as", "svc-deploy"),
    ];
    let saved = post(jira, ADMIN, &fields(&pem, &two_legged));
    assert_eq!(saved.status(), 302);
    let location = saved.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with(&format!("./{}?message=", jira.links()[0].id)),
        "{location}"
    );
    let bot = jira.consumer("bot").unwrap();
    assert_eq!(
        (bot.two_legged, bot.execute_as.as_deref()),
        (true, Some("svc-deploy"))
    );
    assert_eq!(
        bot.callback.as_deref(),
        Some("https://bot.example.com/back/"),
        "a slash is appended"
    );
    let body = KEY
        .public_pem()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect::<String>();
    assert_eq!(
        bot.public_key.one_line(),
        body,
        "the key is read out of the certificate"
    );
}

#[test]
fn what_is_wrong_is_said_on_the_page() {
    let estate = provisioned();
    let jira = estate.server(0);
    let before = jira.consumer("bot");
    let pem = KEY.public_pem();
    let check = |user, fields: &[(&str, &str)], status: u16, text: &str| {
        let response = post(jira, user, fields);
        let (got, body) = (response.status().as_u16(), response.text().unwrap());
        assert!(got == status && body.contains(text), "{got} {body}");
    };
    let on = ("two-lo-enabled", "true");
    check(
        ADMIN,
        &fields(&pem, &[on, ("two-lo-execute-as", "nobody")]),
        200,
        "does not exist",
    );
    check(ADMIN, &fields(&pem, &[on]), 200, "does not exist");
    check(ADMIN, &fields("<script>", &[]), 200, "&lt;script&gt;");
    check(
        ADMIN,
        &[("oauth-incoming-enabled", "true")],
        200,
        "Consumer Key is required",
    );
    check(ADMIN, &[("key", "bot")], 400, "oauth-incoming-enabled");
    check(
        (MANAGER, MANAGER_PASSWORD),
        &fields(&pem, &[on, ("two-lo-execute-as", "alice")]),
        403,
        "system administrator",
    );
    assert_eq!(jira.consumer("bot"), before);
}

#[test]
fn who_is_let_in() {
    let estate = provisioned();
    let jira = estate.server(0);
    let url = format!("{}{}", jira.base_url(), path(jira));
    let anonymous = client().get(&url).send().unwrap();
    let location = anonymous.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with(&format!(
            "{}/login.jsp?os_destination=%2Fplugins",
            jira.base_url()
        )),
        "{location}"
    );
    let forged = client()
        .post(&url)
        .basic_auth(ADMIN.0, Some(ADMIN.1))
        .form(&[("a", "b")])
        .send()
        .unwrap();
    assert_eq!(forged.status(), 200);
    assert!(forged.text().unwrap().contains("XSRF"));
}

/// The token of the page is enough for its form, by cookie or by session.
#[test]
fn the_page_carries_the_token_that_its_form_needs() {
    for kind in [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo] {
        let estate = estate(ServerSpec::new(kind));
        let server = estate.server(0);
        provision(server, &KEY);
        let browser = reqwest::blocking::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let url = format!("{}{}", server.base_url(), path(server));
        let page = browser
            .get(&url)
            .basic_auth(ADMIN.0, Some(ADMIN.1))
            .send()
            .unwrap()
            .text()
            .unwrap();
        let token = page
            .split("name=\"atl_token\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let form = [("atl_token", token), ("oauth-incoming-enabled", "false")];
        let removed = browser
            .post(&url)
            .basic_auth(ADMIN.0, Some(ADMIN.1))
            .form(&form)
            .send()
            .unwrap();
        assert_eq!(
            (removed.status().as_u16(), server.consumers().len()),
            (302, 0),
            "{kind:?}"
        );
    }
}
