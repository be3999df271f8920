//! The `atl-admin` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    atl_admin::main()
}
