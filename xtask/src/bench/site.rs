//! An estate whose servers have been provisioned by the program, with the folder that it works from.

use std::{path::Path, process::Command};

use atl_testbed::{
    ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Estate, MANAGER, MANAGER_PASSWORD,
    SERVICE_PASSWORD, SERVICE_USER, ServerSpec,
};
use tempfile::TempDir;

use super::process::{Taken, take};
use crate::estate::{granting, password_variable};

const PASSWORDS: [(&str, &str); 4] = [
    (ALICE, ALICE_PASSWORD),
    (BOB, BOB_PASSWORD),
    (MANAGER, MANAGER_PASSWORD),
    (SERVICE_USER, SERVICE_PASSWORD),
];

pub(super) struct Site<'a> {
    program: &'a Path,
    pub(super) estate: Estate,
    pub(super) folder: TempDir,
}

impl<'a> Site<'a> {
    /// Starts the servers and applies a fleet file with one consumer, a key of 2048 bits, that wants these users' grants.
    pub(super) fn provisioned(
        program: &'a Path,
        specs: Vec<ServerSpec>,
        users: &[&str],
    ) -> anyhow::Result<Self> {
        let site = Self {
            program,
            estate: Estate::start(specs)?,
            folder: tempfile::tempdir()?,
        };
        let yaml = granting(&site.estate, users) + "    keypair: { bits: 2048 }\n";
        fs_err::write(site.folder.path().join("fleet.yaml"), yaml)?;
        site.run(&["apply"])?;
        Ok(site)
    }

    /// Runs the program; what it printed, and what it took.
    pub(super) fn run(&self, arguments: &[&str]) -> anyhow::Result<(String, Taken)> {
        let mut command = Command::new(self.program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("ATL_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .envs(PASSWORDS.map(|(user, password)| (password_variable(user), password)))
            .args(["--store", "sqlite:store.db"])
            .args(["--store-key", "file:store.key", "--no-input"])
            .args(arguments);
        take(&mut command)
    }
}
