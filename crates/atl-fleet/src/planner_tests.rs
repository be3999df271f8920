//! The planner's decisions, one case each.

use std::collections::BTreeMap;

use atl_applinks::{ApplicationLink, Consumer as Registered, Flags, Matrix, link_id};
use atl_client::{BaseUrl, Credentials, Product, ServerConfig, Tls};
use atl_keys::{KeySize, Keypair};
use atl_store::{KeyState, KeypairRow, LinkMade, Registration};
use jiff::Timestamp;

use atl_oauth::{Problem, ProblemKind};

use super::*;
use crate::observe::ObservedLink;
use crate::wanted::{Policy, TwoLegged};

const SERVER_URL: &str = "http://127.0.0.1:8080/jira";
const URL: &str = "https://deploy.example.com";

/// Everything the planner reads, at first a provisioned consumer that is as it should be.
struct Case {
    consumer: Consumer,
    seen: ObservedConsumer,
    known: Known,
    options: PlanOptions,
    unnamed: Vec<ObservedLink>,
}

fn keypair() -> Keypair {
    Keypair::generate(KeySize::Bits2048).unwrap()
}

fn row(keypair: &Keypair) -> KeypairRow {
    KeypairRow {
        id: "id".to_owned(),
        consumer: "deploy-bot".to_owned(),
        bits: 2048,
        fingerprint: keypair.fingerprint(),
        public_key: keypair.public_key().to_one_line(),
        created: Timestamp::UNIX_EPOCH,
        state: KeyState::Active,
    }
}

fn registered(keypair: &Keypair) -> Registered {
    Registered {
        key: "deploy-bot".to_owned(),
        name: "Deploy bot".to_owned(),
        description: None,
        public_key: Some(keypair.public_key().to_one_line()),
        callback: None,
        two_lo_allowed: false,
        executing_two_lo_user: None,
        two_lo_impersonation_allowed: false,
    }
}

fn link(name: &str, url: &str) -> ApplicationLink {
    ApplicationLink {
        id: link_id(url),
        type_id: "generic".to_owned(),
        name: name.to_owned(),
        display_url: url.to_owned(),
        rpc_url: Some(url.to_owned()),
        primary: false,
        system: false,
    }
}

fn matrix(two_lo: bool, impersonation: bool) -> Matrix {
    Matrix {
        incoming: Flags {
            enabled: true,
            two_lo,
            two_lo_impersonation: impersonation,
        },
        outgoing: Flags::default(),
    }
}

fn provisioned(keypair: &Keypair) -> Case {
    Case {
        consumer: Consumer {
            name: "deploy-bot".to_owned(),
            key: "deploy-bot".to_owned(),
            display_name: "Deploy bot".to_owned(),
            description: None,
            url: URL.to_owned(),
            callback: None,
            keypair: crate::wanted::KeypairSource::Managed {
                size: KeySize::Bits2048,
                export: None,
            },
            servers: vec!["jira".to_owned()],
            two_legged: None,
            grants: Vec::new(),
            policy: Policy::default(),
            state: State::Present,
        },
        seen: ObservedConsumer {
            link: Some(link("Deploy bot", URL)),
            relocated: None,
            consumer: Some(registered(keypair)),
            matrix: Some(matrix(false, false)),
            lost_providers: Vec::new(),
            has_matrix: true,
            applinks_version: "9.1.4".to_owned(),
            probe: Probe::Accepted,
            owner: None,
            shared_with: None,
            system_administrator: None,
        },
        known: Known {
            grants: Vec::new(),
            open_steps: Vec::new(),
            keypairs: vec![row(keypair)],
            registrations: vec![Registration {
                consumer: "deploy-bot".to_owned(),
                server: "jira".to_owned(),
                server_url: SERVER_URL.to_owned(),
                consumer_key: "deploy-bot".to_owned(),
                link_id: link_id(URL),
                fingerprint: keypair.fingerprint(),
                proven: None,
            }],
            links: Vec::new(),
        },
        options: PlanOptions::default(),
        unnamed: Vec::new(),
    }
}

/// Nothing there yet, nothing known.
fn fresh() -> Case {
    let mut case = provisioned(&keypair());
    case.seen.link = None;
    case.seen.consumer = None;
    case.seen.matrix = None;
    case.seen.probe = Probe::Unknown;
    case.known = Known::default();
    case
}

fn plan(case: &Case) -> ServerPlan {
    let server = ReadyServer {
        config: ServerConfig {
            name: "jira".to_owned(),
            base_url: BaseUrl::parse(SERVER_URL).unwrap(),
            sign_as: None,
            product: None,
            credentials: Credentials::Anonymous,
            tls: Tls::default(),
            proxy: None,
            timeout: std::time::Duration::from_secs(1),
            allow_http: false,
        },
        labels: Vec::new(),
        database: None,
    };
    let observed = Observed {
        product: Product::Jira,
        version: "9.12.0".to_owned(),
        consumers: BTreeMap::from([("deploy-bot".to_owned(), case.seen.clone())]),
        unnamed: case.unnamed.clone(),
        auditors: Vec::new(),
    };
    plan_server(
        &server,
        &[&case.consumer],
        &observed,
        &case.known,
        &FileKeys::new(),
        &case.options,
    )
}

/// The plan in short: `kind action field,field` a line, `!code` where it is refused.
fn short(case: &Case) -> Vec<String> {
    plan(case)
        .changes
        .iter()
        .map(|change| {
            let mut words = vec![format!("{:?} {:?}", change.kind, change.action)];
            if !change.fields.is_empty() {
                let fields: Vec<_> = change
                    .fields
                    .iter()
                    .map(|field| field.path.as_str())
                    .collect();
                words.push(fields.join(","));
            }
            words.extend(
                change
                    .error
                    .as_ref()
                    .map(|error| format!("!{}", error.code)),
            );
            words.join(" ")
        })
        .collect()
}

#[test]
fn a_new_consumer_is_created_with_a_key_known_after_apply() {
    let case = fresh();
    assert_eq!(
        short(&case),
        [
            "Link Create name,url",
            "Consumer Create key,name,public_key"
        ]
    );
    let plan = plan(&case);
    assert_eq!(plan.changes[0].link_id, link_id(URL));
    let key = plan.changes[1].fields.last().unwrap();
    assert!(key.known_after_apply && key.after.is_none());
}

#[test]
fn a_server_new_to_the_fleet_gets_the_newest_key() {
    let (old, new) = (keypair(), keypair());
    let mut case = fresh();
    case.known.keypairs = vec![row(&old), row(&new)];
    let plan = plan(&case);
    let after = plan.changes[1].fields.last().unwrap().after.clone();
    assert_eq!(after, Some(new.fingerprint().to_string().into()));
}

#[test]
fn what_is_as_it_should_be_is_no_change_and_verified() {
    let case = provisioned(&keypair());
    assert_eq!(short(&case), ["Link None", "Consumer None"]);
    assert_eq!(plan(&case).changes[1].verified, Some(true));
}

#[test]
fn a_partly_rotated_fleet_plans_empty() {
    let (old, new) = (keypair(), keypair());
    let mut case = provisioned(&old);
    case.known.keypairs.push(row(&new));
    assert_eq!(short(&case), ["Link None", "Consumer None"]);
}

#[test]
fn a_registration_that_a_killed_run_did_not_record_is_taken_over() {
    let (old, new) = (keypair(), keypair());
    let mut case = provisioned(&old);
    case.known.keypairs.push(row(&new));
    case.known.registrations.clear();
    assert_eq!(short(&case), ["Link None", "Consumer None"]);
}

#[test]
fn a_key_of_ours_that_is_not_the_recorded_one_is_put_back() {
    let (recorded, held) = (keypair(), keypair());
    let mut case = provisioned(&recorded);
    case.known.keypairs.push(row(&held));
    case.seen.consumer = Some(registered(&held));
    assert_eq!(short(&case), ["Link None", "Consumer Update public_key"]);
    assert!(plan(&case).changes[1].replaces_key());
}

#[test]
fn a_key_nobody_here_has_is_refused_unless_keys_may_be_replaced() {
    let mut case = provisioned(&keypair());
    case.known = Known::default();
    assert_eq!(short(&case), ["Consumer None !unknown_key"]);
    assert_eq!(plan(&case).status, Status::Failed);
    case.options.replace_keys = true;
    assert_eq!(short(&case), ["Link None", "Consumer Update public_key"]);
}

#[test]
fn drift_of_each_field_is_an_update_of_it() {
    let mut case = provisioned(&keypair());
    case.consumer.description = Some("https://deploy.example.com".to_owned());
    case.consumer.callback = Some("https://deploy.example.com/cb".to_owned());
    case.consumer.display_name = "Deployer".to_owned();
    assert_eq!(
        short(&case),
        ["Link None", "Consumer Update name,description,callback"]
    );
}

#[test]
fn a_suffixed_or_foreign_link_name_is_no_difference() {
    for name in ["Deploy bot - 2", "Something else"] {
        let mut case = provisioned(&keypair());
        case.seen.link = Some(link(name, URL));
        assert_eq!(short(&case), ["Link None", "Consumer None"], "{name}");
    }
}

#[test]
fn a_display_url_by_hand_is_put_right() {
    let mut case = provisioned(&keypair());
    case.seen.link.as_mut().unwrap().display_url = "https://elsewhere.example.com".to_owned();
    assert_eq!(short(&case), ["Link Update display_url", "Consumer None"]);
}

#[test]
fn links_that_are_not_ours_are_refused() {
    let mut relocated = fresh();
    relocated.seen.relocated = Some(link("Other", "https://other.example.com"));
    assert_eq!(short(&relocated), ["Consumer None !relocated"]);

    let mut product = provisioned(&keypair());
    product.seen.link.as_mut().unwrap().type_id = "confluence".to_owned();
    assert_eq!(short(&product), ["Consumer None !foreign_link"]);

    let mut foreign = provisioned(&keypair());
    foreign.seen.consumer.as_mut().unwrap().key = "somebody-else".to_owned();
    foreign.seen.probe = Probe::Unknown;
    assert_eq!(short(&foreign), ["Consumer None !foreign_consumer"]);
    foreign.options.replace_consumer = true;
    assert_eq!(short(&foreign), ["Link None", "Consumer Update key"]);
    assert!(
        plan(&foreign).changes[1].kills_grants()
            && !plan(&foreign).changes[1].kills_grants_complete
    );
    foreign.seen.shared_with = Some("Another link".to_owned());
    assert_eq!(short(&foreign), ["Consumer None !shared_key"]);
}

#[test]
fn a_consumer_key_that_exists_elsewhere_is_refused() {
    let trouble = Trouble::own("key_not_accepted", "signature_invalid", "");
    let mut case = fresh();
    for probe in [
        Probe::Accepted,
        Probe::Refused {
            trouble: trouble.clone(),
            problem: Box::new(Problem::new(ProblemKind::SignatureInvalid)),
        },
    ] {
        case.seen.probe = probe;
        assert_eq!(short(&case), ["Consumer None !consumer_key_taken"]);
    }
    // A refusal that says nothing about the key, such as a wrong clock, is passed on as it is.
    case.seen.probe = Probe::Refused {
        trouble,
        problem: Box::new(Problem::new(ProblemKind::TimestampRefused)),
    };
    assert_eq!(short(&case), ["Consumer None !key_not_accepted"]);
}

#[test]
fn a_key_the_server_does_not_accept_any_more_is_an_error_of_its_own() {
    let mut case = provisioned(&keypair());
    case.seen.probe = Probe::Unknown;
    assert_eq!(
        short(&case),
        ["Link None", "Consumer None !consumer_key_unknown"]
    );
}

#[test]
fn two_legged_is_left_alone_unless_the_file_speaks_of_it() {
    let mut case = provisioned(&keypair());
    case.seen.matrix = Some(matrix(true, false));
    assert_eq!(short(&case), ["Link None", "Consumer None"]);
    case.consumer.two_legged = Some(TwoLegged::default());
    assert_eq!(
        short(&case),
        ["Link None", "Consumer None", "TwoLegged Update enabled"]
    );
    case.consumer.two_legged = Some(TwoLegged {
        enabled: true,
        ..TwoLegged::default()
    });
    assert_eq!(
        short(&case),
        ["Link None", "Consumer None", "TwoLegged None"]
    );
    case.seen.matrix = Some(matrix(false, false));
    assert_eq!(
        short(&case),
        ["Link None", "Consumer None", "TwoLegged Create enabled"]
    );
}

#[test]
fn two_legged_needs_the_matrix_and_some_of_it_a_system_administrator() {
    let mut case = provisioned(&keypair());
    case.consumer.two_legged = Some(TwoLegged {
        enabled: true,
        impersonation: true,
        execute_as: None,
    });
    case.seen.system_administrator = Some(false);
    assert_eq!(short(&case), ["Consumer None !system_administrator_needed"]);
    case.seen.system_administrator = Some(true);
    assert_eq!(
        short(&case),
        [
            "Link None",
            "Consumer None",
            "TwoLegged Create enabled,impersonation"
        ]
    );
    case.seen.has_matrix = false;
    case.seen.matrix = None;
    assert_eq!(short(&case), ["Consumer None !two_legged_unsupported"]);
}

#[test]
fn an_executing_user_that_cannot_be_put_back_is_refused_before_the_put() {
    let mut case = provisioned(&keypair());
    let entry = case.seen.consumer.as_mut().unwrap();
    entry.two_lo_allowed = true;
    entry.executing_two_lo_user = Some("svc".to_owned());
    case.seen.matrix = None;
    assert_eq!(
        short(&case),
        ["Link None", "Consumer None"],
        "nothing to write, nothing to lose"
    );
    case.consumer.display_name = "Renamed".to_owned();
    case.seen.system_administrator = Some(false);
    assert_eq!(short(&case), ["Consumer None !executing_user"]);
    for rights in [None, Some(true)] {
        case.seen.system_administrator = rights;
        assert_eq!(
            short(&case),
            ["Link None", "Consumer Update name"],
            "{rights:?}: the executor tries what the server does not tell"
        );
    }
    case.seen.system_administrator = Some(false);
    case.options.force = true;
    assert_eq!(short(&case), ["Link None", "Consumer Update name"]);
}

#[test]
fn the_slash_that_the_admin_form_appends_is_no_difference() {
    let mut case = provisioned(&keypair());
    case.consumer.callback = Some("https://deploy.example.com/cb".to_owned());
    case.seen.consumer.as_mut().unwrap().callback =
        Some("https://deploy.example.com/cb/".to_owned());
    assert_eq!(short(&case), ["Link None", "Consumer Update callback"]);
    case.seen.consumer.as_mut().unwrap().executing_two_lo_user = Some("svc".to_owned());
    assert_eq!(short(&case), ["Link None", "Consumer None"]);
}

#[test]
fn absent_deletes_only_what_carries_our_key() {
    let mut case = provisioned(&keypair());
    case.consumer.state = State::Absent;
    assert_eq!(short(&case), ["Link Delete"]);
    case.seen.shared_with = Some("Another link".to_owned());
    assert_eq!(short(&case), ["Consumer None !shared_key"]);
    case.options.force = true;
    assert_eq!(short(&case), ["Link Delete"]);
    case.seen.consumer.as_mut().unwrap().key = "somebody-else".to_owned();
    assert_eq!(short(&case), ["Consumer None !foreign_consumer"]);
    case.seen.consumer = None;
    assert_eq!(short(&case), ["Consumer None !foreign_consumer"]);
    case.known.links.push(LinkMade {
        server: "jira".to_owned(),
        server_url: SERVER_URL.to_owned(),
        link_id: link_id(URL),
        application_url: URL.to_owned(),
        consumer: "deploy-bot".to_owned(),
        consumer_key: "deploy-bot".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    });
    assert_eq!(short(&case), ["Link Delete"]);
    case.seen.link = None;
    assert_eq!(short(&case), ["Link None"]);
}

#[test]
fn prune_deletes_what_this_tool_made_and_nothing_that_changed_hands() {
    let mut case = provisioned(&keypair());
    case.unnamed.push(ObservedLink {
        link: link("Old", "https://old.example.com"),
        consumer: "old-bot".to_owned(),
        consumer_key: "old-bot".to_owned(),
        carries: Some("old-bot".to_owned()),
        shared_with: None,
    });
    assert_eq!(short(&case).last().unwrap(), "Link Delete");
    case.unnamed[0].shared_with = Some("Another link".to_owned());
    assert_eq!(short(&case).last().unwrap(), "Link None !shared_key");
    case.unnamed[0].carries = Some("somebody-else".to_owned());
    assert_eq!(short(&case).last().unwrap(), "Link None !foreign_consumer");
}

#[test]
fn the_digest_follows_what_was_observed() {
    let case = provisioned(&keypair());
    let before = plan(&case).observed;
    assert_eq!(before, plan(&case).observed);
    let mut changed = case;
    changed.seen.consumer.as_mut().unwrap().name = "Changed".to_owned();
    assert_ne!(before, plan(&changed).observed);
}
