//! Where things are kept when nobody says where.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::error::{Error, Result};

const FOLDER: &str = "atl-admin";

/// `store.db` in the platform's data folder.
pub(crate) fn store() -> Result<PathBuf> {
    Ok(folders("--store")?.data_dir().join(FOLDER).join("store.db"))
}

/// `store.key` in the platform's configuration folder.
pub(crate) fn store_key() -> Result<PathBuf> {
    let folders = folders("--store-key")?;
    Ok(folders.config_dir().join(FOLDER).join("store.key"))
}

fn folders(flag: &str) -> Result<impl etcetera::BaseStrategy> {
    etcetera::choose_base_strategy().map_err(|error| {
        Error::usage("there is no home folder to keep the store in")
            .caused_by(Some(&error))
            .hint(format!("say where it is with `{flag}`"))
    })
}
