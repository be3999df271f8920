//! The OAuth matrix of a link (protocol.md 1.12).

use atl_client::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Applinks, ApplinksError, Provider, wire};

/// One half of the OAuth matrix (protocol.md 1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// OAuth (three-legged) is on.
    pub enabled: bool,
    /// Two-legged OAuth is on.
    pub two_lo: bool,
    /// Two-legged OAuth with impersonation is on.
    pub two_lo_impersonation: bool,
}

/// The OAuth matrix of a link (protocol.md 1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Matrix {
    /// What the server lets in.
    pub incoming: Flags,
    /// What the server sends out; echoed on every write.
    pub outgoing: Flags,
}

/// A half on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlagsEntity {
    enabled: bool,
    two_lo_enabled: bool,
    two_lo_impersonation_enabled: bool,
}

#[derive(Deserialize)]
struct MatrixEntity {
    incoming: FlagsEntity,
    outgoing: FlagsEntity,
}

impl From<FlagsEntity> for Flags {
    fn from(entity: FlagsEntity) -> Self {
        Self {
            enabled: entity.enabled,
            two_lo: entity.two_lo_enabled,
            two_lo_impersonation: entity.two_lo_impersonation_enabled,
        }
    }
}

impl Flags {
    fn to_json(self) -> serde_json::Value {
        json!({
            "enabled": self.enabled,
            "twoLoEnabled": self.two_lo,
            "twoLoImpersonationEnabled": self.two_lo_impersonation,
        })
    }
}

fn path(id: &str) -> String {
    format!("rest/applinks/3.0/status/{id}/oauth")
}

impl Applinks<'_> {
    /// The OAuth matrix.
    ///
    /// # Errors
    /// The server has no matrix (application links below 5.2), there is no such link, or the request fails.
    pub fn matrix(&self, id: &str) -> Result<Matrix, ApplinksError> {
        if !self.has_matrix() {
            return Err(self.no_matrix());
        }
        let answer = self.client.send(&Request::get(path(id)))?;
        self.check_found(id, &answer)?;
        let matrix: MatrixEntity = answer.json()?;
        Ok(Matrix {
            incoming: matrix.incoming.into(),
            outgoing: matrix.outgoing.into(),
        })
    }

    /// Writes the OAuth matrix, both halves. Key, name, public key and executing user of the consumer stay.
    ///
    /// The server rewrites the outgoing providers as well, with an empty configuration, or removes them: read
    /// [`Applinks::providers`] before and put them back after. Enabling incoming OAuth where no consumer is registered
    /// makes the server fetch one from the application URL: register the consumer first.
    ///
    /// # Errors
    /// The server has no matrix, the account may not set impersonation, no consumer could be fetched, there is no such
    /// link, or the request fails.
    pub fn put_matrix(&self, id: &str, matrix: &Matrix) -> Result<(), ApplinksError> {
        if !self.has_matrix() {
            return Err(self.no_matrix());
        }
        let body = json!({
            "incoming": matrix.incoming.to_json(),
            "outgoing": matrix.outgoing.to_json(),
        });
        let impersonation =
            matrix.incoming.two_lo_impersonation || matrix.outgoing.two_lo_impersonation;
        let answer = self.client.send(&Request::put_json(path(id), body))?;
        self.check_found(id, &answer)?;
        match answer.status {
            403 if impersonation && wire::is_own(&answer) => {
                Err(ApplinksError::NeedsSystemAdministrator {
                    server: self.server(),
                    what: "two-legged OAuth with impersonation",
                })
            }
            409 => Err(ApplinksError::ConsumerUnavailable {
                server: self.server(),
                id: id.to_owned(),
            }),
            _ => Ok(answer.success().map(drop)?),
        }
    }

    /// A 404 here means no link, or, where the version is unknown, no matrix at all.
    fn check_found(&self, id: &str, answer: &Response) -> Result<(), ApplinksError> {
        if answer.status != 404 {
            return Ok(());
        }
        if self.matrix.get().is_none() && !wire::has_v3_errors(answer) {
            self.matrix.set(Some(false));
            return Err(self.no_matrix());
        }
        if wire::is_own(answer) {
            return Err(self.no_such_link(id));
        }
        Ok(())
    }

    /// Removes the incoming consumer and every token of its key, also where another link shares that key: by the
    /// matrix from application links 5.2 on, by the admin form before.
    ///
    /// The outgoing half is echoed, and the outgoing providers that the write disturbed are put back.
    ///
    /// # Errors
    /// There is no such link, a provider could not be put back, or a request fails.
    pub fn disable_incoming(&self, id: &str) -> Result<(), ApplinksError> {
        let matrix = match self.matrix(id) {
            Err(ApplinksError::NoMatrix { .. }) => return self.disable_incoming_by_form(id),
            read => read?,
        };
        let providers = self.providers(id)?;
        let off = Matrix {
            incoming: Flags::default(),
            outgoing: matrix.outgoing,
        };
        self.put_matrix(id, &off)?;
        self.put_back(id, &providers)
            .map_err(|source| ApplinksError::NotRestored {
                server: self.server(),
                id: id.to_owned(),
                source: Box::new(source),
            })
    }

    /// Puts back every provider that is no longer as it was.
    fn put_back(&self, id: &str, before: &[Provider]) -> Result<(), ApplinksError> {
        if before.is_empty() {
            return Ok(());
        }
        let now = self.providers(id)?;
        before
            .iter()
            .filter(|provider| !now.contains(provider))
            .try_for_each(|provider| self.put_provider(id, provider))
    }
}
