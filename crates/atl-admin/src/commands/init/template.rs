//! The text of a new fleet file.

use std::fmt::Write as _;

/// A server of the file.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) url: String,
}

/// A consumer of the file.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) callback: Option<String>,
}

/// What else a server may have, below the last one.
const SERVER_OPTIONS: &str = r#"    # labels: [prod]                                 # select them with `--server label:prod`
    # admin: { token: "${file:secrets/NAME.pat}" }   # a personal access token instead of a password (not on Bitbucket)
    # tls: { ca_file: corp-ca.pem }                  # a certificate authority of your own
    # proxy: http://proxy.example.com:3128
    # sign_as: https://NAME.internal:8443            # the base URL the server takes its own for, where a proxy rewrites it

"#;

/// The fleet file; where no consumer is known, an example is there as a comment.
pub(super) fn fleet(servers: &[Server], username: &str, consumer: Option<&Consumer>) -> String {
    let mut text = format!(
        "\
# The fleet: which servers there are, and which consumers each of them trusts.
#
#   atl-admin check     says what would go wrong, changes nothing
#   atl-admin plan      shows what would change
#   atl-admin apply     makes it so and proves it; a second run changes nothing
#
# `atl-admin schema` prints a JSON Schema that editors complete and check this file with.

version: 1

defaults:
  # Who signs in on the servers: a system administrator. A server may have an `admin` of its own.
  admin:
    username: {username}
    password: ${{env:ATL_ADMIN_PASSWORD}}    # or ${{file:PATH}}, or ${{cmd:COMMAND}} with --allow-cmd; no literal password

servers:
",
        username = scalar(username),
    );
    for Server { name, url } in servers {
        writeln!(text, "  {}:\n    url: {}", scalar(name), scalar(url)).ok();
    }
    text.push_str(SERVER_OPTIONS);
    if let Some(consumer) = consumer {
        text.push_str(&consumers(consumer));
    } else {
        text.push_str("# Take the comment signs away, and put your own application in:\n#\n");
        let example = Consumer {
            name: "deploy-bot".to_owned(),
            url: "https://deploy.example.com".to_owned(),
            callback: Some("https://deploy.example.com/oauth/callback".to_owned()),
        };
        for line in consumers(&example).lines() {
            writeln!(text, "{}", format!("# {line}").trim_end()).ok();
        }
    }
    text
}

fn consumers(consumer: &Consumer) -> String {
    let callback = match &consumer.callback {
        Some(url) => format!("callback: {}", scalar(url)),
        None => "# callback: https://deploy.example.com/oauth/callback".to_owned(),
    };
    format!(
        "\
consumers:
  {name}:                                    # also the consumer key, unless `key:` says otherwise
    # name: Deploy bot                           # what the servers show; default: the name above
    url: {url}
    {callback}
    keypair: {{ bits: 3072 }}                      # made on the first `apply`, and kept sealed in the store
    # servers: [label:prod]                      # default: all
    # state: absent                              # takes it away from the servers again
",
        name = scalar(&consumer.name),
        url = scalar(&consumer.url),
    )
}

/// A YAML scalar that is this text: plain where that is safe, else in double quotes, which JSON's are a kind of.
fn scalar(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let url = text.starts_with("http://") || text.starts_with("https://");
    let safe = starts
        && text
            .chars()
            .all(|c| plain(c) || url && ":%?=&+~;[]".contains(c))
        && !text.ends_with(':')
        && !words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if safe {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_a_valid_fleet_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.yaml");
        let environment = atl_fleet::Environment {
            var: &|_| Some("secret".to_owned()),
            command: None,
            keyring: None,
        };
        let check = |text: &str, consumers: &[&str]| {
            fs_err::write(&path, text).unwrap();
            let fleet = atl_fleet::FleetFile::read(&path, &environment)
                .unwrap_or_else(|errors| panic!("{errors}\n{text}"));
            assert_eq!(fleet.server_names(), ["jira", "no"]);
            assert_eq!(fleet.consumer_names(), consumers);
        };
        let server = |name: &str| Server {
            name: name.to_owned(),
            url: format!("https://{name}.example.com"),
        };
        let servers = [server("jira"), server("no")];
        let consumer = Consumer {
            name: "bot".to_owned(),
            url: "https://bot.example.com".to_owned(),
            callback: None,
        };
        check(&fleet(&servers, "admin", Some(&consumer)), &["bot"]);
        let commented = fleet(&servers, "admin", None);
        check(&commented, &[]);
        // What stands there as a comment is right as well.
        let (head, example) = commented.split_once("# Take the comment").unwrap();
        let example: String = example
            .lines()
            .skip(2)
            .map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n")
            .collect();
        check(&format!("{head}{example}"), &["deploy-bot"]);
    }

    #[test]
    fn scalars_are_what_they_say() {
        for text in [
            "admin",
            "no",
            "Null",
            "42",
            "1e3",
            "a: b",
            "a #b",
            "\"quoted\"",
            "é",
            "https://jira.example.com:8080/jira?x=1",
            "http://[::1]:80",
            "user@example.com",
        ] {
            let yaml = format!("value: {}\n", scalar(text));
            let read: std::collections::BTreeMap<String, String> =
                serde_yaml::from_str(&yaml).unwrap();
            assert_eq!(read["value"], text, "{yaml}");
        }
    }
}
