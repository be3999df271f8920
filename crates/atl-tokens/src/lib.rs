#![doc = include_str!("../README.md")]

mod database;
mod days;
mod error;
mod inventory;
mod moment;
mod own;
mod page;
pub mod rules;
mod servlet;

pub use database::DatabaseSource;
pub use error::{TokensError, Unexpected};
pub use inventory::{
    Coverage, Finding, Found, Gap, GrantEntry, GrantKind, GrantStatus, LookedAt,
    RegisteredConsumer, Severity, Source, SourceKind, UserStatus, server_side_id,
};
pub use own::{Revoked, read_page, revoke_signed, revoke_signed_in};
pub use page::{
    PageOf, PageRow, RedactedPage, RowKind, ShownTime, Strange, find_token, redacted_page,
};
