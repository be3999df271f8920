//! The few words in an error body (protocol.md 1.3).

use serde_json::Value;

use crate::Secrets;

const LONGEST: usize = 300;

/// What an error body says, on one line and short, secrets hidden; `None` where it says nothing.
pub(crate) fn message(body: &[u8], secrets: &Secrets) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_str::<Value>(&text) {
        Ok(Value::String(said)) => said,
        Ok(value) => of_json(&value),
        Err(_) if text.trim_start().starts_with('<') => of_markup(&text),
        Err(_) => text.into_owned(),
    };
    let short = one_line(&secrets.hide(&said));
    (!short.is_empty()).then_some(short)
}

/// Status (`message`), `ErrorListEntity` (`message` list, `fields`), v3 `errors`, Jira's `errorMessages` and `errors`; where
/// there is none of these, what the plugins for tokens say (`error`, `error_description`; protocol.md 4.1, 4.4).
fn of_json(value: &Value) -> String {
    let of = |keys: &[&str]| {
        let mut parts = Vec::new();
        for key in keys {
            collect(value.get(*key), &mut parts);
        }
        parts.join("; ")
    };
    let said = of(&[
        "message",
        "errorMessages",
        "errors",
        "fieldErrors",
        "reason",
    ]);
    if said.is_empty() {
        of(&["error", "error_description"])
    } else {
        said
    }
}

fn collect(value: Option<&Value>, parts: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) if !text.trim().is_empty() => parts.push(text.clone()),
        Some(Value::Array(items)) => {
            for item in items {
                collect(Some(item), parts);
            }
        }
        Some(Value::Object(error)) => {
            let known = ["context", "summary", "details", "message"];
            let texts: Vec<&str> = if known.iter().any(|key| error.contains_key(*key)) {
                known
                    .iter()
                    .filter_map(|key| error.get(*key)?.as_str())
                    .collect()
            } else {
                error.values().filter_map(Value::as_str).collect()
            };
            if !texts.is_empty() {
                parts.push(texts.join(": "));
            }
        }
        _ => {}
    }
}

/// The `message` elements of an XML body, else the title of a page.
fn of_markup(text: &str) -> String {
    let document = scraper::Html::parse_document(text);
    let texts = |selector: &str| {
        scraper::Selector::parse(selector)
            .map(|selector| {
                let found = document
                    .select(&selector)
                    .map(|element| element.text().collect::<String>());
                found.collect::<Vec<_>>().join("; ")
            })
            .unwrap_or_default()
    };
    let messages = texts("message");
    if messages.is_empty() {
        texts("title")
    } else {
        messages
    }
}

/// Control characters and runs of white space become one space; what is too long is cut.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_body_is_read() {
        #[track_caller]
        fn check(body: &str, expected: Option<&str>) {
            assert_eq!(
                message(body.as_bytes(), &Secrets::default()).as_deref(),
                expected
            );
        }
        check(
            r#"{"status-code":401,"message":"This resource requires WebSudo."}"#,
            Some("This resource requires WebSudo."),
        );
        check(
            r#"{"status":400,"message":["one","two"],"fields":["name"]}"#,
            Some("one; two"),
        );
        check(
            r#"{"status":404,"errors":[{"context":"id","summary":"No such link","details":"it is gone"}]}"#,
            Some("id: No such link: it is gone"),
        );
        check(
            r#"{"errorMessages":[],"errors":{"name":"is required"}}"#,
            Some("is required"),
        );
        check(
            r#"{"errors":[{"context":null,"message":"not permitted","exceptionName":"x.Y"}]}"#,
            Some("not permitted"),
        );
        check(
            r#"{"exception":"x.Y","error":"not a system administrator"}"#,
            Some("not a system administrator"),
        );
        check(
            r#"{"error":"invalid_request","error_description":"https is required"}"#,
            Some("invalid_request; https is required"),
        );
        check(
            r#"{"status":404,"error":"Not Found","message":"gone"}"#,
            Some("gone"),
        );
        check("XSRF check failed", Some("XSRF check failed"));
        check(
            "<?xml version=\"1.0\"?><status><status-code>404</status-code><message>gone</message></status>",
            Some("gone"),
        );
        check(
            "<html><head><title>Log in\n - Jira</title></head></html>",
            Some("Log in - Jira"),
        );
        check("", None);
        check("{}", None);
        check("a\u{1b}[31mb\u{0}\r\n c", Some("a [31mb c"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let said = message("\u{e9}".repeat(1000).as_bytes(), &Secrets::default()).unwrap();
        assert_eq!(said.chars().count(), LONGEST + 3);
    }
}
