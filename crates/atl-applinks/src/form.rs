//! The admin form of a link's incoming consumer (protocol.md 1.11), for what REST cannot do: the executing user of
//! two-legged OAuth, and removing a consumer where application links are older than 5.2.

use atl_client::{Request, Response, Secrets};
use scraper::{Html, Selector};

use crate::{Applinks, ApplinksError, NewConsumer};

/// What only the form has: its id, or one of its fields.
const THE_FORM: &str = "#add-consumer-manually, [name='oauth-incoming-enabled'], [name=consumerName], [name=publicKey]";

fn path(id: &str) -> String {
    format!("plugins/servlet/applinks/auth/conf/oauth/add-consumer-manually/{id}/INBOUND")
}

/// What a page that answers the form is.
#[derive(Debug, PartialEq, Eq)]
enum Page {
    /// The form, with the token it wants back, where it has one, and what it complains about.
    Form {
        token: Option<String>,
        complaints: String,
    },
    /// Something else, such as a sign-in page or a refused XSRF token.
    Other { title: String },
}

impl Page {
    fn read(html: &str, secrets: &Secrets) -> Self {
        let html = Html::parse_document(html);
        let text = |selector: &str| {
            let Ok(selector) = Selector::parse(selector) else {
                return Vec::new();
            };
            html.select(&selector)
                .map(|found| printable(&secrets.hide(&found.text().collect::<String>())))
                .filter(|text| !text.is_empty())
                .collect()
        };
        let value = |selector: &str| {
            let selector = Selector::parse(selector).ok()?;
            html.select(&selector)
                .next()
                .map(|input| input.attr("value").unwrap_or_default().to_owned())
        };
        if value(THE_FORM).is_none() {
            let title: Vec<String> = text("title");
            return Self::Other {
                title: title.into_iter().next().unwrap_or_default(),
            };
        }
        let mut complaints: Vec<String> = text(".error, .errorMessage, .aui-message-error");
        complaints.dedup();
        Self::Form {
            token: value("input[name=atl_token]").filter(|token| !token.is_empty()),
            complaints: complaints.join("; "),
        }
    }
}

/// The text of a page as one short line that is safe to print.
fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// Whether a `Location` is the form's own after a success: `./{id}?message=...` (protocol.md 1.11).
fn is_success(location: &str, id: &str) -> bool {
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    path.rsplit('/').next() == Some(id)
        && query.split('&').any(|field| field.starts_with("message="))
}

impl Applinks<'_> {
    /// Saves consumer, 2LO flags and executing user through the admin form (protocol.md 1.11). Switching two-legged
    /// OAuth on there needs a system administrator and an existing executing user; the server appends `/` to a callback
    /// that has none.
    ///
    /// # Errors
    /// A field is empty that the server needs, the account is no system administrator, the server complains about a
    /// field, or the form could not be reached or understood.
    pub fn save_form(
        &self,
        id: &str,
        consumer: &NewConsumer,
        two_lo: bool,
        execute_as: Option<&str>,
        impersonation: bool,
    ) -> Result<(), ApplinksError> {
        self.check_filled(consumer)?;
        let mut fields = vec![
            ("oauth-incoming-enabled", "true"),
            ("key", &consumer.key),
            ("consumerName", &consumer.name),
            (
                "description",
                consumer.description.as_deref().unwrap_or_default(),
            ),
            ("publicKey", &consumer.public_key),
            ("callback", consumer.callback.as_deref().unwrap_or_default()),
            ("two-lo-execute-as", execute_as.unwrap_or_default()),
        ];
        // As a browser sends check boxes: only those that are ticked.
        if two_lo {
            fields.push(("two-lo-enabled", "true"));
        }
        if impersonation {
            fields.push(("two-lo-impersonation-enabled", "true"));
        }
        self.post_form(id, &fields)
    }

    pub(crate) fn disable_incoming_by_form(&self, id: &str) -> Result<(), ApplinksError> {
        self.post_form(id, &[("oauth-incoming-enabled", "false")])
    }

    /// Reads the form for its XSRF token, and sends it with these fields.
    fn post_form(&self, id: &str, fields: &[(&str, &str)]) -> Result<(), ApplinksError> {
        let answer = self.client.send(&Request::get(path(id)))?;
        let token = match self.page(id, answer)? {
            Page::Form { token, .. } => token,
            Page::Other { title } => return Err(self.unreadable(id, title, false)),
        };
        let fields = fields
            .iter()
            .copied()
            .chain(token.as_deref().map(|token| ("atl_token", token)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let form = Request::post_form(path(id), fields).returning_redirects();
        let answer = self.client.send(&form)?;
        match answer.status {
            300..=399 => self.check_redirect(id, &answer),
            403 => Err(ApplinksError::NeedsSystemAdministrator {
                server: self.server(),
                what: "two-legged OAuth of a consumer",
            }),
            _ => Err(match self.page(id, answer)? {
                Page::Form { complaints, .. } => ApplinksError::FormRefused {
                    server: self.server(),
                    id: id.to_owned(),
                    words: complaints,
                },
                Page::Other { title } => self.unreadable(id, title, true),
            }),
        }
    }

    fn page(&self, id: &str, answer: Response) -> Result<Page, ApplinksError> {
        match answer.status {
            400 | 404 => Err(self.no_such_link(id)),
            _ => {
                let page = answer.success()?;
                Ok(Page::read(&page.text(), &page.secrets))
            }
        }
    }

    fn check_redirect(&self, id: &str, answer: &Response) -> Result<(), ApplinksError> {
        let to = answer
            .header_values("location")
            .first()
            .copied()
            .unwrap_or_default();
        if is_success(to, id) {
            return Ok(());
        }
        Err(ApplinksError::FormRedirected {
            server: self.server(),
            id: id.to_owned(),
            to: printable(to.split('?').next().unwrap_or_default()),
        })
    }

    fn unreadable(&self, id: &str, title: String, sent: bool) -> ApplinksError {
        ApplinksError::FormUnreadable {
            server: self.server(),
            id: id.to_owned(),
            title,
            sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> String {
        format!("<html><head><title>Add consumer</title></head><body>{body}</body></html>")
    }

    #[test]
    fn the_form_is_told_from_other_pages() {
        fn check(html: &str, token: Option<&str>, complaints: &str) {
            assert_eq!(
                Page::read(html, &Secrets::default()),
                Page::Form {
                    token: token.map(Into::into),
                    complaints: complaints.into()
                },
                "{html}"
            );
        }
        const FORM: &str = r#"<form id="add-consumer-manually" method="post">
            <input type="hidden" name="oauth-incoming-enabled" value="true">"#;
        check(&form(FORM), None, "");
        check(
            &form(&format!(
                r#"{FORM}<input type="hidden" name="atl_token" value="B&amp;1|x"></form>"#
            )),
            Some("B&1|x"),
            "",
        );
        check(
            &form(&format!(
                r#"{FORM}<input name="publicKey"><div class="error">Invalid
                <b>public</b> key &amp; more</div>
                <div class="error"> </div><span class="field error">Unknown user</span></form>"#
            )),
            None,
            "Invalid public key & more; Unknown user",
        );
        check(
            &form("<form id='add-consumer-manually'><input name='key'></form>"),
            None,
            "",
        );
        check(
            &form("<form><textarea name='publicKey'></textarea></form>"),
            None,
            "",
        );
        let signed_out = form("<form><input name='os_username'></form>")
            .replace("Add consumer", "Log in - Jira");
        assert_eq!(
            Page::read(&signed_out, &Secrets::default()),
            Page::Other {
                title: "Log in - Jira".into()
            }
        );
        assert_eq!(
            Page::read("", &Secrets::default()),
            Page::Other {
                title: String::new()
            }
        );
    }

    #[test]
    fn a_save_is_known_by_where_it_leads() {
        fn check(location: &str, expected: bool) {
            assert_eq!(is_success(location, "0a1b"), expected, "{location}");
        }
        check("./0a1b?message=Saved", true);
        check(
            "/jira/plugins/servlet/x/0a1b?uiposition=local&message=Consumer%20saved",
            true,
        );
        check("./0a1b", false);
        check("./0a1b?error=1", false);
        check("/login.jsp?os_destination=%2Fx%2F0a1b&message=no", false);
        check("/login.jsp?os_destination=/x/0a1b?message=Saved", false);
        check("", false);
    }
}
