//! The fleet file: read, validated with every error at once, its secrets resolved, its JSON Schema.
//!
//! The records of `model` are the one definition of the file: the decoder and the schema are both made from them.
//! Reading never stops at the first error; whatever could be understood is checked, and the errors come back sorted.

mod address;
mod at_hand;
mod check;
mod decode;
mod error;
mod ignore_list;
mod mask;
mod model;
mod ready;
mod scalar;
mod secret;
mod select;
mod source;
mod template;
mod yaml;

pub use error::{FleetError, FleetErrors, Position};
pub use model::schema;
pub use ready::{ConnectionOptions, Needs, Passwords};
pub use secret::{CommandRunner, Environment, KeyringReader};
pub use select::Select;
pub use source::FleetFile;
