//! `request`: who calls, and what that comes to.

use atl_testbed::{ALICE, AuthenticatedBy};

use crate::{env::Run, estate::Fleet, grants::token};

/// Who is signed in, as text.
pub(crate) const WHOAMI: &str = "plugins/servlet/applinks/whoami";

impl Fleet {
    /// One Jira, and a grant of alice.
    pub(crate) fn granted() -> Self {
        let fleet = Self::provisioned();
        fleet.grant(1, ALICE);
        fleet
    }

    /// Runs `request` with these words; no run may show a token.
    #[track_caller]
    pub(crate) fn request(&self, words: &[&str]) -> Run {
        let mut command = self.command("request");
        command.args(words);
        let run = self.env.finish(command);
        self.hides_secrets(&run);
        for number in 1..=3 {
            assert!(!run.stdout.contains(&token(number)), "{}", run.shown());
            assert!(!run.stderr.contains(&token(number)), "{}", run.shown());
        }
        run
    }
}

#[test]
fn a_grant_is_called_with() {
    let fleet = Fleet::granted();
    assert_eq!(fleet.request(&["GET", WHOAMI]).ok(), ALICE);
    let log = fleet.first().log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].authenticated_by, AuthenticatedBy::OAuth);
    assert_eq!(log[0].user.as_deref(), Some(ALICE));
    assert_eq!(log[0].header("accept"), Some("application/json"));
}
