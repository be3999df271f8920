#![doc = include_str!("../README.md")]

mod check;
mod encryption;
mod error;
mod fingerprint;
mod form;
mod keypair;
mod mend;
mod policy;
mod public;
mod samples;
mod sign;
mod size;
mod text;

pub use check::{Finding, KeyFile, KeyReport, Severity, check};
pub use encryption::Kdf;
pub use error::KeyError;
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use form::{Form, Half};
pub use keypair::{Keypair, PrivateFormat};
pub use policy::{ImportPolicy, Read};
pub use public::PublicKey;
pub use samples::{SampleKey, sample_key};
pub use sign::{RsaSha1Signer, SignError};
pub use size::KeySize;
