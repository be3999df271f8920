//! What no single value shows: things that contradict each other, stand twice or name something that is not there.

use std::collections::{BTreeSet, HashMap};

use atl_client::Product;

use super::{
    decode::{Context, Entry, Record},
    error::Problem,
    model::{Admin, Consumer, Fleet, Keypair, Server},
    scalar::{Field, Selector, Version},
};

/// Checks the whole file as far as it could be read and its variables are defined.
pub(super) fn check(fleet: &Fleet, cx: &mut Context<'_>) {
    if let Some(version) = fleet
        .version
        .as_ref()
        .filter(|one| one.number != Version::CURRENT)
    {
        let problem = Problem::new("this version of the file format is not known");
        cx.error(
            version.at,
            problem
                .text(version.number.as_str())
                .suggest("write `version: 1`"),
        );
    }
    let servers = servers(fleet);
    if let Some(named) = fleet
        .servers
        .as_ref()
        .filter(|named| named.entries.is_empty())
    {
        cx.error(
            named.at,
            Problem::new("a fleet has at least one server").text("{}"),
        );
    }
    if let Some(admin) = fleet
        .defaults
        .as_ref()
        .and_then(|defaults| defaults.admin.as_ref())
    {
        check_admin(admin, cx);
    }
    let mut urls = HashMap::new();
    for entry in servers {
        if let Some(server) = &entry.value {
            check_server(fleet, server, cx);
            let url = server
                .url
                .as_ref()
                .and_then(|url| Some((url, url.known()?)));
            if let Some((field, url)) = url
                && let Some(first) = urls.insert(url.as_str().to_owned(), &entry.name)
            {
                let problem = Problem::new(format!("server `{first}` has this URL already"));
                cx.error(field.at, problem.text(field.text.as_str()));
            }
        }
    }
    for entry in consumers(fleet) {
        if let Some(consumer) = &entry.value {
            check_selectors(fleet, consumer, cx);
            check_consumer(consumer, cx);
        }
    }
    check_duplicates(fleet, cx);
}

pub(super) fn servers(fleet: &Fleet) -> &[Entry<Server>] {
    fleet
        .servers
        .as_ref()
        .map_or(&[], |servers| &servers.entries)
}

pub(super) fn consumers(fleet: &Fleet) -> &[Entry<Consumer>] {
    fleet
        .consumers
        .as_ref()
        .map_or(&[], |consumers| &consumers.entries)
}

/// The labels of all servers, as far as they are known.
pub(super) fn labels(fleet: &Fleet) -> BTreeSet<&str> {
    servers(fleet)
        .iter()
        .filter_map(|entry| entry.value.as_ref())
        .flat_map(labels_of)
        .collect()
}

pub(super) fn labels_of(server: &Server) -> impl Iterator<Item = &str> {
    server
        .labels
        .iter()
        .flatten()
        .filter_map(Field::known)
        .map(|label| label.0.as_str())
}

/// The names of the servers that are to have a consumer, in the order of the file.
pub(super) fn targets<'f>(fleet: &'f Fleet, consumer: &Consumer) -> Vec<&'f str> {
    servers(fleet)
        .iter()
        .filter(|entry| match &consumer.servers {
            None => true,
            Some(selectors) => selectors
                .0
                .iter()
                .filter_map(Field::known)
                .any(|one| matches(entry, one)),
        })
        .map(|entry| entry.name.as_str())
        .collect()
}

pub(super) fn matches(entry: &Entry<Server>, selector: &Selector) -> bool {
    match selector {
        Selector::Server(name) => entry.name == *name,
        Selector::Label(label) => entry
            .value
            .as_ref()
            .is_some_and(|server| labels_of(server).any(|one| one == label)),
    }
}

fn check_admin(admin: &Admin, cx: &mut Context<'_>) {
    let Some(admin) = admin.sound() else { return };
    let token = admin.token.as_ref().map(|token| token.at);
    let password = admin.password.as_ref().map(|password| password.at);
    match (token, password) {
        (Some(_), Some(at)) => {
            cx.error(
                at,
                Problem::new("`admin` has either a token or a password, not both").text("***"),
            );
        }
        (Some(_), None) => {
            if let Some(login) = &admin.login {
                let problem =
                    Problem::new("`login` says how a password is used, and there is a token");
                cx.error(login.at, problem.text(login.text.as_str()));
            }
        }
        (None, Some(at)) if admin.username.is_none() => {
            cx.error(
                at,
                Problem::new("a password needs a `username` beside it").text("***"),
            );
        }
        (None, None) => {
            if let Some(username) = &admin.username {
                let problem = Problem::new("a username needs a `password` beside it");
                cx.error(username.at, problem.text(username.text.as_str()));
            }
        }
        (None, Some(_)) => {}
    }
}

/// Who signs in to a server: `admin` of the server replaces the default whole.
pub(super) fn admin_of<'f>(fleet: &'f Fleet, server: &'f Server) -> Option<&'f Admin> {
    let default = || fleet.defaults.as_ref()?.admin.as_ref();
    server.admin.as_ref().or_else(default)
}

fn check_server(fleet: &Fleet, server: &Server, cx: &mut Context<'_>) {
    if let Some(admin) = &server.admin {
        check_admin(admin, cx);
    }
    let bitbucket = server
        .product
        .as_ref()
        .filter(|product| product.known() == Some(&Product::Bitbucket));
    let token = admin_of(fleet, server).and_then(|admin| admin.token.as_ref());
    if let (Some(product), Some(token)) = (bitbucket, token) {
        let (at, text) = if server.admin.is_some() {
            (token.at, "***")
        } else {
            (product.at, product.text.as_str())
        };
        cx.error(
            at,
            Problem::new("a Bitbucket server takes no token for what an administrator does")
                .text(text)
                .suggest("give its `admin` a username and a password"),
        );
    }
    if let Some(tls) = server.tls.as_ref().and_then(Record::sound) {
        match (&tls.client_cert_file, &tls.client_key_file) {
            (Some(field), None) => {
                let problem = Problem::new("a client certificate needs its `client_key_file`");
                cx.error(field.at, problem.text(field.text.as_str()));
            }
            (None, Some(field)) => {
                let problem = Problem::new("a client key needs its `client_cert_file`");
                cx.error(field.at, problem.text(field.text.as_str()));
            }
            _ => {}
        }
    }
}

fn check_selectors(fleet: &Fleet, consumer: &Consumer, cx: &mut Context<'_>) {
    let labels = labels(fleet);
    for field in consumer.servers.iter().flat_map(|selectors| &selectors.0) {
        let problem = match field.known() {
            Some(Selector::Server(name)) => unknown_server(fleet, name, cx),
            Some(Selector::Label(label)) if !labels.contains(label.as_str()) => {
                let problem = Problem::new("no server has this label");
                Some(cx.nearest(problem, label, labels.iter().copied()))
            }
            _ => None,
        };
        if let Some(problem) = problem {
            cx.error(field.at, problem.text(field.text.as_str()));
        }
    }
}

fn unknown_server(fleet: &Fleet, name: &str, cx: &Context<'_>) -> Option<Problem> {
    let names = || servers(fleet).iter().map(|entry| entry.name.as_str());
    if names().any(|one| one == name) {
        return None;
    }
    let problem = Problem::new("no server of this name stands in the fleet file");
    Some(if labels(fleet).contains(name) {
        problem.suggest(format!("for the label write `label:{name}`"))
    } else {
        cx.nearest(problem, name, names())
    })
}

fn check_consumer(consumer: &Consumer, cx: &mut Context<'_>) {
    if let Some(keypair) = consumer.keypair.as_ref().and_then(Record::sound) {
        check_keypair(keypair, cx);
    }
    if let Some(two_legged) = consumer.two_legged.as_ref().and_then(Record::sound) {
        let enabled = two_legged
            .enabled
            .as_ref()
            .is_some_and(|enabled| enabled.value);
        if !enabled {
            let advice = "write `enabled: true` beside it";
            if let Some(at) = two_legged.impersonation.filter(|on| on.value) {
                let problem = Problem::new("impersonation needs two-legged OAuth to be enabled");
                cx.error(at.at, problem.text("true").suggest(advice));
            }
            if let Some(user) = &two_legged.execute_as {
                let problem = Problem::new("`execute_as` needs two-legged OAuth to be enabled");
                cx.error(user.at, problem.text(user.text.as_str()).suggest(advice));
            }
        }
    }
    let mut users = BTreeSet::new();
    for grant in consumer.grants.iter().flatten() {
        if let Some(field) = &grant.user {
            let again = field
                .known()
                .is_some_and(|user| !users.insert(user.0.as_str()));
            if again {
                let problem = Problem::new("this user stands here twice");
                cx.error(field.at, problem.text(field.text.as_str()));
            }
        }
    }
}

fn check_keypair(keypair: &Keypair, cx: &mut Context<'_>) {
    let shapes =
        "a keypair is managed (`bits`, `export`), or a `private_key_file`, or a `public_key_file`";
    let managed = keypair.bits.is_some() || keypair.export.is_some();
    match (&keypair.private_key_file, &keypair.public_key_file) {
        (Some(_), Some(field)) => {
            let problem = Problem::new(shapes).text(field.text.as_str());
            cx.error(
                field.at,
                problem.suggest("the public key is part of the private key file"),
            );
        }
        (Some(field), None) | (None, Some(field)) if managed => {
            let problem = Problem::new(shapes).text(field.text.as_str());
            cx.error(
                field.at,
                problem.suggest("files to write a managed keypair to go under `export`"),
            );
        }
        _ => {}
    }
}

/// No two consumers of a server have the same key or the same application URL.
fn check_duplicates(fleet: &Fleet, cx: &mut Context<'_>) {
    let mut keys: HashMap<&str, Vec<&Entry<Consumer>>> = HashMap::new();
    let mut urls: HashMap<&str, Vec<&Entry<Consumer>>> = HashMap::new();
    for entry in consumers(fleet) {
        let Some(consumer) = &entry.value else {
            continue;
        };
        if let Some(key) = key_of(entry, consumer) {
            keys.entry(key).or_default().push(entry);
        }
        if let Some(url) = consumer.url.as_ref().and_then(Field::known) {
            urls.entry(&url.normal).or_default().push(entry);
        }
    }
    for (what, groups) in [("consumer key", keys), ("application URL", urls)] {
        for entries in groups.into_values().filter(|entries| entries.len() > 1) {
            check_group(fleet, what, &entries, cx);
        }
    }
}

fn check_group(fleet: &Fleet, what: &str, entries: &[&Entry<Consumer>], cx: &mut Context<'_>) {
    let mut taken = HashMap::new();
    for entry in entries {
        let Some(consumer) = &entry.value else {
            continue;
        };
        let targets = targets(fleet, consumer);
        let clash = targets
            .iter()
            .find_map(|server| taken.get(server).map(|first| (server, first)));
        if let Some((server, first)) = clash {
            let (at, text) = match (what, &consumer.key, &consumer.url) {
                ("consumer key", Some(key), _) => (key.at, key.text.as_str()),
                ("application URL", _, Some(url)) => (url.at, url.text.as_str()),
                _ => (entry.at, entry.name.as_str()),
            };
            let problem = Problem::new(format!(
                "consumer `{first}` has this {what} already on server `{server}`"
            ));
            cx.error(at, problem.text(text));
        }
        for server in targets {
            taken.entry(server).or_insert(entry.name.as_str());
        }
    }
}

/// The consumer key, where it is known.
pub(super) fn key_of<'f>(entry: &'f Entry<Consumer>, consumer: &'f Consumer) -> Option<&'f str> {
    match &consumer.key {
        Some(field) => field.known().map(|key| key.0.as_str()),
        None => Some(&entry.name),
    }
}
