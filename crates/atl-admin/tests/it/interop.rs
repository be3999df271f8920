//! The key that leaves the program works in other people's OAuth libraries (`fixtures/interop/README.md`).

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
