//! What a page shows of one grant.

use std::fmt;

use atl_oauth::token_id;
use secrecy::{ExposeSecret as _, SecretString};

use super::when::ShownTime;
use crate::{GrantEntry, GrantKind, GrantStatus, SourceKind, server_side_id};

/// A grant as the page of its user shows it.
#[derive(Clone)]
pub struct PageRow {
    /// What it is, and what the page calls it.
    pub kind: RowKind,
    /// What the page calls the consumer or client.
    pub consumer_name: Option<String>,
    /// When it was issued.
    pub created: Option<ShownTime>,
    /// When it expires, where the page has a column for that.
    pub expires: Option<ShownTime>,
    /// What it allows, in the words of the page.
    pub scopes: Vec<String>,
}

/// What a row is of.
#[derive(Clone)]
pub enum RowKind {
    /// An OAuth 1 access token, which is this.
    Oauth1(SecretString),
    /// An OAuth 2 grant, which this revokes: the last segment of the URL for that. It lets nobody in.
    Oauth2(String),
    /// An OAuth 2 grant whose row shows no such URL: what it shows in its place may be a token.
    Oauth2Unnamed(SecretString),
}

/// Where a page comes from, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct PageOf<'a> {
    /// The server's name.
    pub server: &'a str,
    /// Its base URL.
    pub base_url: &'a str,
    /// The user whose page it is.
    pub user: &'a str,
    /// How it was read.
    pub source: SourceKind,
}

impl PageRow {
    /// The id that the grant has in an inventory.
    pub fn id(&self, base_url: &str) -> String {
        match &self.kind {
            RowKind::Oauth1(token) => token_id(token),
            RowKind::Oauth2(handle) => server_side_id(GrantKind::Oauth2, base_url, handle),
            RowKind::Oauth2Unnamed(mark) => {
                server_side_id(GrantKind::Oauth2, base_url, mark.expose_secret())
            }
        }
    }

    /// The access token, of an OAuth 1 row.
    pub fn token(&self) -> Option<&SecretString> {
        match &self.kind {
            RowKind::Oauth1(token) => Some(token),
            RowKind::Oauth2(_) | RowKind::Oauth2Unnamed(_) => None,
        }
    }

    /// The row as one of an inventory. A page lists what its server has.
    pub fn entry(&self, page: &PageOf<'_>) -> GrantEntry {
        let kind = match &self.kind {
            RowKind::Oauth1(_) => GrantKind::Oauth1,
            RowKind::Oauth2(_) | RowKind::Oauth2Unnamed(_) => GrantKind::Oauth2,
        };
        let handle = match &self.kind {
            RowKind::Oauth2(handle) => Some(handle.clone()),
            RowKind::Oauth1(_) | RowKind::Oauth2Unnamed(_) => None,
        };
        let (created, approximate, shown) = match &self.created {
            Some(ShownTime::Exact(at)) => (Some(*at), false, None),
            Some(ShownTime::Approximate(at)) => (Some(*at), true, None),
            Some(ShownTime::Words(words)) => (None, false, Some(words.clone())),
            None => (None, false, None),
        };
        let note = match &self.expires {
            Some(ShownTime::Words(words)) => Some(format!("expires: `{words}`")),
            _ => None,
        };
        let id = self.id(page.base_url);
        GrantEntry {
            consumer_name: self.consumer_name.clone(),
            scopes: self.scopes.clone(),
            created,
            created_approximate: approximate,
            created_shown: shown,
            expires: self.expires.as_ref().and_then(ShownTime::at),
            status: GrantStatus::Active,
            note,
            handle,
            ..GrantEntry::new(kind, id, page.server, page.user, page.source)
        }
    }
}

/// The access token of the OAuth 1 row that has this id in an inventory.
pub fn find_token<'a>(
    rows: impl IntoIterator<Item = &'a PageRow>,
    id: &str,
) -> Option<SecretString> {
    rows.into_iter()
        .filter_map(PageRow::token)
        .find(|token| token_id(token) == id)
        .cloned()
}

impl fmt::Debug for PageRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRow")
            .field("kind", &self.kind)
            .field("consumer_name", &self.consumer_name)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .field("scopes", &self.scopes)
            .finish()
    }
}

impl fmt::Debug for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oauth1(token) => f.debug_tuple("Oauth1").field(&token_id(token)).finish(),
            Self::Oauth2(handle) => f.debug_tuple("Oauth2").field(handle).finish(),
            Self::Oauth2Unnamed(mark) => f
                .debug_tuple("Oauth2Unnamed")
                .field(&token_id(mark))
                .finish(),
        }
    }
}

/// What two rows of one grant have in common.
pub(super) fn identity(kind: &RowKind) -> (bool, String) {
    match kind {
        RowKind::Oauth1(token) => (false, token.expose_secret().to_owned()),
        RowKind::Oauth2(handle) => (true, handle.clone()),
        RowKind::Oauth2Unnamed(mark) => (true, mark.expose_secret().to_owned()),
    }
}
