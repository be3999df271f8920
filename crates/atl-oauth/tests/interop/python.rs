//! The Python that `cargo xtask test` sets up; the tests of `atl-admin` use it as well.

use std::{
    env,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A Python that has the packages.
pub(crate) struct Python(PathBuf);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The Python; where there is none, the test says that it was skipped, which fails in CI.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "only the environment says where skipped tests are listed, and whether this is CI"
)]
pub(crate) fn python(test: &str) -> Option<Python> {
    let path = root().join(".tools/python/bin/python");
    if path.exists() {
        return Some(Python(path));
    }
    let line = format!(
        "{} {test}: no .tools/python, which `cargo xtask test` installs",
        env!("CARGO_PKG_NAME")
    );
    println!("skipped: {line}");
    assert!(
        env::var_os("CI").is_none(),
        "in CI no test may be skipped: {line}"
    );
    if let Some(file) = env::var_os("ATL_TEST_SKIPS") {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    None
}

impl Python {
    /// Runs a script of `fixtures/interop/`; what it printed, without the line end.
    pub(crate) fn run(&self, script: &str, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(&self.0)
            .arg(root().join("fixtures/interop").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {arguments:?}: {errors}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}
