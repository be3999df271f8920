//! What was imported, as a source.

use std::ops::ControlFlow;

use atl_client::BaseUrl;
use atl_store::{ImportRow, Store};
use jiff::Timestamp;

use super::query::ExportProduct;
use super::row::ExportRow;
use crate::TokensError;
use crate::inventory::{Coverage, Found, Gap, Source, SourceKind};

/// The newest import of a server, out of the store.
#[derive(Debug)]
pub struct ExportSource<'s> {
    store: &'s Store,
    server: String,
    base_url: String,
}

impl<'s> ExportSource<'s> {
    /// What was imported for the server of this name and URL.
    pub fn new(store: &'s Store, server: &str, base_url: &BaseUrl) -> Self {
        Self {
            store,
            server: server.to_owned(),
            base_url: base_url.to_string(),
        }
    }

    /// Whether there is one, as far as the store can be read.
    pub fn is_imported(&self) -> bool {
        let imports = self.store.imports();
        imports.map_or(true, |imports| {
            imports
                .iter()
                .any(|import| import.server_url == self.base_url)
        })
    }

    fn look(
        &self,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), ImportRow>, TokensError> {
        let server = || Box::from(&*self.server);
        let import = self.store.import(&self.base_url)?;
        let import = import.ok_or_else(|| TokensError::NothingImported { server: server() })?;
        let (now, seen) = (
            Timestamp::now(),
            import.row.exported.unwrap_or(import.row.imported),
        );
        let flow = import.each(&mut |line| {
            let row: ExportRow = serde_json::from_str(line).ok()?;
            Some(take(row.found(&self.server, &self.base_url, seen, now)))
        })?;
        Ok(match flow {
            ControlFlow::Continue(()) => ControlFlow::Continue(import.row),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }
}

impl Source for ExportSource<'_> {
    fn kind(&self) -> SourceKind {
        SourceKind::Export
    }

    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let (server, kind) = (&*self.server, SourceKind::Export);
        match self.look(take) {
            Ok(ControlFlow::Continue(row)) => Coverage::partial(server, kind, note(&row)),
            Ok(ControlFlow::Break(())) => {
                Coverage::partial(server, kind, "stopped before the end of what was imported")
            }
            Err(error) => Coverage::failed(server, kind, "no import was read", Gap::from(&error)),
        }
    }
}

fn note(row: &ImportRow) -> String {
    let when = match row.exported {
        Some(exported) => format!("exported {exported:.0}, imported {:.0}", row.imported),
        None => format!(
            "imported {:.0}, exported at an unknown time before",
            row.imported
        ),
    };
    let mut note = format!(
        "{} rows of `{}`, {when}; what changed since then is not in it",
        row.rows, row.file
    );
    if row.product == ExportProduct::Confluence.name() {
        note += "; OAuth 1.0a grants only, and not which consumers are registered; inferred: how Confluence keeps them was \
                 not seen on a real one";
    }
    note
}
