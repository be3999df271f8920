//! How grants of one account are seen on a server, and how one of them is ended there: as the account that signs in, as
//! their user through an auditor consumer, or over REST.

use std::{collections::BTreeSet, ops::ControlFlow};

use atl_client::Client;
use atl_tokens::{
    Found, GrantEntry, GrantKind, PageAs, PageRow, Pats, Revoked, Source as _, TokensError,
    delete_personal_token, find_token, read_page, read_page_as, revoke_as, revoke_oauth2_as,
    revoke_oauth2_signed_in, revoke_signed_in, users,
};

use super::way::Way;
use crate::{auditor::Auditor, grants::same_user, trouble::Trouble};

/// One of the ways, ready to be gone.
pub(super) enum Hand<'a> {
    /// As the account that signs in.
    Own(&'a Client),
    /// As a user, through an auditor consumer.
    Auditor(&'a Auditor<'a>, &'a str),
    /// Over the REST API for personal access tokens, with so many requests at once.
    Rest(&'a Client, usize),
}

/// What is there.
pub(super) enum Seen {
    Page(Vec<PageRow>, String),
    Ids(BTreeSet<String>),
}

impl Seen {
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::Page(rows, base_url) => rows.iter().any(|row| row.id(base_url) == id),
            Self::Ids(ids) => ids.contains(id),
        }
    }
}

impl<'a> Hand<'a> {
    pub(super) fn new(
        way: Way,
        client: &'a Client,
        auditor: Option<&'a Auditor<'a>>,
        user: &'a str,
        parallel: usize,
    ) -> Option<Self> {
        match way {
            Way::Page => Some(Self::Own(client)),
            Way::Auditor => Some(Self::Auditor(auditor?, user)),
            Way::Rest => Some(Self::Rest(client, parallel)),
            Way::Token | Way::Consumer => None,
        }
    }

    /// Lists what is there now.
    pub(super) fn look(&self) -> Result<Seen, Trouble> {
        match self {
            Self::Own(client) => Ok(Seen::page(client, read_page(client)?)),
            Self::Auditor(auditor, user) => {
                let client = auditor.client();
                let error = match read_page_as(client, &auditor.signer(), user)? {
                    PageAs::Of { rows, .. } => return Ok(Seen::page(client, rows)),
                    PageAs::Unknown => TokensError::UnknownUser {
                        server: client.server().into(),
                        user: (*user).into(),
                    },
                    PageAs::NotAllowed => TokensError::NotAllowed {
                        server: client.server().into(),
                        user: (*user).into(),
                    },
                };
                Err(error.into())
            }
            Self::Rest(client, parallel) => {
                let mut ids = BTreeSet::new();
                let coverage = Pats::new(client, *parallel).read(&mut |found| {
                    if let Found::Grant(grant) = found {
                        ids.insert(grant.id);
                    }
                    ControlFlow::Continue(())
                });
                match &coverage.gap {
                    Some(gap) => Err(gap.into()),
                    None => Ok(Seen::Ids(ids)),
                }
            }
        }
    }

    /// Ends one grant that was seen: by the token whose digest is its id, or by the name that the server has for it, and
    /// never by its place in a list.
    pub(super) fn end(&self, grant: &GrantEntry, seen: &Seen) -> Result<Revoked, TokensError> {
        let handle = grant.handle.as_deref().unwrap_or_default();
        match (self, grant.kind, seen) {
            (Self::Own(client), GrantKind::Oauth2, _) => revoke_oauth2_signed_in(client, handle),
            (Self::Auditor(auditor, user), GrantKind::Oauth2, _) => {
                revoke_oauth2_as(auditor.client(), &auditor.signer(), user, handle)
            }
            (Self::Rest(client, _), ..) => {
                delete_personal_token(client, &slug(client, &grant.user), handle)
            }
            (_, _, Seen::Page(rows, _)) => {
                let Some(token) = find_token(rows, &grant.id) else {
                    return Ok(Revoked::AlreadyGone);
                };
                match self {
                    Self::Auditor(auditor, user) => {
                        revoke_as(auditor.client(), &auditor.signer(), user, &token)
                    }
                    Self::Own(client) | Self::Rest(client, _) => {
                        revoke_signed_in(client, &token).map(|()| Revoked::Now)
                    }
                }
            }
            (_, _, Seen::Ids(_)) => Ok(Revoked::AlreadyGone),
        }
    }
}

impl Seen {
    fn page(client: &Client, rows: Vec<PageRow>) -> Self {
        Self::Page(rows, client.base_url().as_str().to_owned())
    }
}

/// How the product names a user in paths, where the name may not stand there as it is.
fn slug(client: &Client, user: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if user.chars().all(plain) {
        return user.to_owned();
    }
    let listed = users(client).into_iter().flatten().flatten();
    let mut same = listed.filter(|listed| same_user(&listed.name, user));
    same.next()
        .map_or_else(|| user.to_owned(), |listed| listed.slug)
}
