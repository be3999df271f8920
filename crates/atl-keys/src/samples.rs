//! Keys whose private half anybody can download.
//!
//! Only fingerprints are kept. Each was computed from the published key itself with
//! `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | openssl base64`.

use crate::Fingerprint;

/// A published key that must be nobody's key, and where it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKey {
    /// Its fingerprint.
    pub fingerprint: &'static str,
    /// Where it was published.
    pub published: &'static str,
}

const SAMPLES: &[SampleKey] = &[
    SampleKey {
        fingerprint: "SHA256:kp9n6d53xwJhipmtUc/oK44Bj+q05Tp5iE4bZtvHgBY",
        published: "the oauth.net wiki (TestCases), Atlassian's atlassian-oauth-examples (rsa.pem, perl/OAuth.pm), oauth-ruby and signet",
    },
    SampleKey {
        fingerprint: "SHA256:DZOYBJAIWaffPWtLSNdKjMlKZTTy9by4bbpAH3pyFVY",
        published: "Atlassian's atlassian-oauth-examples (java, PropertiesClient.java)",
    },
    SampleKey {
        fingerprint: "SHA256:Qb5yd6zGD3cnQWydNMiEphdmHiFynZ0HggRl6KCkzxA",
        published: "the example babkamen/oauth-rest-atlassian (rsa.pem)",
    },
    SampleKey {
        fingerprint: "SHA256:0YSXSPTtkJuzGivRC6iwPEquF24FCiIYAGzgW8AnN/s",
        published: "the tests of ciaranj/node-oauth (oauthtests.js)",
    },
    SampleKey {
        fingerprint: "SHA256:C1aDNvHkIiRs9HgiYWGKrcn1Rw7AcJGZhirROmdSgh0",
        published: "the tests of oauthlib (test_signatures.py, test_client.py)",
    },
    SampleKey {
        fingerprint: "SHA256:I1D1ctBHup/1uLqu0JQlnbrZBp0a8ItzlWsGugw4FEI",
        published: "the tests of oauthlib (test_signatures.py, the other client)",
    },
    SampleKey {
        fingerprint: "SHA256:onvlas+DTifHH7FzpZo5RKk6VpolCa/16VmXf/dOxX8",
        published: "the tests of oauthlib (myrsakey.pem, test_server.py)",
    },
    SampleKey {
        fingerprint: "SHA256:ICfkZYLzxw4wz+JgA9gpEiwRo10uapq0lpsF6dE04so",
        published: "the tests of oauthlib (private.pem)",
    },
    SampleKey {
        fingerprint: "SHA256:QSxGQ7Honi+XJEwBH27fkp5lNGHujiTsRw/JB4/vrHo",
        published: "the tests of oauthlib (oauth2/rfc6749/test_server.py)",
    },
    SampleKey {
        fingerprint: "SHA256:DDBYXnF+bmTtECCgKRGR0BCODwprmNfr/x5P2rEjoWQ",
        published: "the tests of requests-oauthlib (test_oauth1_session.py)",
    },
    SampleKey {
        fingerprint: "SHA256:n2dKD0z0zqz66NZL8XTILqA0wmfaGVMiYayZhxOG2lo",
        published: "the tests of pycontribs/jira (id_rsa)",
    },
    SampleKey {
        fingerprint: "SHA256:557413PfOfHlwLFojG3kGgSjVaukBmC3tWSeJSJyfLs",
        published: "the tests of ScribeJava (RSASha1SignatureServiceTest.java)",
    },
    SampleKey {
        fingerprint: "SHA256:D/WnFvjzlDioaiSdVC6FV8Eiqo9efc2f8gp0sSRqydY",
        published: "the tests of simov/grant (keys.json, the first key)",
    },
    SampleKey {
        fingerprint: "SHA256:JrB2Umhth4ZNnBX5lTIDXoPgc1dSoPhSB/3asu/m8u4",
        published: "the tests of simov/grant (keys.json, the second key)",
    },
    SampleKey {
        fingerprint: "SHA256:w1xMW8boIj1dl54EztlHFOc1+8ptx0KOZ2kYo0SOFu8",
        published: "the tests of simov/grant (keys.json, the third key)",
    },
];

/// The published sample key with this fingerprint, if it is one.
pub fn sample_key(fingerprint: &Fingerprint) -> Option<&'static SampleKey> {
    SAMPLES
        .iter()
        .find(|sample| sample.fingerprint == fingerprint.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_a_fingerprint_that_is_found_once() {
        let mut seen = BTreeSet::new();
        for sample in SAMPLES {
            let fingerprint: Fingerprint = sample.fingerprint.parse().unwrap();
            assert_eq!(sample_key(&fingerprint), Some(sample));
            assert!(seen.insert(sample.fingerprint), "{sample:?} stands twice");
        }
    }
}
