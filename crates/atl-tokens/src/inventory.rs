//! The inventory: grants as rows, whichever source they come from (cli.md section 3).

mod coverage;
mod finding;
mod grant;
mod source;

pub use coverage::{Coverage, Gap, LookedAt};
pub use finding::{Finding, Severity, finding_id};
pub use grant::{GrantEntry, GrantKind, GrantStatus, SourceKind, UserStatus, server_side_id};
pub use source::{Found, RegisteredConsumer, Source};
