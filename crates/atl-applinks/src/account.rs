//! What the signed-in account may do (protocol.md 5.2).

use atl_client::{Request, Response};
use serde::Deserialize;

use crate::{Applinks, ApplinksError};

/// The configuration of Basic authentication, which only a system administrator may read.
#[derive(Deserialize)]
struct BasicConfig {
    #[serde(rename = "block-requests")]
    block_requests: bool,
}

impl Applinks<'_> {
    /// Whether the signed-in account is a system administrator, where the server can tell without a change.
    ///
    /// # Errors
    /// The server cannot be asked, or answers neither the configuration nor a refusal.
    pub fn is_system_administrator(&self) -> Result<Option<bool>, ApplinksError> {
        let answer = self.get_basic_config()?;
        match answer.status {
            401 | 403 => Ok(Some(false)),
            404 => Ok(None),
            _ => Ok(answer.json::<BasicConfig>().map(|_| Some(true))?),
        }
    }

    /// Whether Basic authentication is allowed, where the server says so (protocol.md 5.2).
    ///
    /// # Errors
    /// The server cannot be asked, or answers neither the configuration nor a refusal.
    pub fn basic_allowed(&self) -> Result<Option<bool>, ApplinksError> {
        let answer = self.get_basic_config()?;
        match answer.status {
            401 | 403 | 404 => Ok(None),
            _ => Ok(answer
                .json()
                .map(|config: BasicConfig| Some(!config.block_requests))?),
        }
    }

    fn get_basic_config(&self) -> Result<Response, ApplinksError> {
        Ok(self
            .client
            .send(&Request::get("rest/basicauth/1.0/config"))?)
    }
}
