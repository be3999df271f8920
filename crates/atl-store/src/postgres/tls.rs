//! TLS to the database: `sslmode` and the certificates, in the words of libpq, done by rustls.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use postgres::config::SslMode;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is asked of TLS: `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// None.
    Disable,
    /// Where the server has it.
    Prefer,
    /// Whatever certificate the server has; one of `sslrootcert` where that is given.
    Require,
    /// A certificate of a known authority.
    VerifyCa,
    /// The same, for this host.
    VerifyFull,
}

impl FromStr for TlsMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(
                    "`sslmode` is one of disable, prefer, require, verify-ca and verify-full"
                        .to_owned(),
                );
            }
        })
    }
}

/// The parameters of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Option<TlsMode>,
    /// Authorities, instead of those of the system; `system` are those.
    pub(super) root: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) allow_plain: bool,
}

impl Tls {
    /// The mode that was asked for; else whatever there is on this machine, and a verified server elsewhere.
    pub(super) fn mode_for(&self, local: bool) -> TlsMode {
        match self.mode {
            Some(TlsMode::Require) if self.file_of_roots().is_some() => TlsMode::VerifyCa,
            Some(mode) => mode,
            None if local || self.allow_plain => TlsMode::Prefer,
            None => TlsMode::VerifyFull,
        }
    }

    fn file_of_roots(&self) -> Option<&Path> {
        self.root
            .as_deref()
            .filter(|path| *path != Path::new("system"))
    }

    /// How the client library connects.
    pub(super) fn connector(&self, mode: TlsMode) -> Result<(SslMode, MakeRustlsConnect), Cause> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let negotiation = match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        };
        let verifies: Option<Arc<dyn ServerCertVerifier>> = match mode {
            TlsMode::VerifyCa | TlsMode::VerifyFull => Some(self.authorities(&provider)?),
            _ => None,
        };
        let verifier = Lenient {
            provider: provider.clone(),
            verifies,
            any_name: mode != TlsMode::VerifyFull,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let key = PrivateKeyDer::from_pem_slice(&fs_err::read(key)?)
                    .map_err(|error| about("sslkey", &error))?;
                builder.with_client_auth_cert(certificates(certificate, "sslcert")?, key)?
            }
            _ => return Err("`sslcert` and `sslkey` belong together".into()),
        };
        Ok((negotiation, MakeRustlsConnect::new(config)))
    }

    fn authorities(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Cause> {
        let Some(file) = self.file_of_roots() else {
            let system = rustls_platform_verifier::Verifier::new(provider.clone())?;
            return Ok(Arc::new(system));
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file, "sslrootcert")? {
            roots.add(certificate)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build()?;
        Ok(verifier)
    }
}

fn about(parameter: &str, error: &dyn std::error::Error) -> Cause {
    format!("the file of `{parameter}` is not understood: {error}").into()
}

fn certificates(path: &Path, parameter: &str) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let text = fs_err::read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(format!("the file of `{parameter}` holds no certificate").into())
        }
        Ok(found) => Ok(found),
        Err(error) => Err(about(parameter, &error)),
    }
}

/// Verifies as much as `sslmode` asks for.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// `None` takes every certificate.
    verifies: Option<Arc<dyn ServerCertVerifier>>,
    any_name: bool,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(verifies) = &self.verifies else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifies.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            // The name is looked at when everything else is well.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let supported = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, supported)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let supported = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
