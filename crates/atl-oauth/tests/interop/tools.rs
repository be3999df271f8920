//! Other people's OAuth libraries, which `cargo xtask test` sets up in `.tools`, and how a test says that it was skipped;
//! the tests of `atl-admin` and `atl-testbed` use it as well.

use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A script of `fixtures/interop/`, with the packages that it needs.
pub(crate) struct Script {
    interpreter: PathBuf,
    file: PathBuf,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn node_packages() -> PathBuf {
    root().join(".tools/node")
}

/// A script, to be run by what its file extension says; where its packages are not installed, the test is skipped.
pub(crate) fn script(test: &str, name: &str) -> Option<Script> {
    let (packages, interpreter) = if Path::new(name).extension().is_some_and(|it| it == "js") {
        (node_packages(), PathBuf::from("node"))
    } else {
        let packages = root().join(".tools/python");
        let interpreter = packages.join("bin/python");
        (packages, interpreter)
    };
    if !packages.join("installed.txt").exists() {
        let folder = packages.file_name().unwrap().display();
        skip(
            test,
            &format!("no .tools/{folder}, which `cargo xtask test` installs"),
        );
        return None;
    }
    Some(Script {
        interpreter,
        file: root().join("fixtures/interop").join(name),
    })
}

/// Says that a test could not run here; in CI that is a failure.
pub(crate) fn skip(test: &str, why: &str) {
    atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why);
}

impl Script {
    /// Runs it; what it printed, without the line end. A failure shows the arguments, so no secret may be among them.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(&self.interpreter)
            .arg(&self.file)
            .args(arguments)
            .env("NODE_PATH", node_packages().join("node_modules"))
            // Loopback never goes through a proxy of the environment.
            .env("NO_PROXY", "127.0.0.1")
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
        let name = self.file.file_name().unwrap().display();
        assert!(output.status.success(), "{name} {arguments:?}: {errors}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}
