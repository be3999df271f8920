//! Two-legged OAuth: set, kept, put back, or refused before anything is written (cli.md 4.9).

use atl_fleet::{Action, Exit, Kind, PlanOptions, of_apply};
use atl_testbed::{
    ALICE, Consumer, Fault, Generation, Kind as Product, MANAGER, MANAGER_PASSWORD, Matcher,
    SERVICE_USER, ServerSpec,
};

use crate::rig::{DEPLOY, Rig, change, code, fields, writes};

const OAUTH: &str = "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider";

fn wants(rig: &Rig, two_legged: &str) {
    rig.deploy_bot(&format!("    two_legged: {two_legged}\n"));
}

/// On, with impersonation, and the executing user.
fn has(rig: &Rig) -> (bool, bool, Option<String>) {
    let consumer = rig.server().consumer("deploy-bot").unwrap();
    (
        consumer.two_legged,
        consumer.impersonation,
        consumer.execute_as,
    )
}

fn edit(rig: &Rig, edit: impl FnOnce(&mut Consumer)) {
    rig.server().edit_consumer("deploy-bot", edit);
}

/// Two-legged OAuth as somebody set it by hand; the fleet file says nothing about it.
fn set_by_hand(rig: &Rig, impersonation: bool, execute_as: Option<&str>) {
    edit(rig, |consumer| {
        consumer.two_legged = true;
        consumer.impersonation = impersonation;
        consumer.execute_as = execute_as.map(str::to_owned);
    });
}

fn rename(rig: &Rig) {
    edit(rig, |consumer| "Renamed".clone_into(&mut consumer.name));
}

/// An outgoing side with a configuration that writing the matrix wipes.
fn add_outgoing(rig: &Rig) {
    let id = rig.server().link(DEPLOY).unwrap().id;
    let url = [(
        "serviceProvider.authorizeUrl",
        "https://deploy.example.com/authorize",
    )];
    rig.server().add_provider(id, OAUTH, &url);
}

fn assert_outgoing(rig: &Rig) {
    let providers = rig.server().link(DEPLOY).unwrap().providers;
    assert_eq!(
        providers[OAUTH]["serviceProvider.authorizeUrl"],
        "https://deploy.example.com/authorize"
    );
}

#[test]
fn it_is_switched_on_and_off() {
    let rig = Rig::jira();
    let steps = [
        ("{ enabled: true }", (true, false)),
        ("{ enabled: true, impersonation: true }", (true, true)),
        ("{ enabled: true }", (true, false)),
        ("{ enabled: false }", (false, false)),
    ];
    for (place, (two_legged, (enabled, impersonation))) in steps.into_iter().enumerate() {
        wants(&rig, two_legged);
        let applied = rig.provision();
        let planned = change(&applied.servers[0], Kind::TwoLegged);
        let action = if place == 0 {
            Action::Create
        } else {
            Action::Update
        };
        assert_eq!((planned.action, planned.verified), (action, Some(true)));
        assert_eq!(has(&rig), (enabled, impersonation, None), "{two_legged}");
        rig.assert_settled();
    }
}

#[test]
fn an_executing_user_is_set_through_the_form_and_its_slash_is_no_difference() {
    let rig = Rig::jira();
    let user = Some(SERVICE_USER.to_owned());
    wants(&rig, "{ enabled: true, execute_as: svc-deploy }");
    rig.provision();
    assert_eq!(has(&rig), (true, false, user.clone()));
    let callback = rig.server().consumer("deploy-bot").unwrap().callback;
    assert_eq!(callback.unwrap(), format!("{DEPLOY}/oauth/callback/"));
    rig.assert_settled();

    // A user that the file no longer names is kept, and the matrix alone is written.
    wants(&rig, "{ enabled: true, impersonation: true }");
    rig.server().clear_log();
    rig.provision();
    assert_eq!(has(&rig), (true, true, user.clone()));
    assert_eq!(writes(rig.server()), ["PUT oauth"]);
    rig.assert_settled();

    rename(&rig);
    rig.provision();
    assert_eq!(has(&rig), (true, true, user));
    rig.assert_settled();
}

#[test]
fn what_the_file_does_not_mention_is_put_back_after_a_consumer_put() {
    for (impersonation, execute_as) in [
        (false, None),
        (true, None),
        (false, Some(ALICE)),
        (true, Some(ALICE)),
    ] {
        let rig = Rig::jira();
        rig.provision();
        set_by_hand(&rig, impersonation, execute_as);
        add_outgoing(&rig);
        rename(&rig);
        rig.provision();
        assert_eq!(
            rig.server().consumer("deploy-bot").unwrap().name,
            "Deploy bot"
        );
        assert_eq!(
            has(&rig),
            (true, impersonation, execute_as.map(str::to_owned))
        );
        assert_outgoing(&rig);
        rig.assert_settled();
    }
}

#[test]
fn an_outgoing_side_keeps_its_configuration_when_the_matrix_is_written() {
    let rig = Rig::jira();
    rig.provision();
    add_outgoing(&rig);
    wants(&rig, "{ enabled: true }");
    rig.provision();
    assert_eq!(has(&rig), (true, false, None));
    assert_outgoing(&rig);
}

/// Applies, after which the reason is this one and nothing was written.
fn refused(rig: &Rig, expected: &str) {
    rig.server().clear_log();
    let before = has(rig);
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(code(&applied.servers[0]), Some(expected), "{applied:#?}");
    assert!(writes(rig.server()).is_empty());
    assert_eq!(has(rig), before);
}

#[test]
fn what_a_manager_could_not_put_back_is_refused_before_the_put() {
    for (impersonation, execute_as, outgoing) in [
        (false, Some(ALICE), false),
        (true, None, false),
        (false, None, true),
    ] {
        let rig = Rig::jira();
        rig.provision();
        set_by_hand(&rig, impersonation, execute_as);
        if outgoing {
            let id = rig.server().link(DEPLOY).unwrap().id;
            let class = OAUTH.replace(
                "OAuthAuthenticationProvider",
                "TwoLeggedOAuthWithImpersonationAuthenticationProvider",
            );
            rig.server().add_provider(id, &class, &[]);
        }
        rename(&rig);
        rig.administer_as(MANAGER, MANAGER_PASSWORD);
        refused(&rig, "executing_user");
    }
}

#[test]
fn a_manager_puts_plain_flags_back_and_with_force_accepts_the_loss_of_the_user() {
    let rig = Rig::jira();
    rig.provision();
    rig.administer_as(MANAGER, MANAGER_PASSWORD);
    set_by_hand(&rig, false, None);
    rename(&rig);
    rig.provision();
    assert_eq!(has(&rig), (true, false, None));

    set_by_hand(&rig, false, Some(ALICE));
    rename(&rig);
    let forced = rig.apply(&PlanOptions {
        force: true,
        ..PlanOptions::default()
    });
    assert_eq!(of_apply(&forced), Exit::Done, "{forced:#?}");
    assert_eq!(has(&rig), (true, false, None));
    rig.assert_settled();
}

#[test]
fn what_only_a_system_administrator_may_set_is_refused_to_a_manager() {
    let rig = Rig::jira();
    rig.provision();
    for two_legged in [
        "{ enabled: true, impersonation: true }",
        "{ enabled: true, execute_as: svc-deploy }",
    ] {
        wants(&rig, two_legged);
        rig.administer_as(MANAGER, MANAGER_PASSWORD);
        refused(&rig, "system_administrator_needed");
    }
}

#[test]
fn it_is_refused_where_application_links_are_older_than_the_matrix() {
    for generation in [Generation::Legacy, Generation::Transitional] {
        let rig = Rig::new(vec![ServerSpec::new(Product::Jira).generation(generation)]);
        rig.provision();
        wants(&rig, "{ enabled: true }");
        refused(&rig, "two_legged_unsupported");
        // On by hand, without a way to put it back.
        rig.deploy_bot("");
        set_by_hand(&rig, false, None);
        rename(&rig);
        refused(&rig, "executing_user");
    }
}

/// The write that should put things back fails; the file says nothing, so only the journal knows what there was.
fn is_put_back_by_the_next_run(method: &str, path: &str, execute_as: Option<&str>) {
    let rig = Rig::jira();
    rig.provision();
    set_by_hand(&rig, false, execute_as);
    add_outgoing(&rig);
    rename(&rig);
    let matcher = Matcher::method(method).at(path);
    rig.server()
        .set(Fault::Answer(500, "{\"status-code\":500}".to_owned()).on(matcher));
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(code(&applied.servers[0]), Some("server_error"), "{path}");
    assert_eq!(change(&applied.servers[0], Kind::Consumer).verified, None);
    rig.server().clear_faults();

    let planned = rig.plan(&PlanOptions::default());
    let restored = change(&planned.servers[0], Kind::TwoLegged);
    assert!(!fields(restored).is_empty());
    rig.provision();
    assert_eq!(
        has(&rig),
        (true, false, execute_as.map(str::to_owned)),
        "{path}"
    );
    assert_outgoing(&rig);
    rig.assert_settled();
}

#[test]
fn what_one_run_failed_to_put_back_the_next_one_does() {
    is_put_back_by_the_next_run("PUT", "/status/", None);
    is_put_back_by_the_next_run("PUT", "/authentication/provider", None);
    is_put_back_by_the_next_run("POST", "/add-consumer-manually/", Some(ALICE));
}

/// A server that does not tell whether we are a system administrator, and a consumer that has drifted.
fn with_rights_unknown(impersonation: bool, execute_as: Option<&str>) -> Rig {
    let rig = Rig::jira();
    rig.provision();
    add_outgoing(&rig);
    set_by_hand(&rig, impersonation, execute_as);
    rename(&rig);
    let gone = Fault::Answer(404, "not found".to_owned());
    rig.server().set(gone.on(Matcher::path("/basicauth")));
    rig.server().clear_log();
    rig
}

#[test]
fn rights_that_the_server_does_not_tell_are_tried_before_anything_is_lost() {
    for (impersonation, execute_as) in [
        (false, Some(SERVICE_USER)),
        (true, Some(SERVICE_USER)),
        (true, None),
    ] {
        let before = (true, impersonation, execute_as.map(str::to_owned));

        let rig = with_rights_unknown(impersonation, execute_as);
        let applied = rig.apply(&PlanOptions::default());
        assert_eq!(of_apply(&applied), Exit::Done, "{applied:#?}");
        assert_eq!(has(&rig), before);
        assert_eq!(
            rig.server().consumer("deploy-bot").unwrap().name,
            "Deploy bot"
        );
        assert_outgoing(&rig);
        rig.server().clear_log();
        assert_eq!(of_apply(&rig.apply(&PlanOptions::default())), Exit::Done);
        assert_eq!(rig.server().writes(), 0);

        let rig = with_rights_unknown(impersonation, execute_as);
        rig.administer_as(MANAGER, MANAGER_PASSWORD);
        let applied = rig.apply(&PlanOptions::default());
        assert_eq!(
            code(&applied.servers[0]),
            Some("executing_user"),
            "{applied:#?}"
        );
        assert_eq!(has(&rig), before);
        assert_eq!(rig.server().consumer("deploy-bot").unwrap().name, "Renamed");
        assert_outgoing(&rig);
        assert!(rig.store().open_steps().unwrap().is_empty());
    }
}

#[test]
fn a_server_without_providers_to_read_has_none_to_lose_unless_something_goes_out() {
    let gone = || Fault::Answer(404, "not found".to_owned()).on(Matcher::path("/provider"));
    let rig = Rig::jira();
    rig.provision();
    set_by_hand(&rig, false, None);
    rename(&rig);
    rig.server().set(gone());
    rig.provision();
    assert_eq!(has(&rig), (true, false, None));

    add_outgoing(&rig);
    rename(&rig);
    rig.server().set(gone());
    let applied = rig.apply(&PlanOptions::default());
    assert_eq!(code(&applied.servers[0]), Some("not_found"), "{applied:#?}");
    assert_eq!(rig.server().consumer("deploy-bot").unwrap().name, "Renamed");
}
