//! What a server of the estate is: its product, its generation, where it listens; and the facts per product.

use crate::setting::Setting;

/// A system administrator.
pub const ADMIN: &str = "admin";
/// The password of [`ADMIN`].
pub const ADMIN_PASSWORD: &str = "admin-secret-1";
/// An administrator who is not a system administrator.
pub const MANAGER: &str = "manager";
/// The password of [`MANAGER`].
pub const MANAGER_PASSWORD: &str = "manager-secret-1";
/// An ordinary user.
pub const ALICE: &str = "alice";
/// The password of [`ALICE`].
pub const ALICE_PASSWORD: &str = "alice-secret-1";
/// Another ordinary user.
pub const BOB: &str = "bob";
/// The password of [`BOB`].
pub const BOB_PASSWORD: &str = "bob-secret-1";
/// The ordinary user that a deployment runs as.
pub const SERVICE_USER: &str = "svc-deploy";
/// The password of [`SERVICE_USER`].
pub const SERVICE_PASSWORD: &str = "svc-deploy-secret-1";

/// A product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Jira.
    Jira,
    /// Confluence.
    Confluence,
    /// Bitbucket, whose application type is still `stash`.
    Bitbucket,
    /// Bamboo.
    Bamboo,
}

/// A generation of application links (protocol.md 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// Application links 3.x: `rest/applinks/1.0` only, consumers only through the admin form.
    Ancient,
    /// Application links 4.x: the consumer endpoint lives under `rest/applinks/2.0`.
    Legacy,
    /// Application links 5.0: the consumer endpoint has moved, the 2LO matrix does not exist yet.
    Transitional,
    /// Application links 9.1.4.
    Current,
    /// Application links 10: sign-in through the two-step verification endpoint, Basic off on some products.
    Next,
}

/// What a server of the estate should be.
#[derive(Clone, Debug)]
pub struct ServerSpec {
    pub(crate) kind: Kind,
    pub(crate) generation: Generation,
    pub(crate) context: String,
    pub(crate) name: Option<String>,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) client_certificate: bool,
    pub(crate) settings: Vec<Setting>,
}

impl ServerSpec {
    /// A server of the current generation on a free port, without context path.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            generation: Generation::Current,
            context: String::new(),
            name: None,
            port: 0,
            tls: false,
            client_certificate: false,
            settings: Vec::new(),
        }
    }

    /// Sets the generation.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the context path, such as `/jira`.
    #[must_use]
    pub fn context(mut self, context: &str) -> Self {
        let trimmed = context.trim_matches('/');
        self.context = if trimmed.is_empty() {
            String::new()
        } else {
            format!("/{trimmed}")
        };
        self
    }

    /// Sets the name; otherwise `jira`, `wiki`, `git` or `bamboo`, with a number from the second one on.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Listens on this port rather than on a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves https, with a certificate for `127.0.0.1` and `localhost` that the estate's own authority signed.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Serves https and wants a client certificate that the estate's own authority signed.
    #[must_use]
    pub fn client_certificate(mut self) -> Self {
        self.client_certificate = true;
        self.tls()
    }

    /// Starts with this setting.
    #[must_use]
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }
}

impl Kind {
    /// The application type id (protocol.md 1.9).
    pub fn type_id(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "confluence",
            Self::Bitbucket => "stash",
            Self::Bamboo => "bamboo",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Jira => "Jira",
            Self::Confluence => "Confluence",
            Self::Bitbucket => "Bitbucket",
            Self::Bamboo => "Bamboo",
        }
    }

    pub(crate) fn default_name(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "wiki",
            Self::Bitbucket => "git",
            Self::Bamboo => "bamboo",
        }
    }

    /// The cookie that carries the session (protocol.md 5.1).
    pub(crate) fn session_cookie(self) -> &'static str {
        match self {
            Self::Bitbucket => "BITBUCKETSESSIONID",
            Self::Jira | Self::Confluence | Self::Bamboo => "JSESSIONID",
        }
    }

    /// The cookie that an XSRF token must equal (protocol.md 2.3).
    pub(crate) fn xsrf_cookie(self) -> &'static str {
        match self {
            Self::Jira => "atlassian.xsrf.token",
            Self::Confluence | Self::Bitbucket | Self::Bamboo => "atl.xsrf.token",
        }
    }

    /// The sign-in page with its destination parameter, relative to the base URL (protocol.md 5.1).
    pub(crate) fn login_page(self) -> (&'static str, &'static str) {
        match self {
            Self::Jira => ("/login.jsp", "os_destination"),
            Self::Confluence => ("/login.action", "os_destination"),
            Self::Bitbucket => ("/login", "next"),
            Self::Bamboo => ("/userlogin!doDefault.action", "os_destination"),
        }
    }

    /// The product version of a generation, and its build number.
    pub(crate) fn version(self, generation: Generation) -> (&'static str, u32) {
        use Generation::{Ancient, Current, Legacy, Next, Transitional};
        match (self, generation) {
            (Self::Jira, Ancient) => ("5.1.1", 772),
            (Self::Jira, Legacy) => ("6.4.14", 64029),
            (Self::Jira, Transitional) => ("7.0.0", 70107),
            (Self::Jira, Current) => ("9.12.0", 912_000),
            (Self::Jira, Next) => ("10.3.0", 10_030_000),
            (Self::Confluence, Ancient) => ("5.0.3", 4117),
            (Self::Confluence, Legacy) => ("5.4.4", 4727),
            (Self::Confluence, Transitional) => ("5.9.1", 6207),
            (Self::Confluence, Current) => ("8.7.2", 9111),
            (Self::Confluence, Next) => ("10.1.0", 10_109),
            (Self::Bitbucket, Ancient) => ("1.3.1", 1_003_001),
            (Self::Bitbucket, Legacy) => ("3.11.6", 3_011_006),
            (Self::Bitbucket, Transitional) => ("4.0.0", 4_000_000),
            (Self::Bitbucket, Current) => ("8.19.0", 8_019_000),
            (Self::Bitbucket, Next) => ("10.1.0", 10_001_000),
            (Self::Bamboo, Ancient) => ("4.4.8", 3519),
            (Self::Bamboo, Legacy) => ("5.6.2", 4207),
            (Self::Bamboo, Transitional) => ("5.10.0", 51_017),
            (Self::Bamboo, Current) => ("9.6.0", 90_600),
            (Self::Bamboo, Next) => ("10.2.0", 100_200),
        }
    }

    /// Whether Basic is allowed out of the box (protocol.md 5.2).
    pub(crate) fn basic_by_default(self, generation: Generation) -> bool {
        !(generation == Generation::Next && matches!(self, Self::Confluence | Self::Bitbucket))
    }

    /// Whether session callers must elevate out of the box (protocol.md 5.3).
    pub(crate) fn websudo_by_default(self, generation: Generation) -> bool {
        match self {
            Self::Jira | Self::Confluence => true,
            Self::Bamboo => generation == Generation::Next,
            Self::Bitbucket => false,
        }
    }
}

impl Generation {
    pub(crate) fn applinks_version(self) -> &'static str {
        match self {
            Self::Ancient => "3.10.2",
            Self::Legacy => "4.2.4",
            Self::Transitional => "5.0.4",
            Self::Current => "9.1.4",
            Self::Next => "10.0.3",
        }
    }

    /// The published versions of the `applinks` REST API, oldest first.
    pub(crate) fn applinks_api(self) -> &'static [&'static str] {
        match self {
            Self::Ancient => &["1.0"],
            Self::Legacy => &["1.0", "2.0"],
            Self::Transitional | Self::Current | Self::Next => &["1.0", "2.0", "3.0"],
        }
    }

    /// Whether there is a provider of OAuth 2 (protocol.md 0), on any product of this generation here.
    pub(crate) fn has_oauth2(self) -> bool {
        self >= Self::Current
    }

    /// Whether there is REST for personal access tokens (protocol.md 4), on any product of this generation here.
    pub(crate) fn has_pats(self) -> bool {
        self >= Self::Current
    }

    /// Whether the 2LO matrix exists (application links 5.2 and later, protocol.md 1.12).
    pub(crate) fn has_matrix(self) -> bool {
        self >= Self::Current
    }
}
