//! Clients that other people wrote, which share no code with this workspace (`fixtures/interop/README.md`): what works
//! with the real servers works here, and what they refuse is refused.

use atl_testbed::{AuthenticatedBy, Exchange, Kind, Server, ServerSpec};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::steps::{grant, press};
use crate::support::{Answer, KEY, estate, provision, provisioned};
use crate::tools::{Script, script};

const CALLBACK: &str = "http://bot.example.com/back?at=home";

/// A client that a server knows as `bot`.
struct Client<'a> {
    script: Script,
    /// The library, where the script knows several.
    library: Option<&'a str>,
}

impl Client<'_> {
    /// `None` where it is not installed.
    fn new<'a>(test: &str, name: &str, library: Option<&'a str>) -> Option<Client<'a>> {
        let script = script(test, name)?;
        Some(Client { script, library })
    }

    /// Lets it take a step, or be the program of this name, and know this beside who it is.
    fn step(&self, server: &Server, step: &str, mut known: Value) -> Value {
        known["server"] = json!(server.base_url());
        known["consumer_key"] = json!("bot");
        known["key"] = json!(KEY.private_pem());
        let arguments: Vec<&str> = self.library.into_iter().chain([step]).collect();
        serde_json::from_str(&self.script.run(&arguments, &known.to_string())).unwrap()
    }

    /// Calls with the access token; all of them are made for Alice.
    fn call(&self, server: &Server, mut known: Value, calls: &Value) {
        known["calls"] = calls.clone();
        server.clear_log();
        let answers = self.step(server, "call", known);
        let log = server.log();
        assert_eq!(log.len(), calls.as_array().unwrap().len(), "{answers}");
        for (exchange, answer) in log.iter().zip(answers.as_array().unwrap()) {
            assert!(is_of_alice(exchange), "{exchange:?} {answer}");
            if exchange.path.ends_with("whoami") {
                assert_eq!(*answer, json!({ "status": 200, "body": "alice" }));
            }
        }
    }

    /// Dances with Alice on every product, with a callback or without one; at the end the token gives itself up.
    fn dances_everywhere(&self) {
        for (kind, callback) in [
            (Kind::Jira, CALLBACK),
            (Kind::Confluence, "oob"),
            (Kind::Bitbucket, CALLBACK),
            (Kind::Bamboo, "oob"),
        ] {
            let estate = estate(ServerSpec::new(kind).context("/ctx"));
            let server = estate.server(0);
            provision(server, &KEY);
            let granted = self.dance(server, callback);
            self.call(
                server,
                granted.clone(),
                &json!([
                    { "method": "GET", "path": "/plugins/servlet/applinks/whoami" },
                    { "method": "POST", "path": "/plugins/servlet/oauth/users/access-tokens",
                      "form": { "token": granted["token"] } },
                ]),
            );
            assert_eq!(server.tokens(), [], "{kind:?}");
        }
    }

    /// From a request token over the page in Alice's browser to an access token.
    fn dance(&self, server: &Server, callback: &str) -> Value {
        let mut known = self.step(server, "ask", json!({ "callback": callback }));
        let browser = Browser::of(server, "alice");
        let page = browser.get(known["url"].as_str().unwrap());
        let decided = browser.submit(&press(&page, "approve"));
        if callback == "oob" {
            let shown = decided.body.split("<strong>").nth(1).unwrap();
            known["verifier"] = json!(shown.split('<').next().unwrap());
        } else {
            known["landed"] = json!(decided.location().as_str());
        }
        known["callback"] = json!(callback);
        let mut granted = self.step(server, "exchange", known);
        granted["callback"] = json!(callback);
        granted
    }
}

fn is_of_alice(exchange: &Exchange) -> bool {
    exchange.authenticated_by == AuthenticatedBy::OAuth && exchange.user.as_deref() == Some("alice")
}

/// An access token of Alice's, as the scripts know it.
fn known(granted: &Answer) -> Value {
    json!({
        "token": granted.field("oauth_token"),
        "secret": granted.field("oauth_token_secret"),
        "callback": null,
    })
}

/// What is easily signed wrongly: names and values that are encoded, repeated, empty, or not ASCII.
fn queries() -> [&'static str; 4] {
    [
        "?jql=project%20%3D%20%22A%26B%22&empty=",
        "?plus=1%2B1&percent=100%25&tilde=~a-b_c.d",
        "?sigil=%24%26%2C%2F%3A%3B%3D%3F%40%21%27%28%29%2A",
        "?name=J%C3%BCrgen&%E5%90%8D=%F0%9F%94%91",
    ]
}

fn gets(queries: &[&str]) -> Value {
    let path = |query| format!("/plugins/servlet/applinks/whoami{query}");
    let calls = queries
        .iter()
        .map(|query| json!({ "method": "GET", "path": path(query) }));
    calls.collect()
}

fn post(what: &str, body: &Value) -> Value {
    json!({ "method": "POST", "path": "/rest/api/2/search?expand=names%20all", what: body })
}

fn form() -> Value {
    json!({ "text": "Grüße & = + % 1~2", "empty": "", "many": ["b", "a", "ä"] })
}

fn body() -> Value {
    json!({ "jql": "summary ~ \"Grüße & = +\"", "fields": ["a", "b"] })
}

#[test]
fn requests_oauthlib_dances() {
    let test = "requests_oauthlib_dances";
    if let Some(client) = Client::new(test, "dance.py", Some("requests-oauthlib")) {
        client.dances_everywhere();
    }
}

#[test]
fn authlib_dances_and_sends_its_callback_with_every_call() {
    let test = "authlib_dances_and_sends_its_callback_with_every_call";
    if let Some(client) = Client::new(test, "dance.py", Some("authlib")) {
        client.dances_everywhere();
    }
}

#[test]
fn npm_oauth_dances() {
    if let Some(client) = Client::new("npm_oauth_dances", "dance.js", None) {
        client.dances_everywhere();
    }
}

#[test]
fn what_requests_oauthlib_signs_is_accepted_wherever_it_puts_the_parameters() {
    let test = "what_requests_oauthlib_signs_is_accepted_wherever_it_puts_the_parameters";
    let Some(client) = Client::new(test, "dance.py", Some("requests-oauthlib")) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let mut known = known(&grant(jira, "alice"));
    let mut calls = gets(&queries());
    let more = [
        gets(&["?a=2&b=&a=1&a=1&%61=3"])[0].clone(),
        post("form", &form()),
        post("json", &body()),
    ];
    calls.as_array_mut().unwrap().extend(more);
    client.call(jira, known.clone(), &calls);
    known["placement"] = json!("QUERY");
    client.call(jira, known.clone(), &calls);
    known["placement"] = json!("BODY");
    client.call(jira, known, &json!([post("form", &form())]));
}

/// It gets repeated parameters of a query wrong.
#[test]
fn what_npm_oauth_signs_is_accepted() {
    let Some(client) = Client::new("what_npm_oauth_signs_is_accepted", "dance.js", None) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let mut calls = gets(&queries());
    let more = [post("form", &form()), post("json", &body())];
    calls.as_array_mut().unwrap().extend(more);
    client.call(jira, known(&grant(jira, "alice")), &calls);
}

/// It gets a bare plus in a query wrong, and a name that is encoded.
#[test]
fn what_npm_oauth_1_0a_signs_is_accepted() {
    let test = "what_npm_oauth_1_0a_signs_is_accepted";
    let Some(client) = Client::new(test, "oauth-1.0a.js", None) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let mut calls = gets(&queries()[..3]);
    let form = json!({ "text": "Grüße & = + % 1~2", "empty": "" });
    let more = [
        gets(&["?name=J%C3%BCrgen&b=2&b=1"])[0].clone(),
        post("form", &form),
    ];
    calls.as_array_mut().unwrap().extend(more);
    client.call(jira, known(&grant(jira, "alice")), &calls);
}

/// Status and user of what was asked, in order.
fn asked(server: &Server) -> Vec<(u16, Option<String>)> {
    let log = server.log();
    log.iter()
        .map(|exchange| (exchange.status, exchange.user.clone()))
        .collect()
}

fn alice() -> (u16, Option<String>) {
    (200, Some("alice".to_owned()))
}

#[test]
fn the_dance_of_jirashell_signs_with_hmac_sha1_and_is_refused() {
    let test = "the_dance_of_jirashell_signs_with_hmac_sha1_and_is_refused";
    let Some(programs) = Client::new(test, "programs.py", None) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let said = programs.step(jira, "jirashell", json!({}));
    assert_eq!(said, "OAuth error: signature_method_rejected");
    assert_eq!(asked(jira), [(400, None)]);
    assert_eq!(jira.tokens(), []);
}

#[test]
fn the_jira_of_python_works_once_it_signs_with_rsa_sha1() {
    let test = "the_jira_of_python_works_once_it_signs_with_rsa_sha1";
    let Some(programs) = Client::new(test, "programs.py", None) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let mut known = known(&grant(jira, "alice"));
    jira.clear_log();
    assert_eq!(programs.step(jira, "jira", known.clone()), "alice");
    let by_itself = asked(jira);
    assert_eq!(by_itself[0], (400, None), "HMAC-SHA1 comes first");
    assert!(
        by_itself[1..].iter().all(|call| *call == alice()),
        "{by_itself:?}"
    );

    known["signature_method"] = json!("RSA-SHA1");
    jira.clear_log();
    assert_eq!(programs.step(jira, "jira", known), "alice");
    let told = asked(jira);
    assert!(told.iter().all(|call| *call == alice()), "{told:?}");
    assert_eq!(told.len() + 1, by_itself.len());
}

#[test]
fn atlassian_python_api_works_once_it_signs_with_rsa_sha1() {
    let test = "atlassian_python_api_works_once_it_signs_with_rsa_sha1";
    let Some(programs) = Client::new(test, "programs.py", None) else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let mut known = known(&grant(jira, "alice"));
    jira.clear_log();
    let refused = programs.step(jira, "atlassian-python-api", known.clone());
    assert_eq!(refused, "oauth_problem=signature_method_rejected");
    known["signature_method"] = json!("RSA-SHA1");
    assert_eq!(programs.step(jira, "atlassian-python-api", known), "alice");
    assert_eq!(asked(jira), [(400, None), alice()]);
}
