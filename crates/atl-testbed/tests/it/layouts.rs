//! Pages of many looks, all of which say the same (protocol.md 9.1).

use crate::browser::{Browser, Page, selector};
use crate::steps::{ask, decide, exchange, grant, press, request_token};
use crate::support::{KEY, estate, provision, provisioned};
use atl_testbed::{Generation, Kind, Language, Layout, Oddity, Server, ServerSpec, Setting, Token};

fn each_layout(look: impl Fn(&Server, Layout)) {
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        let estate = provisioned();
        estate.server(0).set(Setting::Layout(layout));
        look(estate.server(0), layout);
    }
}

fn url(server: &Server) -> String {
    let path = "/plugins/servlet/oauth/users/access-tokens";
    format!("{}{path}", server.base_url())
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
        Layout::Fields | Layout::Definitions => {
            attributes(page, "input[readonly]", "value").remove(0)
        }
        Layout::Buttons | Layout::Cards => texts(page, "code").remove(0),
        _ => texts(page, "strong").remove(0),
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
        Layout::Capitals | Layout::Fields | Layout::Definitions => 1,
        Layout::Buttons | Layout::Cards => 2,
        _ => 0,
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

/// The access tokens that a page keeps, wherever that is.
fn tokens_of(page: &Page, layout: Layout) -> Vec<String> {
    let (what, name) = match layout {
        Layout::Capitals => ("a.revoke", "href"),
        Layout::Fields => ("input[name=token]", "value"),
        Layout::Inputs | Layout::Meta => ("tr", "data-token"),
        Layout::Buttons => ("a.revoke", "data-token"),
        Layout::Nested => ("td .aui-buttons", "data-oauth-token"),
        Layout::Cards => ("article input[name=token]", "value"),
        Layout::Definitions => ("dd button.revoke", "value"),
    };
    let values = attributes(page, what, name).into_iter();
    let values = values.filter_map(|value| match value.split_once('?') {
        Some((_, query)) => Some(query.strip_prefix("token=")?.to_owned()),
        None => Some(value),
    });
    values.collect()
}

#[test]
fn every_layout_lists_access_tokens() {
    each_layout(|server, layout| {
        server.edit_consumer("bot", |bot| {
            bot.name = "Bot <b>".to_owned();
            bot.description = Some("See https://bot.example.com/ for more".to_owned());
        });
        let browser = Browser::of(server, "alice");
        let empty = browser.get(&url(server));
        assert!(
            texts(&empty, "body").concat().contains("None specified"),
            "{layout:?}"
        );

        let granted = [grant(server, "alice"), grant(server, "alice")];
        let mut tokens = granted.map(|granted| granted.field("oauth_token").unwrap());
        let page = browser.get(&url(server));
        let mut shown = tokens_of(&page, layout);
        tokens.sort();
        shown.sort();
        assert_eq!(shown, tokens, "{layout:?}");
        assert_eq!(texts(&page, ".revoke").len(), 2, "{layout:?}");
        let text = texts(&page, "body").concat();
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

#[test]
fn a_page_in_another_language_says_the_same() {
    let said = |language| match language {
        Language::English => ["None specified", "Revoke", "70"],
        Language::French => ["Aucun spécifié", "Révoquer", "1 janv. 1970 00:00"],
        Language::German => ["Keine angegeben", "iderrufen", "01.01.1970 00:00"],
        Language::Japanese => ["指定なし", "取り", "1970/01/01 0:00"],
    };
    for layout in Layout::ALL.into_iter().chain(Layout::UNSEEN) {
        let estate = provisioned();
        let server = estate.server(0);
        server.set(Setting::Layout(layout));
        for language in Language::ALL {
            server.set(Setting::Language(language));
            let browser = Browser::of(server, "alice");
            let [none, revoke, date] = said(language);
            let empty = browser.get(&url(server));
            let text = texts(&empty, "body").concat();
            assert!(text.contains(none), "{layout:?} {language:?} {text}");
            server.add_token(Token::access("alices-token", "bot", "alice"));
            let page = browser.get(&url(server));
            assert_eq!(tokens_of(&page, layout), ["alices-token"], "{language:?}");
            let text = texts(&page, "body").concat();
            for word in [revoke, date] {
                assert!(text.contains(word), "{layout:?} {language:?} {word} {text}");
            }
            assert!(server.remove_token("alices-token"));
        }
    }
}

#[test]
fn the_page_may_be_odd() {
    each_layout(|server, layout| {
        server.add_token(Token::access("first-token", "bot", "alice"));
        server.add_token(Token {
            created: 1,
            ..Token::access("last-token", "bot", "alice")
        });
        let browser = Browser::of(server, "alice");
        let odd = |oddity| {
            server.set(Setting::Oddity(Some(oddity)));
            let page = browser.get(&url(server));
            (page.status, tokens_of(&page, layout), page)
        };
        let nothing: Vec<String> = Vec::new();
        let both = ["first-token", "last-token"];

        let (status, tokens, page) = odd(Oddity::SignIn);
        assert_eq!((status, &tokens), (200, &nothing), "{layout:?}");
        assert_eq!(attributes(&page, "[type=password]", "name").len(), 1);

        for wanted in [200, 500] {
            let (status, tokens, page) = odd(Oddity::Error(wanted));
            assert_eq!((status, &tokens), (wanted, &nothing), "{layout:?}");
            assert!(page.body.contains("System Error"), "{layout:?}");
        }

        let (status, _, page) = odd(Oddity::Half);
        assert_eq!(status, 200);
        assert!(page.body.ends_with("Bot"), "{layout:?} {}", page.body);
        assert!(page.body.contains("first-token"), "{layout:?}");

        let (_, tokens, page) = odd(Oddity::Padded(10 << 20));
        assert_eq!(tokens, both, "{layout:?}");
        assert!(page.body.len() > 10 << 20, "{layout:?}");

        let (_, tokens, page) = odd(Oddity::Decoys);
        let looks_like = |text: &&str| text.len() == 32 && !text.contains(' ');
        let words = page.body.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(words.filter(looks_like).count() >= 10, "{layout:?}");
        for token in both {
            assert!(tokens.iter().any(|shown| shown == token), "{layout:?}");
        }
        server.set(Setting::Oddity(None));
        assert_eq!(tokens_of(&browser.get(&url(server)), layout), both);
    });
}

#[test]
fn half_of_an_empty_page_ends_somewhere() {
    let estate = provisioned();
    let server = estate.server(0);
    let browser = Browser::of(server, "alice");
    let whole = browser.get(&url(server)).body;
    server.set(Setting::Oddity(Some(Oddity::Half)));
    let half = browser.get(&url(server)).body;
    assert_eq!(half.len(), whole.len() / 2);
    assert!(whole.starts_with(&half));
}
