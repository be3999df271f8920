//! What a product appends to a callback (protocol.md 2.3).

use std::fmt;

use secrecy::SecretString;

use crate::rfc5849::{Parameter, form_parameters};

/// What a user decided, as it came back.
#[derive(Clone)]
pub enum Approval {
    /// Approved.
    Verifier(SecretString),
    /// Denied.
    Denied,
}

/// A callback: for which request token, and what was decided.
#[derive(Clone)]
pub struct CallbackAnswer {
    /// The request token.
    pub token: SecretString,
    /// What was decided.
    pub approval: Approval,
}

impl Approval {
    /// A verifier as a product gives it; `denied` is none.
    pub fn of(verifier: &str) -> Self {
        match verifier {
            "denied" => Self::Denied,
            verifier => Self::Verifier(verifier.into()),
        }
    }
}

impl CallbackAnswer {
    /// Reads a callback URL, or its query alone; `None` where it does not hold exactly one token and one verifier.
    pub fn read(url: &str) -> Option<Self> {
        let parameters = query(url);
        Some(Self {
            token: one(&parameters, "oauth_token")?.into(),
            approval: Approval::of(one(&parameters, "oauth_verifier")?),
        })
    }

    /// The request token of a callback without verifier, as version 1.0 of the protocol has it.
    pub(crate) fn read_without_verifier(url: &str) -> Option<SecretString> {
        let parameters = query(url);
        let verified = parameters.iter().any(|(name, _)| name == "oauth_verifier");
        let token = one(&parameters, "oauth_token")?;
        (!verified).then(|| token.into())
    }
}

fn query(url: &str) -> Vec<Parameter> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    form_parameters(url.split_once('?').map_or(url, |(_, query)| query))
}

/// The value of a parameter that is there once, and not empty.
fn one<'p>(parameters: &'p [Parameter], name: &str) -> Option<&'p str> {
    let mut values = parameters
        .iter()
        .filter(|(found, _)| found == name)
        .map(|(_, value)| value.as_str());
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then_some(value)
}

impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verifier(_) => "Verifier(..)",
            Self::Denied => "Denied",
        })
    }
}

impl fmt::Debug for CallbackAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackAnswer")
            .field("approval", &self.approval)
            .finish_non_exhaustive()
    }
}
