//! The pages of many users, each read as that user through an auditor consumer.

use std::ops::ControlFlow;

use atl_client::{Client, Failure};
use atl_oauth::{ConsumerSigner, NonceSource as _, RandomNonce, RunsAs, whoami_as};
use jiff::Timestamp;

use super::{
    Failed, Names,
    crowd::{End, ask_each},
    joined, so_many_users,
};
use crate::{
    Coverage, Found, Gap, GrantEntry, PageAs, PageOf, Source, SourceKind, TokensError, UserStatus,
    read_page_as,
};

/// After so many users who may not log in, and none who may, it is likely that the consumer may not impersonate.
const SUSPICIOUS: usize = 20;

/// What every note says, since it is not known to be so (protocol.md 3.2).
const INFERRED: &str = "impersonation: inferred, not tried on a real product";

/// The grants of users, from the page of each.
pub struct Impersonated<'a, L> {
    /// Nobody need be signed in.
    pub client: &'a Client,
    /// Signs as a consumer that may impersonate.
    pub signer: ConsumerSigner<'a>,
    /// The names of the users; where their list breaks off, why.
    pub users: L,
    /// Which list it is, and what that may miss: a part of the note.
    pub list: String,
    /// How many threads ask about users, one each at a time.
    pub parallel: usize,
}

impl<L: Iterator<Item = Result<String, TokensError>> + Send> Source for Impersonated<'_, L> {
    fn kind(&self) -> SourceKind {
        SourceKind::Impersonated
    }

    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let (client, signer) = (self.client, self.signer);
        let mut seen = Seen::default();
        let end = ask_each(
            &mut self.users,
            self.parallel,
            |user| read_page_as(client, &signer, user),
            |user, answer| match answer {
                Ok(PageAs::Of { user, rows }) => {
                    let page = PageOf {
                        server: client.server(),
                        base_url: client.base_url().as_str(),
                        user: &user,
                        source: SourceKind::Impersonated,
                    };
                    let now = Timestamp::now();
                    rows.iter()
                        .map(|row| GrantEntry {
                            user_status: Some(UserStatus::Active),
                            ..row.entry(&page).as_of(now)
                        })
                        .try_for_each(|grant| take(Found::Grant(Box::new(grant))))?;
                    seen.read.push(user);
                    ControlFlow::Continue(())
                }
                Ok(PageAs::Unknown) => {
                    seen.unknown.add(&user);
                    ControlFlow::Continue(())
                }
                Ok(PageAs::NotAllowed) => {
                    seen.not_allowed.add(&user);
                    let suspicious = seen.read.is_empty() && seen.not_allowed.count == SUSPICIOUS;
                    match suspicious.then(|| impersonates(client, &signer)) {
                        Some(Ok(false)) => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                }
                Err(error) => {
                    seen.failed.add(&user, &error);
                    ControlFlow::Continue(())
                }
            },
        );
        self.coverage(seen, &end)
    }
}

/// What became of the users.
#[derive(Default)]
struct Seen {
    read: Vec<String>,
    unknown: Names,
    not_allowed: Names,
    failed: Failed,
}

impl<L> Impersonated<'_, L> {
    fn coverage(&self, seen: Seen, end: &End) -> Coverage {
        let server = self.client.server();
        let read = so_many_users(seen.read.len());
        let mut notes = vec![format!("the pages of {read} of {}", self.list)];
        let about = |names: &Names, what: &str| {
            let (count, names_list) = (so_many_users(names.count), names.list());
            format!("{count} {what}: {names_list}")
        };
        if seen.unknown.count > 0 {
            notes.push(about(&seen.unknown, "unknown to the server"));
        }
        let mut refused = None;
        if seen.not_allowed.count > 0 {
            match impersonates(self.client, &self.signer) {
                Ok(true) => notes.push(about(
                    &seen.not_allowed,
                    "who may not log in, so that their grants cannot be read in this way",
                )),
                Ok(false) => refused = Some(self.may_not_impersonate(&seen.not_allowed)),
                Err(error) => refused = Some(Gap::from(&error)),
            }
        }
        if seen.failed.names.count > 0 {
            notes.push(about(&seen.failed.names, "whose pages could not be read"));
        }
        notes.extend(end.note());
        notes.push(INFERRED.to_owned());
        let note = notes.join("; ");
        let failed = seen.failed.gap(server, "the pages");
        let coverage = match joined(refused.into_iter().chain(failed).chain(end.gap())) {
            Some(gap) => Coverage {
                page: seen.failed.page(),
                ..Coverage::failed(server, SourceKind::Impersonated, note, gap)
            },
            None => Coverage::partial(server, SourceKind::Impersonated, note),
        };
        coverage.of_users(seen.read)
    }

    fn may_not_impersonate(&self, names: &Names) -> Gap {
        Gap {
            code: "impersonation_refused".to_owned(),
            message: format!(
                "{}: the consumer may not impersonate (any more), so the pages of {} could not be read: {}",
                self.client.server(),
                so_many_users(names.count),
                names.list()
            ),
            advice: "let a system administrator allow the consumer two-legged OAuth with impersonation, and run it again".to_owned(),
            failure: Failure::Refused,
        }
    }
}

/// Whether it is some users who may not log in, and not the consumer that may not impersonate: a name that nobody has is
/// refused only then (protocol.md 2.8).
fn impersonates(client: &Client, signer: &ConsumerSigner<'_>) -> Result<bool, TokensError> {
    let nobody = format!("atl-admin-{}", RandomNonce.nonce()?);
    Ok(whoami_as(client, signer, &nobody)? != RunsAs::Refused)
}
