//! Secure administrator sessions, "websudo" (protocol.md 5.3). Only sessions are asked for them.

use std::fmt;

use reqwest::cookie::CookieStore as _;
use secrecy::ExposeSecret as _;

use crate::{
    Client, ClientError, Credentials, Request, Response,
    client::Identity,
    page,
    product::{Elevation, FormToken},
    redirect,
    retry::Patience,
};

/// Whether the session is a secure administrator session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Elevated {
    /// Not asked for yet, or run out.
    #[default]
    No,
    /// Asked for and got.
    Yes,
    /// Asked for and refused: the password is not sent again.
    Refused,
}

/// Why there is no secure administrator session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElevationProblem {
    /// How to get one on this product is not known.
    Unknown,
    /// The request did not go out in a session.
    NoSession,
    /// The server refused the password.
    Refused,
    /// The server gave one and asks again.
    Ignored,
}

impl fmt::Display for ElevationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "how to get one on this product is not known",
            Self::NoSession => "only a session can become one",
            Self::Refused => "the server refused it to this account",
            Self::Ignored => "the server asks again after it gave one",
        })
    }
}

impl ElevationProblem {
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Unknown => {
                "set `login: basic` for this server: Basic authentication is not asked for it"
            }
            Self::NoSession => {
                "use an account that is a system administrator of this server, or `login: session`"
            }
            Self::Refused => {
                "check that the account is an administrator, or set `login: basic` or use a token"
            }
            Self::Ignored => {
                "set `login: basic` or use a token; behind a load balancer, check that sessions stay on one node"
            }
        }
    }
}

impl Client {
    /// Whether the answer is a demand for a secure administrator session.
    pub(crate) fn asks_for_elevation(
        &self,
        request: &Request,
        response: &Response,
    ) -> Result<bool, ClientError> {
        let rest = response.status == 401 && response.text().to_lowercase().contains("websudo");
        let target = redirect::target(response, &self.url(request))
            .filter(|target| self.may_sign_in_at(request, target));
        let profile = self.profile()?;
        Ok(rest || target.is_some_and(|target| redirect::is_elevation_page(&target, profile)))
    }

    pub(crate) fn still_asks_for_elevation(
        &self,
        request: &Request,
        response: &Response,
    ) -> Result<(), ClientError> {
        if self.asks_for_elevation(request, response)? {
            self.state().elevated = Elevated::Refused;
            return Err(self.no_elevation(response, ElevationProblem::Ignored));
        }
        Ok(())
    }

    /// Makes the session a secure administrator session. `response` is the demand for it.
    pub(crate) fn elevate(&self, response: &Response) -> Result<(), ClientError> {
        let session = self.state().session.clone();
        let (Some(session), Credentials::Password { password, .. }) =
            (session, &self.config.credentials)
        else {
            return Err(self.no_elevation(response, ElevationProblem::NoSession));
        };
        let Some(elevation) = &self.profile()?.elevation else {
            return Err(self.no_elevation(response, ElevationProblem::Unknown));
        };
        if self.state().elevated == Elevated::Refused {
            return Err(self.no_elevation(response, ElevationProblem::Refused));
        }
        let identity = Identity::Session(session);
        let mut fields = vec![(
            elevation.password.to_owned(),
            password.expose_secret().to_owned(),
        )];
        fields.extend(
            elevation
                .fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        fields.extend(
            self.elevation_token(elevation, &identity)?
                .map(|token| ("atl_token".to_owned(), token)),
        );
        let request =
            Request::post_form(elevation.path, fields).header("Accept", "text/html, */*;q=0.1");
        let answer = self.call(&request, &identity, Patience::Throttled)?;
        if self.was_elevated(elevation, &request, &answer)? {
            self.state().elevated = Elevated::Yes;
            return Ok(());
        }
        self.state().elevated = Elevated::Refused;
        Err(self.no_elevation(response, ElevationProblem::Refused))
    }

    /// Success leads on; a wrong password shows the form again.
    fn was_elevated(
        &self,
        elevation: &Elevation,
        request: &Request,
        answer: &Response,
    ) -> Result<bool, ClientError> {
        if let Some(target) = redirect::target(answer, &self.url(request)) {
            let profile = self.profile()?;
            return Ok(!redirect::is_elevation_page(&target, profile)
                && !redirect::is_login_page(&target, profile));
        }
        Ok((200..300).contains(&answer.status)
            && !page::has_input(&answer.text(), elevation.password))
    }

    fn elevation_token(
        &self,
        elevation: &Elevation,
        identity: &Identity,
    ) -> Result<Option<String>, ClientError> {
        match (&elevation.token, identity) {
            (FormToken::Page(path), _) => {
                let request = Request::get(*path).header("Accept", "text/html");
                let response = self.call(&request, identity, Patience::Lost)?;
                Ok(page::form_token(&response.text()))
            }
            (FormToken::Cookie(name), Identity::Session(session)) => {
                let url = self.config.base_url.join(elevation.path);
                let cookies = session.jar.cookies(&url);
                let cookies = cookies
                    .as_ref()
                    .and_then(|cookies| cookies.to_str().ok())
                    .unwrap_or_default();
                let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
                Ok(pairs
                    .find(|(found, _)| found == name)
                    .map(|(_, value)| value.to_owned()))
            }
            _ => Ok(None),
        }
    }

    fn no_elevation(&self, response: &Response, problem: ElevationProblem) -> ClientError {
        ClientError::Elevation {
            server: self.config.name.as_str().into(),
            what: response.what.as_str().into(),
            problem,
        }
    }
}
