//! The key that leaves the program works in other people's OAuth libraries, and they accept what the program signs
//! (`fixtures/interop/README.md`).

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
};

use atl_testbed::{ALICE, Matcher, When};
use serde_json::{Value, json};

use crate::{
    estate::{CONSUMER, Fleet},
    tools::script,
};

#[test]
fn a_key_that_was_exported_signs_a_request_token_call() {
    let test = "a_key_that_was_exported_signs_a_request_token_call";
    let Some(sign) = script(test, "sign.py") else {
        return;
    };
    let fleet = Fleet::provisioned();
    let export = format!("keys export {CONSUMER} --private --out key.pem");
    assert_eq!(fleet.run(&export).code, Some(0));
    let key = fleet.env.path("key.pem");
    let url = format!(
        "{}/plugins/servlet/oauth/request-token",
        fleet.first().base_url()
    );
    let answer = |method: &str| -> Value {
        let arguments = ["POST", &url, CONSUMER, method, key.to_str().unwrap()];
        serde_json::from_str(&sign.run(&arguments, "")).unwrap()
    };
    let accepted = answer("RSA-SHA1");
    assert_eq!(accepted["status"], 200, "{accepted}");
    let body = accepted["body"].as_str().unwrap();
    assert!(body.contains("oauth_callback_confirmed=true"), "{body}");
    for method in ["HMAC-SHA1", "RSA-SHA512"] {
        assert_eq!(answer(method)["status"], json!(400), "{method}");
    }
}

/// A request as it came over the wire.
struct Caught {
    method: String,
    target: String,
    authorization: String,
    body: String,
}

/// Takes one request and answers it with nothing.
fn catch(listener: &TcpListener) -> Caught {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some(("authorization", value)) => value.clone_into(&mut authorization),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        .unwrap();
    Caught {
        method,
        target,
        authorization,
        body: String::from_utf8(body).unwrap(),
    }
}

#[test]
fn what_the_program_signs_is_accepted_by_others() {
    let Some(verify) = script("what_the_program_signs_is_accepted_by_others", "verify.py") else {
        return;
    };
    let fleet = Fleet::granted();
    let export = format!("keys export {CONSUMER} --public");
    fleet.env.write("public.pem", fleet.run(&export).ok());
    let key = fleet.env.path("public.pem");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jira", listener.local_addr().unwrap());
    let mut row = crate::grants::row(fleet.first(), 2, ALICE);
    row.server_url.clone_from(&url);
    fleet.keep(&row);
    fleet.edit(&fleet.first().base_url(), &url);
    let header = "Content-Type: application/x-www-form-urlencoded";
    for words in [
        &["GET", "rest/a"][..],
        &["GET", "rest/a?b=2&a=1&a=10&a=&a=1%20&a"],
        &["GET", "rest/a?a+b=c+d&plus=%2B&space=%20"],
        &["GET", "rest/\u{e9}~*?q=caf\u{e9} \u{20ac}&\u{e4}=\u{1f600}"],
        &["GET", "rest/a%2Fb?path=a%2Fb/c:d@e?f&x=%26%3D%25%2525"],
        &["HEAD", "?"],
        &["GET", "rest/a?a=1", "--two-legged"],
        &["DELETE", "rest/a", "--impersonate", "J\u{fc}rgen & co"],
        &[
            "POST",
            "rest/a?a=1&b=+",
            "--form",
            "a=two words + plus",
            "--form",
            "\u{e4}=",
            "--form",
            "a=~*-._",
        ],
        &["POST", "rest/a", "-H", header, "-d", "a=b+c&a=%2B&d=&e"],
        &["POST", "rest/a?x=1", "-d", r#"{"a":"b&c=d"}"#],
        &["PUT", "rest/a", "--form", "a=b"],
    ] {
        let run = std::thread::scope(|scope| {
            let running = scope.spawn(|| fleet.request(words));
            let caught = catch(&listener);
            let origin = url.strip_suffix("/jira").unwrap();
            let whole = format!("{origin}{}", caught.target);
            let signed_form = caught.method == "POST" && !caught.body.starts_with('{');
            let form = if signed_form {
                caught.body.as_str()
            } else {
                ""
            };
            let verified = |method: &str, form: &str| {
                let arguments = [method, &whole, key.to_str().unwrap(), form];
                verify.run(&arguments, &caught.authorization)
            };
            assert_eq!(verified(&caught.method, form), "True", "{words:?}");
            assert_eq!(verified(&caught.method, "forged=1"), "False", "{words:?}");
            running.join().unwrap()
        });
        assert_eq!(run.ok(), "", "{words:?}");
    }
}

/// The script signs all the time and is not restarted: between the registration of the new key and its hand-over its calls
/// are refused, and neither before nor after.
#[test]
#[cfg(unix)]
fn calls_go_on_across_a_rotation_that_hands_the_key_over() {
    let test = "calls_go_on_across_a_rotation_that_hands_the_key_over";
    let Some(calls) = script(test, "loop.py") else {
        return;
    };
    let fleet = Fleet::granted();
    let export = format!("keys export {CONSUMER} --private --out bot.pem");
    assert_eq!(fleet.run(&export).code, Some(0));
    // It takes the key when a call was refused, so that some are.
    fleet.hands_over_by(
        "until grep -q ' 401$' calls; do :; done\ncp \"$ATL_ADMIN_PRIVATE_KEY_FILE\" bot.new\nmv bot.new bot.pem",
    );
    let path = |name: &str| fleet.env.path(name).display().to_string();
    let myself = "/rest/api/2/myself";
    let job = json!({
        "url": format!("{}{myself}", fleet.first().base_url()),
        "consumer_key": CONSUMER,
        "token": crate::grants::token(1),
        "secret": "secret",
        "key_file": path("bot.pem"),
        "calls": path("calls"),
        "stop": path("stop"),
    });
    fleet.env.write("job.json", &job.to_string());
    fleet.forget();
    let third = fleet
        .first()
        .hold_one(Matcher::path(myself), 2, When::After);
    let report = std::thread::scope(|scope| {
        let looping = scope.spawn(|| calls.run(&[&path("job.json")], ""));
        let begun = third.wait_reached();
        third.release();
        // Whatever comes of it, the script is stopped.
        let run = fleet.env.run("rotate --yes --exec ./hand.sh -o json");
        fleet.env.write("stop", "");
        looping.join().unwrap();
        fleet.hides_secrets(&run);
        assert!(begun);
        assert_eq!(run.code, Some(0), "{}", run.shown());
        run.json()
    });
    assert_eq!(report["rotations"][0]["state"], "verified", "{report:#}");

    let made = fleet.env.read("calls");
    let made: Vec<_> = made
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let old = made[0].0;
    let switch = made.iter().position(|(key, _)| *key != old).unwrap();
    let (before, after) = made.split_at(switch);
    assert!(
        after
            .iter()
            .all(|(key, status)| *key == after[0].0 && *status == "200"),
        "{made:?}"
    );
    assert!(after.len() >= 5);
    let refused = before
        .iter()
        .position(|(_, status)| *status != "200")
        .unwrap();
    assert!(
        before[refused..].iter().all(|(_, status)| *status == "401"),
        "{made:?}"
    );
    // None was refused before the server had the new key.
    let log = fleet.first().log();
    let put = log
        .iter()
        .position(|exchange| exchange.method == "PUT")
        .unwrap();
    let first = log
        .iter()
        .position(|exchange| exchange.path == myself && exchange.status == 401);
    assert!(put < first.unwrap());
}
