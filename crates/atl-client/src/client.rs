//! The client for one server.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{blocking::Client as Http, cookie::CookieStore as _, header::HeaderValue};
use secrecy::ExposeSecret as _;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Account, BaseUrl, ClientError, Credentials, Incoming, Manifest, Method, Product, Redirect,
    Refusal, Repeat, Request, Response, Secrets, ServerConfig, Transport,
    exchange::{Exchange, clock_skew},
    gate::Gate,
    manifest,
    product::Profile,
    redirect,
    retry::{Patience, patiently},
    session::Session,
    websudo::Elevated,
};

/// A client for one server; nothing is sent until it is asked something. One thread signs in and elevates; bare calls, and
/// those of an account that is signed in, may come from several at once.
pub struct Client {
    pub(crate) config: ServerConfig,
    pub(crate) secrets: Secrets,
    transport: Transport,
    http: Http,
    gate: Option<Gate>,
    manifest: OnceLock<Manifest>,
    state: Mutex<State>,
}

/// What a client learnt so far.
#[derive(Default)]
pub(crate) struct State {
    /// Who is signed in.
    pub(crate) account: Option<Account>,
    /// Why nobody will be: credentials that were refused are not sent again.
    pub(crate) refusal: Option<Refusal>,
    /// The session, where there is one.
    pub(crate) session: Option<Arc<Session>>,
    /// Whether that session is a secure administrator session.
    pub(crate) elevated: Elevated,
    skew: Option<i64>,
}

/// As whom one request goes out.
#[derive(Clone)]
pub(crate) enum Identity {
    Nobody,
    Basic,
    Token,
    Session(Arc<Session>),
}

impl Client {
    /// Checks the configuration (plain http, TLS material); sends nothing.
    ///
    /// # Errors
    /// [`ClientError::PlainHttp`], [`ClientError::TlsMaterial`], [`ClientError::Setup`].
    pub fn new(config: ServerConfig, transport: &Transport) -> Result<Self, ClientError> {
        if !matches!(config.credentials, Credentials::Anonymous) {
            config.keeps_secrets()?;
        }
        Ok(Self {
            http: transport.http(&config, false)?,
            transport: transport.clone(),
            secrets: Secrets::of(&config),
            gate: None,
            manifest: OnceLock::new(),
            state: Mutex::default(),
            config,
        })
    }

    /// Has no more than so many requests under way at once: others wait for their turn. So more threads may prepare
    /// requests, which to sign takes some milliseconds each, than the server is to get at once. Of
    /// a body that [`open`](Self::open) leaves to be passed on, only the head counts.
    #[must_use]
    pub fn at_most(mut self, requests: usize) -> Self {
        self.gate = Some(Gate::new(requests));
        self
    }

    /// The server's name in the fleet file.
    pub fn server(&self) -> &str {
        &self.config.name
    }

    /// Where it is.
    pub fn base_url(&self) -> &BaseUrl {
        &self.config.base_url
    }

    /// The base URL that signatures are made over.
    pub fn signing_base_url(&self) -> &BaseUrl {
        self.config
            .sign_as
            .as_ref()
            .unwrap_or(&self.config.base_url)
    }

    /// The manifest, read anonymously and kept.
    ///
    /// # Errors
    /// [`ClientError::NotAtlassian`] where something else answers, and whatever a request can meet.
    pub fn manifest(&self) -> Result<&Manifest, ClientError> {
        if let Some(known) = self.manifest.get() {
            return Ok(known);
        }
        let response = self.send_bare(&Request::get(manifest::PATH), false)?;
        let stranger = |saw: &str| ClientError::NotAtlassian {
            server: self.config.name.as_str().into(),
            base_url: self.config.base_url.as_str().into(),
            saw: saw.into(),
        };
        let manifest = match response.status {
            200..300 => response.parse().map_err(|why| stranger(&why.to_string()))?,
            404..=406 => {
                return Err(stranger(&format!(
                    "its manifest was answered with {}",
                    response.status
                )));
            }
            _ => response.json()?,
        };
        Ok(self.manifest.get_or_init(|| manifest))
    }

    /// The manifest, where it was read already; nothing is sent.
    pub fn known_manifest(&self) -> Option<&Manifest> {
        self.manifest.get()
    }

    /// The product: what the fleet file says, else what the manifest says.
    ///
    /// # Errors
    /// As [`Self::manifest`], where the fleet file does not say it.
    pub fn product(&self) -> Result<Product, ClientError> {
        match self.config.product {
            Some(product) => Ok(product),
            None => self.detected_product(),
        }
    }

    /// The product that the manifest names, whatever the fleet file says.
    ///
    /// # Errors
    /// As [`Self::manifest`].
    pub fn detected_product(&self) -> Result<Product, ClientError> {
        self.manifest()
            .map(|manifest| Product::from_type_id(&manifest.type_id))
    }

    pub(crate) fn profile(&self) -> Result<&'static Profile, ClientError> {
        self.product().map(Product::profile)
    }

    /// Sends as the signed-in account, elevating where the server asks for it. Signs in first where that was not done.
    ///
    /// # Errors
    /// Whatever stands between the request and an answer; an answer of another status than 2xx is none.
    pub fn send(&self, request: &Request) -> Result<Response, ClientError> {
        if matches!(self.config.credentials, Credentials::Anonymous) {
            return self.send_bare(request, false);
        }
        self.sign_in()?;
        let mut response = self.send_signed_in(request)?;
        if response.says_basic_is_disabled() && self.fall_back_to_session()? {
            response = self.send_signed_in(request)?;
        }
        if self.asks_for_elevation(request, &response)? {
            self.elevate(&response)?;
            response = self.send_signed_in(request)?;
            self.still_asks_for_elevation(request, &response)?;
        }
        self.judge_refusal(&response)?;
        self.judge_redirect(request, response)
    }

    fn send_signed_in(&self, request: &Request) -> Result<Response, ClientError> {
        self.call(request, &self.identity(), patience(request))
    }

    /// Sends without credentials or cookies, on a new connection where `fresh`; for signed and anonymous calls.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_bare(&self, request: &Request, fresh: bool) -> Result<Response, ClientError> {
        let http = if fresh {
            &self.transport.http(&self.config, true)?
        } else {
            &self.http
        };
        let response = self.call_on(http, request, &Identity::Nobody, patience(request))?;
        if request.redirect == Redirect::Return {
            return Ok(response);
        }
        match self.redirected(request, &response) {
            Some(error) => Err(error),
            None => Ok(response),
        }
    }

    /// Sends once, without credentials or cookies, and leaves the body to be passed on: for signed calls whose answer
    /// may be of any size. Any status is an answer, redirects and rate limits included.
    ///
    /// # Errors
    /// Where there was no answer.
    pub fn open(&self, request: &Request) -> Result<Incoming, ClientError> {
        let url = self.url(request);
        let exchange = Exchange {
            config: &self.config,
            request,
            url: &url,
            secrets: self.secrets.clone(),
            authorization: None,
            cookie: None,
        };
        let _pass = self.gate.as_ref().map(Gate::pass);
        let incoming = exchange.open(&self.http)?;
        self.learn(&incoming.head, &Identity::Nobody, &url);
        Ok(incoming)
    }

    /// The error that an answer is to a caller who does not want to be redirected.
    pub fn redirected(&self, request: &Request, response: &Response) -> Option<ClientError> {
        let url = self.url(request);
        let target = redirect::target(response, &url)?;
        Some(redirect::error(response, self.base_url(), &url, &target))
    }

    /// How far the server's clock is ahead of ours, in seconds, by the last `Date` header seen.
    pub fn clock_skew(&self) -> Option<i64> {
        self.state().skew
    }

    /// Whether the session was elevated: the server asked for the password a second time and took it.
    pub fn elevated(&self) -> bool {
        self.state().elevated == Elevated::Yes
    }

    /// Sends as somebody; any status is an answer, but a rate limit that lasts is an error.
    pub(crate) fn call(
        &self,
        request: &Request,
        identity: &Identity,
        patience: Patience,
    ) -> Result<Response, ClientError> {
        self.call_on(&self.http, request, identity, patience)
    }

    fn call_on(
        &self,
        http: &Http,
        request: &Request,
        identity: &Identity,
        patience: Patience,
    ) -> Result<Response, ClientError> {
        let mut url = self.url(request);
        if let Identity::Basic = identity
            && let Some((name, value)) = self.profile()?.basic_query
        {
            url.query_pairs_mut().append_pair(name, value);
        }
        let exchange = Exchange {
            config: &self.config,
            request,
            url: &url,
            secrets: self.secrets.clone(),
            authorization: self.authorization(identity)?,
            cookie: match identity {
                Identity::Session(session) => session.jar.cookies(&url),
                _ => None,
            },
        };
        patiently(patience, self.config.timeout, |time| {
            let _pass = self.gate.as_ref().map(Gate::pass);
            let response = exchange.run(http, time)?;
            self.learn(&response, identity, &url);
            Ok(response)
        })
    }

    /// Keeps the clock and, in a session, the cookies.
    fn learn(&self, response: &Response, identity: &Identity, url: &Url) {
        if let Some(skew) = clock_skew(response) {
            self.state().skew = Some(skew);
        }
        if let Identity::Session(session) = identity {
            for cookie in response.header_values("set-cookie") {
                session.jar.add_cookie_str(cookie, url);
            }
        }
    }

    /// A redirect is an answer only where the caller asked for it and it does not lead to the sign-in page.
    fn judge_redirect(
        &self,
        request: &Request,
        response: Response,
    ) -> Result<Response, ClientError> {
        let url = self.url(request);
        let Some(target) = redirect::target(&response, &url) else {
            return Ok(response);
        };
        if self.may_sign_in_at(request, &target)
            && redirect::is_login_page(&target, self.profile()?)
        {
            return Err(ClientError::LoginPage {
                server: response.server.into(),
                what: response.what.into(),
            });
        }
        match request.redirect {
            Redirect::Refuse => Err(redirect::error(&response, self.base_url(), &url, &target)),
            Redirect::Return => Ok(response),
        }
    }

    /// Whether a redirect may lead to a page where somebody signs in here. A redirect that was asked for may well lead to
    /// a page of somebody else that is called alike, such as a callback.
    pub(crate) fn may_sign_in_at(&self, request: &Request, target: &Url) -> bool {
        let own = [self.base_url(), self.signing_base_url()];
        request.redirect == Redirect::Refuse
            || own
                .iter()
                .any(|base| base.join("").origin() == target.origin())
    }

    pub(crate) fn url(&self, request: &Request) -> Url {
        self.config.base_url.join(&request.path)
    }

    fn authorization(&self, identity: &Identity) -> Result<Option<HeaderValue>, ClientError> {
        let text = match (identity, &self.config.credentials) {
            (
                Identity::Basic,
                Credentials::Password {
                    username, password, ..
                },
            ) => {
                let pair = Zeroizing::new(format!("{username}:{}", password.expose_secret()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            (Identity::Token, Credentials::Token { token, .. }) => {
                Zeroizing::new(format!("Bearer {}", token.expose_secret()))
            }
            _ => return Ok(None),
        };
        let value = HeaderValue::from_str(&text).map_err(|_| ClientError::InvalidRequest {
            server: self.config.name.as_str().into(),
            what: "the sign-in".into(),
            part: "token".into(),
        })?;
        Ok(Some(value))
    }

    /// As whom requests go out now.
    fn identity(&self) -> Identity {
        let state = self.state();
        match (
            &state.session,
            state.account.as_ref().map(|account| account.method),
        ) {
            (Some(session), Some(Method::Session)) => Identity::Session(Arc::clone(session)),
            (_, Some(Method::Basic)) => Identity::Basic,
            (_, Some(Method::Token)) => Identity::Token,
            _ => Identity::Nobody,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How patient a caller's request may be.
fn patience(request: &Request) -> Patience {
    if request.has_header("authorization") {
        Patience::None
    } else if request.repeat == Repeat::Safe {
        Patience::Lost
    } else {
        Patience::Throttled
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
