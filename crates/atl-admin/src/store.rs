//! Which store, and what unseals it.

use std::path::PathBuf;

use atl_fleet::remove_left_key_files;
use atl_store::{KeySource, Store, StoreUrl};

use crate::{
    context::{Context, who},
    environment,
    error::{Error, Result},
    locations, shell, term,
};

impl Context {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn store(&self, command: &str) -> Result<Store> {
        let store = Store::open(&self.store_url()?, &self.store_key()?, who(command))?;
        store.warnings().iter().for_each(|text| term::warn(text));
        remove_left_key_files(&store)?;
        Ok(store)
    }

    /// Opens the store for looking; nothing is made, and a store that is not there is `None`.
    pub(crate) fn store_to_look_at(&self) -> Result<Option<Store>> {
        let url = self.store_url()?;
        let StoreUrl::Sqlite(path) = &url else {
            return Ok(Store::open_existing(&url, &self.store_key()?)?);
        };
        // A command that gives the key is run only where there is something to unseal.
        if matches!(path.try_exists(), Ok(false)) {
            return Ok(None);
        }
        let store = Store::open_existing(&url, &self.store_key()?)?;
        for text in store.iter().flat_map(Store::warnings) {
            term::warn(text);
        }
        Ok(store)
    }

    /// Opens the store to work with, where there is one; none is made.
    pub(crate) fn store_if_any(&self, command: &str) -> Result<Option<Store>> {
        let StoreUrl::Sqlite(path) = &self.store_url()? else {
            return self.store(command).map(Some);
        };
        if matches!(path.try_exists(), Ok(false)) {
            return Ok(None);
        }
        self.store(command).map(Some)
    }

    /// A folder for files that only this user may read for a moment: the store's, else where it would be.
    pub(crate) fn private_folder(&self) -> Result<PathBuf> {
        let path = match self.store_url()? {
            StoreUrl::Sqlite(path) => path,
            _ => locations::store()?,
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        fs_err::create_dir_all(&folder).map_err(|error| Error::io(&error))?;
        Ok(folder)
    }

    /// The store of `--store`, else the one in the data folder.
    pub(crate) fn store_url(&self) -> Result<StoreUrl> {
        match &self.globals.store {
            Some(text) => text
                .parse()
                .map_err(|error: atl_store::StoreError| Error::usage_of(&error, error.advice())),
            None => Ok(StoreUrl::Sqlite(locations::store()?)),
        }
    }

    /// The store key of `--store-key`, else the one in the configuration folder.
    fn store_key(&self) -> Result<KeySource> {
        let Some(text) = self.globals.store_key.as_deref() else {
            return Ok(KeySource::File(locations::store_key()?));
        };
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(KeySource::File(path.into())),
            Some(("env", name)) if !name.is_empty() => from_variable(name),
            Some(("cmd", command)) if !command.trim().is_empty() => {
                shell::output(command, self.terminal.can_ask)
                    .map(KeySource::Text)
                    .map_err(|why| {
                        Error::failed(format!("the command of `--store-key` {why}"))
                            .hint("run it by hand to see what it prints on stdout")
                    })
            }
            // The text is not repeated: it may be the key itself.
            _ => Err(Error::usage(
                "`--store-key` is none of `file:PATH`, `env:NAME` and `cmd:COMMAND`",
            )
            .hint(
                "a store key is never typed on the command line; put it into a file or a variable",
            )),
        }
    }
}

fn from_variable(name: &str) -> Result<KeySource> {
    match environment::variable(name).map(std::ffi::OsString::into_string) {
        Some(Ok(text)) => Ok(KeySource::Text(text.into())),
        Some(Err(_)) => Err(Error::usage(format!(
            "the environment variable `{name}` of `--store-key` is not UTF-8"
        ))),
        None => Err(Error::usage(format!(
            "the environment variable `{name}` of `--store-key` is not set"
        ))),
    }
}
