#![doc = include_str!("../README.md")]

mod error;
mod own;
mod page;

pub use error::{TokensError, Unexpected};
pub use own::{Revoked, read_page, revoke_signed, revoke_signed_in};
pub use page::{PageGrant, Strange};
