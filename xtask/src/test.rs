//! `cargo xtask test`: every test, with what they need installed first, and a list of what was skipped.

use std::process::Command;

use anyhow::bail;

use crate::run::{cargo, root, run, tools};

/// The independent OAuth client that signs against the testbed.
const PYTHON_PACKAGES: [&str; 4] = [
    "requests-oauthlib==2.0.0",
    "oauthlib==4.0.1",
    "PyJWT",
    "cryptography",
];

pub(crate) fn test(args: &[String]) -> anyhow::Result<()> {
    if let Err(error) = python() {
        eprintln!("warning: {error:#}; the tests that need it say that they were skipped");
    }
    let skips = root().join("target").join("skipped-tests.txt");
    if let Some(folder) = skips.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(&skips, "")?;
    let mut command = cargo(&["test", "--workspace", "--locked"]);
    run(command.args(args).env("ATL_TEST_SKIPS", &skips))?;
    let skipped = fs_err::read_to_string(&skips)?;
    if skipped.is_empty() {
        eprintln!("no test was skipped");
        return Ok(());
    }
    eprintln!("skipped:\n{skipped}");
    if std::env::var_os("CI").is_some() {
        bail!("in CI no test may be skipped");
    }
    Ok(())
}

/// A virtual environment in `.tools/python`, made once.
fn python() -> anyhow::Result<()> {
    let folder = tools().join("python");
    let stamp = folder.join("installed.txt");
    let wanted = PYTHON_PACKAGES.join("\n");
    if fs_err::read_to_string(&stamp).is_ok_and(|has| has == wanted) {
        return Ok(());
    }
    fs_err::create_dir_all(tools())?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet"])
        .args(PYTHON_PACKAGES))?;
    fs_err::write(stamp, wanted)?;
    Ok(())
}
