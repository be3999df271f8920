//! An estate with a folder to work on it from: what `demo` and `testbed` have in common.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;
use atl_testbed::{ADMIN_PASSWORD, Estate, SERVICE_PASSWORD, SERVICE_USER, ServerSpec};
use tempfile::TempDir;

/// The estate's fleet file, whose consumer wants grants of these users too.
pub(crate) fn granting(estate: &Estate, users: &[&str]) -> String {
    // The consumer is what the file ends with.
    let mut yaml = estate.fleet_yaml() + "    grants:\n";
    for user in users {
        let variable = password_variable(user);
        // Writing to a string does not fail.
        let _infallible = writeln!(
            yaml,
            "      - user: {user}\n        password: ${{env:{variable}}}"
        );
    }
    yaml
}

/// The variable that [`granting`] takes a user's password from.
pub(crate) fn password_variable(user: &str) -> String {
    user.to_uppercase().replace('-', "_") + "_PASSWORD"
}

/// Servers that run, and a folder with a fleet file for them. Both are gone when it is dropped.
pub(crate) struct Site {
    pub(crate) estate: Estate,
    folder: TempDir,
}

impl Site {
    /// Starts the servers and writes the folder; `task` is part of its name.
    pub(crate) fn start(task: &str, specs: Vec<ServerSpec>) -> anyhow::Result<Self> {
        let estate = Estate::start(specs)?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("atl-{task}-"))
            .tempdir()
            .context("no temporary folder could be made")?;
        fs_err::write(
            folder.path().join("fleet.yaml"),
            granting(&estate, &[SERVICE_USER]),
        )?;
        if let Some(authority) = estate.ca_pem() {
            fs_err::write(folder.path().join("estate-ca.pem"), authority)?;
        }
        Ok(Self { estate, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `atl-admin` needs in its environment to work on these servers, and on no store but one in the folder.
    pub(crate) fn variables(&self) -> [(String, String); 5] {
        let inside = |name| self.folder().join(name).display().to_string();
        [
            ("ATL_ADMIN_PASSWORD".to_owned(), ADMIN_PASSWORD.to_owned()),
            (password_variable(SERVICE_USER), SERVICE_PASSWORD.to_owned()),
            ("ATL_ADMIN_FLEET".to_owned(), inside("fleet.yaml")),
            (
                "ATL_ADMIN_STORE".to_owned(),
                format!("sqlite:{}", inside("store.db")),
            ),
            (
                "ATL_ADMIN_STORE_KEY".to_owned(),
                format!("file:{}", inside("store.key")),
            ),
        ]
    }
}
