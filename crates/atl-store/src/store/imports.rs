//! Imports through the door.

use super::Store;
use crate::{Import, ImportRow, Packer, StoreError};

impl Store {
    /// What was imported, by server.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn imports(&self) -> Result<Vec<ImportRow>, StoreError> {
        self.database().imports()
    }

    /// What was imported for a server, with its rows.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read or is damaged.
    pub fn import(&self, server_url: &str) -> Result<Option<Import<'_>>, StoreError> {
        let mut imports = self.imports()?.into_iter();
        let found = imports.find(|row| row.server_url == server_url);
        Ok(found.map(|row| Import { row, store: self }))
    }

    /// Rows of an import, packed: packs are counted from 1, and behind the last one there is none.
    pub(crate) fn import_pack(
        &self,
        import: &ImportRow,
        number: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.database().import_pack(import, number)
    }

    /// Puts an import in the place of the former one of its server, wholly or not at all. How many rows it has is counted
    /// here.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, is in use for too long, or was opened for looking.
    pub fn put_import(&self, import: &ImportRow, rows: Packer) -> Result<ImportRow, StoreError> {
        let import = ImportRow {
            rows: rows.rows(),
            ..import.clone()
        };
        self.database().put_import(&import, &rows.packs())?;
        Ok(import)
    }
}
