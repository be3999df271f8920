//! Outgoing authentication providers of a link (protocol.md 1.6).

use std::{collections::BTreeMap, fmt};

use atl_client::Request;
use serde::Deserialize;
use serde_json::{Map, json};
use zeroize::Zeroize;

use crate::{Applinks, ApplinksError, wire};

/// The class whose registration needs a system administrator.
const IMPERSONATION: &str = "TwoLeggedOAuthWithImpersonationAuthenticationProvider";

/// An outgoing authentication provider of a link (protocol.md 1.6); `config` may hold secrets, is never shown, and is
/// wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    /// The API class name.
    pub class: String,
    /// Its configuration.
    pub config: Vec<(String, String)>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.config.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Provider")
            .field("class", &self.class)
            .field("config", &names)
            .finish_non_exhaustive()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        for (_, value) in &mut self.config {
            value.zeroize();
        }
    }
}

/// `{"authenticationProviders":[...]}` (protocol.md 1.3).
#[derive(Deserialize)]
struct Providers {
    #[serde(
        rename = "authenticationProviders",
        deserialize_with = "wire::one_or_many"
    )]
    providers: Vec<ProviderEntity>,
}

/// `AuthenticationProviderEntity` (protocol.md 1.3).
#[derive(Deserialize)]
struct ProviderEntity {
    provider: String,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

impl From<ProviderEntity> for Provider {
    fn from(entity: ProviderEntity) -> Self {
        Self {
            class: entity.provider,
            config: entity.config.into_iter().collect(),
        }
    }
}

impl Applinks<'_> {
    /// The outgoing providers, their configuration ordered by name.
    ///
    /// # Errors
    /// There is no such link, the server refuses, or it answers anything but providers.
    pub fn providers(&self, id: &str) -> Result<Vec<Provider>, ApplinksError> {
        let answer = self.client.send(&Request::get(self.provider_path(id)))?;
        if answer.status == 404 && wire::is_own(&answer) {
            return Err(self.no_such_link(id));
        }
        let providers: Providers = answer.json()?;
        Ok(providers.providers.into_iter().map(Into::into).collect())
    }

    /// Writes one outgoing provider, over any configuration that it has.
    ///
    /// # Errors
    /// The server does not know the class, only a system administrator may set it, there is no such link, or the
    /// request fails.
    pub fn put_provider(&self, id: &str, provider: &Provider) -> Result<(), ApplinksError> {
        let config: Map<_, _> = provider
            .config
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let body = json!({ "config": config, "provider": provider.class });
        let answer = self
            .client
            .send(&Request::put_json(self.provider_path(id), body))?;
        match answer.status {
            400 if provider.class.ends_with(IMPERSONATION) => {
                Err(ApplinksError::NeedsSystemAdministrator {
                    server: self.server(),
                    what: "outgoing two-legged OAuth with impersonation",
                })
            }
            400 => Err(self.rejected(format!("the provider `{}`", provider.class), &answer)),
            404 if wire::is_own(&answer) => Err(self.no_such_link(id)),
            _ => Ok(answer.success().map(drop)?),
        }
    }

    fn provider_path(&self, id: &str) -> String {
        format!("{}/authentication/provider", self.link_path(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_read_as_the_servers_print_them() {
        let read: Providers = serde_json::from_str(
            r#"{"authenticationProviders":[
                {"config":{"b":"2","a":"1"},"module":"com.example.Module","provider":"x.OAuthAuthenticationProvider","link":[]},
                {"provider":"x.BasicAuthenticationProvider"}]}"#,
        )
        .unwrap();
        let read: Vec<Provider> = read.providers.into_iter().map(Into::into).collect();
        assert_eq!(
            read,
            [
                Provider {
                    class: "x.OAuthAuthenticationProvider".into(),
                    config: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
                },
                Provider {
                    class: "x.BasicAuthenticationProvider".into(),
                    config: vec![],
                },
            ]
        );
    }

    #[test]
    fn a_provider_never_shows_its_configuration() {
        let provider = Provider {
            class: "x.BasicAuthenticationProvider".into(),
            config: vec![("password".into(), "hunter2".into())],
        };
        let shown = format!("{provider:?}");
        assert!(shown.contains("password"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
