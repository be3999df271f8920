//! Pages of many looks, all of which say the same (protocol.md 9.1).

use atl_testbed::{Generation, Kind, Layout, Server, ServerSpec, Setting};
use scraper::ElementRef;

use crate::browser::{Page, selector};
use crate::steps::{ask, decide, exchange, grant, press, request_token};
use crate::support::{KEY, estate, provision, provisioned};

fn each_layout(look: impl Fn(&Server, Layout)) {
    for layout in Layout::ALL {
        let estate = provisioned();
        estate.server(0).set(Setting::Layout(layout));
        look(estate.server(0), layout);
    }
}

/// What a reader sees of the elements a selector finds, or of an attribute of theirs.
fn texts(page: &Page, what: &str) -> Vec<String> {
    let (html, found) = (page.html(), selector(what));
    let texts = html
        .select(&found)
        .map(|element| element.text().collect::<String>().trim().to_owned());
    texts.collect()
}

fn attributes(page: &Page, what: &str, name: &str) -> Vec<String> {
    let (html, found) = (page.html(), selector(what));
    let values = html
        .select(&found)
        .filter_map(|element| element.value().attr(name).map(str::to_owned));
    values.collect()
}

#[test]
fn both_answers_can_be_given_on_every_layout() {
    each_layout(|server, layout| {
        for (button, known) in [("approve", true), ("deny", false)] {
            let token = request_token(server, Some("http://bot.example.com/"));
            let back = decide(server, "alice", &token, button).location();
            let denied = back.as_str().ends_with("oauth_verifier=denied");
            assert_eq!(denied, !known, "{layout:?} {back}");
        }
    });
}

/// The verifier, found the way a person would tell somebody where it stands.
fn verifier(page: &Page, layout: Layout) -> String {
    match layout {
        Layout::Capitals => {
            let text = texts(page, "body").concat();
            let (_, rest) = text.split_once("verification code is '").unwrap();
            rest.split('\'').next().unwrap().to_owned()
        }
        Layout::Fields => attributes(page, "input[readonly]", "value").remove(0),
        Layout::Inputs | Layout::Meta => texts(page, "strong").remove(0),
        Layout::Buttons => texts(page, "code").remove(0),
    }
}

#[test]
fn every_layout_shows_a_verifier_that_counts() {
    each_layout(|server, layout| {
        let token = request_token(server, Some("oob"));
        let page = decide(server, "alice", &token, "approve");
        let verifier = verifier(&page, layout);
        let granted = exchange(&token)
            .with("oauth_verifier", &verifier)
            .send(server, &KEY);
        assert_eq!(granted.status, 200, "{layout:?} {granted:?}");
        let token = request_token(server, Some("oob"));
        let denied = decide(server, "alice", &token, "deny");
        let home = attributes(&denied, "#continue-link", "href");
        assert_eq!(home, [format!("{}/", server.base_url())], "{layout:?}");
    });
}

#[test]
fn other_forms_and_links_carry_tokens_that_decide_nothing() {
    let decoys = |layout| match layout {
        Layout::Capitals | Layout::Fields => 1,
        Layout::Inputs | Layout::Meta => 0,
        Layout::Buttons => 2,
    };
    each_layout(|server, layout| {
        let token = request_token(server, Some("oob"));
        let (browser, page) = ask(server, "alice", &token);
        let form = press(&page, "approve");
        let right = form.fields.iter().find(|(name, _)| name == "atl_token");
        let (_, right) = right.unwrap();
        let mut others = attributes(&page, "input[name=atl_token]", "value");
        let links = attributes(&page, "a[href*=atl_token]", "href");
        others.extend(
            links
                .iter()
                .map(|href| href.split_once("atl_token=").unwrap().1.to_owned()),
        );
        others.retain(|other| other != right);
        assert_eq!(others.len(), decoys(layout), "{layout:?}");
        for other in &others {
            let refused = browser.submit(&form.clone().set("atl_token", Some(other)));
            assert_eq!(refused.status, 403, "{layout:?}");
        }
        assert_eq!(server.pending_tokens().len(), 1);
    });
}

/// Without scripts there is no token in the form, and the form decides nothing.
#[test]
fn a_token_beside_the_form_counts_once_it_is_in_it() {
    let estate = provisioned();
    let server = estate.server(0);
    server.set(Setting::Layout(Layout::Meta));
    let token = request_token(server, Some("oob"));
    let (browser, page) = ask(server, "alice", &token);
    let form = page.form("approve").set("approve", Some("x"));
    assert!(form.fields.iter().all(|(name, _)| name != "atl_token"));
    assert_eq!(browser.submit(&form).status, 403);
    assert_eq!(browser.submit(&press(&page, "approve")).status, 200);
}

/// The access token that a row keeps, wherever that is.
fn token_of(row: ElementRef<'_>, layout: Layout) -> Option<String> {
    let one = |what: &str, name: &str| {
        let found = row.select(&selector(what)).next()?;
        found.value().attr(name).map(str::to_owned)
    };
    match layout {
        Layout::Capitals => {
            one("a.revoke", "href").and_then(|href| Some(href.split_once("?token=")?.1.to_owned()))
        }
        Layout::Fields => one("input[name=token]", "value"),
        Layout::Inputs | Layout::Meta => row.value().attr("data-token").map(str::to_owned),
        Layout::Buttons => one("a.revoke", "data-token"),
    }
}

#[test]
fn every_layout_lists_access_tokens() {
    each_layout(|server, layout| {
        server.edit_consumer("bot", |bot| {
            bot.name = "Bot <b>".to_owned();
            bot.description = Some("See https://bot.example.com/ for more".to_owned());
        });
        let path = "/plugins/servlet/oauth/users/access-tokens";
        let url = format!("{}{path}", server.base_url());
        let browser = crate::browser::Browser::of(server, "alice");
        let empty = browser.get(&url);
        assert!(
            texts(&empty, "body").concat().contains("None specified"),
            "{layout:?}"
        );

        let granted = [grant(server, "alice"), grant(server, "alice")];
        let mut tokens = granted.map(|granted| granted.field("oauth_token").unwrap());
        let page = browser.get(&url);
        let html = page.html();
        let mut shown: Vec<String> = html
            .select(&selector("tr"))
            .filter_map(|row| token_of(row, layout))
            .collect();
        tokens.sort();
        shown.sort();
        assert_eq!(shown, tokens, "{layout:?}");
        assert_eq!(texts(&page, ".revoke").len(), 2, "{layout:?}");
        let text = texts(&page, "table").concat();
        assert!(text.contains("Bot <b>"), "{layout:?} {text}");
        assert!(text.contains("bot.example.com"), "{layout:?} {text}");
    });
}

#[test]
fn generations_look_different() {
    let looks = [
        (Generation::Ancient, Layout::Capitals),
        (Generation::Transitional, Layout::Fields),
        (Generation::Current, Layout::Inputs),
        (Generation::Next, Layout::Buttons),
    ];
    for (generation, layout) in looks {
        let estate = estate(ServerSpec::new(Kind::Bamboo).generation(generation));
        let server = estate.server(0);
        provision(server, &KEY);
        let token = request_token(server, Some("oob"));
        let page = decide(server, "alice", &token, "approve");
        assert_eq!(verifier(&page, layout).len(), 6, "{generation:?}");
    }
}
