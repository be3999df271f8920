//! Users, as a server knows them.

use std::fmt;

use crate::state::State;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Nothing in particular.
    User,
    /// Administer.
    Admin,
    /// Administer the system.
    SysAdmin,
}

/// A user of a server.
#[derive(Clone)]
pub struct User {
    /// The user name, with which the user signs in.
    pub name: String,
    /// The user key, which stays when the name changes, such as Jira's `JIRAUSER10100` (protocol.md 3.4). It is the name
    /// unless it is set.
    pub key: String,
    /// The name for people to read. It is the user name unless it is set.
    pub display_name: String,
    /// The address of mail.
    pub email: String,
    /// The password.
    pub password: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may log in.
    pub active: bool,
}

impl User {
    /// A user who may log in.
    pub fn new(name: &str, password: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            key: name.to_owned(),
            display_name: name.to_owned(),
            email: format!("{name}@example.com"),
            password: password.to_owned(),
            role,
            active: true,
        }
    }

    /// An ordinary user, whose password is the name with `-secret-1` after it, as that of all users that a server starts
    /// with.
    pub fn ordinary(name: &str) -> Self {
        Self::new(name, &format!("{name}-secret-1"), Role::User)
    }

    /// The name in a path of Bitbucket's (protocol.md 4.2).
    pub(crate) fn slug(&self) -> String {
        self.name.replace('@', "_")
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("role", &self.role)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The user key of a user name; of one that nobody has any more, the name is all that is known.
    pub(crate) fn user_key<'a>(&'a self, name: &'a str) -> &'a str {
        self.users.get(name).map_or(name, |user| &user.key)
    }
}
