//! Checks that say what would go wrong later. They change nothing anywhere (cli.md sections 1 and 3).

mod report;

use atl_applinks::Applinks;
use atl_client::{Client, Credentials, Login, Method, Product};
use atl_store::Store;

use crate::{
    clock::{self, Clock, clock},
    engine::{RunOptions, StartError, clients, consumers_of, look_at, side_by_side},
    event::Event,
    keys::Keys,
    known::{Known, read_file_keys},
    observe::{Look, Observed, Probe},
    plan::{Action, Change, FORMAT_VERSION, Kind, PlanOptions, ServerPlan, Status},
    trouble::Trouble,
    wanted::{Consumer, Ready, ReadyServer, State},
};

pub use report::{Check, CheckReport, CheckStatus, ServerChecks};

/// Checks every selected server.
///
/// # Errors
///
/// Only where nothing could be started; what is wrong with a server is a check that failed.
pub fn check(
    ready: &Ready,
    store: Option<&Store>,
    run: RunOptions<'_>,
) -> Result<CheckReport, StartError> {
    let known = Known::read(store)?;
    let keys = Keys::new(store, read_file_keys(&ready.consumers)?);
    let clients = clients(&ready.servers)?;
    let options = PlanOptions::default();
    let look = Look {
        known: &known,
        keys: &keys,
        options: &options,
    };
    (run.sink)(&Event::Begin {
        phase: "check",
        servers: clients.len(),
    });
    let servers = side_by_side(run.parallel, &clients, |index, client| {
        let server = &ready.servers[index];
        let mut checks = Checks {
            server,
            client,
            done: Vec::new(),
            status: Status::Ok,
        };
        checks.all(ready, &look);
        client.sign_out();
        let checks = ServerChecks {
            server: client.server().to_owned(),
            checks: checks.done,
            status: checks.status,
        };
        (run.sink)(&Event::Checked(&checks));
        checks
    });
    Ok(CheckReport {
        format_version: FORMAT_VERSION,
        servers,
    })
}

/// The checks of one server while they are made.
struct Checks<'a> {
    server: &'a ReadyServer,
    client: &'a Client,
    done: Vec<Check>,
    status: Status,
}

impl Checks<'_> {
    fn add(
        &mut self,
        check: &'static str,
        status: CheckStatus,
        message: impl Into<String>,
        advice: Option<&str>,
    ) {
        self.done.push(Check {
            check,
            status,
            message: message.into(),
            advice: advice.map(str::to_owned),
            consumer: None,
        });
    }

    fn pass(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(check, CheckStatus::Pass, message, None);
    }

    fn skip(&mut self, checks: &[&'static str], why: &str) {
        for check in checks {
            self.add(check, CheckStatus::Skip, why, None);
        }
    }

    fn fail(&mut self, check: &'static str, trouble: &Trouble) {
        self.add(
            check,
            CheckStatus::Fail,
            trouble.message.clone(),
            Some(&trouble.advice),
        );
        // What is worst for the exit code wins: a failure, then a server that could not be asked, then a refusal.
        let rank = |status| match status {
            Status::Ok => 0,
            Status::Refused => 1,
            Status::Unreachable => 2,
            Status::Failed => 3,
        };
        if rank(trouble.status) > rank(self.status) {
            self.status = trouble.status;
        }
    }

    fn all(&mut self, ready: &Ready, look: &Look<'_>) {
        if !self.reach() {
            self.skip(
                &[
                    "product",
                    "credentials",
                    "admin",
                    "sysadmin",
                    "basic",
                    "captcha",
                    "websudo",
                    "clock",
                    "base_url",
                    "key",
                    "link",
                    "consumer",
                    "grant",
                    "auditor",
                ],
                "the server was not reached",
            );
            return;
        }
        let supported = self.product();
        self.clock();
        if !self.sign_in() {
            self.skip(
                &[
                    "admin", "sysadmin", "websudo", "base_url", "key", "link", "consumer", "grant",
                    "auditor",
                ],
                "nobody is signed in",
            );
            return;
        }
        let consumers = consumers_of(ready, self.client.server());
        if !supported {
            self.basic(None);
            self.skip(
                &[
                    "admin", "sysadmin", "websudo", "base_url", "key", "link", "consumer", "grant",
                    "auditor",
                ],
                "this product's consumers are not managed",
            );
            return;
        }
        let (plan, observed) = look_at(self.server, self.client, &consumers, ready, look);
        self.basic(plan.error.as_ref().filter(|_| observed.is_none()));
        self.admin(&plan, observed.is_some(), &consumers);
        if let Some(observed) = &observed {
            self.base_url(observed);
            if consumers.is_empty() {
                self.skip(&["key", "link", "consumer"], "no consumer is wanted here");
            }
            for consumer in consumers {
                self.consumer(consumer, &plan, observed, look);
            }
        } else {
            self.skip(
                &["base_url", "key", "link", "consumer"],
                "the links could not be read",
            );
        }
        self.skip(&["grant"], "the store has no grant on this server");
        self.pass(
            "auditor",
            "no auditor consumer was set up on this server from this store",
        );
    }

    /// Reaches the server: the manifest is anonymous, so nothing can be refused yet.
    fn reach(&mut self) -> bool {
        let https = self.client.base_url().as_str().starts_with("https:");
        match self.client.manifest() {
            Ok(_) => {
                self.pass("reach", format!("{} answers", self.client.base_url()));
                if https {
                    self.pass("tls", "the server's certificate is trusted");
                } else if self.client.base_url().is_loopback() {
                    self.skip(&["tls"], "plain http to this machine");
                } else {
                    self.add(
                        "tls",
                        CheckStatus::Warn,
                        "plain http: passwords and tokens travel unencrypted",
                        Some("use https"),
                    );
                }
                true
            }
            Err(error) => {
                let trouble = Trouble::from(error);
                if trouble.code.starts_with("tls") || trouble.code == "client_certificate" {
                    self.add("reach", CheckStatus::Pass, "a connection was made", None);
                    self.fail("tls", &trouble);
                } else {
                    self.fail("reach", &trouble);
                    self.skip(&["tls"], "the server was not reached");
                }
                self.status = Status::Unreachable;
                false
            }
        }
    }

    fn product(&mut self) -> bool {
        let (Ok(manifest), Ok(product)) = (self.client.manifest(), self.client.product()) else {
            return false;
        };
        let what = if product == Product::Other {
            format!("{} {}", manifest.type_id, manifest.version)
        } else {
            format!(
                "{} {}, application links {}",
                product.name(),
                manifest.version,
                manifest.applinks_version
            )
        };
        if product == Product::Other {
            self.add(
                "product",
                CheckStatus::Warn,
                format!("{what}: only `check` and `links list` work on it"),
                Some("set `product:` in the fleet file if the detection is wrong"),
            );
            return false;
        }
        match Applinks::open(self.client) {
            Ok(_) => {
                self.pass("product", what);
                true
            }
            Err(error) => {
                self.fail("product", &error.into());
                false
            }
        }
    }

    fn clock(&mut self) {
        match clock(self.client) {
            Clock::Unknown => self.skip(&["clock"], "the server sent no Date"),
            Clock::Refused(trouble) => self.fail("clock", &trouble),
            Clock::Off(skew) => self.add(
                "clock",
                CheckStatus::Warn,
                format!("the clocks differ by {skew} s"),
                Some(clock::ADVICE),
            ),
            Clock::Near(skew) => self.pass("clock", format!("the clocks differ by {skew} s")),
        }
    }

    fn sign_in(&mut self) -> bool {
        match self.client.sign_in() {
            Ok(account) => {
                let how = match account.method {
                    Method::Basic => "Basic authentication",
                    Method::Session => "a session",
                    Method::Token => "a personal access token",
                };
                self.pass(
                    "credentials",
                    format!("signed in as `{}` with {how}", account.username),
                );
                self.pass("captcha", "no CAPTCHA is asked");
                true
            }
            Err(error) => {
                let trouble = Trouble::from(error);
                match trouble.code.as_str() {
                    "captcha" => {
                        self.fail("captcha", &trouble);
                        self.skip(
                            &["credentials", "basic"],
                            "the server asks for a CAPTCHA first",
                        );
                    }
                    "basic_disabled" => {
                        self.fail("basic", &trouble);
                        self.skip(
                            &["credentials", "captcha"],
                            "Basic authentication is disabled",
                        );
                    }
                    _ => {
                        self.fail("credentials", &trouble);
                        self.skip(
                            &["basic", "captcha"],
                            "the sign-in was refused for another reason",
                        );
                    }
                }
                false
            }
        }
    }

    /// The rights of the account, as the links showed them.
    fn admin(&mut self, plan: &ServerPlan, looked: bool, consumers: &[&Consumer]) {
        let websudo = plan
            .error
            .as_ref()
            .filter(|error| !looked && error.code == "websudo")
            .cloned();
        if let Some(trouble) = websudo {
            self.fail("websudo", &trouble);
            self.skip(
                &["admin", "sysadmin"],
                "the administrator session was not opened",
            );
            return;
        }
        if self.client.elevated() {
            self.add(
                "websudo",
                CheckStatus::Warn,
                "the server asked for the password again (secure administrator session), and took it",
                Some("nothing has to be done; Basic authentication or a personal access token is not asked twice"),
            );
        } else {
            self.pass("websudo", "no secure administrator session was asked for");
        }
        if let (false, Some(trouble)) = (looked, &plan.error) {
            self.fail("admin", trouble);
            self.skip(&["sysadmin"], "the links could not be read");
            return;
        }
        self.pass("admin", "application links can be read");
        let wanted = consumers.iter().any(|consumer| {
            consumer
                .two_legged
                .as_ref()
                .is_some_and(|two| two.impersonation || two.execute_as.is_some())
        });
        let rights =
            Applinks::open(self.client).and_then(|applinks| applinks.is_system_administrator());
        match rights {
            Ok(Some(true)) => self.pass("sysadmin", "the account is a system administrator"),
            Ok(Some(false)) if wanted => self.fail(
                "sysadmin",
                &Trouble::own(
                    "system_administrator_needed",
                    "the account is not a system administrator, and the fleet file asks for impersonation or an executing user here",
                    "sign in as a system administrator, or leave `impersonation` and `execute_as` out",
                ),
            ),
            Ok(Some(false)) => self.pass("sysadmin", "the account is not a system administrator, and nothing here needs one"),
            Ok(None) => self.skip(&["sysadmin"], "the server does not say"),
            Err(error) => self.fail("sysadmin", &error.into()),
        }
    }

    /// Basic authentication, once the REST API was used: that is where the products block it (protocol.md 5.2).
    fn basic(&mut self, refused: Option<&Trouble>) {
        if let Some(trouble) = refused.filter(|trouble| trouble.code == "basic_disabled") {
            self.fail("basic", trouble);
            return;
        }
        let auto = matches!(
            self.server.config.credentials,
            Credentials::Password {
                login: Login::Auto,
                ..
            }
        );
        match self.client.sign_in().map(|account| account.method) {
            Ok(Method::Basic) => self.pass("basic", "Basic authentication is accepted"),
            Ok(Method::Session) if auto => self.add(
                "basic",
                CheckStatus::Warn,
                "Basic authentication is disabled here; a session works in its place",
                Some("set `login: session` for this server to save the refused try"),
            ),
            _ => self.skip(&["basic"], "Basic authentication is not used here"),
        }
    }

    fn base_url(&mut self, observed: &Observed) {
        let Ok(manifest) = self.client.manifest() else {
            return;
        };
        let refused = observed
            .consumers
            .values()
            .find_map(|seen| match &seen.probe {
                Probe::Refused { trouble, .. } if trouble.code == "base_url" => {
                    Some(trouble.clone())
                }
                _ => None,
            });
        if let Some(trouble) = refused {
            self.fail("base_url", &trouble);
            return;
        }
        let ours = self.client.signing_base_url().as_str().to_owned();
        if manifest
            .url
            .trim_end_matches('/')
            .eq_ignore_ascii_case(&ours)
        {
            self.pass(
                "base_url",
                format!("the server is configured with {ours} too"),
            );
        } else {
            self.add(
                "base_url",
                CheckStatus::Warn,
                format!("the server is configured with {}, and is reached at {ours}", manifest.url),
                Some("signatures are made over the address it is reached at; if they are refused, correct the proxy's settings or set `sign_as`"),
            );
        }
    }

    /// Key, link and consumer of one consumer of the fleet file.
    fn consumer(
        &mut self,
        consumer: &Consumer,
        plan: &ServerPlan,
        observed: &Observed,
        look: &Look<'_>,
    ) {
        let from = self.done.len();
        let changes: Vec<&Change> = plan
            .changes
            .iter()
            .filter(|change| change.consumer == consumer.name)
            .collect();
        let refused = changes.iter().find_map(|change| change.error.as_ref());
        let seen = observed.consumers.get(&consumer.name);
        match refused
            .filter(|error| matches!(error.code.as_str(), "unknown_key" | "key_not_accepted"))
        {
            Some(trouble) => self.fail("key", trouble),
            None => self.key(consumer, look),
        }
        let link = changes.iter().find(|change| change.kind == Kind::Link);
        match (refused, link.map(|change| change.action)) {
            (Some(trouble), _)
                if matches!(
                    trouble.code.as_str(),
                    "relocated" | "foreign_link" | "foreign_consumer" | "shared_key"
                ) =>
            {
                self.fail("link", trouble);
            }
            (_, Some(Action::Create)) => self.pending("link", "is not there yet"),
            (_, Some(Action::Update)) => self.pending("link", "differs from the fleet file"),
            (_, Some(Action::Delete)) => self.pending("link", "is still there and should be gone"),
            _ => self.link_name(
                consumer,
                seen.and_then(|seen| seen.link.as_ref())
                    .map(|link| link.name.as_str()),
            ),
        }
        let registered = changes.iter().filter(|change| change.kind != Kind::Link);
        let pending = registered.clone().any(|change| change.is_change());
        match refused {
            Some(trouble) => self.fail("consumer", trouble),
            None if consumer.state == State::Absent => self.pass("consumer", format!("`{}` should be absent", consumer.name)),
            None if pending => self.pending("consumer", "is not as the fleet file says yet"),
            None if registered.clone().any(|change| change.verified == Some(true)) => {
                self.pass("consumer", "is registered, and the server accepted a call signed with its key");
            }
            None => self.add(
                "consumer",
                CheckStatus::Skip,
                "is registered; without its private key nobody can tell whether the server accepts it",
                None,
            ),
        }
        for check in &mut self.done[from..] {
            check.consumer = Some(consumer.name.clone());
        }
    }

    fn key(&mut self, consumer: &Consumer, look: &Look<'_>) {
        if let Some(file) = look.keys.files().get(&consumer.name) {
            self.pass(
                "key",
                format!(
                    "{} ({} bits, from a file)",
                    file.public.fingerprint(),
                    file.public.bits()
                ),
            );
        } else if let Some(row) = look.known.newest(&consumer.name) {
            self.pass(
                "key",
                format!("{} ({} bits, in the store)", row.fingerprint, row.bits),
            );
        } else {
            self.add(
                "key",
                CheckStatus::Warn,
                "has no keypair yet",
                Some("`atl-admin apply` makes one, or import one with `atl-admin keys import`"),
            );
        }
    }

    fn pending(&mut self, check: &'static str, what: &str) {
        self.add(
            check,
            CheckStatus::Warn,
            what,
            Some("`atl-admin plan` shows the difference, `atl-admin apply` removes it"),
        );
    }

    fn link_name(&mut self, consumer: &Consumer, name: Option<&str>) {
        let Some(name) = name else {
            return self.pass("link", "is not there, as it should be");
        };
        if name == consumer.display_name {
            self.pass("link", format!("is there as `{name}`"));
        } else {
            self.add(
                "link",
                CheckStatus::Warn,
                format!("is there as `{name}`, not `{}`", consumer.display_name),
                Some("the server suffixes a name that is taken; links are never renamed, so rename it by hand if it matters"),
            );
        }
    }
}
