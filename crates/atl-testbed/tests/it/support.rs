//! A plain client, and a signer that is the `openssl` command.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use atl_testbed::{ADMIN, ADMIN_PASSWORD, Consumer, Estate, Kind, Link, Server, ServerSpec};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) fn jira() -> Estate {
    estate(ServerSpec::new(Kind::Jira).context("/jira"))
}

pub(crate) fn estate(spec: ServerSpec) -> Estate {
    Estate::start(vec![spec]).unwrap()
}

pub(crate) fn client() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A call as the administrator, who wants JSON.
pub(crate) fn call(server: &Server, method: &str, path: &str, body: Option<&Value>) -> Response {
    let request = client()
        .request(
            method.parse().unwrap(),
            format!("{}{path}", server.base_url()),
        )
        .basic_auth(ADMIN, Some(ADMIN_PASSWORD))
        .header("accept", "application/json");
    match body {
        Some(body) => request.json(body).send().unwrap(),
        None => request.send().unwrap(),
    }
}

/// The same, for its status and JSON body.
pub(crate) fn json(
    server: &Server,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let response = call(server, method, path, body);
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().unwrap()).unwrap_or(Value::Null),
    )
}

/// An RSA key made and used by the `openssl` command.
pub(crate) struct Key {
    dir: TempDir,
}

impl Key {
    pub(crate) fn new(bits: u32) -> Self {
        let key = Self {
            dir: TempDir::new().unwrap(),
        };
        openssl(
            &["genrsa", "-out", &key.path("key.pem"), &bits.to_string()],
            b"",
        );
        key
    }

    fn path(&self, name: &str) -> String {
        self.dir
            .path()
            .join(name)
            .into_os_string()
            .into_string()
            .unwrap()
    }

    pub(crate) fn private_pem(&self) -> String {
        String::from_utf8(openssl(&["pkey", "-in", &self.path("key.pem")], b"")).unwrap()
    }

    pub(crate) fn certificate_pem(&self) -> String {
        let args = [
            "req",
            "-x509",
            "-new",
            "-subj",
            "/CN=bot",
            "-key",
            &self.path("key.pem"),
        ];
        String::from_utf8(openssl(&args, b"")).unwrap()
    }

    pub(crate) fn public_pem(&self) -> String {
        String::from_utf8(openssl(
            &["rsa", "-in", &self.path("key.pem"), "-pubout"],
            b"",
        ))
        .unwrap()
    }

    /// RSASSA-PKCS1-v1_5.
    pub(crate) fn sign(&self, digest: &str, text: &str) -> String {
        STANDARD.encode(openssl(
            &["dgst", digest, "-sign", &self.path("key.pem")],
            text.as_bytes(),
        ))
    }

    /// The bare SHA-1 hash padded and exponentiated, without the `DigestInfo` that names the hash.
    pub(crate) fn sign_without_digest_info(&self, text: &str) -> String {
        let key = self.path("key.pem");
        let padding = ["-inkey", &key, "-pkeyopt", "rsa_padding_mode:pkcs1"];
        let hash = openssl(&["dgst", "-sha1", "-binary"], text.as_bytes());
        let signature = openssl(&[&["pkeyutl", "-sign"], &padding[..]].concat(), &hash);
        let recovered = openssl(
            &[&["pkeyutl", "-verifyrecover"], &padding[..]].concat(),
            &signature,
        );
        assert_eq!(
            recovered, hash,
            "it is a signature, only not of a DigestInfo"
        );
        STANDARD.encode(signature)
    }
}

/// A key that all tests share which need any.
pub(crate) static KEY: LazyLock<Key> = LazyLock::new(|| Key::new(2048));

/// A Jira with a generic link that has the consumer `bot`, whose key is [`KEY`].
pub(crate) fn provisioned() -> Estate {
    let estate = jira();
    provision(estate.server(0), &KEY);
    estate
}

pub(crate) fn provision(server: &Server, key: &Key) -> Uuid {
    let link = server.add_link(Link::generic("Bot", "https://bot.example.com"));
    server.put_consumer(
        Some(link),
        Consumer::new("bot", "Bot", &key.public_pem()).unwrap(),
    );
    link
}

pub(crate) fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {args:?}");
    output.stdout
}

pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .cast_signed()
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A request to be signed: parameters of the query, of a form and of OAuth, all open to spoiling.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'a str, &'a str)>,
    pub(crate) form: Vec<(&'a str, &'a str)>,
    pub(crate) oauth: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Signed<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str, consumer_key: &str) -> Self {
        static NONCE: AtomicU32 = AtomicU32::new(0);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            method,
            path,
            query: Vec::new(),
            form: Vec::new(),
            headers: Vec::new(),
            oauth: vec![
                pair("oauth_consumer_key", consumer_key),
                pair("oauth_signature_method", "RSA-SHA1"),
                pair("oauth_timestamp", &now().to_string()),
                pair(
                    "oauth_nonce",
                    &format!("nonce{}", NONCE.fetch_add(1, Ordering::Relaxed)),
                ),
                pair("oauth_version", "1.0"),
            ],
        }
    }

    pub(crate) fn request_token(consumer_key: &str) -> Self {
        Self::new("POST", "/plugins/servlet/oauth/request-token", consumer_key)
            .with("oauth_callback", "oob")
    }

    pub(crate) fn whoami(consumer_key: &str) -> Self {
        Self::new("GET", "/plugins/servlet/applinks/whoami", consumer_key).with("oauth_token", "")
    }

    /// Sets a parameter, or with `None` takes it away.
    pub(crate) fn set(mut self, name: &str, value: Option<&str>) -> Self {
        self.oauth.retain(|(known, _)| known != name);
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.oauth.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn query(mut self, name: &'a str, value: &'a str) -> Self {
        self.query.push((name, value));
        self
    }

    /// Adds a field of a form in the body, which is signed as well.
    pub(crate) fn form(mut self, name: &'a str, value: &'a str) -> Self {
        self.form.push((name, value));
        self
    }

    /// Adds a header, which is not signed.
    pub(crate) fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn base_string(&self, server: &Server) -> String {
        let mut params: Vec<(String, String)> = self
            .query
            .iter()
            .chain(&self.form)
            .map(|(name, value)| (encode(name), encode(value)))
            .chain(
                self.oauth
                    .iter()
                    .map(|(name, value)| (encode(name), encode(value))),
            )
            .collect();
        params.sort();
        let params: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let url = format!("{}{}", server.base_url(), self.path);
        format!(
            "{}&{}&{}",
            self.method,
            encode(&url),
            encode(&params.join("&"))
        )
    }

    /// Signs with the key and sends.
    pub(crate) fn send(&self, server: &Server, key: &Key) -> Answer {
        self.send_signed(server, &key.sign("-sha1", &self.base_string(server)))
    }

    pub(crate) fn send_signed(&self, server: &Server, signature: &str) -> Answer {
        let header: Vec<String> = self
            .oauth
            .iter()
            .map(|(name, value)| format!(r#"{name}="{}""#, encode(value)))
            .chain([format!(r#"oauth_signature="{}""#, encode(signature))])
            .collect();
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect();
        let url = format!("{}{}?{}", server.base_url(), self.path, query.join("&"));
        let mut request = client()
            .request(self.method.parse().unwrap(), url.trim_end_matches('?'))
            .header("authorization", format!("OAuth {}", header.join(", ")));
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if !self.form.is_empty() {
            request = request.form(&self.form);
        }
        let response = request.send().unwrap();
        let challenges = response
            .headers()
            .get_all("www-authenticate")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        Answer {
            status: response.status().as_u16(),
            challenges,
            body: response.text().unwrap(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenges: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// A field of the form-encoded body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find_map(|(known, value)| (known == name).then(|| value.into_owned()))
    }

    pub(crate) fn problem(&self) -> (u16, Option<String>) {
        (self.status, self.field("oauth_problem"))
    }
}
