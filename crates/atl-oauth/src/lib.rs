#![doc = include_str!("../README.md")]

mod advice;
mod difference;
mod error;
pub mod header;
mod problem;
mod proof;
pub mod rfc5849;
mod signer;

pub use difference::redacted;
pub use error::{OauthError, Unclear};
pub use problem::{Problem, ProblemKind};
pub use proof::{KeyState, look, prove};
pub use signer::{
    Call, Clock, ConsumerSigner, NonceSource, RandomNonce, Signed, SystemClock, sign,
};
