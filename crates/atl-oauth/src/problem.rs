//! `oauth_problem`: what a server says when it refuses a signed call (protocol.md 2.7).

use std::fmt;

use jiff::Timestamp;

use crate::{
    difference::{Cause, difference, parameter, printable, redacted, url},
    header,
    rfc5849::{Parameter, form_parameters},
};

/// The value of `oauth_problem` (protocol.md 2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// `version_rejected`.
    VersionRejected,
    /// `parameter_absent`.
    ParameterAbsent,
    /// `parameter_rejected`.
    ParameterRejected,
    /// `timestamp_refused`.
    TimestampRefused,
    /// `signature_method_rejected`.
    SignatureMethodRejected,
    /// `nonce_used`.
    NonceUsed,
    /// `token_used`.
    TokenUsed,
    /// `token_expired`.
    TokenExpired,
    /// `token_revoked`.
    TokenRevoked,
    /// `token_rejected`.
    TokenRejected,
    /// `token_not_authorized`.
    TokenNotAuthorized,
    /// `signature_invalid`.
    SignatureInvalid,
    /// `consumer_key_unknown`.
    ConsumerKeyUnknown,
    /// `consumer_key_rejected`.
    ConsumerKeyRejected,
    /// `additional_authorization_required`.
    AdditionalAuthorizationRequired,
    /// `permission_unknown`.
    PermissionUnknown,
    /// `permission_denied`.
    PermissionDenied,
    /// `user_refused`.
    UserRefused,
    /// `consumer_key_refused`.
    ConsumerKeyRefused,
    /// Any value not named here.
    Other(String),
}

impl ProblemKind {
    pub(crate) const NAMED: &[(Self, &str)] = &[
        (Self::VersionRejected, "version_rejected"),
        (Self::ParameterAbsent, "parameter_absent"),
        (Self::ParameterRejected, "parameter_rejected"),
        (Self::TimestampRefused, "timestamp_refused"),
        (Self::SignatureMethodRejected, "signature_method_rejected"),
        (Self::NonceUsed, "nonce_used"),
        (Self::TokenUsed, "token_used"),
        (Self::TokenExpired, "token_expired"),
        (Self::TokenRevoked, "token_revoked"),
        (Self::TokenRejected, "token_rejected"),
        (Self::TokenNotAuthorized, "token_not_authorized"),
        (Self::SignatureInvalid, "signature_invalid"),
        (Self::ConsumerKeyUnknown, "consumer_key_unknown"),
        (Self::ConsumerKeyRejected, "consumer_key_rejected"),
        (
            Self::AdditionalAuthorizationRequired,
            "additional_authorization_required",
        ),
        (Self::PermissionUnknown, "permission_unknown"),
        (Self::PermissionDenied, "permission_denied"),
        (Self::UserRefused, "user_refused"),
        (Self::ConsumerKeyRefused, "consumer_key_refused"),
    ];

    /// The kind with this name.
    pub fn named(name: &str) -> Self {
        Self::NAMED
            .iter()
            .find(|(_, known)| *known == name)
            .map_or_else(|| Self::Other(printable(name)), |(kind, _)| kind.clone())
    }

    /// The value of `oauth_problem`.
    pub fn code(&self) -> &str {
        match self {
            Self::Other(name) => name,
            named => Self::NAMED
                .iter()
                .find(|(kind, _)| kind == named)
                .map_or("", |(_, name)| name),
        }
    }
}

/// A refusal explained by the server. It holds no token and no signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Which.
    pub kind: ProblemKind,
    /// `oauth_problem_advice`, a text for people.
    pub server_advice: Option<String>,
    /// The names in `oauth_parameters_absent` or `oauth_parameters_rejected`.
    pub parameters: Vec<String>,
    /// The first and last second of `oauth_acceptable_timestamps`.
    pub acceptable_timestamps: Option<(i64, i64)>,
    /// `oauth_acceptable_versions`, such as `1.0-1.0`.
    pub acceptable_versions: Option<String>,
    /// How far the server's clock is ahead of ours, in seconds, where its acceptable timestamps or its `Date` tell.
    pub clock_skew: Option<i64>,
    /// `oauth_signature_base_string`, redacted.
    pub server_base_string: Option<String>,
    /// The difference between the server's base string and ours, where it returned its own.
    pub base_string_difference: Option<String>,
    /// Where the two part.
    pub cause: Option<Cause>,
}

impl Problem {
    /// A problem of which nothing but the kind is known.
    pub fn new(kind: ProblemKind) -> Self {
        Self {
            kind,
            server_advice: None,
            parameters: Vec::new(),
            acceptable_timestamps: None,
            acceptable_versions: None,
            clock_skew: None,
            server_base_string: None,
            base_string_difference: None,
            cause: None,
        }
    }

    /// Reads a problem from the values of `WWW-Authenticate` and from the body of an answer to a call that was signed
    /// over `base_string` (protocol.md 2.7); `None` where neither names a problem. Content types are not trusted.
    pub fn read(challenges: &[&str], body: &str, base_string: &str) -> Option<Self> {
        let parameters: Vec<Parameter> = challenges
            .iter()
            .filter_map(|value| header::read(value))
            .flatten()
            .chain(form_body(body).unwrap_or_default())
            .collect();
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(found, value)| found == name && !value.is_empty())
                .map(|(_, value)| value.as_str())
        };

        let acceptable_timestamps = value("oauth_acceptable_timestamps").and_then(timestamps);
        let sent = parameter(base_string, "oauth_timestamp").and_then(|sent| sent.parse().ok());
        let server_base_string = value("oauth_signature_base_string");
        let (cause, base_string_difference) = server_base_string
            .map(|server| difference(server, base_string))
            .unzip();
        Some(Self {
            kind: ProblemKind::named(value("oauth_problem")?),
            server_advice: value("oauth_problem_advice").map(printable),
            parameters: value("oauth_parameters_absent")
                .or_else(|| value("oauth_parameters_rejected"))
                .map(names)
                .unwrap_or_default(),
            acceptable_timestamps,
            acceptable_versions: value("oauth_acceptable_versions").map(printable),
            clock_skew: acceptable_timestamps
                .zip(sent)
                .map(|((first, last), sent): (_, i64)| first.midpoint(last).saturating_sub(sent)),
            server_base_string: server_base_string.map(redacted),
            base_string_difference,
            cause,
        })
    }

    /// The URL that the server was called at as it sees it, without the query, where it returned its base string.
    pub fn url_seen(&self) -> Option<String> {
        self.server_base_string
            .as_deref()
            .and_then(url)
            .map(|url| printable(&url))
    }

    /// The value of `oauth_problem`.
    pub fn code(&self) -> &str {
        self.kind.code()
    }
}

/// What the server said, without what to do about it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        let parameters =
            (!self.parameters.is_empty()).then(|| format!("`{}`", self.parameters.join("`, `")));
        let timestamps = self
            .acceptable_timestamps
            .map(|(first, last)| format!("{} to {} is accepted", time(first), time(last)));
        [
            self.server_advice.clone(),
            parameters,
            timestamps,
            self.base_string_difference.clone(),
        ]
        .into_iter()
        .flatten()
        .try_for_each(|detail| write!(f, ": {detail}"))
    }
}

fn time(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string())
}

/// The parameters of a body that is form-encoded from end to end, whatever its content type says; pages, JSON and prose
/// are none.
pub(crate) fn form_body(body: &str) -> Option<Vec<Parameter>> {
    let body = body.trim();
    let encoded = body
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"<>\"{}".contains(&byte));
    (encoded && body.contains('=')).then(|| form_parameters(body))
}

/// Names joined by `&`; where values come along, they are dropped.
fn names(joined: &str) -> Vec<String> {
    form_parameters(joined)
        .into_iter()
        .map(|(name, _)| printable(&name))
        .collect()
}

/// `min-max` in seconds, or in milliseconds where so written by very old servers (protocol.md 2.6).
fn timestamps(range: &str) -> Option<(i64, i64)> {
    const LATEST_SECOND: i64 = 99_999_999_999;
    let (first, last) = range.split_once('-')?;
    let (first, last): (i64, i64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some(if last > LATEST_SECOND {
        (first / 1000, last / 1000)
    } else {
        (first, last)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENT: &str = "GET&https%3A%2F%2Fjira.example.com%2F&oauth_nonce%3Dn%26oauth_timestamp%3D1700000000%26oauth_token%3D";

    fn read(challenges: &[&str], body: &str) -> Option<Problem> {
        Problem::read(challenges, body, SENT)
    }

    fn check_kind(challenges: &[&str], body: &str, expected: Option<&str>) {
        let problem = read(challenges, body);
        assert_eq!(
            problem.as_ref().map(Problem::code),
            expected,
            "{challenges:?} {body}"
        );
    }

    #[test]
    fn every_value_is_known_by_its_name() {
        for (kind, name) in ProblemKind::NAMED {
            assert_eq!(&ProblemKind::named(name), kind);
            assert_eq!(kind.code(), *name);
        }
        let other = ProblemKind::Other("captcha_required".to_owned());
        assert_eq!(ProblemKind::named("captcha_required"), other);
        assert_eq!(other.code(), "captcha_required");
    }

    #[test]
    fn a_problem_is_found_in_headers_and_in_the_body() {
        let challenge = r#"OAuth realm="https%3A%2F%2Fjira", oauth_problem="token_rejected""#;
        check_kind(&[challenge], "", Some("token_rejected"));
        check_kind(
            &[r#"Basic realm="x""#, challenge],
            "<html>",
            Some("token_rejected"),
        );
        check_kind(
            &[r#"oAUTH realm="x""#],
            " oauth_problem=nonce_used\n",
            Some("nonce_used"),
        );
        check_kind(
            &[],
            "oauth_problem=nonce%5Fused&oauth_problem_advice=a+b",
            Some("nonce_used"),
        );
        check_kind(
            &[challenge],
            "oauth_problem=nonce_used",
            Some("token_rejected"),
        );
    }

    #[test]
    fn what_names_no_problem_is_none() {
        check_kind(&[], "", None);
        check_kind(&[r#"OAuth realm="x""#], "", None);
        check_kind(&[r#"OAuth realm="x", oauth_problem="""#], "", None);
        check_kind(
            &[r#"Basic realm="x", oauth_problem="token_used""#],
            "",
            None,
        );
        check_kind(
            &[],
            r#"<a href="/?a=b&oauth_problem=token_used&c=d">x</a>"#,
            None,
        );
        check_kind(&[], "see ?a=b&oauth_problem=token_used", None);
        check_kind(&[], r#"{"a":"&oauth_problem=token_used&"}"#, None);
        check_kind(&[], "oauth_problem", None);
    }

    #[test]
    fn a_problem_cannot_write_to_the_terminal() {
        let problem = read(&[], "oauth_problem=%1B%5B2J&oauth_problem_advice=a%0Ab").unwrap();
        assert_eq!(problem.to_string(), "\u{fffd}[2J: a\u{fffd}b");
    }

    #[test]
    fn names_of_parameters_are_kept_and_values_are_not() {
        let absent = read(
            &[],
            "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26oauth_token",
        )
        .unwrap();
        assert_eq!(absent.parameters, ["oauth_nonce", "oauth_token"]);
        assert_eq!(
            absent.to_string(),
            "parameter_absent: `oauth_nonce`, `oauth_token`"
        );

        let rejected = read(
            &[],
            "oauth_problem=parameter_rejected&oauth_parameters_rejected=oauth_token%3Dhunter2%26oauth_token%3D",
        )
        .unwrap();
        assert_eq!(rejected.parameters, ["oauth_token", "oauth_token"]);
        assert!(!format!("{rejected:?}").contains("hunter2"));
    }

    #[test]
    fn what_would_be_accepted_is_said() {
        let body =
            "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1700000300-1700000900";
        assert_eq!(
            read(&[], body).unwrap().to_string(),
            "timestamp_refused: 2023-11-14T22:18:20Z to 2023-11-14T22:28:20Z is accepted"
        );
        let body =
            "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-9223372036854775807";
        assert!(
            read(&[], body)
                .unwrap()
                .to_string()
                .contains("1970-01-01T00:00:00Z")
        );
    }

    fn check_skew(range: &str, acceptable: Option<(i64, i64)>, skew: Option<i64>) {
        let body = format!("oauth_problem=timestamp_refused&oauth_acceptable_timestamps={range}");
        let problem = read(&[], &body).unwrap();
        assert_eq!(
            (problem.acceptable_timestamps, problem.clock_skew),
            (acceptable, skew),
            "{range}"
        );
    }

    #[test]
    fn the_skew_is_that_of_the_middle_of_what_is_acceptable() {
        check_skew(
            "1700000300-1700000900",
            Some((1_700_000_300, 1_700_000_900)),
            Some(600),
        );
        check_skew(
            "1699999100-1699999700",
            Some((1_699_999_100, 1_699_999_700)),
            Some(-600),
        );
        check_skew(
            "1700000300000-1700000900000",
            Some((1_700_000_300, 1_700_000_900)),
            Some(600),
        );
        check_skew("soon", None, None);
        check_skew("1-", None, None);
        check_skew(
            "0-9223372036854775807",
            Some((0, 9_223_372_036_854_775)),
            Some(4_611_684_318_427_387),
        );
    }

    #[test]
    fn a_returned_base_string_is_compared_and_redacted() {
        let server = SENT
            .replace("https", "http")
            .replace("oauth_token%3D", "oauth_token%3Dhunter2");
        let body = format!(
            "oauth_problem=signature_invalid&oauth_signature=c2ln&oauth_signature_method=RSA-SHA1&oauth_signature_base_string={}",
            crate::rfc5849::percent_encode(&server)
        );
        let problem = read(&[], &body).unwrap();
        assert_eq!(
            problem.server_base_string.as_deref(),
            Some(server.replace("hunter2", "redacted").as_str())
        );
        assert_eq!(
            problem.base_string_difference.as_deref(),
            Some(
                "the server saw the scheme `http`, `https` was signed; the server saw the port `80`, `443` was signed; \
                 the server saw `oauth_token` as another value, empty was signed"
            )
        );
        let shown = format!("{problem} {problem:?} {}", problem.advice());
        assert!(
            !shown.contains("hunter2") && !shown.contains("c2ln"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(
            challenge in any::<String>(),
            advice in "(oauth_problem=|oauth_signature_base_string=|oauth_acceptable_timestamps=|[0-9]|&|-|%26|%25|%3D|a|é)*",
        ) {
            let _anything = read(&[&challenge, &format!("OAuth {advice}")], &advice);
        }
    }
}
