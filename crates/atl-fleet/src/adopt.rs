//! Fleet-file entries for the links that a server already has.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{links::LinkEntry, links::ServerLinks};

/// One consumer entry for the fleet file, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// A name that the fleet file accepts.
    pub name: String,
    /// The entry, in the shape of the fleet file.
    pub entry: Value,
    /// The fingerprint that the private key to import must have.
    pub fingerprint: Option<String>,
}

/// Entries for every generic link with an incoming consumer that the file does not name yet, those of auditors left out,
/// since they are removed at the end of their run. The same consumer on
/// several servers becomes one entry where everything else is equal.
pub fn adopt(servers: &[ServerLinks]) -> Vec<Adopted> {
    let mut adopted: Vec<(Adopted, Vec<String>)> = Vec::new();
    for server in servers {
        let adoptable = |link: &&LinkEntry| link.managed_as.is_none() && !link.auditor;
        for link in server.links.iter().filter(adoptable) {
            let Some((entry, fingerprint)) = entry_of(link) else {
                continue;
            };
            let same = adopted
                .iter_mut()
                .find(|(has, _)| has.entry == entry && has.fingerprint == fingerprint);
            if let Some((_, servers)) = same {
                servers.push(server.server.clone());
                continue;
            }
            let key = link.consumer.as_ref().map_or("", |consumer| &consumer.key);
            let name = name_for(key);
            adopted.push((
                Adopted {
                    name,
                    entry,
                    fingerprint,
                },
                vec![server.server.clone()],
            ));
        }
    }
    let mut taken = BTreeSet::new();
    adopted
        .into_iter()
        .map(|(mut adopted, servers)| {
            adopted.entry["servers"] = json!(servers);
            let base = adopted.name.clone();
            let mut number = 1;
            while !taken.insert(adopted.name.clone()) {
                number += 1;
                adopted.name = format!("{}-{number}", base.chars().take(58).collect::<String>());
            }
            adopted
        })
        .collect()
}

fn entry_of(link: &LinkEntry) -> Option<(Value, Option<String>)> {
    let consumer = link.consumer.as_ref()?;
    let url = link
        .link
        .rpc_url
        .as_ref()
        .filter(|_| link.link.type_id == "generic")?;
    let mut entry = Map::new();
    if name_for(&consumer.key) != consumer.key {
        entry.insert("key".to_owned(), json!(consumer.key));
    }
    entry.insert("name".to_owned(), json!(consumer.name));
    if let Some(description) = consumer
        .description
        .as_ref()
        .filter(|text| !text.is_empty())
    {
        entry.insert("description".to_owned(), json!(description));
    }
    entry.insert("url".to_owned(), json!(url));
    if let Some(callback) = consumer.callback.as_ref().filter(|text| !text.is_empty()) {
        entry.insert("callback".to_owned(), json!(callback));
    }
    if consumer.two_legged {
        let mut two = Map::from_iter([
            ("enabled".to_owned(), json!(true)),
            ("impersonation".to_owned(), json!(consumer.impersonation)),
        ]);
        if let Some(user) = &consumer.execute_as {
            two.insert("execute_as".to_owned(), json!(user));
        }
        entry.insert("two_legged".to_owned(), Value::Object(two));
    }
    Some((Value::Object(entry), consumer.fingerprint.clone()))
}

/// A consumer key as a name of the fleet file: other characters become `-`.
fn name_for(key: &str) -> String {
    let name: String = key
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() {
        "consumer".to_owned()
    } else {
        name
    }
}
