//! What a database administrator exports where this tool may not connect: the queries to run, the CSV they give, and that
//! CSV, once it was imported, as a source (docs/export.md).

mod column;
mod error;
mod query;
mod read;
mod row;
mod source;
mod table;
mod text;
mod time;

pub use error::{ImportError, RowProblem};
pub use query::{ExportDatabase, ExportProduct, export_query};
pub use read::Export;
pub use source::ExportSource;
