//! Rounds without a server.

use std::collections::HashMap;

use atl_client::ClientError;

use super::*;

fn limited(wait: u64) -> TokensError {
    TokensError::Client(ClientError::RateLimited {
        server: "jira".into(),
        what: "GET x".into(),
        retry_after: Some(Duration::from_secs(wait)),
    })
}

fn gone() -> TokensError {
    TokensError::NoUserList {
        server: "jira".into(),
    }
}

/// Runs a round over so many users; who was answered and how, and how often each was asked about.
fn round(
    users: usize,
    ask: impl Fn(usize, u32) -> Result<(), TokensError> + Sync,
) -> (End, Vec<(usize, bool)>, HashMap<usize, u32>) {
    let tries = Mutex::new(HashMap::new());
    let mut answers = Vec::new();
    let end = ask_each(
        (0..users).map(Ok),
        4,
        |user| {
            let tries = {
                let mut tries = tries.lock().unwrap();
                let tries: &mut u32 = tries.entry(*user).or_default();
                *tries += 1;
                *tries
            };
            ask(*user, tries)
        },
        |user, answer| {
            answers.push((user, answer.is_ok()));
            ControlFlow::Continue(())
        },
    );
    answers.sort_unstable();
    (end, answers, tries.into_inner().unwrap())
}

#[test]
fn everybody_is_asked_about_once() {
    let (end, answers, tries) = round(500, |_, _| Ok(()));
    assert!(matches!(end, End::All), "{end:?}");
    assert_eq!(answers.len(), 500);
    assert!(tries.values().all(|tries| *tries == 1));
}

#[test]
fn what_may_pass_is_asked_again_and_what_may_not_is_not() {
    let (end, answers, tries) = round(10, |user, tries| match (user, tries) {
        (3, 1 | 2) | (4, _) => Err(limited(0)),
        (5, _) => Err(limited(61)),
        (6, _) => Err(gone()),
        _ => Ok(()),
    });
    assert!(matches!(end, End::All), "{end:?}");
    let failed: Vec<_> = answers.iter().filter(|(_, well)| !well).collect();
    assert_eq!(failed, [&(4, false), &(5, false), &(6, false)]);
    assert_eq!([3, 4, 5, 6, 7].map(|user| tries[&user]), [3, 3, 1, 1, 1]);
}

#[test]
fn a_server_that_answers_nothing_is_left_alone() {
    let (end, answers, tries) = round(1000, |_, _| Err(limited(61)));
    assert!(matches!(end, End::GaveUp), "{end:?}");
    assert!(tries.len() < 100, "{}", tries.len());
    assert!(answers.len() >= MOST_FAILURES);
}

#[test]
fn what_is_about_single_users_stops_nobody() {
    let (end, answers, _) = round(200, |_, _| Err(gone()));
    assert!(matches!(end, End::All), "{end:?}");
    assert_eq!(answers.len(), 200);
}

#[test]
fn a_round_can_be_stopped() {
    let mut taken = 0;
    let list = (0_u32..).map(Ok);
    let end = ask_each(
        list,
        4,
        |_| Ok(()),
        |_, _| {
            taken += 1;
            if taken == 7 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert!(matches!(end, End::Stopped), "{end:?}");
    assert_eq!(taken, 7);
}

#[test]
fn a_list_that_breaks_off_is_told_and_those_before_are_asked_about() {
    let list = (0..3).map(Ok).chain([Err(gone())]).chain((3..9).map(Ok));
    let mut taken = Vec::new();
    let tries = Mutex::new(0);
    let end = ask_each(
        list,
        2,
        |user| {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *user == 1 && *tries < 5 {
                Err(limited(0))
            } else {
                Ok(())
            }
        },
        |user, answer| {
            taken.push((user, answer.is_ok()));
            ControlFlow::Continue(())
        },
    );
    assert!(matches!(end, End::List(_)), "{end:?}");
    taken.sort_unstable();
    assert_eq!(taken, [(0, true), (1, true), (2, true)]);
}
