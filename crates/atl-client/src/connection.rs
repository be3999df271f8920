//! What went wrong below HTTP, told apart by the chain of causes.

use std::{error::Error, fmt, io};

/// How a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// The host name has no address.
    Dns,
    /// Nothing listens there.
    Refused,
    /// The certificate is not trusted, expired, or otherwise not valid.
    TlsUntrusted,
    /// The certificate is for another host.
    TlsName,
    /// The server wants a client certificate, or another than the one it got.
    ClientCertificate,
    /// The TLS handshake failed in another way, for instance because the port speaks plain http.
    Tls,
    /// The proxy could not be reached or did not let us through.
    Proxy,
    /// Connecting took too long.
    ConnectTimeout,
    /// The answer took too long.
    Timeout,
    /// The connection was cut before an answer came.
    Reset,
    /// The answer ended early.
    Truncated,
    /// What came was no HTTP.
    NotHttp,
    /// The body cannot be decompressed.
    Encoding,
    /// Anything else.
    Network,
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the host name could not be resolved",
            Self::Refused => "the connection was refused",
            Self::TlsUntrusted => "the server's certificate is not trusted",
            Self::TlsName => "the server's certificate is for another host",
            Self::ClientCertificate => {
                "the server does not accept the client certificate, or asks for one"
            }
            Self::Tls => "the TLS handshake failed",
            Self::Proxy => "the proxy did not connect",
            Self::ConnectTimeout => "connecting took too long",
            Self::Timeout => "the answer took too long",
            Self::Reset => "the connection was cut before an answer came",
            Self::Truncated => "the answer ended early",
            Self::NotHttp => "the answer was no HTTP",
            Self::Encoding => "the answer cannot be decompressed",
            Self::Network => "the connection failed",
        })
    }
}

impl ConnectionFault {
    /// A stable name for scripts.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "connection_refused",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsName => "tls_name",
            Self::ClientCertificate => "client_certificate",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::Reset => "connection_reset",
            Self::Truncated => "truncated",
            Self::NotHttp => "not_http",
            Self::Encoding => "unreadable",
            Self::Network => "network",
        }
    }

    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Dns => "check the spelling of `url` and the name servers of this machine",
            Self::Refused => "check that the server runs and that `url` has its port",
            Self::TlsUntrusted => {
                "give the certificate authority that signed it as `tls: { ca_file: ... }`; check that it has not expired"
            }
            Self::TlsName => "use the host name that the certificate was made for in `url`",
            Self::ClientCertificate => {
                "give a certificate that the server accepts as `tls: { client_cert_file: ..., client_key_file: ... }`"
            }
            Self::Tls => {
                "check that `url` has the https port of the server, and which TLS versions it allows"
            }
            Self::Proxy => "check `proxy` of this server, its port and its credentials",
            Self::ConnectTimeout => {
                "check `url` and whether a firewall or a proxy stands between; `--timeout` gives it longer"
            }
            Self::Timeout => "the server may be overloaded; `--timeout` gives it longer",
            Self::Reset | Self::Truncated | Self::Encoding | Self::Network => {
                "run it again; where it stays, look at the server's log and at what stands between"
            }
            Self::NotHttp => "check that `url` has the server's http or https port",
        }
    }

    /// The fault that a chain of causes tells of. `connecting`: it happened before the request could be sent.
    pub(crate) fn of(
        error: &(dyn Error + 'static),
        connecting: bool,
        timed_out: bool,
        proxied: bool,
    ) -> Self {
        let fault = Self::direct(error, connecting, timed_out);
        let no_connection = matches!(
            fault,
            Self::Dns
                | Self::Refused
                | Self::ConnectTimeout
                | Self::Reset
                | Self::Truncated
                | Self::Network
        );
        if proxied && connecting && no_connection {
            Self::Proxy
        } else {
            fault
        }
    }

    fn direct(error: &(dyn Error + 'static), connecting: bool, timed_out: bool) -> Self {
        let mut texts = String::new();
        let mut kind = None;
        let mut cause = Some(error);
        while let Some(current) = cause {
            texts.push_str(&current.to_string().to_lowercase());
            texts.push('\n');
            if let Some(io) = current.downcast_ref::<io::Error>() {
                kind = Some(io.kind());
            }
            cause = current.source();
        }
        let says = |needles: &[&str]| needles.iter().any(|needle| texts.contains(needle));
        if says(&["not valid for name", "notvalidforname"]) {
            Self::TlsName
        } else if says(&["invalid peer certificate"]) {
            Self::TlsUntrusted
        } else if says(&[
            "certificaterequired",
            "alert: badcertificate",
            "alert: unknownca",
            "alert: certificate",
        ]) {
            Self::ClientCertificate
        } else if timed_out {
            if connecting {
                Self::ConnectTimeout
            } else {
                Self::Timeout
            }
        } else if says(&["dns error", "failed to lookup address"]) {
            Self::Dns
        } else if says(&["tunnel error", "proxy", "socks"]) {
            Self::Proxy
        } else if says(&[
            "received fatal alert",
            "corrupt message",
            "invalidcontenttype",
            "handshake",
        ]) {
            Self::Tls
        } else if says(&[
            "message length reached",
            "eof during chunk",
            "incomplete body",
            "unexpected eof",
        ]) {
            Self::Truncated
        } else if says(&["invalid http", "invalid header", "parsed"]) {
            Self::NotHttp
        } else if says(&["before message completed"]) {
            Self::Reset
        } else {
            match kind {
                Some(io::ErrorKind::ConnectionRefused) => Self::Refused,
                Some(
                    io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe,
                ) => Self::Reset,
                Some(io::ErrorKind::UnexpectedEof) => Self::Truncated,
                Some(io::ErrorKind::TimedOut) => Self::Timeout,
                Some(io::ErrorKind::InvalidData) if !connecting => Self::Encoding,
                _ => Self::Network,
            }
        }
    }
}
