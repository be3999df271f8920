//! `cargo xtask docs`: what in docs/ is made from the program.

use anyhow::{Context as _, bail, ensure};

use crate::run::{cargo, root, run, shown};

const SCHEMA: &str = "docs/fleet.schema.json";

/// Writes it anew, or with `check` only compares.
pub(crate) fn docs(check: bool) -> anyhow::Result<()> {
    tested("atl-admin", "reference::", check)?;
    tested("atl-tokens", "rules::", check)?;
    schema(check)
}

/// docs/cli.md and the index of docs/rules: a test compares each, and writes it where it is told to.
fn tested(room: &str, tests: &str, check: bool) -> anyhow::Result<()> {
    let mut test = cargo(&[
        "test", "--quiet", "--locked", "-p", room, "--test", "it", tests,
    ]);
    if !check {
        test.env("UPDATE_DOCS", "1");
    }
    run(&mut test)
}

/// docs/fleet.schema.json, which editors read.
fn schema(check: bool) -> anyhow::Result<()> {
    let mut program = cargo(&[
        "run",
        "--quiet",
        "--locked",
        "-p",
        "atl-admin",
        "--",
        "schema",
    ]);
    let output = program
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` could not be started", shown(&program)))?;
    ensure!(
        output.status.success(),
        "`{}` failed ({})",
        shown(&program),
        output.status
    );
    let path = root().join(SCHEMA);
    if !check {
        fs_err::write(path, output.stdout)?;
        return Ok(());
    }
    if fs_err::read(path).ok() != Some(output.stdout) {
        bail!("{SCHEMA} is stale, run `cargo xtask docs`");
    }
    Ok(())
}
