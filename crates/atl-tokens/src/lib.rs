#![doc = include_str!("../README.md")]

mod as_user;
mod database;
mod days;
mod error;
mod export;
mod inventory;
mod moment;
mod oauth2;
mod own;
mod page;
mod personal;
pub mod rules;
mod servlet;
mod sources;
mod text;
mod users;

pub use as_user::{PageAs, read_page_as, revoke_as};
pub use database::DatabaseSource;
pub use error::{TokensError, Unexpected};
pub use export::{
    Export, ExportDatabase, ExportProduct, ExportSource, ImportError, RowProblem, export_query,
};
pub use inventory::{
    Coverage, Finding, Found, Gap, GrantEntry, GrantKind, GrantStatus, LookedAt,
    RegisteredConsumer, Severity, Source, SourceKind, UserStatus, finding_id, server_side_id,
};
pub use oauth2::{revoke_oauth2_as, revoke_oauth2_signed_in};
pub use own::{Revoked, read_page, revoke_signed, revoke_signed_in};
pub use page::{
    PageOf, PageRow, RedactedPage, RowKind, ShownTime, Strange, find_token, redacted_page,
};
pub use personal::delete_personal_token;
pub use sources::{Impersonated, OwnPage, Pats};
pub use users::{ListedUser, Users, users};
