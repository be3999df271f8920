//! The published vectors in `fixtures/vectors`, each stage asserted by itself.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as its test does"
)]

use std::{path::PathBuf, process::Command};

use atl_keys::{ImportPolicy, KeySize, Keypair, RsaSha1Signer, SignError};
use atl_oauth::{Call, Clock, ConsumerSigner, NonceSource, OauthError, header, rfc5849, sign};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rsa::{PrivateKey, pkcs1::DecodeRsaPrivateKey as _, pkcs8::DecodePrivateKey as _};
use serde::{Deserialize, de::DeserializeOwned};
use sha1::Sha1;
use url::Url;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/vectors")
        .join(file)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the panic of a test shows the path"
)]
fn text(file: &str) -> String {
    let path = path(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let rows: Vec<T> = serde_json::from_str(&text(file)).unwrap();
    assert!(!rows.is_empty(), "{file}");
    rows
}

/// A published key, which `atl_keys` refuses to read.
struct PublishedKey(PrivateKey);

impl PublishedKey {
    fn read(name: &str) -> Self {
        let pem = text(&format!("keys/{name}.pem"));
        Self(
            PrivateKey::from_pkcs8_pem(&pem)
                .or_else(|_| PrivateKey::from_pkcs1_pem(&pem))
                .unwrap(),
        )
    }
}

impl RsaSha1Signer for PublishedKey {
    fn sign_rsa_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.pkcs1v15_sign::<Sha1>(message).map_err(|_| SignError)
    }
}

struct Fixed(i64, String);

impl Clock for Fixed {
    fn now(&self) -> i64 {
        self.0
    }
}

impl NonceSource for Fixed {
    fn nonce(&self) -> Result<String, OauthError> {
        Ok(self.1.clone())
    }
}

#[test]
fn published_keys_are_nobodys_keys() {
    for name in ["oauth-wiki", "oauthlib", "node-oauth"] {
        let pem = text(&format!("keys/{name}.pem"));
        let error = Keypair::read(pem.as_bytes(), None, ImportPolicy::Insecure).unwrap_err();
        assert_eq!(error.code(), "sample_key", "{name}: {error}");
    }
}

#[test]
fn percent_encoding() {
    #[derive(Deserialize)]
    struct Row {
        decoded: String,
        encoded: String,
    }
    for Row { decoded, encoded } in read("encoding.json") {
        assert_eq!(rfc5849::percent_encode(&decoded), encoded);
        assert_eq!(rfc5849::percent_decode(&encoded), decoded);
    }
}

#[test]
fn normalisation() {
    #[derive(Deserialize)]
    struct Row {
        form: String,
        normalised: String,
    }
    for Row { form, normalised } in read("normalisation.json") {
        assert_eq!(
            rfc5849::normalise(&rfc5849::form_parameters(&form)),
            normalised,
            "{form}"
        );
    }
}

#[test]
fn base_urls() {
    #[derive(Deserialize)]
    struct Row {
        url: Url,
        base_url: String,
    }
    for Row { url, base_url } in read("base-url.json") {
        assert_eq!(rfc5849::base_url(&url), base_url, "{url}");
    }
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    url: Url,
    #[serde(default)]
    form: String,
    header: Vec<(String, String)>,
    received: Option<String>,
    collected: Option<Vec<(String, String)>>,
    base_url: String,
    parameters: String,
    base_string: String,
    key: Option<String>,
    signature: Option<String>,
    authorization: Option<String>,
}

impl Vector {
    fn form(&self) -> Vec<(String, String)> {
        rfc5849::form_parameters(&self.form)
    }

    fn collected(&self) -> Vec<(String, String)> {
        rfc5849::collect(&self.url, &self.form(), &self.header)
    }

    fn oauth(&self, name: &str) -> Option<&str> {
        self.header
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

fn vectors() -> Vec<Vector> {
    read("requests.json")
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

#[test]
fn received_headers_are_read() {
    for vector in vectors() {
        let Some(received) = &vector.received else {
            continue;
        };
        let read = header::read(received).unwrap();
        assert!(
            read.contains(&("realm".to_owned(), "Example".to_owned())),
            "{read:?}"
        );
        let collected = rfc5849::collect(&vector.url, &vector.form(), &read);
        assert_eq!(
            sorted(collected),
            sorted(vector.collected()),
            "{}",
            vector.name
        );
    }
}

#[test]
fn parameters_are_collected() {
    for vector in vectors() {
        let Some(expected) = vector.collected.clone() else {
            continue;
        };
        assert_eq!(
            sorted(vector.collected()),
            sorted(expected),
            "{}",
            vector.name
        );
    }
}

#[test]
fn parameter_strings() {
    for vector in vectors() {
        assert_eq!(
            rfc5849::normalise(&vector.collected()),
            vector.parameters,
            "{}",
            vector.name
        );
    }
}

#[test]
fn base_strings() {
    for vector in vectors() {
        assert_eq!(
            rfc5849::base_url(&vector.url),
            vector.base_url,
            "{}",
            vector.name
        );
        assert_eq!(
            rfc5849::base_string(&vector.method, &vector.url, &vector.collected()),
            vector.base_string,
            "{}",
            vector.name
        );
    }
}

#[test]
fn headers() {
    for vector in vectors() {
        let Some((signature, authorization)) = vector.signature.zip(vector.authorization) else {
            continue;
        };
        let mut header = vector.header;
        header.push(("oauth_signature".to_owned(), signature));
        assert_eq!(header::write(&header), authorization, "{}", vector.name);
    }
}

#[test]
fn signatures() {
    let mut signed = 0;
    for vector in vectors() {
        let Some(key) = &vector.key else { continue };
        let signature = PublishedKey::read(key)
            .sign_rsa_sha1(vector.base_string.as_bytes())
            .unwrap();
        assert_eq!(
            Some(BASE64_STANDARD.encode(signature)),
            vector.signature,
            "{}",
            vector.name
        );
        signed += 1;
    }
    assert_eq!(signed, 7);
}

#[test]
fn whole_calls() {
    let mut signed = 0;
    for vector in vectors() {
        let (Some(key), Some("RSA-SHA1"), Some(version)) = (
            &vector.key,
            vector.oauth("oauth_signature_method"),
            vector.oauth("oauth_version"),
        ) else {
            continue;
        };
        assert_eq!(version, "1.0");
        let fixed = Fixed(
            vector.oauth("oauth_timestamp").unwrap().parse().unwrap(),
            vector.oauth("oauth_nonce").unwrap().to_owned(),
        );
        let signer = ConsumerSigner {
            consumer_key: vector.oauth("oauth_consumer_key").unwrap(),
            key: &PublishedKey::read(key),
            clock: &fixed,
            nonces: &fixed,
        };
        let call = Call {
            method: &vector.method,
            url: &vector.url,
            form: &vector.form(),
            token: vector.oauth("oauth_token"),
            oauth: &vector
                .oauth("oauth_callback")
                .map(|callback| ("oauth_callback", callback))
                .into_iter()
                .collect::<Vec<_>>(),
        };
        let made = sign(&signer, &call).unwrap();
        assert_eq!(made.base_string, vector.base_string, "{}", vector.name);
        assert_eq!(
            Some(made.authorization),
            vector.authorization,
            "{}",
            vector.name
        );
        signed += 1;
    }
    assert_eq!(signed, 6);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the panic of a test shows the path"
)]
fn openssl_accepts_our_signature() {
    let key = Keypair::generate(KeySize::Bits2048).unwrap();
    let public = key.public_key().to_pem();
    let signer = ConsumerSigner::new("deploy-bot", &key);
    let call = Call {
        method: "GET",
        url: &Url::parse("https://jira.example.com/jira/rest/api/2/search?jql=a+b%20%C3%A9")
            .unwrap(),
        form: &[],
        token: Some(""),
        oauth: &[],
    };
    let signed = sign(&signer, &call).unwrap();
    let signature = header::read(&signed.authorization)
        .unwrap()
        .into_iter()
        .find_map(|(name, value)| (name == "oauth_signature").then_some(value))
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let output = Command::new("openssl")
        .args(["dgst", "-sha1", "-verify"])
        .arg(file("public.pem", public.as_bytes()))
        .arg("-signature")
        .arg(file(
            "signature",
            &BASE64_STANDARD.decode(signature).unwrap(),
        ))
        .arg(file("message", signed.base_string.as_bytes()))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "Verified OK",
        "{output:?}"
    );
}
