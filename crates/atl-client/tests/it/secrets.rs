//! No secret is printed, logged, or part of an error.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use atl_client::{Body, Credentials, Login, Request, ServerConfig};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::wire::{PASSWORD, Wire, answer, config, password, token, with_header};

/// Writes every event down.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        *self.0.lock().unwrap() += &format!("{field}={value:?} ");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "atl::http"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn exchanges_are_traced_without_secrets() {
    let wire = Wire::product("jira", "9.12.0", |seen, _| match seen.path.as_str() {
        "/ctx/plugins/servlet/applinks/whoami" => answer(200, "admin"),
        _ => with_header(
            with_header(answer(200, PASSWORD), "set-cookie", "S=hunter2; Path=/"),
            "x-debug",
            "seen: hunter2",
        ),
    });
    let log = Log::default();
    // With one dispatcher only, a test on another thread that has none could switch an event off for all.
    let _second = tracing::Dispatch::new(Log::default());
    tracing::subscriber::with_default(log.clone(), || {
        for credentials in [password(Login::Basic), password(Login::Session), token()] {
            let client = wire.client(credentials);
            client
                .send(&Request::get("rest/a?atl_token=hunter2&x=1"))
                .unwrap();
            let signed = "OAuth oauth_consumer_key=\"bot\", oauth_token=\"hunter2\", oauth_signature=\"hunter2\"";
            client
                .send_bare(
                    &Request::get("rest/b").header("Authorization", signed),
                    false,
                )
                .unwrap();
        }
    });
    let text = log.0.lock().unwrap().clone();
    assert!(!text.contains(PASSWORD), "{text}");
    assert!(!text.contains("QWRtaW46aHVudGVyMg"), "{text}");
    for expected in [
        "method=\"GET\"",
        "/ctx/rest/a?atl_token=[redacted]&x=1",
        "status=200",
        "oauth_consumer_key=\"bot\"",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn nothing_prints_a_secret() {
    let wire = Wire::product("jira", "9.12.0", |_, _| answer(200, "hunter2"));
    let base = config(&wire.base_url(), password(Login::Basic));
    let config = ServerConfig {
        proxy: Some(
            format!("http://me:hunter2@127.0.0.1:{}", wire.port)
                .parse()
                .unwrap(),
        ),
        tls: atl_client::Tls {
            ca_pem: None,
            client_pem: Some("hunter2".into()),
        },
        ..base
    };
    let mut request = Request::post_form(
        "x?os_password=hunter2",
        vec![("p".into(), "hunter2".into())],
    );
    let form = format!("{request:?} {:?}", request.body);
    request.body = Body::Json(serde_json::json!("hunter2"));
    let client = wire.client(password(Login::Basic));
    let response = client.send_bare(&Request::get("x"), false).unwrap();
    for text in [
        form,
        format!("{request:?} {:?}", request.body),
        format!("{config:?} {:?}", config.tls),
        format!("{:?} {:?}", password(Login::Auto), token()),
        format!("{client:?} {response:?}"),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_secret_that_a_server_repeats_is_not_shown() {
    const REPEATED: &str = "p+ss word";
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let body = body.to_owned();
        let wire = Wire::product("jira", "9.12.0", move |seen, _| match seen.path.as_str() {
            "/ctx/plugins/servlet/applinks/whoami" => answer(200, "admin"),
            "/ctx/rest/shape" => answer(200, r#"{"p+ss word":true}"#),
            _ => answer(400, &body),
        });
        let credentials = Credentials::Password {
            username: "admin".into(),
            password: REPEATED.into(),
            login: Login::Basic,
        };
        let client = wire.client(credentials);
        let error = client.send(&Request::get("rest/x")).unwrap();
        assert_eq!(error.message().as_deref(), Some(expected));
        let shown = error.success().unwrap_err().to_string();
        assert!(shown.ends_with(&format!("with 400: {expected}")), "{shown}");
        let shape = client.send(&Request::get("rest/shape")).unwrap();
        let shape = shape.json::<std::collections::BTreeMap<String, u8>>();
        assert!(!shape.unwrap_err().to_string().contains(REPEATED));
    }
    check(
        r#"{"message":"`p+ss word` of admin is too short"}"#,
        "`[redacted]` of admin is too short",
    );
    check("os_password=p%2Bss+word", "os_password=[redacted]");
    check(
        "Authorization: Basic YWRtaW46cCtzcyB3b3Jk",
        "Authorization: Basic [redacted]",
    );
    check(
        "<html><title>no p+ss word here</title></html>",
        "no [redacted] here",
    );
    let long = format!("{}p+ss word", "x".repeat(295));
    check(&long, &format!("{}[reda...", "x".repeat(295)));
}

#[test]
fn a_password_that_is_part_of_the_user_name_is_no_other_user() {
    let wire = Wire::product("jira", "9.12.0", |_, _| answer(200, "admin"));
    let credentials = Credentials::Password {
        username: "admin".into(),
        password: "adm".into(),
        login: Login::Basic,
    };
    assert_eq!(
        wire.client(credentials).sign_in().unwrap().username,
        "admin"
    );
}

#[test]
fn a_token_that_whoami_repeats_is_not_shown() {
    let wire = Wire::product("jira", "9.12.0", |_, _| answer(200, "who is hunter2?"));
    let credentials = Credentials::Token {
        token: PASSWORD.into(),
        username: Some("admin".into()),
    };
    let error = wire.client(credentials).sign_in().unwrap_err().to_string();
    assert!(error.contains("`who is [redacted]?`"), "{error}");
}
