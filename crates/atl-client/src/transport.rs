//! HTTP connections that servers share.

use std::{
    error::Error as _,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Certificate, Identity, Proxy, blocking, redirect, retry};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::{ClientError, ServerConfig, Tls};

const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// HTTP connections that servers with the same TLS and proxy settings share.
#[derive(Clone, Default)]
pub struct Transport(Arc<Mutex<Vec<(Settings, blocking::Client)>>>);

/// What makes two HTTP clients different.
#[derive(Clone)]
struct Settings {
    tls: Tls,
    proxy: Option<Url>,
    loopback: bool,
    timeout: Duration,
    fresh: bool,
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let client_pem = |settings: &Self| {
            settings
                .tls
                .client_pem
                .as_ref()
                .map(|pem| pem.expose_secret().to_owned())
        };
        self.fresh == other.fresh
            && self.timeout == other.timeout
            && self.loopback == other.loopback
            && self.proxy == other.proxy
            && self.tls.ca_pem == other.tls.ca_pem
            && client_pem(self).map(zeroize::Zeroizing::new)
                == client_pem(other).map(zeroize::Zeroizing::new)
    }
}

impl Transport {
    /// The HTTP client for a server; where `fresh`, one that opens a new connection for every request.
    pub(crate) fn http(
        &self,
        config: &ServerConfig,
        fresh: bool,
    ) -> Result<blocking::Client, ClientError> {
        let settings = Settings {
            tls: config.tls.clone(),
            proxy: config.proxy.clone(),
            loopback: config.base_url.is_loopback(),
            timeout: config.timeout,
            fresh,
        };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == settings) {
            return Ok(client.clone());
        }
        let client = build(&settings, &config.name)?;
        clients.push((settings, client.clone()));
        Ok(client)
    }
}

fn build(settings: &Settings, server: &str) -> Result<blocking::Client, ClientError> {
    let unusable = |which, source| ClientError::TlsMaterial {
        server: server.into(),
        which,
        source,
    };
    let setup = |source: reqwest::Error| ClientError::Setup {
        server: server.into(),
        source: source.without_url(),
    };
    let mut builder = blocking::Client::builder()
        .user_agent(concat!("atl-admin/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(settings.timeout.min(LONGEST_CONNECT))
        .timeout(settings.timeout);
    if let Some(pem) = &settings.tls.ca_pem {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(|source| unusable("tls.ca_file", Some(source)))?;
        if certificates.is_empty() {
            return Err(unusable("tls.ca_file", None));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(pem) = &settings.tls.client_pem {
        let identity = Identity::from_pem(pem.expose_secret().as_bytes())
            .map_err(|source| unusable("tls.client_cert_file", Some(source)))?;
        builder = builder.identity(identity);
    }
    builder = match &settings.proxy {
        Some(proxy) => builder.proxy(Proxy::all(proxy.clone()).map_err(setup)?),
        None if settings.loopback => builder.no_proxy(),
        None => builder,
    };
    if settings.fresh {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder.build().map_err(|source| {
        if is_key_mismatch(&source) {
            unusable("tls.client_cert_file", Some(source))
        } else {
            setup(source)
        }
    })
}

/// Whether the client certificate is not of the client key, which is looked at last.
fn is_key_mismatch(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(current) = cause {
        if current.to_string().contains("KeyMismatch") {
            return true;
        }
        cause = current.source();
    }
    false
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
