//! `authorize` with a real browser: Debian's Chromium opens the page, signs in and decides.

use atl_testbed::{ALICE, ALICE_PASSWORD, Generation, Kind, Layout, ServerSpec, Setting};
use url::Url;

use crate::{
    chromium::Chromium,
    dances::{access_tokens, failed_with, granted_by, pending},
    estate::Fleet,
    running::Running,
};

const AUTHORIZE: &str = "authorize -o json";
const ALLOW: &str = "//*[@name='approve']";
const DENY: &str = "//*[@name='deny']";

/// Servers whose pages the program opens in whatever reads `opened`, one after the other.
fn fleet(specs: impl IntoIterator<Item = ServerSpec>) -> Fleet {
    let fleet = Fleet::granting(specs).with("BROWSER", "sh browser.sh");
    fleet.env.write("browser.sh", "echo \"$1\" > opened\n");
    assert_eq!(fleet.env.shell("mkfifo opened").code, Some(0));
    fleet
}

fn jira() -> Fleet {
    fleet([ServerSpec::new(Kind::Jira)])
}

/// Opens the page that the program wants opened, and signs in as Alice.
fn sign_in(chromium: &Chromium, fleet: &Fleet, running: &mut Running<'_>) {
    running.wait_said("/plugins/servlet/oauth/authorize?oauth_token=");
    chromium.open(fleet.env.read("opened").trim_end());
    chromium.type_into("//input[@type='text']", ALICE);
    chromium.type_into("//input[@type='password']", ALICE_PASSWORD);
    chromium.press("//form//button");
    chromium.wait_for(ALLOW);
}

/// Waits for the callback page of this heading.
fn lands_on(chromium: &Chromium, heading: &str) {
    chromium.wait_for(&format!("//h1[.='{heading}']"));
}

/// Nothing is wrong with a callback page; that it refused a callback is not.
#[track_caller]
fn is_clean(chromium: &Chromium, callback: &str) {
    let page: Url = callback.parse().unwrap();
    let mut said = chromium.console();
    // A server's pages may say what they like.
    said.retain(|said| said.text.starts_with(&page.origin().ascii_serialization()));
    said.retain(|said| !(said.source == "network" && said.text.starts_with(callback)));
    assert!(said.is_empty(), "{said:?}");
}

/// One browser goes from product to product, as a person's does; each looks different and signs in differently.
#[test]
fn allow_is_pressed_on_every_product() {
    let Some(chromium) = Chromium::start("allow_is_pressed_on_every_product") else {
        return;
    };
    let fleet = fleet([
        ServerSpec::new(Kind::Jira)
            .generation(Generation::Legacy)
            .context("/jira"),
        ServerSpec::new(Kind::Confluence).setting(Setting::Layout(Layout::Meta)),
        ServerSpec::new(Kind::Bitbucket).generation(Generation::Next),
        ServerSpec::new(Kind::Bamboo)
            .setting(Setting::Layout(Layout::Fields))
            .context("/bamboo"),
    ]);
    let mut running = fleet.start(AUTHORIZE);
    for server in fleet.estate.servers() {
        sign_in(&chromium, &fleet, &mut running);
        let (_, callback) = pending(server);
        chromium.press(ALLOW);
        lands_on(&chromium, "Approved");
        is_clean(&chromium, &callback);
        assert!(chromium.url().starts_with(&callback), "{}", chromium.url());
    }
    let run = running.end();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    fleet.hides_tokens(&run);
    for server in fleet.estate.servers() {
        assert_eq!(granted_by(server), [ALICE]);
        let name = server.name();
        let request = format!("request -s {name} --as alice GET plugins/servlet/applinks/whoami");
        assert_eq!(fleet.run(&request).ok(), ALICE, "{name}");
    }
    let (status, exit) = fleet.report("authorize --status");
    assert_eq!(exit, 0, "{status:#}");
}

#[test]
fn deny_is_pressed() {
    let Some(chromium) = Chromium::start("deny_is_pressed") else {
        return;
    };
    let fleet = jira();
    let mut running = fleet.start(AUTHORIZE);
    sign_in(&chromium, &fleet, &mut running);
    let (_, callback) = pending(fleet.first());
    chromium.press(DENY);
    lands_on(&chromium, "Denied");
    let run = running.end();
    failed_with(&run, 4, "denied");
    is_clean(&chromium, &callback);
    assert!(access_tokens(fleet.first()).is_empty());
}

/// The page stays open for too long: the server says so there, and the program here.
#[test]
fn the_request_token_expires_before_a_button_is_pressed() {
    let test = "the_request_token_expires_before_a_button_is_pressed";
    let Some(chromium) = Chromium::start(test) else {
        return;
    };
    let fleet = jira();
    let mut running = fleet.start(AUTHORIZE);
    sign_in(&chromium, &fleet, &mut running);
    fleet.first().age_tokens(601);
    chromium.press(ALLOW);
    chromium.wait_for("//p[contains(., 'token_expired')]");
    let run = running.end();
    failed_with(&run, 1, "request_token_expired");
    assert!(access_tokens(fleet.first()).is_empty());
}

/// Whatever a callback carries, the page has none of it, and the next one is taken all the same.
#[test]
fn a_script_in_a_callback_is_not_run() {
    let Some(chromium) = Chromium::start("a_script_in_a_callback_is_not_run") else {
        return;
    };
    // An open dialog would fail every command after it.
    let script = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    let fleet = jira();
    let mut running = fleet.start(AUTHORIZE);
    running.wait_said("/plugins/servlet/oauth/authorize?oauth_token=");
    fleet.env.read("opened");
    let (token, callback) = pending(fleet.first());
    for (query, heading) in [
        (
            format!("oauth_token={script}&oauth_verifier={script}"),
            "Not expected",
        ),
        (
            format!("oauth_token={token}&{script}={script}#{script}"),
            "Not an answer",
        ),
        // This one is for the program, and the server will not have it.
        (
            format!("oauth_token={token}&oauth_verifier={script}"),
            "Approved",
        ),
    ] {
        chromium.open(&format!("{callback}?{query}"));
        lands_on(&chromium, heading);
        let elements = chromium.evaluate("return document.querySelectorAll('script, img').length");
        assert_eq!(elements, 0, "{query}");
        let page = chromium.evaluate("return document.documentElement.outerHTML");
        assert!(!page.as_str().unwrap().contains("alert"), "{page}");
        is_clean(&chromium, &callback);
    }
    let run = running.end();
    assert_eq!(run.code, Some(4), "{}", run.shown());
    assert!(!run.shown().contains("alert"), "{}", run.shown());
    assert!(access_tokens(fleet.first()).is_empty());
}
