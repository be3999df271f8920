//! Writing a managed keypair to the files that the fleet file names (cli.md section 2).

use atl_fleet::{Exit, Kind, PlanOptions, of_apply};
use atl_keys::{ImportPolicy, KeySize, Keypair, PrivateFormat, PublicKey};
use atl_testbed::{Fault, Kind as Product, Matcher, ServerSpec};

use crate::rig::{Rig, change, code, writes};

const EXPORT: &str =
    "    keypair: { export: { private_key_file: out/bot.pem, public_key_file: out/bot.pub } }\n";

fn rig() -> Rig {
    let rig = Rig::new((0..2).map(|_| ServerSpec::new(Product::Jira)).collect());
    fs_err::create_dir(rig.path("out")).unwrap();
    rig.deploy_bot(EXPORT);
    rig
}

fn private(rig: &Rig) -> Vec<u8> {
    fs_err::read(rig.path("out/bot.pem")).unwrap()
}

fn assert_exported(rig: &Rig) {
    let fingerprint = rig.keypairs()[0].fingerprint.clone();
    let key = Keypair::read(&private(rig), None, ImportPolicy::Strict).unwrap();
    assert_eq!(key.value.fingerprint(), fingerprint);
    assert!(private(rig).starts_with(b"-----BEGIN PRIVATE KEY-----"));
    let public = fs_err::read(rig.path("out/bot.pub")).unwrap();
    assert!(public.starts_with(b"-----BEGIN PUBLIC KEY-----"));
    let public = PublicKey::read(&public, ImportPolicy::Strict).unwrap();
    assert_eq!(public.value.fingerprint(), fingerprint);
    let left: Vec<_> = fs_err::read_dir(rig.path("out")).unwrap().collect();
    assert_eq!(left.len(), 2, "no draft stays behind");
}

#[cfg(unix)]
fn mode(rig: &Rig, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(rig.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn a_proven_key_is_written_for_its_owner_only() {
    let rig = rig();
    rig.plan(&PlanOptions::default());
    assert!(!rig.path("out/bot.pem").exists(), "a plan writes nothing");
    rig.provision();
    assert_exported(&rig);
    #[cfg(unix)]
    assert_eq!(mode(&rig, "out/bot.pem"), 0o600);
}

#[test]
fn a_missing_or_loosened_file_is_written_again_without_a_request_to_change_anything() {
    let rig = rig();
    rig.provision();
    fs_err::remove_file(rig.path("out/bot.pem")).unwrap();
    fs_err::remove_file(rig.path("out/bot.pub")).unwrap();
    rig.server().clear_log();
    rig.provision();
    assert_exported(&rig);
    assert!(writes(rig.server()).is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::Permissions::from_mode(0o644);
        fs_err::set_permissions(rig.path("out/bot.pem"), open).unwrap();
        rig.provision();
        assert_eq!(mode(&rig, "out/bot.pem"), 0o600);
    }
}

#[test]
fn an_older_key_of_the_same_consumer_is_replaced() {
    let rig = rig();
    let older = Keypair::generate(KeySize::Bits2048).unwrap();
    let store = rig.store();
    store
        .add_keypair("deploy-bot", &older, atl_store::KeyState::Retired)
        .unwrap();
    fs_err::write(
        rig.path("out/bot.pem"),
        older.to_pem(PrivateFormat::Pkcs8).unwrap(),
    )
    .unwrap();
    rig.provision();
    let key = Keypair::read(&private(&rig), None, ImportPolicy::Strict).unwrap();
    assert_ne!(key.value.fingerprint(), older.fingerprint());
}

/// Nothing but our own keys is overwritten, and the consumer is provisioned all the same.
fn refused(name: &str, content: &[u8]) {
    let rig = rig();
    fs_err::write(rig.path(name), content).unwrap();
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(of_apply(&applied), Exit::Partly, "{applied:#?}");
    assert_eq!(code(&applied.servers[0]), Some("export_refused"));
    let consumer = change(&applied.servers[0], Kind::Consumer);
    assert_eq!(consumer.verified, Some(true));
    assert_eq!(consumer.error.as_ref().unwrap().code, "export_refused");
    assert_eq!(fs_err::read(rig.path(name)).unwrap(), content);
    assert_eq!(rig.keypairs().len(), 1);
    assert!(rig.estate.server(1).consumer("deploy-bot").is_some());
}

#[test]
fn what_is_not_ours_is_never_overwritten() {
    let stranger = Keypair::generate(KeySize::Bits2048).unwrap();
    let pem = stranger.to_pem(PrivateFormat::Pkcs8).unwrap();
    refused("out/bot.pem", pem.as_bytes());
    refused("out/bot.pub", pem.as_bytes());
    refused("out/bot.pem", b"notes\n");
    refused("out/bot.pub", b"notes\n");
}

#[test]
fn a_folder_that_is_not_there_fails_the_export_and_loses_no_key() {
    let rig = rig();
    fs_err::remove_dir(rig.path("out")).unwrap();
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(
        code(&applied.servers[0]),
        Some("export_failed"),
        "{applied:#?}"
    );
    assert_eq!(code(&applied.servers[1]), None);
    let message = &applied.servers[0].error.as_ref().unwrap().message;
    assert!(message.contains("bot.pem"), "{message}");
    assert_eq!(rig.keypairs().len(), 1);
    fs_err::create_dir(rig.path("out")).unwrap();
    rig.provision();
    assert_exported(&rig);
}

#[test]
fn a_key_that_no_server_accepted_is_not_written() {
    let rig = rig();
    let unknown = Fault::Answer(401, "oauth_problem=consumer_key_unknown".to_owned());
    for server in rig.estate.servers() {
        let token = Matcher::path("/request-token");
        server.set(unknown.clone().on(token));
    }
    rig.apply_settling(&PlanOptions::default(), std::time::Duration::ZERO);
    assert!(!rig.path("out/bot.pem").exists());
}
