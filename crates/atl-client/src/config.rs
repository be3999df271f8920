//! What a client needs to know of one server.

use std::{fmt, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::{BaseUrl, ClientError, Product};

/// How to sign in with a password (cli.md section 2, `login:`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Login {
    /// Basic, and a session where the server says that Basic is disabled.
    #[default]
    Auto,
    /// Basic only.
    Basic,
    /// A session only.
    Session,
}

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody.
    Anonymous,
    /// A user with a password.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
        /// How to sign in.
        login: Login,
    },
    /// A personal access token.
    Token {
        /// The token.
        token: SecretString,
        /// The account it must turn out to be, where the fleet file names one.
        username: Option<String>,
    },
}

/// TLS material, as PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates to trust beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Client certificate chain and its unencrypted key.
    pub client_pem: Option<SecretString>,
}

/// One server to talk to.
#[derive(Clone)]
pub struct ServerConfig {
    /// Its name in the fleet file.
    pub name: String,
    /// Where it is.
    pub base_url: BaseUrl,
    /// The base URL the server takes its own for, where a proxy rewrites it; signatures are made over it.
    pub sign_as: Option<BaseUrl>,
    /// The product, where the fleet file says it.
    pub product: Option<Product>,
    /// Who signs in.
    pub credentials: Credentials,
    /// TLS material.
    pub tls: Tls,
    /// The proxy to use; loopback never goes through a proxy of the environment.
    pub proxy: Option<Url>,
    /// The total time one request may take, repetitions included; connecting may take at most 10 s of it.
    pub timeout: Duration,
    /// Whether credentials may go over plain http to other than loopback.
    pub allow_http: bool,
}

impl ServerConfig {
    /// The password or token to sign in with, for whoever must keep it out of what is shown.
    pub fn secret(&self) -> Option<&SecretString> {
        match &self.credentials {
            Credentials::Anonymous => None,
            Credentials::Password { password, .. } => Some(password),
            Credentials::Token { token, .. } => Some(token),
        }
    }

    /// Whether secrets may go there: not over plain http to another machine, unless that is allowed.
    ///
    /// # Errors
    /// [`ClientError::PlainHttp`].
    pub fn keeps_secrets(&self) -> Result<(), ClientError> {
        let base_url = &self.base_url;
        if base_url.is_plain() && !base_url.is_loopback() && !self.allow_http {
            return Err(ClientError::PlainHttp {
                server: self.name.as_str().into(),
                base_url: base_url.as_str().into(),
            });
        }
        Ok(())
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("name", &self.name)
            .field("base_url", &self.base_url.as_str())
            .field("sign_as", &self.sign_as.as_ref().map(BaseUrl::as_str))
            .field("product", &self.product)
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy.as_ref().and_then(Url::host_str))
            .field("timeout", &self.timeout)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}
