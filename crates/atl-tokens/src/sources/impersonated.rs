//! The pages of many users, each read as that user through an auditor consumer.

use std::ops::ControlFlow;

use atl_client::{Client, Failure};
use atl_oauth::{ConsumerSigner, NonceSource as _, RandomNonce, RunsAs, whoami_as};
use jiff::Timestamp;

use super::{
    Names,
    crowd::{End, ask_each},
    users,
};
use crate::{
    Coverage, Found, Gap, GrantEntry, PageAs, PageOf, RedactedPage, Source, SourceKind,
    TokensError, UserStatus, read_page_as,
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
    /// How many pages are read at once.
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
                    seen.read += 1;
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
                        .try_for_each(|grant| take(Found::Grant(Box::new(grant))))
                }
                Ok(PageAs::Unknown) => seen.unknown(&user),
                Ok(PageAs::NotAllowed) => {
                    seen.not_allowed.add(&user);
                    let suspicious = seen.read == 0 && seen.not_allowed.count == SUSPICIOUS;
                    match suspicious.then(|| impersonates(client, &signer)) {
                        Some(Ok(false)) => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                }
                Err(error) => seen.failed(&user, &error),
            },
        );
        self.coverage(&seen, &end)
    }
}

/// What became of the users.
#[derive(Default)]
struct Seen {
    read: usize,
    unknown: Names,
    not_allowed: Names,
    failed: Names,
    /// Why the first of them was not read, and the page that was not understood.
    first: Option<(Gap, Option<RedactedPage>)>,
}

impl Seen {
    fn unknown(&mut self, user: &str) -> ControlFlow<()> {
        self.unknown.add(user);
        ControlFlow::Continue(())
    }

    fn failed(&mut self, user: &str, error: &TokensError) -> ControlFlow<()> {
        self.failed.add(user);
        self.first
            .get_or_insert_with(|| (Gap::from(error), error.redacted().cloned()));
        ControlFlow::Continue(())
    }
}

impl<L> Impersonated<'_, L> {
    fn coverage(&self, seen: &Seen, end: &End) -> Coverage {
        let server = self.client.server();
        let mut notes = vec![format!(
            "the pages of {} of {}",
            users(seen.read),
            self.list
        )];
        let mut gaps = Vec::new();
        if seen.unknown.count > 0 {
            let (count, names) = (users(seen.unknown.count), seen.unknown.list());
            notes.push(format!("{count} unknown to the server: {names}"));
        }
        if seen.not_allowed.count > 0 {
            let (count, names) = (users(seen.not_allowed.count), seen.not_allowed.list());
            match impersonates(self.client, &self.signer) {
                Ok(true) => notes.push(format!(
                    "{count} who may not log in, so that their grants cannot be read in this way: {names}"
                )),
                Ok(false) => gaps.push(Gap {
                    code: "impersonation_refused".to_owned(),
                    message: format!(
                        "{server}: the consumer may not impersonate (any more), so {count} could not be read: {names}"
                    ),
                    advice: "let a system administrator allow the consumer two-legged OAuth with impersonation, and run it again".to_owned(),
                    failure: Failure::Refused,
                }),
                Err(error) => gaps.push(Gap::from(&error)),
            }
        }
        if let Some((first, _)) = &seen.first {
            let (count, names) = (users(seen.failed.count), seen.failed.list());
            gaps.push(Gap {
                message: format!(
                    "{server}: {count} could not be read: {names}; {}",
                    first.message
                ),
                ..first.clone()
            });
        }
        match end {
            End::All => {}
            End::List(error) => {
                notes.push("the list of users broke off".to_owned());
                gaps.push(Gap::from(error));
            }
            End::GaveUp => notes.push("after many failures the others were not read".to_owned()),
            End::Stopped => notes.push("not read to its end".to_owned()),
        }
        notes.push(INFERRED.to_owned());
        let note = notes.join("; ");
        let page = seen.first.as_ref().and_then(|(_, page)| page.clone());
        match gaps.into_iter().next() {
            Some(gap) => Coverage {
                page,
                ..Coverage::failed(server, SourceKind::Impersonated, note, gap)
            },
            None => Coverage::partial(server, SourceKind::Impersonated, note),
        }
    }
}

/// Whether it is some users who may not log in, and not the consumer that may not impersonate: a name that nobody has is
/// refused only then (protocol.md 2.8).
fn impersonates(client: &Client, signer: &ConsumerSigner<'_>) -> Result<bool, TokensError> {
    let nobody = format!("atl-admin-{}", RandomNonce.nonce()?);
    Ok(whoami_as(client, signer, &nobody)? != RunsAs::Refused)
}
