//! Which store, and what unseals it.

use std::path::PathBuf;

use atl_fleet::remove_left_key_files;
use atl_store::{KeySource, Store, StoreError, StoreUrl};

use crate::{
    context::{Context, who},
    environment,
    error::{Error, Result},
    locations, shell, term,
};

/// Variables that `psql` reads too, and the parameters they stand for.
const POSTGRES_VARIABLES: [(&str, &str); 5] = [
    ("PGPASSWORD", "password"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
];

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
        let Some(url) = self.url_of_store_that_is_there()? else {
            return Ok(None);
        };
        let store = Store::open_existing(&url, &self.store_key()?)?;
        for text in store.iter().flat_map(Store::warnings) {
            term::warn(text);
        }
        Ok(store)
    }

    /// Opens the store to work with, where there is one; none is made.
    pub(crate) fn store_if_any(&self, command: &str) -> Result<Option<Store>> {
        match self.url_of_store_that_is_there()? {
            Some(_) => self.store(command).map(Some),
            None => Ok(None),
        }
    }

    /// A command that gives the key is run only where there is something to unseal.
    fn url_of_store_that_is_there(&self) -> Result<Option<StoreUrl>> {
        let url = self.store_url()?;
        let there = Store::exists(&url)?;
        Ok(there.then_some(url))
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
        let Some(text) = &self.globals.store else {
            return Ok(StoreUrl::Sqlite(locations::store()?));
        };
        let url = self.parse_store_url(text)?;
        if matches!(url, StoreUrl::Postgres(_)) && self.globals.store_key.is_none() {
            return Err(
                Error::usage("a store on PostgreSQL needs `--store-key`").hint(
                    "all who share the store share its key: `file:PATH`, `env:NAME` or `cmd:COMMAND`",
                ),
            );
        }
        Ok(url)
    }

    /// Reads a store's URL; what it does not say, the variables of PostgreSQL's own programs do.
    pub(crate) fn parse_store_url(&self, text: &str) -> Result<StoreUrl> {
        let usage = |error: StoreError| Error::usage_of(&error, error.advice());
        let StoreUrl::Postgres(mut url) = text.parse().map_err(usage)? else {
            return text.parse().map_err(usage);
        };
        for (name, parameter) in POSTGRES_VARIABLES {
            match environment::variable(name).map(std::ffi::OsString::into_string) {
                Some(Ok(value)) if !value.is_empty() => {
                    url = url.or(parameter, &value).map_err(usage)?;
                }
                Some(Err(_)) => {
                    return Err(Error::usage(format!(
                        "the environment variable `{name}` is not UTF-8"
                    )));
                }
                _ => {}
            }
        }
        Ok(StoreUrl::Postgres(url.allow_plain(self.globals.allow_http)))
    }

    /// The store key of `--store-key`, else the one in the configuration folder.
    pub(crate) fn store_key(&self) -> Result<KeySource> {
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
