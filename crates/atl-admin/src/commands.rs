//! One file holds one command: its arguments, and what it does with them.

pub mod apply;
pub mod audit;
pub mod authorize;
pub mod check;
pub mod completions;
pub mod history;
pub mod init;
pub mod keys;
pub mod links;
pub mod man;
pub mod plan;
pub mod request;
pub mod rotate;
pub(crate) mod schema;
pub mod scrub;
pub mod store;
pub mod tokens;
