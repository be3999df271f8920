//! An OAuth library that shares no code with this workspace: what it signs a server accepts, and what is signed here it
//! accepts (`fixtures/interop/README.md`).

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod tools;

use atl_keys::{KeySize, Keypair, PrivateFormat};
use atl_oauth::{Call, ConsumerSigner, sign};
use atl_testbed::{Consumer, Estate, Kind, Link, SERVICE_USER, ServerSpec};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::tools::{Script, script};

const REQUEST_TOKEN: &str = "/plugins/servlet/oauth/request-token";
const WHOAMI: &str = "/plugins/servlet/applinks/whoami";

/// A server that knows `deploy-bot`, and the files of its keypair.
struct Rig {
    estate: Estate,
    folder: TempDir,
    sign: Script,
}

impl Rig {
    /// `None` where there is no such Python.
    fn new(test: &str, format: PrivateFormat<'_>) -> Option<Self> {
        let sign = script(test, "sign.py")?;
        let estate = Estate::start(vec![ServerSpec::new(Kind::Jira).context("/jira")]).unwrap();
        let key = Keypair::generate(KeySize::Bits2048).unwrap();
        let server = estate.server(0);
        let link = server.add_link(Link::generic("Deploy bot", "https://deploy.example.com"));
        let public = key.public_key().to_one_line();
        let mut consumer = Consumer::new("deploy-bot", "Deploy bot", &public).unwrap();
        consumer.two_legged = true;
        consumer.execute_as = Some(SERVICE_USER.to_owned());
        server.put_consumer(Some(link), consumer);
        let folder = TempDir::new().unwrap();
        fs_err::write(folder.path().join("key.pem"), &*key.to_pem(format).unwrap()).unwrap();
        Some(Self {
            estate,
            folder,
            sign,
        })
    }

    /// Status and body of a call that requests-oauthlib signed.
    fn call(&self, method: &str, path: &str, signature: &str, more: &[&str]) -> (u64, String) {
        let url = format!("{}{path}", self.estate.server(0).base_url());
        let key = self.folder.path().join("key.pem");
        let mut arguments = vec![method, &url, "deploy-bot", signature, key.to_str().unwrap()];
        arguments.extend(more);
        let answer: Value = serde_json::from_str(&self.sign.run(&arguments, "")).unwrap();
        let body = answer["body"].as_str().unwrap().to_owned();
        (answer["status"].as_u64().unwrap(), body)
    }
}

#[test]
fn a_key_written_here_signs_a_request_token_call_there() {
    for format in [PrivateFormat::Pkcs8, PrivateFormat::Pkcs1] {
        let Some(rig) = Rig::new(
            "a_key_written_here_signs_a_request_token_call_there",
            format,
        ) else {
            return;
        };
        let (status, body) = rig.call("POST", REQUEST_TOKEN, "RSA-SHA1", &[]);
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("oauth_callback_confirmed=true"), "{body}");
    }
}

#[test]
fn a_key_written_here_signs_a_two_legged_call_there() {
    let Some(rig) = Rig::new(
        "a_key_written_here_signs_a_two_legged_call_there",
        PrivateFormat::Pkcs8,
    ) else {
        return;
    };
    let path = format!("{WHOAMI}?filter=a%20b%26c&empty=");
    let (status, body) = rig.call("GET", &path, "RSA-SHA1", &["two-legged"]);
    assert_eq!((status, body.as_str()), (200, SERVICE_USER));
}

#[test]
fn other_signature_methods_are_refused() {
    let Some(rig) = Rig::new("other_signature_methods_are_refused", PrivateFormat::Pkcs8) else {
        return;
    };
    for signature in ["HMAC-SHA1", "RSA-SHA512"] {
        for (method, path, more) in [
            ("POST", REQUEST_TOKEN, &[][..]),
            ("GET", WHOAMI, &["two-legged"][..]),
        ] {
            let (status, body) = rig.call(method, path, signature, more);
            assert_eq!(status, 400, "{signature}: {body}");
            assert!(body.contains("signature_method_rejected"), "{body}");
        }
    }
}

#[test]
fn a_signature_made_here_is_verified_there() {
    let Some(verify) = script("a_signature_made_here_is_verified_there", "verify.py") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let [key, other] = [(); 2].map(|()| Keypair::generate(KeySize::Bits2048).unwrap());
    let verified = |method: &str, url: &str, header: &str, key: &Keypair| {
        let file = folder.path().join("key.pub");
        fs_err::write(&file, key.public_key().to_pem()).unwrap();
        verify.run(&[method, url, file.to_str().unwrap()], header)
    };
    for (method, url, token, oauth) in [
        (
            "POST",
            "https://jira.example.com/jira/plugins/servlet/oauth/request-token",
            None,
            &[("oauth_callback", "oob")][..],
        ),
        (
            "GET",
            "http://jira.example.com:8080/rest?jql=a%20%3D%20%22%C3%A9%22&b=1&b=",
            Some(""),
            &[][..],
        ),
        (
            "DELETE",
            "https://jira.example.com/rest/api/2/issue/A-1?x=%2B+y",
            Some("a/token+=&"),
            &[][..],
        ),
    ] {
        let call = Call {
            method,
            url: &Url::parse(url).unwrap(),
            form: &[],
            token,
            oauth,
        };
        let signed = sign(&ConsumerSigner::new("deploy bot/1", &key), &call).unwrap();
        let header = signed.authorization.as_str();
        assert_eq!(verified(method, url, header, &key), "True", "{url}");
        assert_eq!(verified(method, url, header, &other), "False", "{url}");
        assert_eq!(verified("PUT", url, header, &key), "False", "{url}");
    }
}
