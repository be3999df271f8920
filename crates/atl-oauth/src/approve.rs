//! Approving a request token without a browser, as the user who gives the grant (protocol.md 2.3).

mod authorize_page;
mod error;
mod html;
mod verifier_page;

use atl_client::{BaseUrl, Client, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use error::{ApproveError, PageDoubt};

use crate::{
    callback::{Approval, CallbackAnswer},
    dance::Pending,
    difference::printable,
    problem::Problem,
    token::is_same,
};
use authorize_page::Form;

/// Signs in, opens the authorization page and approves on it. The client is the user's own: it has the user's name and
/// password, and signs in with a session. The callback is read where the server names it and never requested: it
/// belongs to somebody else.
///
/// # Errors
/// [`ApproveError`] says at which step, and [`ApproveError::may_have_happened`] whether the approval was sent.
pub fn approve(client: &Client, pending: &Pending) -> Result<Approval, ApproveError> {
    client.sign_in()?;
    let url = client.base_url().join(&pending.authorize_path());
    let page = open(client, pending, &url)?;
    let form = understood(&page, Form::read(&page.text(), &url))?;
    let request = approval(client, pending, &page, form)?;
    let answer = client.send(&request)?;
    check_problem(&answer)?;
    if let Some(location) = location(&answer) {
        return called_back(pending, &answer, &url, location);
    }
    if answer.status == 403 && answer.text().to_lowercase().contains("xsrf") {
        return Err(ApproveError::XsrfRefused {
            server: answer.server,
        });
    }
    let answer = answer.success()?;
    let text = answer.text();
    if Form::read(&text, &url).is_ok() {
        return Err(not_understood(&answer, PageDoubt::AskedAgain, None));
    }
    verifier_page::verifier(&text)
        .map(Approval::Verifier)
        .map_err(|doubt| not_understood(&answer, doubt, None))
}

/// The authorization page as the signed-in user sees it.
fn open(client: &Client, pending: &Pending, url: &Url) -> Result<Response, ApproveError> {
    let request = Request::get(pending.authorize_path())
        .header("Accept", "text/html")
        .returning_redirects();
    let page = client.send(&request)?;
    check_problem(&page)?;
    match location(&page) {
        Some(location) => Err(stray(&page, url, location, false)),
        None => Ok(page.success()?),
    }
}

/// What to send so that the form says yes to our request token and to no other, on this server and on no other.
fn approval(
    client: &Client,
    pending: &Pending,
    page: &Response,
    form: Form,
) -> Result<Request, ApproveError> {
    let ours = pending.token();
    let tokens = form.tokens();
    if !tokens.iter().all(|token| is_same(token, ours)) {
        return Err(foreign(page, false));
    }
    let path = below(client.base_url(), &form.action)
        .or_else(|| below(client.signing_base_url(), &form.action))
        .ok_or(PageDoubt::ElsewhereBound);
    let missing = tokens
        .is_empty()
        .then(|| ("oauth_token".to_owned(), ours.expose_secret().to_owned()));
    let fields = form.fields.into_iter().chain(missing).collect();
    Ok(Request::post_form(understood(page, path)?, fields)
        .header("Accept", "text/html")
        .returning_redirects())
}

/// Reads the callback that a redirect leads to.
fn called_back(
    pending: &Pending,
    answer: &Response,
    url: &Url,
    location: &str,
) -> Result<Approval, ApproveError> {
    let is_ours = |token: &SecretString| is_same(token, pending.token());
    match CallbackAnswer::read(location) {
        Some(callback) if is_ours(&callback.token) => Ok(callback.approval),
        Some(_) => Err(foreign(answer, true)),
        None => match CallbackAnswer::read_without_verifier(location) {
            Some(token) if is_ours(&token) => Err(ApproveError::NoVerifier {
                server: answer.server.clone(),
            }),
            _ => Err(stray(answer, url, location, true)),
        },
    }
}

/// Refusals of the authorization page are pages with an OAuth challenge (protocol.md 2.3).
fn check_problem(answer: &Response) -> Result<(), ApproveError> {
    let challenges = answer.header_values("www-authenticate");
    match Problem::read(&challenges, "", "") {
        Some(problem) => Err(ApproveError::Refused {
            server: answer.server.clone(),
            what: answer.what.clone(),
            problem: Box::new(problem),
        }),
        None => Ok(()),
    }
}

fn location(answer: &Response) -> Option<&str> {
    let redirects = (300..400).contains(&answer.status);
    let location = answer.header_values("location").first().copied();
    location.filter(|_| redirects)
}

/// The path and query of a URL below the base URL; `None` where it is elsewhere.
fn below(base: &BaseUrl, url: &Url) -> Option<String> {
    let path = url.as_str().strip_prefix(base.join("").as_str())?;
    Some(path.to_owned())
}

fn understood<T>(page: &Response, read: Result<T, PageDoubt>) -> Result<T, ApproveError> {
    read.map_err(|doubt| not_understood(page, doubt, page.message()))
}

/// The title of a page that came after the approval is not shown: it may hold the verifier.
fn not_understood(page: &Response, doubt: PageDoubt, title: Option<String>) -> ApproveError {
    ApproveError::PageNotUnderstood {
        server: page.server.clone(),
        what: page.what.clone(),
        doubt,
        title,
    }
}

fn foreign(answer: &Response, sent: bool) -> ApproveError {
    ApproveError::ForeignToken {
        server: answer.server.clone(),
        what: answer.what.clone(),
        sent,
    }
}

fn stray(answer: &Response, url: &Url, location: &str, sent: bool) -> ApproveError {
    let to = url.join(location).map_or_else(
        |_| "something that is no address".to_owned(),
        |mut to| {
            let _ = to.set_username("");
            let _ = to.set_password(None);
            to.set_query(None);
            to.set_fragment(None);
            printable(to.as_str())
        },
    );
    ApproveError::StrayRedirect {
        server: answer.server.clone(),
        what: answer.what.clone(),
        to,
        sent,
    }
}
