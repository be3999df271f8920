//! What pages look like on whose markup nothing is established (protocol.md 9.1): several ways of saying the same, so
//! that nobody gets used to one. What is known holds in each: the names `approve`, `deny`, `oauth_token` and the XSRF
//! parameter, `#continue-link`, and the class `revoke`.

mod buttons;
mod capitals;
mod cards;
mod definitions;
mod fields;
mod inputs;
mod meta;
mod nested;

use url::Url;

use super::{language::Language, page};
use crate::directory::Consumer;
use crate::oauth2::OAuth2Grant;
use crate::reply::Reply;
use crate::spec::Generation;
use crate::state::{State, random_text};
use crate::token::Token;

/// What the pages of the dance and the page of access tokens look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Capital tags, few quotes, hardly an end tag. The verifier stands in running text; a link to revoke a token has
    /// it in its query; a link to sign out has an XSRF token of its own. The look of ancient and legacy generations.
    Capitals,
    /// A form for each button, posted to the page itself; a search form after them, with an XSRF token of its own.
    /// The verifier stands in a field, and so does each access token. The look of the transitional generation.
    Fields,
    /// One form with inputs to submit it and nothing else on the page. The verifier is strong, access tokens are
    /// attributes of rows. The look of the current generation.
    Inputs,
    /// Buttons; a search form and one to sign out before them, each with an XSRF token of its own. The verifier is
    /// code, access tokens are attributes of what revokes them, dates are German. The look of the next generation.
    Buttons,
    /// Like the inputs, but the XSRF token stands in a `meta` element beside the form, and a script puts it in. The look
    /// of no generation unless it is set.
    Meta,
    /// The columns that are documented; access tokens are attributes of elements deep inside of cells, in which lies what
    /// revokes them. The rest is like the inputs. The look of no generation, as those below.
    Nested,
    /// A card for each grant in place of a row, with the token in a form. The rest is like the buttons.
    Cards,
    /// A list of terms and definitions for each grant, with the token on the button. The rest is like the fields.
    Definitions,
}

impl Layout {
    /// Every layout that a careful reader has been tried on.
    pub const ALL: [Self; 7] = [
        Self::Capitals,
        Self::Fields,
        Self::Inputs,
        Self::Buttons,
        Self::Meta,
        Self::Nested,
        Self::Cards,
    ];
    /// Every other layout.
    pub const UNSEEN: [Self; 1] = [Self::Definitions];

    /// The layout of the pages that list no tokens.
    fn of_dance(self) -> Self {
        match self {
            Self::Nested => Self::Inputs,
            Self::Cards => Self::Buttons,
            Self::Definitions => Self::Fields,
            other => other,
        }
    }

    pub(crate) fn of(generation: Generation) -> Self {
        match generation {
            Generation::Ancient | Generation::Legacy => Self::Capitals,
            Generation::Transitional => Self::Fields,
            Generation::Current => Self::Inputs,
            Generation::Next => Self::Buttons,
        }
    }
}

/// What the page says that asks a user.
pub(super) struct Ask<'a> {
    pub(super) consumer: &'a str,
    pub(super) user: &'a str,
    /// Where the form is posted to.
    pub(super) action: &'a str,
    /// The hidden fields.
    pub(super) hidden: &'a [(&'a str, &'a str)],
}

/// A row of the page of access tokens.
pub(super) struct Row {
    revoked: Revoked,
    consumer: String,
    description: String,
    host: Option<String>,
    created: i64,
    expires: i64,
    access: String,
}

/// What a row is revoked by.
pub(super) enum Revoked {
    /// The access token, posted to the page.
    Token(String),
    /// A URL that ends in the id of an OAuth 2 grant, to which nothing is posted (protocol.md 3.1).
    Url(String),
}

impl Row {
    /// A grant to an OAuth 2 client, which has no description.
    pub(super) fn of_oauth2(grant: &OAuth2Grant, base_url: &str) -> Self {
        Self {
            revoked: Revoked::Url(format!("{base_url}/rest/oauth2/latest/revoke/{}", grant.id)),
            consumer: grant.client.clone(),
            description: String::new(),
            host: None,
            created: grant.created,
            expires: grant.expires,
            access: grant.scopes.join(", "),
        }
    }

    pub(super) fn new(token: &Token, consumer: Option<&Consumer>, language: Language) -> Self {
        let description = consumer
            .and_then(|consumer| consumer.description.clone())
            .unwrap_or_default();
        Self {
            revoked: Revoked::Token(token.value.clone()),
            consumer: consumer.map_or_else(|| token.consumer_key.clone(), |it| it.name.clone()),
            host: host(&description),
            description,
            created: token.created,
            expires: token.created.saturating_add(token.ttl),
            access: language.say("Read, write").to_owned(),
        }
    }

    /// What it calls the consumer.
    pub(super) fn consumer(&self) -> &str {
        &self.consumer
    }
}

/// The host of the first URL in a description (protocol.md 3.1).
fn host(description: &str) -> Option<String> {
    description
        .split_whitespace()
        .filter_map(|word| Url::parse(word).ok())
        .find(|url| matches!(url.scheme(), "http" | "https"))
        .and_then(|url| url.host_str().map(str::to_owned))
}

/// The headings that are documented (protocol.md 3.1).
fn documented(language: Language) -> [&'static str; 5] {
    [
        "Consumer",
        "Consumer Description",
        "Issued On",
        "Expires On",
        "Actions",
    ]
    .map(|heading| language.say(heading))
}

/// The page that asks a user.
pub(super) fn ask(state: &State, ask: &Ask<'_>) -> Reply {
    let body = match state.settings.layout.of_dance() {
        Layout::Capitals => capitals::ask(ask),
        Layout::Fields => fields::ask(ask),
        Layout::Buttons => buttons::ask(ask),
        Layout::Meta => meta::ask(ask),
        _ => inputs::ask(ask),
    };
    framed(state, "Authorize", &body)
}

/// The page for a user whose consumer has no callback: with the verifier, or without one in version 1.0.
pub(super) fn approved(state: &State, consumer: &str, verifier: Option<&str>) -> Reply {
    let body = match (verifier, state.settings.layout.of_dance()) {
        (None, _) => format!(
            "<p>You have given {} access. Close this window and go on there.</p>",
            page::text(consumer)
        ),
        (Some(verifier), Layout::Capitals) => capitals::verifier(consumer, verifier),
        (Some(verifier), Layout::Fields) => fields::verifier(consumer, verifier),
        (Some(verifier), Layout::Buttons) => buttons::verifier(consumer, verifier),
        (Some(verifier), _) => inputs::verifier(consumer, verifier),
    };
    framed(state, "Access Approved", &body)
}

/// The page for a user who denied, and whose consumer has no callback.
pub(super) fn denied(state: &State, consumer: &str) -> Reply {
    let body = format!(
        "<p>You have denied {} access.</p>\n<p><a id=\"continue-link\" href=\"{}/\">Continue</a></p>",
        page::text(consumer),
        state.base_url
    );
    framed(state, "Access Denied", &body)
}

/// The page of a user's access tokens.
pub(super) fn tokens(state: &State, rows: &[Row]) -> Reply {
    let language = state.settings.language;
    let body = match state.settings.layout {
        Layout::Capitals => capitals::tokens(&state.context, rows, language),
        Layout::Fields => fields::tokens(rows, language),
        Layout::Inputs | Layout::Meta => inputs::tokens(rows, language),
        Layout::Buttons => buttons::tokens(rows, language),
        Layout::Nested => nested::tokens(rows, language),
        Layout::Cards => cards::tokens(rows, language),
        Layout::Definitions => definitions::tokens(rows, language),
    };
    framed(state, language.say("OAuth Access Tokens"), &body)
}

/// A page with what else stands on it, which has XSRF tokens that are good for nothing here.
fn framed(state: &State, title: &str, body: &str) -> Reply {
    let (context, other) = (&state.context, random_text(40));
    match state.settings.layout.of_dance() {
        Layout::Capitals => {
            let product = state.kind.title();
            Reply::html(200, capitals::page(product, title, context, &other, body))
        }
        Layout::Fields => {
            let body = format!("{body}\n{}", fields::search(context, &other));
            page::page(state, 200, title, &body)
        }
        Layout::Buttons => {
            let body = format!("{}\n{body}", buttons::header(context, &other));
            page::page(state, 200, title, &body)
        }
        _ => page::page(state, 200, title, body),
    }
}

/// Revokes by script what is clicked on, as the products' pages do; `token` and `url` are where an element `it` keeps one
/// of them.
fn script(token: &str, url: &str) -> String {
    format!(
        "<script>\n\
         for (const it of document.querySelectorAll('.revoke')) it.addEventListener('click', async (event) => {{\n\
           event.preventDefault();\n\
           if (!confirm('Revoke this access token?')) return;\n\
           const url = {url};\n\
           const answer = await fetch(url || location.pathname, {{ method: 'POST',\n\
             headers: {{ 'X-Atlassian-Token': 'no-check' }},\n\
             body: url ? undefined : new URLSearchParams({{ token: {token} }}) }});\n\
           if (answer.ok) location.reload();\n\
         }});\n\
         </script>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_consumer_stands_in_its_description() {
        assert_eq!(
            host("Deploys from https://ci.example.com:8443/x daily").as_deref(),
            Some("ci.example.com")
        );
        assert_eq!(host("mailto:a@b.c or ftp://d"), None);
    }
}
