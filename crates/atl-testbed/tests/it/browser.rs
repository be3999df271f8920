//! A browser without scripts: cookies, pages, the forms on them.

use atl_testbed::{Generation, Server};
use reqwest::blocking::{Client, Response};
use reqwest::header::{HeaderMap, LOCATION};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};
use url::Url;

/// Somebody's browser. It does not follow redirects by itself.
pub(crate) struct Browser(Client);

/// A page, or a redirect.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a form would send.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) action: Url,
    pub(crate) fields: Vec<(String, String)>,
}

impl Form {
    /// Sets a field, or with `None` takes it away.
    pub(crate) fn set(mut self, name: &str, value: Option<&str>) -> Self {
        self.fields.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.fields.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self(client.unwrap())
    }

    /// A browser in which this user is signed in.
    pub(crate) fn of(server: &Server, user: &str) -> Self {
        let browser = Self::new();
        let before = browser.get(&format!("{}/", server.base_url()));
        browser.sign_in(server, &before, user);
        browser
    }

    pub(crate) fn get(&self, url: &str) -> Page {
        Page::of(self.0.get(url).send().unwrap())
    }

    pub(crate) fn submit(&self, form: &Form) -> Page {
        let request = self.0.post(form.action.clone()).form(&form.fields);
        Page::of(request.send().unwrap())
    }

    pub(crate) fn post_json(&self, url: &str, body: &Value) -> Page {
        Page::of(self.0.post(url).json(body).send().unwrap())
    }

    /// From a redirect to the sign-in page, through it, to wherever that leads.
    pub(crate) fn sign_in(&self, server: &Server, redirect: &Page, user: &str) -> Page {
        let page = self.get(redirect.location().as_str());
        let password = format!("{user}-secret-1");
        let bitbucket = page.body.contains("j_password");
        let (name, secret, destination) = if bitbucket {
            ("j_username", "j_password", "next")
        } else {
            ("os_username", "os_password", "os_destination")
        };
        let form = page.form(secret);
        if server.generation() != Generation::Next {
            let form = form
                .set(name, Some(user))
                .set(secret, Some(password.as_str()));
            let signed_in = self.submit(&form);
            return self.get(signed_in.location().as_str());
        }
        let url = format!("{}/rest/tsv/1.0/authenticate", server.base_url());
        let body = json!({ "username": user, "password": password });
        let answer = self.0.post(url).json(&body).send().unwrap();
        assert_eq!(answer.status(), 200);
        assert!(
            page.body
                .contains(&format!("location = field('{destination}')"))
        );
        let (_, back) = form
            .fields
            .iter()
            .find(|(field, _)| field == destination)
            .unwrap();
        self.get(page.url.join(back).unwrap().as_str())
    }
}

impl Page {
    fn of(response: Response) -> Self {
        Self {
            url: response.url().clone(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Url {
        assert_eq!(self.status, 302, "{}", self.body);
        self.url.join(self.header(LOCATION.as_str())).unwrap()
    }

    pub(crate) fn html(&self) -> Html {
        Html::parse_document(&self.body)
    }

    /// The form that has an input or a button of this name, without its buttons.
    pub(crate) fn form(&self, name: &str) -> Form {
        let html = self.html();
        let control = html
            .select(&selector(&format!("[name='{name}']")))
            .next()
            .unwrap_or_else(|| panic!("no {name} in {}", self.body));
        let form = control
            .ancestors()
            .filter_map(ElementRef::wrap)
            .find(|element| element.value().name() == "form")
            .unwrap();
        let inputs = selector("input[name]");
        let fields = form
            .select(&inputs)
            .map(|input| input.value())
            .filter(|input| {
                !input
                    .attr("type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("submit"))
            })
            .map(|input| {
                let value = |name| input.attr(name).unwrap_or_default().to_owned();
                (value("name"), value("value"))
            });
        Form {
            action: self
                .url
                .join(form.value().attr("action").unwrap_or_default())
                .unwrap(),
            fields: fields.collect(),
        }
    }
}

pub(crate) fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}
