//! How a test says that it could not run.

use std::env;
use std::io::Write as _;

/// Says that a test of this crate could not run here, and why; in CI that is a failure.
///
/// # Panics
///
/// In CI, and where the list of skipped tests cannot be written.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "only the environment says where skipped tests are listed, and whether this is CI; it is called by tests"
)]
pub fn skip(room: &str, test: &str, why: &str) {
    let line = format!("{room} {test}: {why}");
    println!("skipped: {line}");
    assert!(
        env::var_os("CI").is_none(),
        "in CI no test may be skipped: {line}"
    );
    if let Some(file) = env::var_os("ATL_TEST_SKIPS") {
        let mut file = fs_err::OpenOptions::new()
            .append(true)
            .create(true)
            .open(std::path::PathBuf::from(file))
            .expect("the list of skipped tests can be opened");
        file.write_all(format!("{line}\n").as_bytes())
            .expect("the list of skipped tests can be written");
    }
}
