//! The grants of the store: listed, asked about, renewed, revoked (protocol.md 2.4, 2.5 and 3.2).

mod choose;
pub(crate) mod ended;
mod renew;
mod revoke;
pub(crate) mod said;
mod settle;
mod verify;
mod work;

pub use choose::not_selected;
pub use choose::{GrantChoiceError, GrantFilter, GrantSort};
pub use renew::renew;
pub use revoke::{
    Asked, AtHand, Consequence, Everywhere, Means, Revocation, RevocationReport, RevokedGrant, Way,
    consumer_to_put_back, needs_passwords, way,
};
pub use verify::verify;

pub(crate) use choose::{as_of, same_user, state};
pub(crate) use revoke::whole::ACTION as END_GRANTS;
pub(crate) use said::Said;
pub(crate) use settle::{RENEW, REVOKE, concerns, unfinished};
