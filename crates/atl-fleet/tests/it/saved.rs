//! Saved plans and the guard against mass changes (cli.md section 1).

use std::sync::atomic::AtomicBool;

use atl_fleet::{Exit, Kind, Plan, PlanOptions, StartError, look, of_apply};
use atl_keys::{KeySize, Keypair, PrivateFormat};
use atl_testbed::{Kind as Product, ServerSpec};

use crate::rig::{Rig, change, code, info, run, writes};

/// A plan as it comes back from a file.
fn saved(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap()
}

fn apply_saved(rig: &Rig, plan: &Plan) -> Plan {
    let (ready, store) = (rig.ready(), rig.store());
    let interrupted = AtomicBool::new(false);
    let mut looked = look(&ready, Some(&store), &plan.options, run(&interrupted)).unwrap();
    looked.take_saved(plan).unwrap();
    looked.apply(&info(), run(&interrupted)).unwrap()
}

#[test]
fn a_saved_plan_is_applied_where_the_server_is_as_it_was() {
    let rig = Rig::new(vec![
        ServerSpec::new(Product::Jira),
        ServerSpec::new(Product::Confluence),
    ]);
    let plan = saved(&rig.plan(&PlanOptions::default()));
    assert_eq!(rig.keypairs(), [], "a plan makes no key");
    let moved = atl_testbed::Link::generic("Deploy bot", crate::rig::DEPLOY);
    rig.estate.server(1).add_link(moved);
    let applied = apply_saved(&rig, &plan);
    assert_eq!(of_apply(&applied), Exit::Partly, "{applied:#?}");
    assert_eq!(
        change(&applied.servers[0], Kind::Consumer).verified,
        Some(true)
    );
    assert_eq!(code(&applied.servers[1]), Some("moved_on"));
    assert!(writes(rig.estate.server(1)).is_empty());

    // A plan that was carried out already is not carried out again.
    rig.server().clear_log();
    let again = apply_saved(&rig, &plan);
    assert_eq!(code(&again.servers[0]), Some("moved_on"));
    assert!(writes(rig.server()).is_empty());
}

#[test]
fn a_plan_of_another_fleet_file_is_refused() {
    let rig = Rig::jira();
    let plan = saved(&rig.plan(&PlanOptions::default()));
    rig.deploy_bot("    description: changed\n");
    let (ready, store) = (rig.ready(), rig.store());
    let interrupted = AtomicBool::new(false);
    let mut looked = look(&ready, Some(&store), &plan.options, run(&interrupted)).unwrap();
    let refused = looked.take_saved(&plan);
    assert!(
        matches!(refused, Err(StartError::OtherFleet)),
        "{refused:?}"
    );
    assert!(writes(rig.server()).is_empty());
}

/// Ten consumers with one key from a file, `url` of each as given by its number.
fn ten(rig: &Rig) {
    use std::fmt::Write as _;
    let mut consumers = String::new();
    for number in 0..10 {
        writeln!(
            consumers,
            "  bot-{number}: {{ url: \"https://bot-{number}.example.com\", keypair: {{ private_key_file: bot.pem }} }}"
        )
        .unwrap();
    }
    rig.consumers(&consumers);
}

#[test]
fn a_mass_change_needs_force_unless_consumers_are_named() {
    let rig = Rig::jira();
    let key = Keypair::generate(KeySize::Bits2048).unwrap();
    fs_err::write(
        rig.path("bot.pem"),
        key.to_pem(PrivateFormat::Pkcs8).unwrap(),
    )
    .unwrap();
    ten(&rig);
    // Creating is no mass change.
    rig.provision();
    let names: Vec<_> = (0..10).map(|number| format!("bot-{number}")).collect();
    let drift = |names: &[String]| {
        for name in names {
            rig.server()
                .edit_consumer(name, |consumer| consumer.name = "Renamed".to_owned());
        }
        rig.server().clear_log();
    };
    drift(&names[..9]);
    rig.provision();

    drift(&names);
    let refused = rig.apply(&PlanOptions::default());
    assert_eq!(
        code(&refused.servers[0]),
        Some("mass_change"),
        "{refused:#?}"
    );
    assert_eq!(of_apply(&refused), Exit::Failed);
    assert!(writes(rig.server()).is_empty());
    let named = PlanOptions {
        consumers: names.clone(),
        ..PlanOptions::default()
    };
    assert_eq!(of_apply(&rig.apply(&named)), Exit::Done);

    drift(&names);
    let forced = PlanOptions {
        force: true,
        ..PlanOptions::default()
    };
    assert_eq!(of_apply(&rig.apply(&forced)), Exit::Done);
    rig.assert_settled();
}
