//! From a fleet file to what a command works with.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Duration,
};

use atl_client::{Credentials, Login, Product};
use atl_fleet::{
    ConnectionOptions, Environment, Export, FleetErrors, FleetFile, KeypairSource, NamedLink,
    Needs, Passwords, Ready, Select, State, TwoLegged,
};
use atl_keys::KeySize;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const ALL: Needs = Needs {
    admin: true,
    database: true,
    grant_passwords: Passwords::All,
    at_hand: true,
};

const CONNECTION: ConnectionOptions = ConnectionOptions {
    timeout: Duration::from_secs(30),
    allow_http: false,
};

/// A folder with a fleet file in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(fleet: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("fleet.yaml", fleet);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self.mode(name, 0o600);
    }

    #[cfg(unix)]
    fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn mode(&self, _: &str, _: u32) {}

    fn ready(
        &self,
        servers: &[&str],
        consumers: &[&str],
        needs: Needs,
    ) -> Result<Ready, FleetErrors> {
        self.ready_in(&variables(), servers, consumers, needs)
    }

    fn ready_in(
        &self,
        environment: &Environment<'_>,
        servers: &[&str],
        consumers: &[&str],
        needs: Needs,
    ) -> Result<Ready, FleetErrors> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let select = Select {
            servers: owned(servers),
            consumers: owned(consumers),
        };
        FleetFile::read(&self.path("fleet.yaml"), environment)?.ready(
            &select,
            needs,
            environment,
            CONNECTION,
        )
    }
}

/// `V_NAME` is `value-of-V_NAME`, nothing else is defined.
fn variables() -> Environment<'static> {
    Environment {
        var: &|name| name.starts_with("V_").then(|| format!("value-of-{name}")),
        command: None,
        keyring: None,
    }
}

/// The errors without the file's name.
fn errors(folder: &Folder, result: Result<Ready, FleetErrors>) -> Vec<String> {
    let prefix = format!("{}:", folder.path("fleet.yaml").display());
    let errors = result.map(drop).unwrap_err();
    let lines = errors
        .errors()
        .iter()
        .map(|error| error.to_string().replace(&prefix, ""));
    lines.map(|text| text.trim().to_owned()).collect()
}

fn password(credentials: &Credentials) -> &str {
    match credentials {
        Credentials::Password { password, .. } => password.expose_secret(),
        Credentials::Token { token, .. } => token.expose_secret(),
        Credentials::Anonymous => "",
    }
}

fn full() -> Folder {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fleet");
    let folder = Folder::new(&fs_err::read_to_string(fixtures.join("good/full.yaml")).unwrap());
    folder.write("secrets/wiki.pat", "pat-of-wiki\r\n");
    folder.write("corp-ca.pem", "-----BEGIN CERTIFICATE-----\nca\n");
    folder.write("me.pem", "-----BEGIN CERTIFICATE-----\nme\n");
    folder.write("me.key", "-----BEGIN PRIVATE KEY-----\nkey\n");
    folder
}

fn everything() -> Environment<'static> {
    Environment {
        var: &|name| Some(format!("value-of-{name}")),
        command: Some(&|command| Ok(SecretString::from(format!("output of {command}\n")))),
        keyring: Some(&|service, user| Ok(SecretString::from(format!("{service} of {user}")))),
    }
}

#[test]
fn a_full_file_is_resolved_whole() {
    let folder = full();
    let ready = folder.ready_in(&everything(), &[], &[], ALL).unwrap();

    let names: Vec<_> = ready
        .servers
        .iter()
        .map(|server| server.config.name.as_str())
        .collect();
    assert_eq!(names, ["jira", "wiki", "git", "build"]);
    let secrets: Vec<_> = ready
        .servers
        .iter()
        .map(|server| password(&server.config.credentials))
        .collect();
    assert_eq!(
        secrets,
        [
            "value-of-ATL_ADMIN_PASSWORD",
            "pat-of-wiki",
            "output of pass show git/sysop",
            "bamboo of admin"
        ]
    );
    let [jira, wiki, git, _] = ready.servers.as_slice() else {
        panic!("four servers")
    };
    assert_eq!(jira.config.base_url.as_str(), "https://jira.example.com");
    assert_eq!(jira.config.product, Some(Product::Jira));
    assert_eq!(jira.labels, ["prod"]);
    assert_eq!(
        jira.database.as_ref().unwrap().expose_secret(),
        "value-of-JIRA_DB"
    );
    assert_eq!(jira.config.timeout, CONNECTION.timeout);
    assert!(
        matches!(&wiki.config.credentials, Credentials::Token { username: Some(user), .. } if user == "admin")
    );
    assert!(
        matches!(&git.config.credentials, Credentials::Password { login: Login::Session, username, .. } if username == "sysop")
    );
    assert_eq!(
        git.config.tls.ca_pem.as_deref(),
        Some(b"-----BEGIN CERTIFICATE-----\nca\n".as_slice())
    );
    let client = git.config.tls.client_pem.as_ref().unwrap().expose_secret();
    assert_eq!(
        client,
        "-----BEGIN CERTIFICATE-----\nme\n\n-----BEGIN PRIVATE KEY-----\nkey\n"
    );
    assert_eq!(
        git.config.proxy.as_ref().unwrap().as_str(),
        "http://proxy.example.com:3128/"
    );
    assert_eq!(
        git.config.sign_as.as_ref().unwrap().as_str(),
        "https://git.internal:7999"
    );

    let [deploy, reports, partner] = ready.consumers.as_slice() else {
        panic!("three consumers")
    };
    assert_eq!(
        (deploy.name.as_str(), deploy.key.as_str()),
        ("deploy-bot", "deploy")
    );
    assert_eq!(deploy.display_name, "Deploy bot");
    assert_eq!(deploy.servers, ["jira", "git"]);
    assert_eq!(
        deploy.keypair,
        KeypairSource::Managed {
            size: KeySize::Bits4096,
            export: Some(Export {
                private_key_file: Some(folder.path("out/deploy.key")),
                public_key_file: Some(folder.path("out/deploy.pub")),
            }),
        }
    );
    assert_eq!(
        deploy.two_legged,
        Some(TwoLegged {
            enabled: true,
            ..TwoLegged::default()
        })
    );
    let grants: Vec<_> = deploy
        .grants
        .iter()
        .map(|grant| {
            (
                grant.user.as_str(),
                grant.password.as_ref().map(ExposeSecret::expose_secret),
            )
        })
        .collect();
    assert_eq!(
        grants,
        [
            ("svc-deploy", Some("value-of-SVC_DEPLOY_PASSWORD")),
            ("svc-other", None)
        ]
    );
    assert_eq!(deploy.policy.max_grant_age, Some(90 * 86_400));
    assert_eq!(deploy.policy.max_key_age, Some(52 * 7 * 86_400));

    assert_eq!(
        (reports.key.as_str(), reports.display_name.as_str()),
        ("reports", "reports")
    );
    assert_eq!(reports.url, "https://reports.example.com");
    assert_eq!(reports.servers, ["jira", "wiki", "git", "build"]);
    assert_eq!(
        reports.keypair,
        KeypairSource::PrivateKeyFile(folder.path("reports.key"))
    );
    assert_eq!(
        reports.two_legged.as_ref().unwrap().execute_as.as_deref(),
        Some("reporter")
    );
    assert_eq!(
        partner.keypair,
        KeypairSource::PublicKeyFile(folder.path("partner.pub"))
    );
    assert_eq!(partner.state, State::Absent);
    let digest = Sha256::digest(fs_err::read(folder.path("fleet.yaml")).unwrap());
    let bytes = ready.digest.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap();
        u8::from_str_radix(pair, 16).unwrap()
    });
    assert_eq!(bytes.collect::<Vec<_>>(), digest.to_vec());
    assert_eq!(ready.warnings, Vec::<String>::new());
}

#[test]
fn only_what_is_needed_is_looked_up() {
    let asked = RefCell::new(Vec::new());
    let var = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    let environment = Environment {
        var: &var,
        command: None,
        keyring: None,
    };
    let folder = full();
    let ready = folder
        .ready_in(&environment, &[], &[], Needs::default())
        .unwrap();
    assert!(
        ready
            .servers
            .iter()
            .all(|server| matches!(server.config.credentials, Credentials::Anonymous))
    );
    assert!(ready.servers.iter().all(|server| server.database.is_none()));
    assert!(
        ready
            .consumers
            .iter()
            .flat_map(|consumer| &consumer.grants)
            .all(|grant| grant.password.is_none())
    );
    assert_eq!(*asked.borrow(), Vec::<String>::new());

    // `wiki` needs nothing of the environment, the others do.
    let needs = Needs {
        admin: true,
        ..Needs::default()
    };
    assert!(folder.ready_in(&environment, &["wiki"], &[], needs).is_ok());
}

#[test]
fn a_reference_is_looked_up_once() {
    let runs = RefCell::new(0);
    let command = |_: &str| {
        *runs.borrow_mut() += 1;
        Ok(SecretString::from("x"))
    };
    let environment = Environment {
        var: &|_| None,
        command: Some(&command),
        keyring: None,
    };
    let folder = Folder::new(
        "version: 1\ndefaults: { admin: { username: a, password: \"${cmd:pass}\" } }\n\
         servers: { a: { url: https://a.example.com }, b: { url: https://b.example.com } }\n",
    );
    folder.ready_in(&environment, &[], &[], ALL).unwrap();
    assert_eq!(runs.into_inner(), 1);
}

const TWO: &str = "\
version: 1
defaults:
  admin: { username: admin, password: \"${env:V_P}\" }
servers:
  jira: { url: https://jira.example.com, labels: [prod, eu] }
  wiki: { url: https://wiki.example.com, labels: [eu] }
  test: { url: https://test.example.com }
consumers:
  one: { url: https://one.example.com, servers: [\"label:prod\"] }
  two: { url: https://two.example.com, key: second, servers: [\"label:eu\", test] }
";

#[test]
fn servers_and_consumers_are_selected() {
    let folder = Folder::new(TWO);
    let cases: [[&[&str]; 4]; 6] = [
        [&[], &[], &["jira", "wiki", "test"], &["one", "two"]],
        [&["wiki"], &[], &["wiki"], &["two"]],
        [&["label:eu"], &[], &["jira", "wiki"], &["one", "two"]],
        [
            &["test", "label:prod", "jira"],
            &[],
            &["jira", "test"],
            &["one", "two"],
        ],
        [&[], &["one"], &["jira", "wiki", "test"], &["one"]],
        [&["wiki"], &["two"], &["wiki"], &["two"]],
    ];
    for [servers, consumers, expected_servers, expected_consumers] in cases {
        let ready = folder.ready(servers, consumers, ALL).unwrap();
        let names: Vec<_> = ready
            .servers
            .iter()
            .map(|server| server.config.name.as_str())
            .collect();
        assert_eq!(names, expected_servers);
        let names: Vec<_> = ready
            .consumers
            .iter()
            .map(|consumer| consumer.name.as_str())
            .collect();
        assert_eq!(names, expected_consumers);
    }
}

#[test]
fn what_the_whole_file_names_is_known_whatever_is_selected() {
    let ready = Folder::new(TWO).ready(&["jira"], &["one"], ALL).unwrap();
    let link = |consumer: &str, key: &str| NamedLink {
        server: "jira".to_owned(),
        consumer: consumer.to_owned(),
        url: format!("https://{consumer}.example.com"),
        key: key.to_owned(),
    };
    assert_eq!(ready.named, [link("one", "one"), link("two", "second")]);
}

#[test]
fn a_consumer_that_no_selected_server_has_is_a_warning() {
    let folder = Folder::new(TWO);
    let ready = folder.ready(&["wiki"], &["one"], ALL).unwrap();
    assert!(ready.consumers.is_empty());
    let [warning] = ready.warnings.as_slice() else {
        panic!("{:?}", ready.warnings)
    };
    assert!(
        warning.contains(":9:3: none of the selected servers"),
        "{warning}"
    );
}

#[test]
fn unknown_names_in_the_selection_are_refused_all_at_once() {
    let folder = Folder::new(TWO);
    let seen = errors(
        &folder,
        folder.ready(&["jria", "eu", "label:pord", "nobody"], &["oen"], ALL),
    );
    assert_eq!(
        seen,
        [
            "`--consumer` names no consumer of the fleet file: `oen`\n  hint: did you mean `one`?",
            "`--server` names no server of the fleet file: `eu`\n  hint: for the label write `label:eu`",
            "`--server` names no server of the fleet file: `jria`\n  hint: did you mean `jira`?",
            "`--server` names no server of the fleet file: `nobody`",
            "no server has the label of `--server`: `label:pord`\n  hint: did you mean `prod`?",
        ]
    );
}

const BROKEN: &str = "\
version: 1
defaults:
  admin: { username: admin, password: \"${env:NOBODY_SET_ME}\" }
servers:
  one: { url: \"https://${env:NOBODY_SET_HOST}\" }
  two: { url: https://two.example.com, admin: { token: \"${file:missing.pat}\" } }
  three: { url: https://three.example.com, admin: { username: a, password: \"${cmd:echo marker}\" } }
  four: { url: https://four.example.com, admin: { username: a, password: \"${keyring:x/y}\" } }
  five: { url: https://five.example.com, admin: { token: \"${file:empty}\" } }
  six: { url: https://six.example.com, admin: { token: \"${env:V_T}\" }, tls: { ca_file: key.pem, client_cert_file: gone.pem, client_key_file: key.pem } }
";

#[test]
fn what_cannot_be_looked_up_is_said_all_at_once_and_only_where_it_is_needed() {
    let folder = Folder::new(BROKEN);
    folder.write("empty", "\n");
    folder.write("key.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    let seen = errors(&folder, folder.ready(&[], &[], ALL));
    let starts = [
        "3:39: the environment variable `NOBODY_SET_ME` is not defined: `${env:NOBODY_SET_ME}`",
        "5:15: the environment variable `NOBODY_SET_HOST` is not defined: `https://${env:NOBODY_SET_HOST}`",
        "6:56: ",
        "7:76: a command in the fleet file is not run: `${cmd:echo ...}`\n  hint: allow it with `--allow-cmd`",
        "8:74: this program was built without a keyring: `${keyring:x/y}`",
        "9:58: an empty secret: `${file:empty}`",
        "10:88: no certificate in PEM form is in ",
        "10:115: ",
        "10:142: the client key is encrypted: `key.pem`\n  hint: write a plain one with `openssl pkey",
    ];
    assert_eq!(seen.len(), starts.len(), "{seen:#?}");
    for (seen, start) in seen.iter().zip(starts) {
        assert!(seen.starts_with(start), "{seen}\n{start}");
    }
    assert!(seen[2].contains("missing.pat"), "{}", seen[2]);
    assert!(seen[7].contains("gone.pem"), "{}", seen[7]);

    let one = errors(&folder, folder.ready(&["five"], &[], ALL));
    assert_eq!(one, ["9:58: an empty secret: `${file:empty}`"]);
    assert!(
        folder
            .ready(&["two", "three", "four", "five"], &[], Needs::default())
            .is_ok()
    );
}

#[test]
fn nobody_to_sign_in_is_an_error_only_where_somebody_has_to() {
    let folder = Folder::new(
        "version: 1\nservers:\n  jira: { url: https://a.example.com }\n  other: { url: https://b.example.com, product: other }\n",
    );
    let seen = errors(&folder, folder.ready(&[], &[], ALL));
    assert_eq!(
        seen,
        [
            "3:3: nobody is named to sign in to this server: `jira`\n  hint: add `admin` here or under `defaults`"
        ]
    );
    assert!(folder.ready(&["other"], &[], ALL).is_ok());
    assert!(folder.ready(&[], &[], Needs::default()).is_ok());
}

#[cfg(unix)]
#[test]
fn a_command_is_run_only_from_a_file_that_others_cannot_write() {
    let folder = Folder::new(
        "version: 1\nservers:\n  a: { url: https://a.example.com, admin: { username: a, password: \"${cmd:pass}\" } }\n",
    );
    for (mode, good) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
        folder.mode("fleet.yaml", mode);
        let result = folder.ready_in(&everything(), &[], &[], ALL);
        assert_eq!(result.is_ok(), good, "{mode:o}");
        // Nobody minds where no command is needed.
        assert!(
            folder
                .ready_in(&everything(), &[], &[], Needs::default())
                .is_ok()
        );
    }
}

#[test]
fn a_secret_in_the_file_itself_is_a_warning() {
    let folder = Folder::new(
        "version: 1\nservers:\n  a:\n    url: https://a.example.com\n    admin: { username: a, password: marker }\n    \
         database: postgres://reader@db/jira\n  b:\n    url: https://b.example.com\n    admin: { token: \"${env:V_T}\" }\n    \
         database: postgres://reader:marker@db/jira\n    proxy: http://me:marker@proxy\n  c:\n    \
         url: https://c.example.com\n    admin: { token: \"${env:V_T}\" }\n    proxy: http://me:${env:V_P}@proxy\n",
    );
    let ready = folder.ready(&[], &[], ALL).unwrap();
    let warned: Vec<_> = ready
        .warnings
        .iter()
        .map(|text| {
            text.split("fleet.yaml:")
                .nth(1)
                .unwrap()
                .split(':')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(warned, ["5", "10", "11"]);
    assert!(!ready.warnings.concat().contains("marker"));
    assert!(!format!("{ready:?}").contains("marker"));
}

#[test]
fn an_escaped_reference_is_plain_text() {
    let folder = Folder::new(
        "version: 1\nservers:\n  a: { url: https://a.example.com, admin: { username: \"a$${b\", password: \"${env:V_P}$${x}$\" } }\n",
    );
    let ready = folder.ready(&[], &[], ALL).unwrap();
    let Credentials::Password {
        username, password, ..
    } = &ready.servers[0].config.credentials
    else {
        panic!("a password");
    };
    assert_eq!(username, "a${b");
    assert_eq!(password.expose_secret(), "value-of-V_P${x}$");
}
