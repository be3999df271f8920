//! The steps of the dance, as a plain client takes them.

use atl_testbed::Server;
use url::Url;

use crate::browser::{Browser, Form, Page, selector};
use crate::support::{Answer, KEY, Signed};

const ACCESS_TOKEN: &str = "/plugins/servlet/oauth/access-token";

pub(crate) const AUTHORIZE: &str = "/plugins/servlet/oauth/authorize";

/// A request token; without a callback, one of version 1.0 of the protocol.
pub(crate) fn request_token(server: &Server, callback: Option<&str>) -> String {
    let answer = Signed::request_token("bot")
        .set("oauth_callback", callback)
        .send(server, &KEY);
    answer.field("oauth_token").unwrap()
}

pub(crate) fn authorize_url(server: &Server, token: &str) -> String {
    format!("{}{AUTHORIZE}?oauth_token={token}", server.base_url())
}

/// The page that asks this user.
pub(crate) fn ask(server: &Server, user: &str, token: &str) -> (Browser, Page) {
    let browser = Browser::of(server, user);
    let page = browser.get(&authorize_url(server, token));
    (browser, page)
}

/// The form of that page, with this button pressed, after the script of the page that puts its XSRF token in.
pub(crate) fn press(page: &Page, button: &str) -> Form {
    let form = page.form(button).set(button, Some("x"));
    let (html, meta) = (page.html(), selector("meta[name=atlassian-token]"));
    match html.select(&meta).next() {
        Some(meta) => form.set("atl_token", meta.attr("content")),
        None => form,
    }
}

/// Answers that page.
pub(crate) fn decide(server: &Server, user: &str, token: &str, button: &str) -> Page {
    let (browser, page) = ask(server, user, token);
    browser.submit(&press(&page, button))
}

/// A call to the access-token endpoint.
pub(crate) fn exchange(token: &str) -> Signed<'static> {
    Signed::new("POST", ACCESS_TOKEN, "bot").with("oauth_token", token)
}

/// A request token turned into an access token by a user who approves elsewhere.
pub(crate) fn grant(server: &Server, user: &str) -> Answer {
    let token = request_token(server, Some("oob"));
    let verifier = server.approve(&token, user).unwrap();
    let granted = exchange(&token)
        .with("oauth_verifier", &verifier)
        .send(server, &KEY);
    assert_eq!(granted.status, 200, "{granted:?}");
    granted
}

/// A call to renew an access token.
pub(crate) fn renewal(granted: &Answer) -> Signed<'static> {
    exchange(&granted.field("oauth_token").unwrap()).with(
        "oauth_session_handle",
        &granted.field("oauth_session_handle").unwrap(),
    )
}

/// Who a token speaks for, as the server says.
pub(crate) fn whoami(server: &Server, token: &str) -> Answer {
    Signed::whoami("bot")
        .set("oauth_token", Some(token))
        .send(server, &KEY)
}

/// A parameter of the URL that a redirect leads to.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find_map(|(known, value)| (known == name).then(|| value.into_owned()))
}
