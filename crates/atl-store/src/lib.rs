#![doc = include_str!("../README.md")]

mod audits;
mod database;
mod error;
mod files;
mod grants;
mod imports;
mod journal;
mod key;
mod lock;
mod lock_file;
mod pile;
mod postgres;
mod rows;
mod seal;
mod spool;
mod sql;
mod sqlite;
mod store;
mod tables;
mod url;

pub use audits::{AuditKind, AuditMade, AuditRow, Comparison};
pub use error::StoreError;
pub use grants::{GrantRow, GrantSecrets, GrantState};
pub use imports::{Import, ImportRow, Packer};
pub use journal::{JournalRow, Outcome, Step};
pub use key::KeySource;
pub use lock::{Holder, Lock, LockHolder};

pub use pile::{Merge, Pile};
pub use postgres::{
    OutsideColumn, OutsideDatabase, OutsideError, OutsideRow, OutsideTable, PostgresUrl,
};
pub use rows::{KeyState, KeypairRow, LinkMade, Registration};
pub use spool::{Spool, SpoolOrder};
pub use store::{AuditRows, Moved, Store};
pub use url::{StoreName, StoreUrl};
