//! An estate with a folder to work on it from: what `demo` and `testbed` have in common.

use std::path::Path;

use anyhow::Context as _;
use atl_testbed::{ADMIN_PASSWORD, Estate, ServerSpec};
use tempfile::TempDir;

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
        fs_err::write(folder.path().join("fleet.yaml"), estate.fleet_yaml())?;
        if let Some(authority) = estate.ca_pem() {
            fs_err::write(folder.path().join("estate-ca.pem"), authority)?;
        }
        Ok(Self { estate, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `atl-admin` needs in its environment to work on these servers, and on no store but one in the folder.
    pub(crate) fn variables(&self) -> [(&'static str, String); 4] {
        let inside = |name| self.folder().join(name).display().to_string();
        [
            ("ATL_ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
            ("ATL_ADMIN_FLEET", inside("fleet.yaml")),
            ("ATL_ADMIN_STORE", format!("sqlite:{}", inside("store.db"))),
            (
                "ATL_ADMIN_STORE_KEY",
                format!("file:{}", inside("store.key")),
            ),
        ]
    }
}
