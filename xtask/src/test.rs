//! `cargo xtask test`: every test, with what they need installed first, and a list of what was skipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::bail;

use crate::run::{cargo, root, run, tools};

/// Other people's OAuth clients, which dance with the testbed, and what they sign with.
const PYTHON_PACKAGES: [&str; 7] = [
    "requests-oauthlib==2.0.0",
    "oauthlib==4.0.1",
    "PyJWT==2.15.1",
    "cryptography==50.0.2",
    "Authlib==1.9.9",
    "jira[cli]==3.10.5",
    "atlassian-python-api==5.0.5",
];

/// The same for Node; neither needs anything else.
const NODE_PACKAGES: [&str; 2] = ["oauth@0.10.2", "oauth-1.0a@2.2.6"];

pub(crate) fn test(args: &[String]) -> anyhow::Result<()> {
    for installed in [python(), node()] {
        if let Err(error) = installed {
            eprintln!("warning: {error:#}; the tests that need it say that they were skipped");
        }
    }
    let skips = root().join("target").join("skipped-tests.txt");
    if let Some(folder) = skips.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(&skips, "")?;
    let sizes = skips.with_file_name("matrix-sizes.txt");
    fs_err::write(&sizes, "")?;
    let mut command = cargo(&["test", "--workspace", "--locked"]);
    command
        .args(args)
        .env("ATL_TEST_SKIPS", &skips)
        .env("ATL_TEST_SIZES", &sizes);
    run(&mut command)?;
    let sizes = fs_err::read_to_string(&sizes)?;
    if !sizes.is_empty() {
        let points = sizes
            .lines()
            .filter_map(|line| line.split(' ').next()?.parse::<u32>().ok());
        eprintln!(
            "the program was killed, or its connections dropped, at {} points:\n{sizes}",
            points.sum::<u32>()
        );
    }
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

/// A virtual environment in `.tools/python`.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    install("python", &PYTHON_PACKAGES, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet"])
            .args(PYTHON_PACKAGES))
    })
}

/// Packages in `.tools/node`, whose own scripts are not run.
pub(crate) fn node() -> anyhow::Result<PathBuf> {
    install("node", &NODE_PACKAGES, |folder| {
        run(Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund"])
            .args(["--ignore-scripts", "--prefix"])
            .arg(folder)
            .args(NODE_PACKAGES))
    })
}

/// Fills a folder of `.tools` once; gives the folder.
fn install(
    name: &str,
    packages: &[&str],
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let folder = tools().join(name);
    // The tests take it for what says that the folder is complete.
    let stamp = folder.join("installed.txt");
    let wanted = packages.join("\n");
    if fs_err::read_to_string(&stamp).is_ok_and(|has| has == wanted) {
        return Ok(folder);
    }
    fs_err::create_dir_all(&folder)?;
    fill(&folder)?;
    fs_err::write(stamp, wanted)?;
    Ok(folder)
}
