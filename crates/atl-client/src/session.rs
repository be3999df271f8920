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
        let profile = self.profile()?;
        let two_step_first = profile.two_step_first(&self.manifest()?.version);
        let two_step = profile.two_step_since.map(|_| None);
        let legacy = profile.logins.iter().map(Some);
        let ways: Vec<Option<&SessionLogin>> = if two_step_first {
            two_step.into_iter().chain(legacy).collect()
        } else {
            legacy.chain(two_step).collect()
        };
        for way in ways {
            let session = Arc::new(Session::default());
            let identity = Identity::Session(Arc::clone(&session));
            let request = match way {
                None => Request::post_json(
                    TWO_STEP_LOGIN,
                    json!({"username": username, "password": password.expose_secret(), "rememberMe": false, "targetUrl": ""}),
                ),
                Some(SessionLogin::Json { path }) => Request::post_json(
                    *path,
                    json!({"username": username, "password": password.expose_secret()}),
                ),
                Some(form) => {
                    match self.login_form(form, &identity, username, password.expose_secret())? {
                        Some(request) => request,
                        None => continue,
                    }
                }
            };
            let response = self.call(
                &request.returning_redirects(),
                &identity,
                Patience::Throttled,
            )?;
            if matches!(response.status, 404 | 405) {
                continue;
            }
            self.judge_login(username, &response)?;
            let account = self.identify(&identity, Method::Session)?;
            let mut state = self.state();
            state.session = Some(session);
            state.elevated = Elevated::No;
            return Ok(account);
        }
        Err(self.refused(Refusal::NoSessionLogin))
    }

    /// The filled form, with the token of its page; `None` where the page is not there.
    fn login_form(
        &self,
        form: &SessionLogin,
        identity: &Identity,
        name: &str,
        secret: &str,
    ) -> Result<Option<Request>, ClientError> {
        let SessionLogin::Form {
            path,
            page,
            username,
            password,
            fields,
        } = form
        else {
            return Ok(None);
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
            if matches!(response.status, 404 | 405) {
                return Ok(None);
            }
            pairs.extend(
                page::form_token(&response.text()).map(|token| ("atl_token".to_owned(), token)),
            );
        }
        Ok(Some(
            Request::post_form(*path, pairs).header("Accept", "text/html, application/json;q=0.5"),
        ))
    }

    /// What a sign-in was answered with; whether it worked is not for it to say.
    fn judge_login(&self, username: &str, response: &Response) -> Result<(), ClientError> {
        self.judge_refusal(response)?;
        let text = response.text().to_lowercase();
        let location = response.header_values("location").join(" ").to_lowercase();
        let asks = |text: &str| SECOND_STEP.iter().any(|word| text.contains(word));
        let captcha = if response.is_html() {
            page::has_input(&text, "captcha")
        } else {
            response.status >= 400 && text.contains("captcha")
        };
        if captcha {
            return Err(self.captcha(username));
        }
        if asks(&location) || (!response.is_html() && asks(&text)) {
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
        let logout = self.profile().ok().and_then(|profile| profile.logout);
        if let (Some(session), Some((method, path))) = (session, logout) {
            let mut request = Request::delete(path);
            request.method = method;
            request.redirect = Redirect::Return;
            if let Err(error) = self.call(&request, &Identity::Session(session), Patience::None) {
                tracing::debug!(server = self.server(), %error, "the session was not ended");
            }
        }
    }
}
