//! `cargo xtask ci`: what a pull request must pass.

use std::{path::PathBuf, process::Command};

use crate::{
    demo::demo,
    docs::docs,
    run::{cargo, run, tools},
    test::test,
};

const CARGO_DENY: &str = "0.20.2";

pub(crate) fn ci() -> anyhow::Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(
        cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    docs(true)?;
    deny()?;
    test(&[])?;
    demo()
}

/// The dependency policy. Advisories need a database that is fetched from the network: where there is none, that part
/// is reported as not run.
fn deny() -> anyhow::Result<()> {
    let deny = tools().join("bin/cargo-deny");
    if !deny.exists() {
        let root = tools();
        let mut install = cargo(&[
            "install",
            "--quiet",
            "--locked",
            "--version",
            CARGO_DENY,
            "cargo-deny",
            "--root",
        ]);
        // Built once; a debug build is enough for a tool that runs for a second.
        run(install.arg(root).arg("--debug"))?;
    }
    run(Command::new(&deny).args([
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    if !advisory_database() {
        eprintln!("advisories: not run, there is no advisory database at hand");
        return Ok(());
    }
    run(Command::new(&deny).args(["--offline", "--log-level", "error", "check", "advisories"]))
}

/// Whether an advisory database was fetched to this machine before.
fn advisory_database() -> bool {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(PathBuf::from(home).join(".cargo"))
        });
    let folders = cargo_home.and_then(|home| fs_err::read_dir(home.join("advisory-dbs")).ok());
    folders.into_iter().flatten().flatten().any(|entry| {
        let fetched = |file: &str| entry.path().join(file).exists();
        fetched(".git/FETCH_HEAD") || fetched("FETCH_HEAD")
    })
}
