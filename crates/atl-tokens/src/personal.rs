//! Personal access tokens over REST (protocol.md 4): found and deleted. What they are is never shown.

use atl_client::{Body, Client, PersonalTokens, Repeat, Request, Response};
use atl_oauth::rfc5849::percent_encode;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::{
    GrantEntry, GrantKind, GrantStatus, ListedUser, Revoked, SourceKind, TokensError, UserStatus,
    server_side_id, text, users,
};

/// How many tokens a page has.
const LIMIT: u32 = 100;

/// A page of tokens.
#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) values: Vec<Token>,
    #[serde(default, rename = "isLastPage")]
    pub(crate) is_last: Option<bool>,
    #[serde(default, rename = "page")]
    pub(crate) number: Option<u64>,
    #[serde(default, rename = "nextPageStart")]
    pub(crate) next_start: Option<u64>,
}

/// A token, by the names that the products have for its parts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    #[serde(deserialize_with = "id")]
    pub(crate) id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, alias = "createdDate")]
    created_at: Option<Moment>,
    #[serde(default, alias = "expiryDate")]
    expiring_at: Option<Moment>,
    #[serde(default, alias = "lastAuthenticated")]
    last_accessed_at: Option<Moment>,
    #[serde(default, alias = "user")]
    user_profile_resource: Option<Profile>,
    #[serde(default)]
    permissions: Vec<String>,
}

/// Milliseconds since 1970, or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Milliseconds(i64),
    Text(String),
}

/// The user of a token; one who is gone has nothing but a key.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(default)]
    user_key: Option<String>,
    #[serde(default, alias = "name")]
    username: Option<String>,
    #[serde(default)]
    active: Option<bool>,
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    })
}

impl Moment {
    fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Milliseconds(number) => Timestamp::from_millisecond(*number).ok(),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl Token {
    /// The token as a grant of an inventory. Of a list of one user, `owner` is that user.
    pub(crate) fn entry(&self, client: &Client, owner: Option<&ListedUser>) -> GrantEntry {
        let base_url = client.base_url().as_str();
        let nobody = Profile::default();
        let profile = self.user_profile_resource.as_ref().unwrap_or(&nobody);
        let name = profile.username.clone();
        let name = name.or_else(|| owner.map(|owner| owner.name.clone()));
        let is_gone = name.is_none() && profile.user_key.is_some();
        let active = profile
            .active
            .or_else(|| owner.and_then(|owner| owner.active));
        let status = |active| {
            if active {
                UserStatus::Active
            } else {
                UserStatus::Inactive
            }
        };
        let user = name
            .or_else(|| profile.user_key.clone())
            .unwrap_or_default();
        let user = text::name(&user);
        let id = server_side_id(GrantKind::Pat, base_url, &self.id);
        let time = |moment: &Option<Moment>| moment.as_ref().and_then(Moment::at);
        GrantEntry {
            name: self.name.as_deref().map(text::name),
            scopes: self.permissions.iter().map(|it| text::name(it)).collect(),
            created: time(&self.created_at),
            expires: time(&self.expiring_at),
            endless: self.expiring_at.is_none(),
            last_used: time(&self.last_accessed_at),
            // Lists of one user need not tell of uses at all (protocol.md 4.2).
            never_used: self.last_accessed_at.is_none() && owner.is_none(),
            user_status: active
                .map(status)
                .or(is_gone.then_some(UserStatus::Unknown)),
            status: GrantStatus::Active,
            handle: Some(self.id.clone()),
            ..GrantEntry::new(GrantKind::Pat, id, client.server(), user, SourceKind::Pat)
        }
        .as_of(Timestamp::now())
    }
}

/// The search over all tokens, oldest first; it changes nothing, so it may be sent again.
pub(crate) fn search(client: &Client, path: &str, page: u64) -> Result<Response, TokensError> {
    let wanted = json!({ "page": page, "limit": LIMIT, "sortBy": "createdAt", "orderBy": "ASC" });
    let request = Request {
        repeat: Repeat::Safe,
        ..Request::post_json(path, wanted)
    };
    Ok(client.send(&request)?)
}

/// A part of the list of one user.
pub(crate) fn of_user(
    client: &Client,
    users: &str,
    slug: &str,
    start: u64,
) -> Result<Response, TokensError> {
    let slug = percent_encode(slug);
    let path = format!("{users}/{slug}?start={start}&limit={LIMIT}");
    Ok(client.send(&Request::get(path))?)
}

/// Deletes a personal access token as the signed-in account, which is its user or an administrator. `handle` is the id of
/// the token. Most servers do not say whether there was one.
///
/// # Errors
/// [`TokensError::OwnersOnly`] where only its user can delete it; and where the account could not be signed in, or the
/// server was not reached or refused.
pub fn delete_personal_token(
    client: &Client,
    user: &str,
    handle: &str,
) -> Result<Revoked, TokensError> {
    client.sign_in()?;
    let id = percent_encode(handle);
    match client.product()?.personal_tokens() {
        PersonalTokens::Search { tokens, admin, .. } => {
            let response = client.send(&Request::delete(format!("{tokens}/{id}")))?;
            if matches!(response.status, 401 | 403) {
                return deleted(client.send(&delete_all(admin, &[handle]))?);
            }
            deleted(response)
        }
        PersonalTokens::OfUser { users } => {
            let slug = percent_encode(&slug_of(client, user)?);
            deleted(client.send(&Request::delete(format!("{users}/{slug}/{id}")))?)
        }
        PersonalTokens::OwnersOnly | PersonalTokens::Unknown => Err(TokensError::OwnersOnly {
            server: client.server().into(),
        }),
    }
}

/// How the product names a user in paths: by a plain name itself, by another as its list of users says.
fn slug_of(client: &Client, user: &str) -> Result<String, TokensError> {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if user.bytes().all(plain) {
        return Ok(user.to_owned());
    }
    for listed in users(client)? {
        let listed = listed?;
        if listed.name == user {
            return Ok(listed.slug);
        }
    }
    Ok(user.to_owned())
}

/// A list of ids as JSON; those that are numbers are sent as numbers.
fn delete_all(path: &str, handles: &[&str]) -> Request {
    let ids = handles.iter().map(|handle| match handle.parse::<u64>() {
        Ok(number) => json!(number),
        Err(_) => json!(handle),
    });
    Request {
        body: Body::Json(ids.collect()),
        ..Request::delete(path)
    }
}

fn deleted(response: Response) -> Result<Revoked, TokensError> {
    if response.status == 404 {
        return Ok(Revoked::AlreadyGone);
    }
    response.success()?;
    Ok(Revoked::Now)
}
