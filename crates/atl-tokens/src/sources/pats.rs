//! Personal access tokens, as an administrator finds them.

use std::ops::ControlFlow;

use atl_client::{Client, ClientError, Failure, PersonalTokens, Response};

use super::{
    Failed,
    crowd::{End, ask_each},
    joined, so_many_users,
};
use crate::{
    Coverage, Found, Gap, GrantEntry, ListedUser, Source, SourceKind, TokensError,
    personal::{self, Page},
};

/// The most pages of one list that are asked for.
const MOST_PAGES: u64 = 100_000;

/// After so many users without a list, nobody has one.
const ENOUGH_MISSING: usize = 20;

const NONE_HERE: &str = "this version has no personal access tokens, or they are switched off";

/// The personal access tokens of all users, as far as an administrator sees them.
#[derive(Debug)]
pub struct Pats<'a> {
    client: &'a Client,
    parallel: usize,
}

impl<'a> Pats<'a> {
    /// Nothing is sent until it is read; lists of single users are asked for `parallel` at once.
    pub fn new(client: &'a Client, parallel: usize) -> Self {
        Self { client, parallel }
    }

    fn partial(&self, note: impl Into<String>) -> Coverage {
        Coverage::partial(self.client.server(), SourceKind::Pat, note)
    }

    fn failed(&self, note: impl Into<String>, gap: Gap) -> Coverage {
        Coverage::failed(self.client.server(), SourceKind::Pat, note, gap)
    }

    /// One search over the tokens of all users.
    fn search(&self, path: &str, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let read = pages(
            |number| personal::search(self.client, path, number),
            |page, number| page.number.unwrap_or(number) + 1,
            |token| give(take, token.entry(self.client, None)),
        );
        match read {
            Ok(Ended::All) => Coverage::complete(
                self.client.server(),
                SourceKind::Pat,
                "the personal access tokens of all users",
            ),
            Ok(Ended::Stopped) => self.partial("not read to its end"),
            Ok(Ended::NoneHere) => self.partial(NONE_HERE),
            Err(error) => self.failed(
                "the search for personal access tokens did not come to its end",
                search_gap(&error),
            ),
        }
    }

    /// The list of each user that the product lists. There is none of anybody where the product has no such lists.
    fn of_each(&self, path: &str, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let listed = match crate::users(self.client) {
            Ok(listed) => listed,
            Err(error) => return self.failed("no list was read", Gap::from(&error)),
        };
        let list = listed.note();
        let (mut read, mut missing, mut is_missing) = (0, 0, false);
        let mut failed = Failed::default();
        let end = ask_each(
            listed,
            self.parallel,
            |user| self.of_user(path, user),
            |user, answer| match answer {
                Ok(Some(grants)) => {
                    read += 1;
                    grants.into_iter().try_for_each(|grant| give(take, grant))
                }
                // A user who has gone in between, or the first sign that there are no such lists.
                Ok(None) => {
                    missing += 1;
                    is_missing = read == 0 && failed.first.is_none() && missing >= ENOUGH_MISSING;
                    if is_missing {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Err(error) => {
                    failed.add(&user.name, &error);
                    ControlFlow::Continue(())
                }
            },
        );
        let nobody_has_one = read == 0 && missing > 0 && failed.first.is_none();
        if is_missing || (nobody_has_one && matches!(end, End::All)) {
            return self.partial(NONE_HERE);
        }
        let mut notes = vec![format!(
            "the personal access tokens of {} of {list}; not those of projects and repositories",
            so_many_users(read)
        )];
        notes.extend(end.note());
        let notes = notes.join("; ");
        let failed = failed.gap(self.client.server(), "the personal access tokens");
        match joined(failed.into_iter().chain(end.gap())) {
            Some(gap) => self.failed(notes, gap),
            None => self.partial(notes),
        }
    }

    /// The tokens of one user, where there is a list of them.
    fn of_user(
        &self,
        path: &str,
        user: &ListedUser,
    ) -> Result<Option<Vec<GrantEntry>>, TokensError> {
        let mut grants = Vec::new();
        let next = |page: &Page, start: u64| {
            let length = u64::try_from(page.values.len()).unwrap_or(u64::MAX);
            page.next_start
                .unwrap_or_else(|| start.saturating_add(length))
        };
        let ended = pages(
            |start| personal::of_user(self.client, path, &user.slug, start),
            next,
            |token| {
                grants.push(token.entry(self.client, Some(user)));
                ControlFlow::Continue(())
            },
        )?;
        Ok(match ended {
            Ended::NoneHere => None,
            Ended::All | Ended::Stopped => Some(grants),
        })
    }
}

impl Source for Pats<'_> {
    fn kind(&self) -> SourceKind {
        SourceKind::Pat
    }

    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let product = match self.client.product() {
            Ok(product) => product,
            Err(error) => return self.failed("nothing was read", Gap::from(&error.into())),
        };
        match product.personal_tokens() {
            PersonalTokens::Search { search, .. } => self.search(search, take),
            PersonalTokens::OfUser { users } => self.of_each(users, take),
            PersonalTokens::OwnersOnly => self.partial(format!(
                "none: {} shows personal access tokens to their own users only",
                product.name()
            )),
            PersonalTokens::Unknown => {
                self.partial("none: where this product has personal access tokens is not known")
            }
        }
    }
}

fn give(take: &mut dyn FnMut(Found) -> ControlFlow<()>, grant: GrantEntry) -> ControlFlow<()> {
    take(Found::Grant(Box::new(grant)))
}

/// How the pages of a list ended.
enum Ended {
    All,
    Stopped,
    /// There is no such list.
    NoneHere,
}

/// Reads pages until the last. A page may come twice, where a server counts from 1 and takes 0 for that, and no oftener.
fn pages(
    fetch: impl Fn(u64) -> Result<Response, TokensError>,
    next: impl Fn(&Page, u64) -> u64,
    mut give: impl FnMut(&personal::Token) -> ControlFlow<()>,
) -> Result<Ended, TokensError> {
    let (mut at, mut count, mut last, mut repeated) = (0, 0, Vec::new(), 0);
    loop {
        let response = fetch(at)?;
        if response.status == 404 {
            return Ok(Ended::NoneHere);
        }
        let page: Page = response.json()?;
        let ids: Vec<String> = page.values.iter().map(|token| token.id.clone()).collect();
        if page.values.iter().try_for_each(&mut give).is_break() {
            return Ok(Ended::Stopped);
        }
        repeated = if ids == last { repeated + 1 } else { 0 };
        count += 1;
        if page.is_last == Some(true) || ids.is_empty() {
            return Ok(Ended::All);
        }
        let following = next(&page, at);
        if repeated > 1 || count >= MOST_PAGES || following <= at {
            return Err(TokensError::Endless {
                server: response.server.into(),
                what: response.what.into(),
            });
        }
        (at, last) = (following, ids);
    }
}

/// What stands in the way of the search for administrators, in words of its own where the server refuses it.
fn search_gap(error: &TokensError) -> Gap {
    match error {
        TokensError::Client(ClientError::Status {
            server,
            status: 403,
            message,
            basic_disabled: false,
            ..
        }) => Gap {
            code: "search_refused".to_owned(),
            message: format!(
                "{server}: the search for personal access tokens was refused with 403{}",
                message.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
            ),
            advice: "it needs a system administrator, and a Data Center licence: use such an account, or read them from the database".to_owned(),
            failure: Failure::Refused,
        },
        error => Gap::from(error),
    }
}
