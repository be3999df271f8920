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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(url: &str) -> Option<(String, String)> {
        let answer = CallbackAnswer::read(url)?;
        let decided = match answer.approval {
            Approval::Verifier(verifier) => verifier.expose_secret().to_owned(),
            Approval::Denied => "no".to_owned(),
        };
        Some((answer.token.expose_secret().to_owned(), decided))
    }

    #[track_caller]
    fn check(url: &str, expected: Option<(&str, &str)>) {
        let expected = expected.map(|(token, decided)| (token.to_owned(), decided.to_owned()));
        assert_eq!(read(url), expected, "{url}");
    }

    #[test]
    fn what_a_product_appends_is_found_wherever_it_was_appended() {
        let found = Some(("t", "a1B2c3"));
        check(
            "https://e.com/cb?oauth_token=t&oauth_verifier=a1B2c3",
            found,
        );
        check(
            "https://e.com/cb?at=home&oauth_verifier=a1B2c3&oauth_token=t#top",
            found,
        );
        check(
            "http://localhost:1/?a=b?c&oauth_token=t&oauth_verifier=a1B2c3",
            found,
        );
        check("?oauth_token=t&oauth_verifier=a1B2c3", found);
        check("oauth_token=t&oauth_verifier=a1B2c3", found);
        check("/cb?oauth%5Ftoken=%74&oauth_verifier=a1B2c3", found);
        check("/cb?oauth_token=t&oauth_verifier=denied", Some(("t", "no")));
    }

    #[test]
    fn what_is_not_one_token_and_one_verifier_is_no_callback() {
        for url in [
            "",
            "https://e.com/cb",
            "https://e.com/cb?oauth_token=t",
            "https://e.com/cb?oauth_verifier=v",
            "https://e.com/cb?oauth_token=&oauth_verifier=v",
            "https://e.com/cb?oauth_token=t&oauth_verifier",
            "https://e.com/cb?oauth_token=t&oauth_token=u&oauth_verifier=v",
            "https://e.com/cb?oauth_token=t&oauth_verifier=v&oauth_verifier=v",
            "https://e.com/cb?x=1#oauth_token=t&oauth_verifier=v",
            "https://e.com/cb?OAUTH_TOKEN=t&oauth_verifier=v",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn neither_token_nor_verifier_is_shown() {
        let answer = CallbackAnswer::read("?oauth_token=hunter2&oauth_verifier=hunter2").unwrap();
        assert!(!format!("{answer:?} {:?}", answer.approval).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(
            text in any::<String>(),
            parts in "(oauth_token|oauth_verifier|oauth_|=|&|\\?|#|%|%[0-9A-Fa-f]{1,2}|\\+|denied|[a-zé])*",
        ) {
            for text in [text, parts] {
                let _anything = (CallbackAnswer::read(&text), CallbackAnswer::read_without_verifier(&text));
            }
        }

        #[test]
        fn whatever_token_and_verifier_are_they_come_back(token in ".+", verifier in ".+") {
            prop_assume!(verifier != "denied");
            let mut url = url::Url::parse("https://e.com/cb?at=home").unwrap();
            url.query_pairs_mut()
                .append_pair("oauth_token", &token)
                .append_pair("oauth_verifier", &verifier);
            prop_assert_eq!(read(url.as_str()), Some((token, verifier)));
        }
    }
}
