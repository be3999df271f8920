//! What a consumer may do: be granted access by users (three legs), and call as itself (two).

use atl_oauth::{OauthError, RunsAs, runs_as, users_may_grant};

use super::{Check, Checks, consumer::OnServer};
use crate::{
    observe::Probe, planner::two_legged_of, signing::present_key, trouble::Trouble,
    wanted::Consumer,
};

impl Checks<'_> {
    /// Whether users may grant it anything; a grant that works would have shown it.
    pub(super) fn three_legged(&self, consumer: &Consumer) -> Check {
        match users_may_grant(self.client, &consumer.key) {
            Ok(true) => Check::pass("consumer", "users may grant it access"),
            Ok(false) => Check::fail(
                "consumer",
                &Trouble::own(
                    "three_legged_off",
                    "three-legged OAuth is off for it (`permission_denied`): no user can grant it access, and no grant of it works",
                    "switch incoming OAuth on for this link in the server's admin pages; deleting the link and applying again does it too, and ends its grants",
                ),
            ),
            Err(error) => Check::fail("consumer", &self.trouble(&consumer.key, error)),
        }
    }

    /// Two-legged OAuth as it is; where it differs from the fleet file, that was said.
    pub(super) fn two_legged(&self, on: &OnServer<'_>) -> Check {
        let consumer = on.consumer;
        let two = two_legged_of(on.seen.ours(consumer), on.seen.matrix.as_ref());
        if !two.enabled {
            return Check::pass("consumer", "two-legged OAuth is off");
        }
        let with = if two.impersonation {
            ", with impersonation"
        } else {
            ""
        };
        let (known, keys) = (self.look.known, self.look.keys);
        let key = present_key(known, keys, consumer, self.client);
        let Some(key) = key.ok().filter(|_| on.seen.probe == Probe::Accepted) else {
            return Check::pass("consumer", format!("two-legged OAuth is on{with}"));
        };
        match runs_as(self.client, &key.signer()) {
            Ok(RunsAs::User(user)) => Check::pass(
                "consumer",
                format!("two-legged calls run as `{user}`{with}"),
            ),
            Ok(RunsAs::Nobody) => {
                Check::pass("consumer", format!("two-legged calls run as nobody{with}"))
            }
            Ok(RunsAs::Refused) => {
                let user = two.execute_as.unwrap_or_default();
                Check::fail(
                    "consumer",
                    &Trouble::own(
                        "two_legged_refused",
                        format!(
                            "two-legged OAuth is on{with}, and two-legged calls are refused: `{user}`, whom they run as, may not sign in"
                        ),
                        "activate that account or give it a licence, or name another one with `execute_as`",
                    ),
                )
            }
            Err(error) => Check::fail("consumer", &self.trouble(&consumer.key, error)),
        }
    }

    /// What became of a signed call; that a server refuses one is no refused sign-in.
    pub(super) fn trouble(&self, consumer_key: &str, error: OauthError) -> Trouble {
        match error {
            OauthError::Refused { problem, .. } => {
                Trouble::problem(self.client.server(), consumer_key, &problem)
            }
            other => other.into(),
        }
    }
}
