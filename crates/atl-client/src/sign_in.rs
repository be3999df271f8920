//! Signing in, and making the server say who is signed in.

use crate::{
    Client, ClientError, Credentials, Login, Refusal, Request, Response, client::Identity,
    message::one_line, product::WHOAMI, redirect, retry::Patience,
};

/// Who is signed in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name, as the server says it.
    pub username: String,
    /// How.
    pub method: Method,
}

/// How a request is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Basic authentication.
    Basic,
    /// A session cookie.
    Session,
    /// A personal access token.
    Token,
}

impl Client {
    /// Signs in once, and makes sure that the server says it is the expected account. Later calls return what came out.
    ///
    /// # Errors
    /// [`ClientError::SignIn`] says why; a refused password is not sent again.
    pub fn sign_in(&self) -> Result<Account, ClientError> {
        let (account, refusal) = {
            let state = self.state();
            (state.account.clone(), state.refusal.clone())
        };
        if let Some(refusal) = refusal {
            return Err(self.refused(refusal));
        }
        if let Some(account) = account {
            return Ok(account);
        }
        let account = self.first_sign_in()?;
        self.state().account = Some(account.clone());
        Ok(account)
    }

    /// Reads the manifest first, so that no password goes to something else than such a server.
    fn first_sign_in(&self) -> Result<Account, ClientError> {
        self.manifest()?;
        let profile = self.profile()?;
        match &self.config.credentials {
            Credentials::Anonymous => Err(self.refused(Refusal::NoCredentials)),
            Credentials::Token { .. } if !profile.tokens_reach_admin => {
                Err(self.refused(Refusal::TokenCannotAdminister {
                    product: self.product()?,
                }))
            }
            Credentials::Token { .. } => self.identify(&Identity::Token, Method::Token),
            Credentials::Password {
                login: Login::Session,
                ..
            } => self.sign_in_with_session(),
            Credentials::Password { login, .. } => {
                let response = self.whoami(&Identity::Basic)?;
                if response.says_basic_is_disabled() && *login == Login::Auto {
                    return self.sign_in_with_session();
                }
                self.identified(&response, Method::Basic)
            }
        }
    }

    /// Signs in with a session after all, where Basic turned out to be disabled and `login: auto` allows it. Such an
    /// answer comes before the credentials are looked at (protocol.md 5.2), so nothing was refused yet.
    pub(crate) fn fall_back_to_session(&self) -> Result<bool, ClientError> {
        let auto = matches!(
            self.config.credentials,
            Credentials::Password {
                login: Login::Auto,
                ..
            }
        );
        let basic = self
            .state()
            .account
            .as_ref()
            .is_some_and(|account| account.method == Method::Basic);
        if !(auto && basic) {
            return Ok(false);
        }
        self.state().account = None;
        let account = self.sign_in_with_session()?;
        self.state().account = Some(account);
        Ok(true)
    }

    pub(crate) fn identify(
        &self,
        identity: &Identity,
        method: Method,
    ) -> Result<Account, ClientError> {
        let response = self.whoami(identity)?;
        self.identified(&response, method)
    }

    /// One request; an answer that was lost is not asked for again, since it may have counted as a failed sign-in.
    fn whoami(&self, identity: &Identity) -> Result<Response, ClientError> {
        self.call(&Request::get(WHOAMI), identity, Patience::Unavailable)
    }

    /// What the answer of whoami says about an attempt to sign in (protocol.md 5.4, 6).
    fn identified(&self, response: &Response, method: Method) -> Result<Account, ClientError> {
        self.judge_refusal(response)?;
        let url = self.config.base_url.join(WHOAMI);
        if let Some(target) = redirect::target(response, &url) {
            return Err(if redirect::is_login_page(&target, self.profile()?) {
                self.refused(Refusal::Anonymous)
            } else {
                redirect::error(response, self.base_url(), &url, &target)
            });
        }
        let wrong = match (method, self.username()) {
            (Method::Token, _) | (_, None) => Refusal::TokenRefused,
            (_, Some(username)) => Refusal::WrongPassword {
                username: username.into(),
            },
        };
        if response.status == 401 {
            return Err(self.refused(wrong));
        }
        if response.says_basic_is_disabled() {
            return Err(self.refused(Refusal::BasicDisabled));
        }
        let response = response.clone().success()?;
        if response.is_html() {
            return Err(ClientError::Unreadable {
                why: crate::Unreadable::Html {
                    title: response.message().map(Into::into),
                },
                server: response.server.into(),
                what: response.what.into(),
            });
        }
        let actual = one_line(&response.text());
        match self.username() {
            _ if actual.is_empty() && method == Method::Session => Err(self.refused(wrong)),
            _ if actual.is_empty() => Err(self.refused(Refusal::Anonymous)),
            Some(expected) if expected.to_lowercase() != actual.to_lowercase() => Err(self
                .refused(Refusal::SomebodyElse {
                    expected: expected.into(),
                    actual: one_line(&response.secrets.hide(&response.text())).into(),
                })),
            _ => Ok(Account {
                username: actual,
                method,
            }),
        }
    }

    /// The headers of 5.4: a CAPTCHA or lock-out, and a failed sign-in whatever the status.
    pub(crate) fn judge_refusal(&self, response: &Response) -> Result<(), ClientError> {
        let Some(username) = self.username() else {
            return Ok(());
        };
        let denied = response.header_values("x-authentication-denied-reason");
        let reasons = response.header_values("x-seraph-loginreason").join(",");
        let has = |wanted: &str| {
            reasons
                .split(',')
                .any(|reason| reason.trim().eq_ignore_ascii_case(wanted))
        };
        let body_says =
            response.status == 401 && response.text().contains("Reason : AUTHENTICATION_DENIED");
        if !denied.is_empty() || has("AUTHENTICATION_DENIED") || body_says {
            return Err(self.captcha(username));
        }
        if has("AUTHENTICATED_FAILED") && !has("OK") {
            return Err(self.refused(Refusal::WrongPassword {
                username: username.into(),
            }));
        }
        Ok(())
    }

    /// The page is our own base URL's: a host that the server names is not to be trusted with a password.
    pub(crate) fn captcha(&self, username: &str) -> ClientError {
        let login_page = self.config.base_url.as_str().into();
        self.refused(Refusal::Captcha {
            username: username.into(),
            login_page,
        })
    }

    /// The error of a refusal, which is remembered: nothing refused is sent again.
    pub(crate) fn refused(&self, refusal: Refusal) -> ClientError {
        let mut state = self.state();
        state.account = None;
        state.refusal = Some(refusal.clone());
        ClientError::SignIn {
            server: self.config.name.as_str().into(),
            refusal,
        }
    }

    fn username(&self) -> Option<&str> {
        match &self.config.credentials {
            Credentials::Anonymous => None,
            Credentials::Password { username, .. } => Some(username),
            Credentials::Token { username, .. } => username.as_deref(),
        }
    }
}
