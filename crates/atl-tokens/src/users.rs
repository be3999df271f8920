//! The users that a product lists over REST.

use std::{collections::VecDeque, mem};

use atl_client::{Client, ClientError, Request, Unreadable, UserList};
use serde_json::Value;

use crate::TokensError;

/// The most parts of a list that are asked for.
const MOST_PARTS: usize = 100_000;

/// A user as the product lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user name.
    pub name: String,
    /// How the product names the user in paths.
    pub slug: String,
    /// Whether the user may log in, where the list says so.
    pub active: Option<bool>,
}

/// Every user that the product lists, a part of the list at a time. It ends after the first error.
pub struct Users<'a> {
    client: &'a Client,
    list: &'static UserList,
    part: VecDeque<ListedUser>,
    /// The names of the last part: a server that gives the same again would do so for ever.
    last: Vec<String>,
    start: u64,
    parts: usize,
    over: bool,
}

/// Lists the users of a server as the signed-in account.
///
/// # Errors
/// [`TokensError::NoUserList`] where it is not known how the product lists them, and where the product is not known. The
/// list itself gives errors where the server was not reached or refused, or answered as no such server does.
pub fn users(client: &Client) -> Result<Users<'_>, TokensError> {
    let list = client.product()?.user_list();
    let list = list.ok_or_else(|| TokensError::NoUserList {
        server: client.server().into(),
    })?;
    Ok(Users {
        client,
        list,
        part: VecDeque::new(),
        last: Vec::new(),
        start: 0,
        parts: 0,
        over: false,
    })
}

impl Users<'_> {
    /// Which list it is, and what that may miss.
    pub fn note(&self) -> &'static str {
        self.list.note
    }

    /// Asks for the next part.
    fn fetch(&mut self) -> Result<(), TokensError> {
        let UserList { path, part, .. } = self.list;
        let separator = if path.contains('?') { '&' } else { '?' };
        let (start, longest) = (self.start, self.list.longest);
        let path = format!("{path}{separator}{}={start}&{}={longest}", part.0, part.1);
        let response = self.client.send(&Request::get(path))?;
        let answer: Value = response.json()?;
        let strange = |path: &str| ClientError::Unreadable {
            server: response.server.as_str().into(),
            what: response.what.as_str().into(),
            why: Unreadable::Shape { path: path.into() },
        };
        let rows = self
            .list
            .rows
            .map_or(Some(&answer), |name| answer.get(name));
        let rows = rows
            .and_then(Value::as_array)
            .ok_or_else(|| strange(self.list.rows.unwrap_or(".")))?;
        let listed: Option<VecDeque<ListedUser>> = rows.iter().map(|row| self.user(row)).collect();
        self.part = listed.ok_or_else(|| strange(self.list.name))?;
        let names: Vec<String> = self.part.iter().map(|user| user.name.clone()).collect();
        self.parts += 1;
        let before = mem::replace(&mut self.last, names);
        let next = self.next_start(&answer);
        if !self.part.is_empty() && (before == self.last || self.parts > MOST_PARTS) {
            return Err(TokensError::Endless {
                server: response.server.as_str().into(),
                what: response.what.as_str().into(),
            });
        }
        match next {
            Some(next) if !self.part.is_empty() => self.start = next,
            _ => self.over = true,
        }
        Ok(())
    }

    /// Where the next part begins, by what the answer says of it: some say that it is the last, some where the next one
    /// is, and some nothing; `None` where there is none.
    fn next_start(&self, answer: &Value) -> Option<u64> {
        let is_last = answer.get("isLastPage").and_then(Value::as_bool);
        let links = answer.get("_links");
        if is_last == Some(true) || links.is_some_and(|links| links.get("next").is_none()) {
            return None;
        }
        let told = answer.get("nextPageStart").and_then(Value::as_u64);
        let told = told.filter(|next| *next > self.start);
        told.or_else(|| Some(self.start + u64::try_from(self.part.len()).ok()?))
    }

    fn user(&self, row: &Value) -> Option<ListedUser> {
        let text = |member: &str| row.get(member).and_then(Value::as_str).map(str::to_owned);
        let name = text(self.list.name).filter(|name| !name.is_empty())?;
        Some(ListedUser {
            slug: text(self.list.slug).unwrap_or_else(|| name.clone()),
            name,
            active: row.get("active").and_then(Value::as_bool),
        })
    }
}

impl Iterator for Users<'_> {
    type Item = Result<ListedUser, TokensError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(user) = self.part.pop_front() {
                return Some(Ok(user));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.fetch() {
                self.over = true;
                self.part.clear();
                return Some(Err(error));
            }
        }
    }
}
