//! `cargo xtask ci`: what a pull request must pass.

use std::process::Command;

use crate::{
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
    test(&[])
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
    let advisories = Command::new(&deny)
        .args(["--offline", "--log-level", "error", "check", "advisories"])
        .status();
    if advisories.is_ok_and(|status| status.success()) {
        eprintln!("advisories: checked against the database at hand");
    } else {
        eprintln!(
            "advisories: not run (no advisory database at hand, or it reports something: run `cargo deny check advisories` online)"
        );
    }
    Ok(())
}
