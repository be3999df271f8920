//! Signing in with a session (protocol.md 5.1).

use std::sync::Arc;

use reqwest::cookie::Jar;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    Account, Client, ClientError, Credentials, Method, Redirect, Refusal, Request, Response,
    client::Identity,
    page,
    product::{SessionLogin, TWO_STEP_LOGIN},
    retry::Patience,
    websudo::Elevated,
};

/// The cookies of one session; they go with requests of this session and with nothing else.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) jar: Jar,
}

/// The words by which the sign-in of 5.1 asks for a second step [inferred: its answers are not documented].
const SECOND_STEP: &[&str] = &[
    "totp",
    "two-step",
    "twostep",
    "two_step",
    "second factor",
    "2sv",
    "verification code",
];

impl Client {
    /// Tries the ways of this product and version until one is there; whoami decides whether it worked.
    pub(crate) fn sign_in_with_session(&self) -> Result<Account, ClientError> {
        let Credentials::Password {
            username, password, ..
        } = &self.config.credentials
        else {
            return Err(self.refused(Refusal::NoSessionLogin));
        };
        let (name, secret) = (username.as_str(), password.expose_secret());
        for way in self.profile()?.session_logins(&self.manifest()?.version) {
            let session = Arc::new(Session::default());
            let identity = Identity::Session(Arc::clone(&session));
            let request = self.login_request(way, &identity, name, secret)?;
            let request = request.returning_redirects();
            let response = self.call(&request, &identity, Patience::Throttled)?;
            if matches!(response.status, 404 | 405) {
                continue;
            }
            self.judge_login(name, &response)?;
            let account = match self.identify(&identity, Method::Session) {
                Err(error)
                    if error.code() == "wrong_password" && asks_for_second_step(&response) =>
                {
                    Err(self.refused(Refusal::TwoStep {
                        username: name.into(),
                    }))
                }
                outcome => outcome,
            }?;
            let mut state = self.state();
            state.session = Some(session);
            state.elevated = Elevated::No;
            return Ok(account);
        }
        Err(self.refused(Refusal::NoSessionLogin))
    }

    /// The request of one way. Where the page that holds the token of a form is not there, the form goes without it.
    fn login_request(
        &self,
        way: &SessionLogin,
        identity: &Identity,
        name: &str,
        secret: &str,
    ) -> Result<Request, ClientError> {
        let (path, page, username, password, fields) = match way {
            SessionLogin::TwoStep => {
                let body = json!({"username": name, "password": secret, "rememberMe": false, "targetUrl": ""});
                return Ok(Request::post_json(TWO_STEP_LOGIN, body));
            }
            SessionLogin::Json { path } => {
                let body = json!({"username": name, "password": secret});
                return Ok(Request::post_json(*path, body));
            }
            SessionLogin::Form {
                path,
                page,
                username,
                password,
                fields,
            } => (path, page, username, password, fields),
        };
        let mut pairs = vec![
            ((*username).to_owned(), name.to_owned()),
            ((*password).to_owned(), secret.to_owned()),
        ];
        pairs.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        if let Some(page) = page {
            let request = Request::get(*page).header("Accept", "text/html");
            let response = self.call(&request, identity, Patience::Lost)?;
            pairs.extend(
                page::form_token(&response.text()).map(|token| ("atl_token".to_owned(), token)),
            );
        }
        Ok(Request::post_form(*path, pairs).header("Accept", "text/html, application/json;q=0.5"))
    }

    /// What a sign-in was answered with; whether it worked is not for it to say.
    fn judge_login(&self, username: &str, response: &Response) -> Result<(), ClientError> {
        self.judge_refusal(response)?;
        let text = response.text().to_lowercase();
        let captcha = if response.is_html() {
            page::has_input(&text, "captcha")
        } else {
            response.status >= 400 && text.contains("captcha")
        };
        if captcha {
            return Err(self.captcha(username));
        }
        if response.status >= 400 && asks_for_second_step(response) {
            return Err(self.refused(Refusal::TwoStep {
                username: username.into(),
            }));
        }
        match response.status {
            400 | 401 => Err(self.refused(Refusal::WrongPassword {
                username: username.into(),
            })),
            403 => Err(self.captcha(username)),
            200..400 => Ok(()),
            _ => response.clone().success().map(drop),
        }
    }

    /// Ends a session, where there is one; what the server makes of it does not matter any more.
    pub fn sign_out(&self) {
        let session = {
            let mut state = self.state();
            state.account = None;
            state.elevated = Elevated::No;
            state.session.take()
        };
        // A server that was never reached has no session, and is not asked for its manifest again.
        let Some(session) = session else { return };
        let logout = self.profile().ok().and_then(|profile| profile.logout);
        if let Some((method, path)) = logout {
            let mut request = Request::delete(path);
            request.method = method.into();
            request.redirect = Redirect::Return;
            if let Err(error) = self.call(&request, &Identity::Session(session), Patience::None) {
                tracing::debug!(server = self.server(), %error, "the session was not ended");
            }
        }
    }
}

/// Whether an answer that signed nobody in asks for a second step.
fn asks_for_second_step(response: &Response) -> bool {
    let mut texts = response.header_values("location").join(" ").to_lowercase();
    if !response.is_html() {
        texts += &response.text().to_lowercase();
    }
    SECOND_STEP.iter().any(|word| texts.contains(word))
}
