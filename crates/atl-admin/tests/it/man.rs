//! `man`

use crate::env::Env;

#[test]
fn every_command_gets_a_page() {
    let env = Env::new();
    assert_eq!(env.run("man pages/man1").ok(), "");
    let files = env.files();
    for page in ["atl-admin", "atl-admin-keys", "atl-admin-keys-generate"] {
        assert!(
            files.contains(&format!("pages/man1/{page}.1")),
            "{page}: {files:?}"
        );
    }
    let page = env.read("pages/man1/atl-admin-keys-generate.1");
    assert!(page.contains("no\\-passphrase"), "{page}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let env = Env::new();
    env.write("file", "");
    insta::assert_snapshot!(env.run("man file/pages").shown(), @r"
    -- stderr
    error: failed to create directory `file/pages`: Not a directory (os error 20)
    -- exit 1
    ");
}
