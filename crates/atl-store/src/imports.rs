//! What was exported from a product's database and imported: rows by the million, which are packed.

use std::fmt;
use std::ops::ControlFlow;

use jiff::Timestamp;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::{Store, StoreError};

/// How much text goes into one pack.
const PACK: usize = 1 << 20;

/// How much may come out of one: a line more than that.
const MOST: usize = 4 * PACK;

/// The fastest; the rows resemble each other so much that more trouble gains little.
const LEVEL: u8 = 1;

/// Packed rows.
pub(crate) type Packs = Vec<Vec<u8>>;

/// An import: where it came from, and when. One of each server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// The server's name in the fleet file, for people.
    pub server: String,
    /// The server's base URL, which identifies it.
    pub server_url: String,
    /// The product that the export is of.
    pub product: String,
    /// The name of the file.
    pub file: String,
    /// When the database was asked, where the export says it.
    pub exported: Option<Timestamp>,
    /// When it was imported.
    pub imported: Timestamp,
    /// How many rows it has.
    pub rows: u64,
}

/// Rows on their way into the store: a line of text each, which the caller understands and the store does not.
#[derive(Default)]
pub struct Packer {
    text: String,
    packs: Packs,
    rows: u64,
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Packer {
    /// Adds a row. A line end in it would make two of it.
    pub fn add(&mut self, row: &str) {
        self.text.push_str(row);
        self.text.push('\n');
        self.rows += 1;
        if self.text.len() >= PACK {
            self.pack();
        }
    }

    /// How many there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn pack(&mut self) {
        if !self.text.is_empty() {
            self.packs
                .push(compress_to_vec(self.text.as_bytes(), LEVEL));
            self.text.clear();
        }
    }

    pub(crate) fn packs(mut self) -> Packs {
        self.pack();
        self.packs
    }
}

/// An import with its rows, which are read and unpacked pack by pack.
pub struct Import<'s> {
    /// What it is.
    pub row: ImportRow,
    pub(crate) store: &'s Store,
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

impl Import<'_> {
    /// Hands over every row as it was added, in that order, until `take` says to stop. `take` gives `None` for one that it
    /// does not understand.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where something else is there than was put in, [`StoreError::ImportReplaced`] where another
    /// process put in a new one meanwhile.
    pub fn each(
        &self,
        take: &mut dyn FnMut(&str) -> Option<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let mut seen = 0;
        let mut number = 1;
        while let Some(pack) = self.store.import_pack(&self.row, number)? {
            number += 1;
            let bytes = decompress_to_vec_with_limit(&pack, MOST).map_err(|_| self.damaged())?;
            let text = std::str::from_utf8(&bytes).map_err(|_| self.damaged())?;
            for row in text.lines() {
                if take(row).ok_or_else(|| self.damaged())?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                seen += 1;
            }
        }
        if seen == self.row.rows {
            Ok(ControlFlow::Continue(()))
        } else if self.store.imports()?.contains(&self.row) {
            Err(self.damaged())
        } else {
            Err(StoreError::ImportReplaced {
                store: self.store.name.clone(),
                server_url: self.row.server_url.clone(),
            })
        }
    }

    fn damaged(&self) -> StoreError {
        StoreError::Damaged {
            store: self.store.name.clone(),
            reason: format!(
                "what was imported for {} is unreadable",
                self.row.server_url
            ),
        }
    }
}
