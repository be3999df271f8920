//! Certificates: the server's and ours.

use atl_client::{
    Client, ClientError, ConnectionFault, Credentials, Product, ServerConfig, Tls, Transport,
};
use atl_testbed::{Estate, Kind, ServerSpec};

use crate::wire::{Act, Wire, client, config};

#[track_caller]
fn fault(config: ServerConfig) -> ConnectionFault {
    match client(config).manifest() {
        Err(ClientError::Connection { fault, .. }) => fault,
        other => panic!("no connection: {other:?}"),
    }
}

#[test]
fn a_private_authority_has_to_be_given() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira).context("/jira").tls()]).unwrap();
    let unknown = config(&estate.server(0).base_url(), Credentials::Anonymous);
    let tls = Tls {
        ca_pem: estate.ca_pem().map(String::into_bytes),
        client_pem: None,
    };
    assert_eq!(fault(unknown.clone()), ConnectionFault::TlsUntrusted);
    let known = ServerConfig { tls, ..unknown };
    assert_eq!(client(known).product().unwrap(), Product::Jira);
}

#[test]
fn a_certificate_for_another_host_is_told_apart() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira).tls()]).unwrap();
    let base_url = estate.server(0).base_url();
    let port = base_url.rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Wire::start(move |_, _| Act::Tunnel(port));
    let other = ServerConfig {
        tls: Tls {
            ca_pem: estate.ca_pem().map(String::into_bytes),
            client_pem: None,
        },
        proxy: Some(format!("http://127.0.0.1:{}", proxy.port).parse().unwrap()),
        ..config("https://jira.example.com", Credentials::Anonymous)
    };
    assert_eq!(fault(other), ConnectionFault::TlsName);
    assert!(proxy.seen()[0].is("CONNECT", "jira.example.com:443"));
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Bamboo).client_certificate()]).unwrap();
    let (certificate, key) = estate.client_pem("admin").unwrap().unwrap();
    let without = ServerConfig {
        tls: Tls {
            ca_pem: estate.ca_pem().map(String::into_bytes),
            client_pem: None,
        },
        ..config(&estate.server(0).base_url(), Credentials::Anonymous)
    };
    assert_eq!(fault(without.clone()), ConnectionFault::ClientCertificate);
    let mut with = without;
    with.tls.client_pem = Some(format!("{certificate}{key}").into());
    assert_eq!(client(with).product().unwrap(), Product::Bamboo);
}

#[test]
fn unusable_material_is_found_before_anything_is_sent() {
    #[track_caller]
    fn check(tls: Tls, expected: &str) {
        let config = ServerConfig {
            tls,
            ..config("https://jira.invalid", Credentials::Anonymous)
        };
        match Client::new(config, &Transport::default()) {
            Err(ClientError::TlsMaterial { which, .. }) => assert_eq!(which, expected),
            other => panic!("{other:?}"),
        }
    }
    check(
        Tls {
            ca_pem: Some(b"no certificate".to_vec()),
            client_pem: None,
        },
        "tls.ca_file",
    );
    check(
        Tls {
            ca_pem: None,
            client_pem: Some("no key".into()),
        },
        "tls.client_cert_file",
    );
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_named() {
    let estate = Estate::start(vec![ServerSpec::new(Kind::Jira).client_certificate()]).unwrap();
    let (certificate, _) = estate.client_pem("admin").unwrap().unwrap();
    let (_, key) = estate.client_pem("alice").unwrap().unwrap();
    let config = ServerConfig {
        tls: Tls {
            ca_pem: None,
            client_pem: Some(format!("{certificate}{key}").into()),
        },
        ..config("https://jira.invalid", Credentials::Anonymous)
    };
    let error = Client::new(config, &Transport::default()).unwrap_err();
    assert_eq!(error.code(), "tls_material");
    assert!(
        error.advice().contains("its unencrypted key"),
        "{}",
        error.advice()
    );
}
