//! The rights of the account, and how it signs in.

use atl_applinks::Applinks;
use atl_client::{Credentials, Login, Method};

use super::{Check, Checks};
use crate::{trouble::Trouble, wanted::Consumer};

/// What keeps a signed call from saying anything; by then the links were read.
const OF_SIGNED_CALLS: [&str; 3] = ["answer_unclear", "signing_failed", "no_randomness"];

impl Checks<'_> {
    /// The rights of the account, as the links showed them.
    pub(super) fn admin(&mut self, refused: Option<&Trouble>, consumers: &[&Consumer]) {
        let (signed, refused) = match refused {
            Some(trouble) if OF_SIGNED_CALLS.contains(&trouble.code.as_str()) => (refused, None),
            _ => (None, refused),
        };
        if let Some(trouble) = refused.filter(|error| error.code == "websudo") {
            self.done.push(Check::fail("websudo", trouble));
            self.skip(
                &["admin", "sysadmin"],
                "the administrator session was not opened",
            );
            return;
        }
        self.done.push(if self.client.elevated() {
            Check::warn(
                "websudo",
                "the server asked for the password again (secure administrator session), and took it",
                "nothing has to be done; Basic authentication or a personal access token is not asked twice",
            )
        } else {
            Check::pass("websudo", "no secure administrator session was asked for")
        });
        if let Some(trouble) = refused {
            self.done.push(Check::fail("admin", trouble));
            return;
        }
        let sysadmin = self.sysadmin(consumers);
        self.done
            .extend(signed.map(|trouble| Check::fail("consumer", trouble)));
        self.done.extend([
            Check::pass("admin", "application links can be read"),
            sysadmin,
        ]);
    }

    fn sysadmin(&self, consumers: &[&Consumer]) -> Check {
        let wanted = consumers.iter().any(|consumer| {
            consumer
                .two_legged
                .as_ref()
                .is_some_and(|two| two.impersonation || two.execute_as.is_some())
        });
        let rights =
            Applinks::open(self.client).and_then(|applinks| applinks.is_system_administrator());
        match rights {
            Ok(Some(true)) => Check::pass("sysadmin", "the account is a system administrator"),
            Ok(Some(false)) if wanted => Check::fail(
                "sysadmin",
                &Trouble::own(
                    "system_administrator_needed",
                    "the account is not a system administrator, and the fleet file asks for impersonation or an executing user here",
                    "sign in as a system administrator, or leave `impersonation` and `execute_as` out",
                ),
            ),
            Ok(Some(false)) => Check::pass(
                "sysadmin",
                "the account is not a system administrator, and nothing here needs one",
            ),
            Ok(None) => Check::skip("sysadmin", "the server does not say"),
            Err(error) => Check::fail("sysadmin", &error.into()),
        }
    }

    /// Basic authentication, once the REST API was used: that is where the products block it (protocol.md 5.2).
    pub(super) fn basic(&mut self, refused: Option<&Trouble>) {
        if let Some(trouble) = refused.filter(|trouble| trouble.code == "basic_disabled") {
            self.done.push(Check::fail("basic", trouble));
            return;
        }
        let auto = matches!(
            self.server.config.credentials,
            Credentials::Password {
                login: Login::Auto,
                ..
            }
        );
        self.done
            .push(match self.client.sign_in().map(|account| account.method) {
                Ok(Method::Basic) => Check::pass("basic", "Basic authentication is accepted"),
                Ok(Method::Session) if auto => Check::warn(
                    "basic",
                    "Basic authentication is disabled here; a session works in its place",
                    "set `login: session` for this server to save the refused try",
                ),
                _ => Check::skip("basic", "Basic authentication is not used here"),
            });
    }
}
