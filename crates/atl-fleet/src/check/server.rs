//! The server itself: whether it is reached, what it is, its clock, and whether it lets us sign in.

use atl_applinks::Applinks;
use atl_client::{Method, Product};

use super::{Check, Checks, refusal};
use crate::{
    clock::{self, Clock, clock},
    observe::Observed,
    plan::Status,
    trouble::Trouble,
};

impl Checks<'_> {
    /// Reaches the server: the manifest is anonymous, so nothing can be refused yet.
    pub(super) fn reach(&mut self) -> bool {
        let base_url = self.client.base_url();
        let trouble = match self.client.manifest() {
            Ok(_) => {
                let tls = if base_url.as_str().starts_with("https:") {
                    Check::pass("tls", "the server's certificate is trusted")
                } else if base_url.is_loopback() {
                    Check::skip("tls", "plain http to this machine")
                } else {
                    Check::warn(
                        "tls",
                        "plain http: passwords and tokens travel unencrypted",
                        "use https",
                    )
                };
                self.done
                    .extend([Check::pass("reach", format!("{base_url} answers")), tls]);
                return true;
            }
            Err(error) => Trouble {
                status: Status::Unreachable,
                ..Trouble::from(error)
            },
        };
        if trouble.code.starts_with("tls") || trouble.code == "client_certificate" {
            self.done.extend([
                Check::pass("reach", "a connection was made"),
                Check::fail("tls", &trouble),
            ]);
        } else {
            self.done.push(Check::fail("reach", &trouble));
        }
        false
    }

    /// What the server is; whether its consumers can be managed.
    pub(super) fn product(&mut self) -> bool {
        let (Ok(manifest), Ok(product)) = (self.client.manifest(), self.client.product()) else {
            return false;
        };
        let version = &manifest.version;
        if product == Product::Other {
            self.done.push(Check::warn(
                "product",
                format!(
                    "{} {version}: only `check` and `links list` work on it",
                    manifest.type_id
                ),
                "set `product:` in the fleet file if the detection is wrong",
            ));
            return false;
        }
        let opened = Applinks::open(self.client);
        let supported = opened.is_ok();
        self.done.push(match opened {
            Ok(_) => Check::pass(
                "product",
                format!(
                    "{} {version}, application links {}",
                    product.name(),
                    manifest.applinks_version
                ),
            ),
            Err(error) => Check::fail("product", &error.into()),
        });
        supported
    }

    /// The clocks: what the server said of a timestamp says more than its `Date`, which a proxy may have set.
    pub(super) fn clock(&mut self, observed: Option<&Observed>) {
        let refused = observed.and_then(|observed| refusal::first(observed, "clock"));
        if let Some((_, trouble)) = refused {
            self.done.push(Check::fail("clock", trouble));
            return;
        }
        self.done.push(match clock(self.client) {
            Clock::Unknown => Check::skip("clock", "the server sent no Date"),
            Clock::Refused(trouble) => Check::fail("clock", &trouble),
            Clock::Off(skew) => Check::warn(
                "clock",
                format!("the clocks differ by {skew} s"),
                clock::ADVICE,
            ),
            Clock::Near(skew) => Check::pass("clock", format!("the clocks differ by {skew} s")),
        });
    }

    pub(super) fn sign_in(&mut self) -> bool {
        let trouble = match self.client.sign_in() {
            Ok(account) => {
                let how = match account.method {
                    Method::Basic => "Basic authentication",
                    Method::Session => "a session",
                    Method::Token => "a personal access token",
                };
                let signed_in = format!("signed in as `{}` with {how}", account.username);
                self.done.extend([
                    Check::pass("credentials", signed_in),
                    Check::pass("captcha", "no CAPTCHA is asked"),
                ]);
                return true;
            }
            Err(error) => Trouble::from(error),
        };
        let (failed, skipped, why) = match trouble.code.as_str() {
            "captcha" => (
                "captcha",
                ["credentials", "basic"],
                "the server asks for a CAPTCHA first",
            ),
            "basic_disabled" => (
                "basic",
                ["credentials", "captcha"],
                "Basic authentication is disabled",
            ),
            _ => (
                "credentials",
                ["basic", "captcha"],
                "the sign-in was refused for another reason",
            ),
        };
        self.done.push(Check::fail(failed, &trouble));
        self.skip(&skipped, why);
        false
    }
}
