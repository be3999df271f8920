//! The form on the page where a user decides (protocol.md 2.3). Its markup is not established, so nothing is taken for
//! granted but a control named `approve` in a form.

use std::fmt;

use scraper::{ElementRef, Html};
use secrecy::SecretString;
use url::Url;

use super::{error::PageDoubt, html::select};
use crate::rfc5849::form_parameters;

/// The parameter that carries the XSRF token.
const XSRF: &str = "atl_token";

/// What to send so that the form says yes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where to.
    pub(crate) action: Url,
    /// Its hidden inputs, in order, the page's XSRF token where they have none, and the control named `approve` last.
    pub(crate) fields: Vec<(String, String)>,
}

impl Form {
    /// Reads the form off a page that came from `url`.
    pub(crate) fn read(page: &str, url: &Url) -> Result<Self, PageDoubt> {
        let page = Html::parse_document(page);
        let controls = controls(&page);
        let mut approving = controls
            .iter()
            .filter(|(_, control)| control.attr("name") == Some("approve"));
        let (form, approve) = approving.next().ok_or(PageDoubt::NoForm)?;
        if approving.any(|(other, _)| other != form) {
            return Err(PageDoubt::SeveralForms);
        }
        let action = approve.attr("formaction").or(form.attr("action"));
        let action = resolved(&page, url, action.unwrap_or_default())?;
        let hidden = controls
            .iter()
            .filter(|(owner, control)| owner == form && is_hidden(*control))
            .filter_map(|(_, control)| Some((control.attr("name")?, control)))
            .filter(|(name, _)| !matches!(*name, "" | "approve" | "deny"));
        let field = |(name, control): (&str, &ElementRef<'_>)| {
            let value = control.attr("value").unwrap_or_default();
            (name.to_owned(), value.to_owned())
        };
        let mut form = Self {
            action,
            fields: hidden.map(field).collect(),
        };
        if form.sent(XSRF).is_empty() {
            let token = token_of_page(&page).map(|token| (XSRF.to_owned(), token));
            form.fields.extend(token);
        }
        form.fields.push(field(("approve", approve)));
        Ok(form)
    }

    /// The request tokens that it sends.
    pub(crate) fn tokens(&self) -> Vec<SecretString> {
        self.sent("oauth_token")
    }

    /// What it sends of this name, among its fields and in its action.
    fn sent(&self, name: &str) -> Vec<SecretString> {
        let query = form_parameters(self.action.query().unwrap_or_default());
        let sent = query.iter().chain(&self.fields);
        sent.filter(|(sent, _)| sent == name)
            .map(|(_, value)| value.as_str().into())
            .collect()
    }
}

/// The XSRF token that a page carries beside its forms, for a script of its own to put into them.
fn token_of_page(page: &Html) -> Option<String> {
    let meta = select(page, "meta[name=atlassian-token]").next()?;
    meta.attr("content").map(str::to_owned)
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Form")
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}

/// The controls of a page, each with the form that it belongs to: the one that its `form` attribute names, else the one
/// around it, else the last empty one before it, which is what a parser makes of a form that begins inside a table.
fn controls(page: &Html) -> Vec<(ElementRef<'_>, ElementRef<'_>)> {
    let mut empty = None;
    let mut found = Vec::new();
    for element in select(page, "form, input, button") {
        if element.value().name() == "form" {
            if element.child_elements().next().is_none() {
                empty = Some(element);
            }
            continue;
        }
        let owner = match element.attr("form") {
            Some(id) => select(page, "form").find(|form| form.attr("id") == Some(id)),
            None => element
                .ancestors()
                .filter_map(ElementRef::wrap)
                .find(|around| around.value().name() == "form")
                .or(empty),
        };
        found.extend(owner.map(|form| (form, element)));
    }
    found
}

fn is_hidden(control: ElementRef<'_>) -> bool {
    let kind = control.attr("type").unwrap_or_default();
    control.value().name() == "input"
        && kind.eq_ignore_ascii_case("hidden")
        && control.attr("disabled").is_none()
}

/// Where a form goes that stands on a page from `url`.
fn resolved(page: &Html, url: &Url, action: &str) -> Result<Url, PageDoubt> {
    let base = select(page, "base[href]")
        .next()
        .and_then(|base| base.attr("href"));
    let base = base.and_then(|base| url.join(base).ok());
    let action = action.trim();
    // A form without an action goes to its page, whatever the page's base is.
    let base = base.filter(|_| !action.is_empty());
    let mut action = base
        .as_ref()
        .unwrap_or(url)
        .join(action)
        .map_err(|_| PageDoubt::ElsewhereBound)?;
    action.set_fragment(None);
    Ok(action)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::html::pages, *};

    const PAGE: &str =
        "https://jira.example.com/jira/plugins/servlet/oauth/authorize?oauth_token=t";

    fn read(page: &str) -> Result<(String, String), PageDoubt> {
        let form = Form::read(page, &Url::parse(PAGE).unwrap())?;
        let fields: Vec<String> = form
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Ok((form.action.to_string(), fields.join("&")))
    }

    #[track_caller]
    fn check_fields(page: &str, expected: &str) {
        assert_eq!(
            read(page).map(|(_, fields)| fields),
            Ok(expected.to_owned())
        );
    }

    #[track_caller]
    fn check_action(page: &str, expected: &str) {
        assert_eq!(
            read(page).map(|(action, _)| action),
            Ok(expected.to_owned())
        );
    }

    #[track_caller]
    fn check_doubt(page: &str, expected: PageDoubt) {
        assert_eq!(read(page), Err(expected));
    }

    #[test]
    fn every_page_of_the_fixtures_is_understood() {
        for (name, page) in pages("authorize") {
            let (action, fields) = read(&page).unwrap();
            let expected = "oauth_token=requestToken1&atl_token=B1Z2|a&b&approve=Allow";
            assert_eq!(fields, expected, "{name}");
            let path = PAGE.split_once('?').unwrap().0;
            assert!(action.starts_with(path), "{name}: {action}");
        }
        for (name, page) in pages("verifier").into_iter().chain(pages("other")) {
            assert_eq!(read(&page), Err(PageDoubt::NoForm), "{name}");
        }
    }

    #[test]
    fn every_hidden_input_of_the_form_is_sent_and_nothing_else() {
        check_fields(
            "<form><input type=hidden name=oauth_token value=t><INPUT TYPE=HIDDEN NAME=xsrf VALUE='a&amp;b'>\
             <input type=hidden name=empty><input type=hidden value=nameless><input type=hidden name=off value=x disabled>\
             <input type=hidden name=deny value=x><input name=text value=x><input type=checkbox name=box checked>\
             <input type=submit name=deny value=Deny><input type=submit name=approve value=Allow></form>\
             <form><input type=hidden name=other value=x></form>",
            "oauth_token=t&xsrf=a&b&empty=&approve=Allow",
        );
    }

    #[test]
    fn the_control_may_be_of_any_kind() {
        check_fields(
            "<form><button name=approve>Allow</button></form>",
            "approve=",
        );
        check_fields(
            "<form><button name=approve value=1><b>Allow</b></button></form>",
            "approve=1",
        );
        check_fields(
            "<form><input type=hidden name=approve value=yes></form>",
            "approve=yes",
        );
        check_fields(
            "<form><input type=image name=approve value=a><input type=submit name=approve value=b></form>",
            "approve=a",
        );
    }

    #[test]
    fn controls_find_their_form_wherever_they_stand() {
        check_fields(
            "<form id=search><input type=hidden name=q value=x></form><form id=yes></form>\
             <input type=hidden form=yes name=a value=1><button form=yes name=approve>",
            "a=1&approve=",
        );
        check_fields(
            "<table><form action=x><input type=hidden name=a value=1><tr><td><input name=approve value=Allow></td></tr></form></table>",
            "a=1&approve=Allow",
        );
        check_fields(
            "<form action=no><button name=deny></button></form><form><button name=approve></button></form>",
            "approve=",
        );
    }

    #[test]
    fn the_action_is_resolved_against_the_page() {
        let with = |attributes: &str| format!("<form {attributes}><button name=approve></form>");
        check_action(&with(""), PAGE);
        check_action(&with("action='  '"), PAGE);
        check_action(
            &with("action='?a=1#top'"),
            "https://jira.example.com/jira/plugins/servlet/oauth/authorize?a=1",
        );
        check_action(
            &with("action=/jira/plugins/servlet/oauth/authorize"),
            "https://jira.example.com/jira/plugins/servlet/oauth/authorize",
        );
        check_action(&with("action=//evil.example/x"), "https://evil.example/x");
        check_action(
            &format!("<base href=/wiki/>{}", with("action=a")),
            "https://jira.example.com/wiki/a",
        );
        check_action(&format!("<base href=/wiki/>{}", with("")), PAGE);
        check_action(
            "<form action=a><button name=approve formaction=b></form>",
            "https://jira.example.com/jira/plugins/servlet/oauth/b",
        );
        check_doubt(&with("action='https://[x'"), PageDoubt::ElsewhereBound);
    }

    #[test]
    fn the_xsrf_token_of_the_page_is_sent_where_the_form_has_none() {
        let page = |form: &str| {
            format!("<meta name=atlassian-token content='of the page'>{form}<button name=approve>")
        };
        check_fields(&page("<form>"), "atl_token=of the page&approve=");
        check_fields(
            &page("<form><input type=hidden name=atl_token value=of-the-form>"),
            "atl_token=of-the-form&approve=",
        );
        check_fields(
            &page("<form action='?atl_token=of-the-action'>"),
            "approve=",
        );
        check_fields(
            "<meta name=atlassian-token><form><button name=approve>",
            "approve=",
        );
    }

    #[test]
    fn what_is_no_such_page_is_told_apart() {
        check_doubt("", PageDoubt::NoForm);
        check_doubt("<form><input name=os_username></form>", PageDoubt::NoForm);
        check_doubt("<button name=approve>", PageDoubt::NoForm);
        check_doubt(
            "<form id=a><button form=b name=approve></form>",
            PageDoubt::NoForm,
        );
        check_doubt("<form><button name=Approve></form>", PageDoubt::NoForm);
        check_doubt(
            "<form><button name=approve></button></form><form><button name=approve></button></form>",
            PageDoubt::SeveralForms,
        );
    }

    #[test]
    fn a_form_does_not_show_its_fields() {
        let url = Url::parse(PAGE).unwrap();
        let form = Form::read(
            "<form><input type=hidden name=x value=hunter2><button name=approve>",
            &url,
        );
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(
            text in any::<String>(),
            markup in "(<form|<table>|<tr>|<input|<button| name=approve| type=hidden| form=a| id=a| action=| value=x|//|>|</form>|</table>|[a-z])*",
        ) {
            for page in [text, markup] {
                let _anything = read(&page);
            }
        }
    }
}
