//! What an auditor consumer is called, and how it is known again: by the journal, and by its application URL.

use atl_applinks::{ApplicationLink, link_id};
use atl_oauth::{NonceSource as _, OauthError, RandomNonce};
use atl_store::JournalRow;
use serde::{Deserialize, Serialize};
use url::Url;

/// The journal's word for an auditor that stands: open from before the first write until the removal was read back.
pub(super) const STANDS: &str = "auditor";
/// The writes that make it.
pub(super) const LINK: &str = "auditor link";
pub(super) const CONSUMER: &str = "auditor consumer";
pub(super) const IMPERSONATES: &str = "auditor impersonation";
/// The removal of one that an earlier run left.
pub(super) const REMOVES: &str = "auditor remove";

/// The name that link and consumer have on the server.
pub(super) const NAME: &str = "atl-admin auditor (temporary)";
/// What the consumer says of itself.
pub(super) const DESCRIPTION: &str = "Made by atl-admin for one run, and removed at its end. It may act as any user. Where no \
     such run is going on, delete its application link.";

/// A name that nobody can own (RFC 2606): nothing is ever sent there.
const HOST: &str = "auditor.atl-admin.invalid";
const KEY: &str = "atl-admin-auditor-";

/// One auditor consumer. Nothing of it is secret: this is what the journal has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names {
    /// The link, by the id that the server computes from the URL.
    pub(super) link_id: String,
    /// The application URL.
    pub(super) application_url: String,
    /// The consumer key.
    pub(super) consumer_key: String,
}

impl Names {
    /// Of a new one; no two are alike.
    pub(super) fn new() -> Result<Self, OauthError> {
        let random = RandomNonce.nonce()?;
        let application_url = format!("https://{random:.16}.{HOST}");
        Ok(Self {
            link_id: link_id(&application_url),
            application_url,
            consumer_key: format!("{KEY}{random:.16}"),
        })
    }

    /// Of one that the journal has a step of.
    pub(super) fn read(row: &JournalRow) -> Option<Self> {
        [STANDS, LINK, CONSUMER, IMPERSONATES, REMOVES]
            .contains(&row.step.action.as_str())
            .then(|| serde_json::from_value(row.step.detail.clone()).ok())?
    }

    /// Of a link that is one: both have the same random part.
    pub(super) fn of_link(link: &ApplicationLink) -> Self {
        let application_url = link.rpc_url.clone().unwrap_or_default();
        let host = host(&application_url).unwrap_or_default();
        let random = host.split('.').next().unwrap_or_default();
        Self {
            link_id: link.id.clone(),
            consumer_key: format!("{KEY}{random}"),
            application_url,
        }
    }

    /// Whether this is its link. Whatever the journal says, which is not sealed, a link to anywhere else is not.
    pub(super) fn is_on(&self, link: &ApplicationLink) -> bool {
        let named =
            link.id.eq_ignore_ascii_case(&self.link_id) || link.has_url(&self.application_url);
        named && is_auditor(link)
    }
}

/// Whether a link is that of an auditor consumer, whoever made it.
pub fn is_auditor(link: &ApplicationLink) -> bool {
    link.rpc_url.as_deref().and_then(host).is_some_and(|host| {
        let below = host.strip_suffix(HOST);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    })
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: Option<&str>) -> ApplicationLink {
        ApplicationLink {
            id: "0d4fba33-6e11-3b8a-a1a1-0f4d7a2c9f10".to_owned(),
            type_id: "generic".to_owned(),
            name: NAME.to_owned(),
            display_url: String::new(),
            rpc_url: url.map(str::to_owned),
            primary: false,
            system: false,
        }
    }

    #[test]
    fn a_link_is_known_by_its_host() {
        #[track_caller]
        fn check(url: &str, expected: bool) {
            assert_eq!(is_auditor(&link(Some(url))), expected, "{url}");
        }
        let made = Names::new().unwrap();
        check(&made.application_url, true);
        check("https://0123456789abcdef.auditor.atl-admin.invalid/", true);
        check("http://X.AUDITOR.atl-admin.invalid:8080/x", true);
        check("https://auditor.atl-admin.invalid", true);
        check("https://notauditor.atl-admin.invalid", false);
        check("https://auditor.atl-admin.invalid.example.com", false);
        check(
            "https://example.com/https://x.auditor.atl-admin.invalid",
            false,
        );
        check("https://deploy.example.com", false);
        check("no url", false);
        assert!(!is_auditor(&link(None)));
    }

    #[test]
    fn a_new_one_is_unlike_any_other_and_a_link_tells_its_key() {
        let [one, other] = [(); 2].map(|()| Names::new().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.consumer_key.len(), KEY.len() + 16);
        assert_eq!(one.link_id, link_id(&one.application_url));
        let listed = ApplicationLink {
            id: one.link_id.clone(),
            ..link(Some(&one.application_url))
        };
        assert_eq!(Names::of_link(&listed), one);
        assert!(one.is_on(&listed) && !other.is_on(&listed));
        let elsewhere = ApplicationLink {
            rpc_url: Some("https://deploy.example.com".to_owned()),
            ..listed
        };
        let tampered_with = Names {
            application_url: "https://deploy.example.com".to_owned(),
            ..one
        };
        assert!(!tampered_with.is_on(&elsewhere));
    }
}
