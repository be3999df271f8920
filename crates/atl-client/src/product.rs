//! The one table of what differs between the products (protocol.md 4, 5, 6).

/// The product behind a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Jira.
    Jira,
    /// Confluence.
    Confluence,
    /// Bitbucket, whose `typeId` is `stash`.
    Bitbucket,
    /// Bamboo.
    Bamboo,
    /// Anything else with a manifest.
    Other,
}

/// Who is signed in, on every product: text, empty for nobody (protocol.md 6).
pub(crate) const WHOAMI: &str = "plugins/servlet/applinks/whoami";
/// The sign-in of the generation with two-step verification (protocol.md 5.1).
pub(crate) const TWO_STEP_LOGIN: &str = "rest/tsv/1.0/authenticate?os_authType=none";

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Whether personal access tokens reach the admin REST API (protocol.md 4).
    pub(crate) tokens_reach_admin: bool,
    /// A query that Basic needs to be seen everywhere (protocol.md 5.1).
    pub(crate) basic_query: Option<(&'static str, &'static str)>,
    /// The first version, major and minor, that signs in at [`TWO_STEP_LOGIN`].
    pub(crate) two_step_since: Option<(u32, u32)>,
    /// The ways to get a session before that, best first.
    pub(crate) logins: &'static [SessionLogin],
    /// How a session ends.
    pub(crate) logout: Option<(&'static str, &'static str)>,
    /// How the paths end that a browser is sent to for signing in.
    pub(crate) login_pages: &'static [&'static str],
    /// What the paths hold, in lower case, that a browser is sent to for a secure administrator session.
    pub(crate) elevation_pages: &'static [&'static str],
    /// How to get a secure administrator session (protocol.md 5.3), where that is known.
    pub(crate) elevation: Option<Elevation>,
    /// Where it lists its users.
    users: Option<UserList>,
    /// Where an administrator finds personal access tokens.
    personal_tokens: PersonalTokens,
}

/// Where a product lists its users, part by part, as its documentation says.
#[derive(Debug)]
pub struct UserList {
    /// The path, with the query that it needs.
    pub path: &'static str,
    /// The parameters that say where a part begins and how long it is.
    pub part: (&'static str, &'static str),
    /// How long a part is at most.
    pub longest: usize,
    /// The member of the answer that holds the users; `None` where the answer is their list.
    pub rows: Option<&'static str>,
    /// The member of a user that is the name.
    pub name: &'static str,
    /// The member of a user that stands in paths.
    pub slug: &'static str,
    /// What the list is called in texts, and what it may miss.
    pub note: &'static str,
}

/// Where an administrator finds the personal access tokens of others (protocol.md 4).
#[derive(Debug)]
pub enum PersonalTokens {
    /// One search over all of them, for system administrators.
    Search {
        /// Takes a search as JSON.
        search: &'static str,
        /// Each token is below it.
        tokens: &'static str,
        /// Deletes a list of them, for system administrators.
        admin: &'static str,
    },
    /// A list for each user.
    OfUser {
        /// The lists are below it, each by the slug of its user, and the tokens below these.
        users: &'static str,
    },
    /// Only their own users see them.
    OwnersOnly,
    /// That is not known.
    Unknown,
}

/// One way to get a session.
#[derive(Debug)]
pub(crate) enum SessionLogin {
    /// [`TWO_STEP_LOGIN`].
    TwoStep,
    /// `{username, password}` as JSON.
    Json {
        /// Where.
        path: &'static str,
    },
    /// A form.
    Form {
        /// Where.
        path: &'static str,
        /// The page that holds its `atl_token`.
        page: Option<&'static str>,
        /// The field of the user name.
        username: &'static str,
        /// The field of the password.
        password: &'static str,
        /// The other fields.
        fields: &'static [(&'static str, &'static str)],
    },
}

/// How to get a secure administrator session.
#[derive(Debug)]
pub(crate) struct Elevation {
    /// Where the form goes.
    pub(crate) path: &'static str,
    /// The field of the password.
    pub(crate) password: &'static str,
    /// The other fields.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// Where `atl_token` comes from.
    pub(crate) token: FormToken,
}

/// Where the `atl_token` of a form comes from.
#[derive(Debug)]
pub(crate) enum FormToken {
    /// The form needs none.
    None,
    /// A cookie of the session.
    Cookie(&'static str),
    /// An input of a page.
    Page(&'static str),
}

/// The plugin of Jira and Confluence (protocol.md 4.1).
const PAT_PLUGIN: PersonalTokens = PersonalTokens::Search {
    search: "rest/pat/latest/tokens/search",
    tokens: "rest/pat/latest/tokens",
    admin: "rest/pat/latest/admin/tokens",
};

static JIRA: Profile = Profile {
    tokens_reach_admin: true,
    basic_query: None,
    two_step_since: Some((10, 0)),
    logins: &[
        SessionLogin::Json {
            path: "rest/auth/1/session",
        },
        SessionLogin::Form {
            path: "login.jsp",
            page: None,
            username: "os_username",
            password: "os_password",
            fields: &[("os_destination", ""), ("os_cookie", "false")],
        },
    ],
    logout: Some(("DELETE", "rest/auth/1/session")),
    login_pages: &["/login.jsp"],
    elevation_pages: &["websudo"],
    elevation: Some(Elevation {
        path: "secure/admin/WebSudoAuthenticate.jspa",
        password: "webSudoPassword",
        fields: &[
            (
                "webSudoDestination",
                "/secure/admin/ViewApplicationProperties.jspa",
            ),
            ("webSudoIsPost", "false"),
        ],
        token: FormToken::Cookie("atlassian.xsrf.token"),
    }),
    users: Some(UserList {
        path: "rest/api/2/user/search?username=.&includeInactive=true",
        part: ("startAt", "maxResults"),
        longest: 1000,
        rows: None,
        name: "name",
        slug: "name",
        note: "the users that Jira's search for `.` finds, which may miss those that this account may not see",
    }),
    personal_tokens: PAT_PLUGIN,
};

static CONFLUENCE: Profile = Profile {
    tokens_reach_admin: true,
    basic_query: None,
    two_step_since: Some((9, 0)),
    logins: &[SessionLogin::Form {
        path: "dologin.action",
        page: None,
        username: "os_username",
        password: "os_password",
        fields: &[("login", "Log in"), ("os_destination", "")],
    }],
    logout: Some(("GET", "logout.action")),
    login_pages: &["/login.action"],
    elevation_pages: &["/authenticate.action"],
    elevation: Some(Elevation {
        path: "doauthenticate.action",
        password: "password",
        fields: &[
            ("authenticate", "Confirm"),
            ("destination", "/admin/viewgeneralconfig.action"),
        ],
        token: FormToken::Page("authenticate.action?destination=/admin/viewgeneralconfig.action"),
    }),
    users: Some(UserList {
        path: "rest/api/group/confluence-users/member",
        part: ("start", "limit"),
        longest: 200,
        rows: Some("results"),
        name: "username",
        slug: "username",
        note: "the members of the group confluence-users, which misses users of other groups, and may miss those who may not log in",
    }),
    personal_tokens: PAT_PLUGIN,
};

static BITBUCKET: Profile = Profile {
    tokens_reach_admin: false,
    basic_query: None,
    two_step_since: Some((9, 5)),
    logins: &[SessionLogin::Form {
        path: "j_atl_security_check",
        page: None,
        username: "j_username",
        password: "j_password",
        fields: &[("next", "/"), ("submit", "Log in")],
    }],
    logout: Some(("GET", "j_atl_security_logout")),
    login_pages: &["/login"],
    elevation_pages: &["websudo"],
    elevation: None,
    users: Some(UserList {
        path: "rest/api/1.0/users",
        part: ("start", "limit"),
        longest: 1000,
        rows: Some("values"),
        name: "name",
        slug: "slug",
        note: "the users that Bitbucket lists, which may miss those without a licence",
    }),
    personal_tokens: PersonalTokens::OfUser {
        users: "rest/access-tokens/latest/users",
    },
};

static BAMBOO: Profile = Profile {
    tokens_reach_admin: true,
    basic_query: Some(("os_authType", "basic")),
    two_step_since: Some((10, 0)),
    logins: &[SessionLogin::Form {
        path: "userlogin.action",
        page: Some("userlogin!doDefault.action?os_destination="),
        username: "os_username",
        password: "os_password",
        fields: &[("os_destination", ""), ("save", "Log in")],
    }],
    logout: Some(("GET", "userLogout.action")),
    login_pages: &[
        "/userlogin!doDefault.action",
        "/userlogin!default.action",
        "/userlogin.action",
    ],
    elevation_pages: &["websudo"],
    elevation: Some(Elevation {
        path: "admin/webSudoSubmit.action",
        password: "password",
        fields: &[
            ("web_sudo_destination", "/admin/administer.action"),
            ("save", "Submit"),
        ],
        token: FormToken::None,
    }),
    users: Some(UserList {
        path: "rest/api/latest/admin/users",
        part: ("start", "limit"),
        longest: 1000,
        rows: Some("results"),
        name: "name",
        slug: "name",
        note: "the users that Bamboo lists for administrators",
    }),
    personal_tokens: PersonalTokens::OwnersOnly,
};

static OTHER: Profile = Profile {
    tokens_reach_admin: true,
    basic_query: None,
    two_step_since: None,
    logins: &[],
    logout: None,
    login_pages: &["/login"],
    elevation_pages: &["websudo"],
    elevation: None,
    users: None,
    personal_tokens: PersonalTokens::Unknown,
};

impl Product {
    /// The product of a manifest's `typeId`.
    pub fn from_type_id(type_id: &str) -> Self {
        match type_id {
            "jira" => Self::Jira,
            "confluence" => Self::Confluence,
            "stash" | "bitbucket" => Self::Bitbucket,
            "bamboo" => Self::Bamboo,
            _ => Self::Other,
        }
    }

    /// Its name in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jira => "Jira",
            Self::Confluence => "Confluence",
            Self::Bitbucket => "Bitbucket",
            Self::Bamboo => "Bamboo",
            Self::Other => "this product",
        }
    }

    /// Where it lists its users, where that is known.
    pub fn user_list(self) -> Option<&'static UserList> {
        self.profile().users.as_ref()
    }

    /// Where an administrator finds the personal access tokens of others.
    pub fn personal_tokens(self) -> &'static PersonalTokens {
        &self.profile().personal_tokens
    }

    pub(crate) fn profile(self) -> &'static Profile {
        match self {
            Self::Jira => &JIRA,
            Self::Confluence => &CONFLUENCE,
            Self::Bitbucket => &BITBUCKET,
            Self::Bamboo => &BAMBOO,
            Self::Other => &OTHER,
        }
    }
}

impl Profile {
    /// The ways to get a session on this version, in the order to try them. An unreadable version counts as a new one.
    pub(crate) fn session_logins(&self, version: &str) -> Vec<&'static SessionLogin> {
        let mut parts = version
            .split(['.', '-'])
            .map(|part| part.parse::<u32>().ok());
        let major = parts.next().flatten();
        let minor = parts.next().flatten().unwrap_or(0);
        let mut ways: Vec<_> = self.logins.iter().collect();
        match self.two_step_since {
            Some(since) if major.is_none_or(|major| (major, minor) >= since) => {
                ways.insert(0, &SessionLogin::TwoStep);
            }
            Some(_) => ways.push(&SessionLogin::TwoStep),
            None => {}
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_id_names_the_product() {
        assert_eq!(Product::from_type_id("stash"), Product::Bitbucket);
        assert_eq!(Product::from_type_id("jira"), Product::Jira);
        assert_eq!(Product::from_type_id("fecru"), Product::Other);
    }

    #[test]
    fn the_version_decides_how_a_session_is_got() {
        #[track_caller]
        fn check(product: Product, version: &str, expected: bool) {
            let ways = product.profile().session_logins(version);
            let first = matches!(ways.first(), Some(SessionLogin::TwoStep));
            assert_eq!(first, expected, "{product:?} {version}");
        }
        check(Product::Jira, "9.17.5", false);
        check(Product::Jira, "10.0.0-m0001", true);
        check(Product::Confluence, "8.9.1", false);
        check(Product::Confluence, "9.0", true);
        check(Product::Bitbucket, "9.4.2", false);
        check(Product::Bitbucket, "9.5.0", true);
        check(Product::Bitbucket, "10.1", true);
        check(Product::Bamboo, "9.6.0", false);
        check(Product::Bamboo, "10", true);
        check(Product::Bamboo, "", true);
        check(Product::Other, "12.0", false);
    }
}
