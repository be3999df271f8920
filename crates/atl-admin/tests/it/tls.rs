//! Certificates, theirs and ours

use atl_testbed::{Kind, ServerSpec};
use serde_json::json;

use crate::{estate::Fleet, wire::Wire};

#[track_caller]
fn refused(fleet: &Fleet, code: &str, advice: &str) {
    for command in ["plan", "apply", "links list"] {
        let (document, exit) = fleet.json(command);
        let error = &document["servers"][0]["error"];
        assert_eq!(
            (&error["code"], exit),
            (&json!(code), 3),
            "{command}: {document:#}"
        );
        assert!(
            error["advice"].as_str().unwrap().contains(advice),
            "{error:#}"
        );
    }
    let (document, exit) = fleet.json("check");
    let checks = document["servers"][0]["checks"].as_array().unwrap();
    let tls = checks.iter().find(|check| check["check"] == "tls").unwrap();
    assert_eq!((&tls["status"], exit), (&json!("fail"), 3), "{document:#}");
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn a_certificate_of_our_own_authority_is_trusted_where_it_is_named() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira).tls()]);
    let named = fleet.env.read("fleet.yaml");
    fleet.edit("    tls: { ca_file: estate-ca.pem }\n", "");
    refused(&fleet, "tls_untrusted", "ca_file");
    fleet.env.write("fleet.yaml", &named);
    assert_eq!(fleet.run("apply").code, Some(0));
    fleet.edit("url: https:", "url: http:");
    let (document, exit) = fleet.json("plan");
    assert_eq!(exit, 3, "{document:#}");
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Confluence).client_certificate()]);
    refused(&fleet, "client_certificate", "client_cert_file");
    let (certificate, key) = fleet
        .estate
        .client_pem(atl_testbed::ADMIN)
        .unwrap()
        .unwrap();
    fleet.env.write("me.pem", &certificate);
    fleet.env.write("me.key", &key);
    fleet.edit(
        "ca_file: estate-ca.pem",
        "ca_file: estate-ca.pem, client_cert_file: me.pem, client_key_file: me.key",
    );
    let run = fleet.run("apply -vvv --trace-http");
    assert_eq!(run.code, Some(0), "{}", run.shown());
}

#[test]
fn files_that_are_no_certificates_are_wrong_usage() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira).tls()]);
    for (contents, file) in [
        (Some("no certificate"), "estate-ca.pem"),
        (None, "missing.pem"),
    ] {
        fleet.edit("ca_file: estate-ca.pem", &format!("ca_file: {file}"));
        if let Some(contents) = contents {
            fleet.env.write(file, contents);
        }
        let run = fleet.run("apply");
        assert_eq!(run.code, Some(2), "{}", run.shown());
        assert!(
            run.stderr.contains("ca_file") || run.stderr.contains(file),
            "{}",
            run.shown()
        );
        assert_eq!(fleet.requests(), 0);
    }
}

#[test]
fn a_redirect_to_https_names_the_base_url_to_use() {
    let fleet = Fleet::new([ServerSpec::new(Kind::Jira).context("/jira").tls()]);
    let base_url = fleet.first().base_url();
    let front = Wire::redirect(base_url.trim_end_matches("/jira").to_owned());
    fleet.edit(&base_url, &format!("{}/jira", front.url()));
    let (document, exit) = fleet.json("apply");
    let error = &document["servers"][0]["error"];
    assert_eq!(
        (&error["code"], exit),
        (&json!("redirected"), 3),
        "{document:#}"
    );
    assert_eq!(
        error["advice"],
        format!("use `url: {base_url}` for this server")
    );
    assert_eq!(fleet.requests(), 0);
}
