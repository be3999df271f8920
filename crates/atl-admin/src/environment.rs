//! The environment of the process, which nothing else reads.

use std::ffi::OsString;

use crate::flags::is_on;

/// A variable.
#[expect(
    clippy::disallowed_methods,
    reason = "only the command line reads the environment, and only here"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Whether a boolean variable is on.
pub(crate) fn switch(name: &str) -> bool {
    variable(name).is_some_and(|value| is_on(&value))
}
