//! `keys generate`, `list`, `export` and `import` with the store.

use crate::{env::Env, estate::Fleet};

#[test]
fn looking_makes_nothing() {
    let env = Env::new();
    insta::assert_snapshot!(env.run("keys list").shown(), @r"
    -- stderr
    the store has no such keypairs
    -- exit 0
    ");
    for line in [
        "keys show bot",
        "keys export bot --public",
        "keys export bot --private --out a.pem",
        // The command would fail, and is not run for a store that does not exist.
        "keys export bot --public --store-key cmd:false",
    ] {
        let run = env.run(line);
        assert_eq!(run.code, Some(1), "{line}: {}", run.shown());
        assert!(
            run.stderr.contains("the store has no keypair `bot`"),
            "{}",
            run.shown()
        );
    }
    assert_eq!(env.files(), [""; 0]);
}

#[test]
#[cfg(unix)]
fn the_store_and_its_key_stand_apart_and_are_private() {
    let env = Env::new();
    let run = env.run("keys generate --consumer bot --bits 2048");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let files = env.files();
    assert!(
        files.contains(&"home/config/atl-admin/store.key".to_owned()),
        "{files:?}"
    );
    assert!(
        files.contains(&"home/data/atl-admin/store.db".to_owned()),
        "{files:?}"
    );
    for file in files {
        assert_eq!(env.mode(&file), 0o600, "{file}");
    }
}

#[test]
fn several_consumers_get_a_keypair_each() {
    let env = Env::new();
    let made = env
        .run("keys -c one generate -c two --bits 2048 -o json")
        .json();
    let keys = made["keys"].as_array().unwrap();
    assert_eq!(
        (&keys[0]["consumer"], &keys[1]["consumer"]),
        (&"one".into(), &"two".into())
    );
    assert_ne!(keys[0]["fingerprint"], keys[1]["fingerprint"]);
    let listed = |line: &str| {
        let mut listed = env.run(line).json()["keys"].as_array().unwrap().clone();
        for key in &mut listed {
            // It gets older from one run to the next.
            key["age"] = 0.into();
        }
        listed
    };
    assert_eq!(listed("keys list -o json"), *keys);
    assert_eq!(listed("keys list -c one -o json"), [keys[0].clone()]);
}

#[test]
fn a_listed_key_has_the_promised_shape() {
    let env = Env::new();
    let made = env
        .run("keys generate --consumer bot --bits 2048 -o json")
        .json();
    let key = made["keys"][0].as_object().unwrap();
    let names: Vec<_> = key.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "id",
            "consumer",
            "bits",
            "fingerprint",
            "created",
            "state",
            "servers",
            "age",
            "registered"
        ]
    );
    assert_eq!(key["state"], "active");
    assert_eq!(key["servers"], serde_json::json!([]));
    assert_eq!(key["registered"], serde_json::json!([]));
    assert_eq!(key["age"], 0);
    assert!(key["created"].as_str().unwrap().ends_with('Z'));
    assert!(key["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
}

#[test]
fn what_goes_in_comes_out() {
    let env = Env::new();
    env.fixture("pkcs8.pem");
    env.fixture("pkcs8.pub.pem");
    env.fixture("one-line.pub.txt");
    let run = env.run("keys import pkcs8.pem --consumer bot -o json");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let id = run.json()["keys"][0]["id"].as_str().unwrap().to_owned();
    for key in ["bot", &id] {
        let run = env.run(&format!("keys export {key} --public"));
        assert_eq!(run.ok(), env.read("pkcs8.pub.pem"));
        let run = env.run(&format!("keys export {key} --public --one-line"));
        assert_eq!(run.ok().trim(), env.read("one-line.pub.txt").trim());
    }
    let run = env.run("keys export bot --private --out out.pem");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert_eq!(env.read("out.pem"), env.read("pkcs8.pem"));
    #[cfg(unix)]
    assert_eq!(env.mode("out.pem"), 0o600);
}

#[test]
fn a_private_key_is_exported_encrypted_with_a_passphrase() {
    let env = Env::new();
    env.write("pass", "correct horse\n");
    assert_eq!(
        env.run("keys generate --consumer bot --bits 2048").code,
        Some(0)
    );
    let run =
        env.run("keys export bot --private --out out.pem --passphrase-file pass --kdf pbkdf2");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(
        env.read("out.pem")
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    assert_eq!(
        env.run("keys show out.pem --passphrase-file pass").code,
        Some(0)
    );
}

#[test]
fn an_export_overwrites_nothing_by_accident() {
    let env = Env::new();
    env.fixture("legacy.pem");
    env.write("mine", "mine");
    assert_eq!(
        env.run("keys generate --consumer bot --bits 2048").code,
        Some(0)
    );
    for line in [
        "keys export bot --private --out mine",
        "keys export bot --public --out mine",
        "keys export bot --private --out legacy.pem --force",
        "keys export bot --public --out legacy.pem --force",
        "keys export bot --private --out /dev/stdout --force",
    ] {
        let run = env.run(line);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{line}: {}",
            run.shown()
        );
    }
    assert_eq!(env.run("keys export bot --private --out -").code, Some(2));
    assert_eq!(env.read("mine"), "mine");
}

#[test]
fn an_import_is_refused_with_the_command_that_mends_it() {
    let env = Env::new();
    for name in [
        "rsa-1024.pem",
        "rsa-512.pem",
        "pkcs8.pub.pem",
        "openssh.pem",
        "scrypt.pem",
    ] {
        env.fixture(name);
    }
    insta::assert_snapshot!(env.run("keys import rsa-1024.pem -c bot").shown(), @r"
    -- stderr
    error: could not take a key from `rsa-1024.pem`
    Caused by: the key has 1024 bits, and 2048 to 8192 are accepted
    hint: where this one must be kept for a while, `keys import --insecure` takes it; better make a larger one: `atl-admin keys generate --out new-key.pem --public-out new-key.pub.pem`
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys import openssh.pem -c bot").shown(), @r"
    -- stderr
    error: could not take a key from `openssh.pem`
    Caused by: the private half of a keypair was expected, and this is an OpenSSH private key (`BEGIN OPENSSH PRIVATE KEY`)
    hint: convert it: `install -m 600 openssh.pem openssh.pem.pkcs8.pem && ssh-keygen -p -N '' -m PKCS8 -f openssh.pem.pkcs8.pem`
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys import pkcs8.pub.pem -c bot").shown(), @r"
    -- stderr
    error: could not take a key from `pkcs8.pub.pem`
    Caused by: the private half of a keypair was expected, and this is a public key (`BEGIN PUBLIC KEY`)
    hint: a public key does not contain the private half; give the file it was made from
    -- exit 1
    ");
    insta::assert_snapshot!(env.run("keys import scrypt.pem -c bot").shown(), @r"
    -- stderr
    error: `scrypt.pem` is encrypted, and nobody can be asked for its passphrase
    hint: give it with `--passphrase-file FILE`
    -- exit 2
    ");
    assert_eq!(
        env.run("keys import rsa-512.pem -c bot --insecure").code,
        Some(1)
    );
    assert!(!env.files().iter().any(|name| name.starts_with("home")));
    assert_eq!(
        env.run("keys import rsa-1024.pem -c bot --insecure").code,
        Some(0)
    );
}

#[test]
fn one_of_several_keys_in_use_is_named_by_its_id() {
    let env = Env::new();
    assert_eq!(env.run("keys generate -c bot --bits 2048").code, Some(0));
    let second = env.run("keys generate -c bot --bits 2048 -o json");
    assert!(
        second.stderr.contains("has a keypair in use already"),
        "{}",
        second.shown()
    );
    let id = second.json()["keys"][0]["id"].as_str().unwrap().to_owned();
    let run = env.run("keys export bot --public");
    assert_eq!(run.code, Some(2), "{}", run.shown());
    assert!(run.stderr.contains(&id), "{}", run.shown());
    assert_eq!(env.run(&format!("keys export {id} --public")).code, Some(0));
}

#[test]
fn the_store_key_comes_from_where_it_is_said_to_be() {
    let env = Env::new().with("KEY", "a passphrase");
    let source = "--store sqlite:s.db --store-key";
    let run = env.run(&format!(
        "keys generate -c bot --bits 2048 {source} env:KEY"
    ));
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert_eq!(env.files(), ["s.db"]);
    env.write("key.sh", "printf 'a passphrase\\n'");
    let list = |source_of_key: &str| {
        env.shell(&format!(
            "atl-admin keys list -o json {source} '{source_of_key}'"
        ))
    };
    for right in ["env:KEY", "cmd:sh key.sh"] {
        assert_eq!(
            list(right).json()["keys"].as_array().unwrap().len(),
            1,
            "{right}"
        );
    }
    for wrong in ["cmd:echo wrong", "cmd:false", "file:missing"] {
        let run = list(wrong);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{wrong}: {}",
            run.shown()
        );
    }
    assert_eq!(env.files(), ["key.sh", "s.db"]);
}

#[test]
fn a_flag_that_would_do_nothing_is_refused() {
    let env = Env::new();
    for line in [
        "keys generate --consumer bot --format pkcs1",
        "keys generate --consumer bot --kdf pbkdf2",
        "keys export bot --private --one-line --out a.pem",
    ] {
        let run = env.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
    }
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn a_server_that_moved_is_listed_once() {
    let fleet = Fleet::provisioned();
    fleet.edit("127.0.0.1", "localhost");
    let run = fleet.run("apply");
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let (listed, _) = fleet.json("keys list");
    assert_eq!(listed["keys"][0]["servers"], serde_json::json!(["jira"]));
}
