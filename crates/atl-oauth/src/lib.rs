#![doc = include_str!("../README.md")]

mod advice;
mod allowed;
mod answer;
mod approve;
mod callback;
mod dance;
mod difference;
mod error;
pub mod header;
mod impersonate;
mod listener;
mod problem;
pub mod rfc5849;
mod signed;
mod signer;
mod token;
mod whoami;

pub use allowed::{RunsAs, knows_consumer, runs_as, users_may_grant, whoami_as, whoami_as_anew};
pub use approve::{ApproveError, PageDoubt, approve};
pub use callback::{Approval, CallbackAnswer};
pub use dance::{Approved, Decision, Pending, REQUEST_TOKEN_LIFETIME, prove};
pub use difference::{Cause, redacted};
pub use error::{OauthError, Unclear};
pub use impersonate::send_as;
pub use listener::{ListenError, Listener};
pub use problem::{Problem, ProblemKind};
pub use signed::{Answer, Parameters, is_form, open, send};
pub use signer::{
    Call, Clock, ConsumerSigner, NonceSource, RandomNonce, Signed, SystemClock, sign,
};
pub use token::{AccessToken, renew, token_id};
pub use whoami::{KeyState, TokenState, look, token_state};
