//! `postgres://USER@HOST:PORT/DATABASE?sslmode=...`, as libpq users write it. A password in it is never shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use postgres::Config;
use postgres::config::Host;

use super::tls::{Tls, TlsMode};
use crate::StoreError;
use crate::url::StoreName;

/// The parameters of TLS that libpq has and the client library has not.
const TLS_PARAMETERS: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// Which database on which server, and how to get there. Its text has no password.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) config: Box<Config>,
    pub(super) tls: Tls,
    shown: String,
}

fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::InvalidUrl {
        reason: reason.into(),
    }
}

impl PostgresUrl {
    /// Takes a parameter of the connection that the URL itself does not give, such as one of the environment:
    /// `password`, `sslmode`, `sslrootcert`, `sslcert` or `sslkey`.
    ///
    /// # Errors
    ///
    /// Where there is no such parameter, or it has no such value.
    pub fn or(mut self, parameter: &str, value: &str) -> Result<Self, StoreError> {
        match parameter {
            "password" if self.config.get_password().is_none() => {
                self.config.password(value);
            }
            "password" => {}
            _ => self.tls.or(parameter, value).map_err(refused)?,
        }
        Ok(self)
    }

    /// Lets a connection to another host be without TLS where the URL does not say `sslmode`.
    #[must_use]
    pub fn allow_plain(mut self, allow: bool) -> Self {
        self.tls.allow_plain = allow;
        self
    }

    /// How it is called in errors.
    pub(crate) fn name(&self) -> StoreName {
        StoreName::Database(self.shown.clone())
    }

    /// What TLS has to show: what was asked for, else what is right for this host.
    pub(super) fn tls_mode(&self) -> TlsMode {
        self.tls.mode_for(self.is_local())
    }

    /// Whether nothing leaves this machine.
    fn is_local(&self) -> bool {
        let addresses = self.config.get_hostaddrs();
        if !addresses.is_empty() {
            return addresses.iter().all(std::net::IpAddr::is_loopback);
        }
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse()
                        .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
    }

    /// The file with the private key of a client certificate.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.tls.key.as_deref()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
            && self.tls == other.tls
            && self.config.get_password() == other.config.get_password()
            && self.config.get_hostaddrs() == other.config.get_hostaddrs()
    }
}

impl Eq for PostgresUrl {}

/// Of what is wrong, no more than the name of a parameter is repeated.
impl FromStr for PostgresUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut tls = Tls::default();
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if TLS_PARAMETERS.contains(&name) {
                let value = percent_decode_str(value)
                    .decode_utf8()
                    .map_err(|_| refused(format!("`{name}` is not UTF-8")))?;
                tls.or(name, &value).map_err(refused)?;
            } else {
                kept.push(pair);
            }
        }
        let config: Config =
            [base, &kept.join("&")]
                .join("?")
                .parse()
                .map_err(|error: postgres::Error| {
                    // The cause names a parameter, never a value.
                    let cause = std::error::Error::source(&error);
                    refused(cause.map_or_else(|| error.to_string(), ToString::to_string))
                })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refused("it names no host"));
        }
        let Some(database) = config.get_dbname() else {
            return Err(refused("it names no database"));
        };
        let hosts = config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<_> = match config.get_ports() {
            [] => hosts.collect(),
            [port] => hosts.map(|host| format!("{host}:{port}")).collect(),
            ports => hosts
                .zip(ports)
                .map(|(host, port)| format!("{host}:{port}"))
                .collect(),
        };
        let user = config
            .get_user()
            .map(|user| format!("{user}@"))
            .unwrap_or_default();
        let shown = format!("postgres://{user}{}/{database}", hosts.join(","));
        Ok(Self {
            config: config.into(),
            tls,
            shown,
        })
    }
}

impl Tls {
    /// Takes a parameter that is not set.
    fn or(&mut self, parameter: &str, value: &str) -> Result<(), String> {
        let path = || Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
        match parameter {
            "sslmode" if self.mode.is_none() => self.mode = Some(value.parse()?),
            "sslrootcert" if self.root.is_none() => self.root = path(),
            "sslcert" if self.certificate.is_none() => self.certificate = path(),
            "sslkey" if self.key.is_none() => self.key = path(),
            _ if TLS_PARAMETERS.contains(&parameter) => {}
            _ => return Err(format!("unknown option `{parameter}`")),
        }
        Ok(())
    }
}
