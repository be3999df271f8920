//! From a valid file to what a command works with: selected, every needed variable and secret resolved.

use std::{path::Path, time::Duration};

use atl_client::{Credentials, Product, ServerConfig, Tls};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{
    at_hand::at_hand,
    check::{admin_of, consumers, key_of, labels_of, servers, targets},
    decode::{Context, Entry},
    error::{FleetError, FleetErrors, Problem},
    model,
    scalar::{Field, FilePath, Known},
    secret::{Environment, Resolver, Secret, undefined},
    select::Select,
    source::FleetFile,
};
use crate::grants::same_user;
use crate::wanted::{
    Consumer, Export, Grant, KeypairSource, NamedLink, Policy, Ready, ReadyServer, TwoLegged,
};

/// Which secrets a command needs; only these are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The administrators' passwords and tokens. Without them the credentials are `Anonymous`.
    pub admin: bool,
    /// The database URLs.
    pub database: bool,
    /// The passwords of the users of grants.
    pub grant_passwords: Passwords,
    /// What the variables of the file hold, for a command that finds them in its environment and must not show them.
    pub at_hand: bool,
}

/// Whose passwords a command needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Passwords {
    /// Nobody's.
    #[default]
    Nobody,
    /// Those of all users whose grants are wanted.
    All,
    /// Those of these users, compared without case.
    Of(Vec<String>),
}

impl Passwords {
    fn include(&self, user: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::All => true,
            Self::Of(users) => users.iter().any(|named| same_user(named, user)),
        }
    }
}

/// What holds for every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// The total time of one request.
    pub timeout: Duration,
    /// Whether credentials may go over plain http to other than loopback.
    pub allow_http: bool,
}

impl FleetFile {
    /// Selects, and resolves what the command needs of the selection.
    ///
    /// # Errors
    ///
    /// Unknown names in the selection, undefined variables, secrets and TLS files that cannot be read: all at once.
    pub fn ready(
        &self,
        select: &Select,
        needs: Needs,
        environment: &Environment<'_>,
        connection: ConnectionOptions,
    ) -> Result<Ready, FleetErrors> {
        let mut cx = Context::new(&self.path, environment);
        self.require_selectors(&mut cx);
        let selected = select.servers(&self.fleet, &self.path, &mut cx.errors);
        let wanted = select.consumers(&self.fleet, &self.path, &mut cx.errors);
        let at_hand = if needs.at_hand {
            at_hand(&self.fleet, environment)
        } else {
            Vec::new()
        };
        let mut work = Work {
            resolver: Resolver::new(self.folder(), environment, self.others_can_write),
            folder: self.folder(),
            fleet: &self.fleet,
            needs,
            connection,
            cx,
        };
        let servers: Vec<_> = selected
            .iter()
            .filter_map(|entry| work.server(entry))
            .collect();
        let selected_names: Vec<&str> = selected.iter().map(|entry| entry.name.as_str()).collect();
        let named = work.named(&selected_names);
        let mut consumers = Vec::new();
        for entry in wanted {
            let Some(consumer) = &entry.value else {
                continue;
            };
            let targets = targets(&self.fleet, consumer);
            if targets.iter().any(|target| selected_names.contains(target)) {
                consumers.extend(work.consumer(entry, consumer, &targets));
            } else if !select.consumers.is_empty() {
                let problem = Problem::new("none of the selected servers is to have this consumer");
                work.cx.warn(entry.at, problem.text(entry.name.as_str()));
            }
        }
        FleetErrors::check(work.cx.errors)?;
        let warnings = self.warnings.iter().chain(&work.cx.warnings);
        Ok(Ready {
            servers,
            consumers,
            named,
            digest: self.digest.clone(),
            at_hand,
            warnings: warnings.map(FleetError::to_string).collect(),
        })
    }

    /// Labels and the selectors of consumers decide what is selected, so they are needed always.
    fn require_selectors(&self, cx: &mut Context<'_>) {
        for server in servers(&self.fleet)
            .iter()
            .filter_map(|entry| entry.value.as_ref())
        {
            for label in server.labels.iter().flatten() {
                need(label, cx);
            }
        }
        for consumer in consumers(&self.fleet)
            .iter()
            .filter_map(|entry| entry.value.as_ref())
        {
            for selector in consumer.servers.iter().flat_map(|selectors| &selectors.0) {
                need(selector, cx);
            }
        }
    }
}

/// The value of a field that is needed.
fn need<'f, T>(field: &'f Field<T>, cx: &mut Context<'_>) -> Option<&'f T> {
    match &field.value {
        Known::Value(value) => Some(value),
        Known::Undefined(variable) => {
            cx.error(field.at, undefined(variable).text(field.text.as_str()));
            None
        }
    }
}

struct Work<'a> {
    resolver: Resolver<'a>,
    folder: &'a Path,
    fleet: &'a model::Fleet,
    needs: Needs,
    connection: ConnectionOptions,
    cx: Context<'a>,
}

impl Work<'_> {
    fn need<'f, T>(&mut self, field: Option<&'f Field<T>>) -> Option<&'f T> {
        need(field?, &mut self.cx)
    }

    fn text(&mut self, field: Option<&Field<super::scalar::Text>>) -> Option<String> {
        self.need(field).map(|text| text.0.clone())
    }

    fn secret(&mut self, secret: &Secret) -> Option<SecretString> {
        match self.resolver.resolve(secret) {
            Ok(value) => Some(value),
            Err(problems) => {
                for problem in problems {
                    self.cx.error(secret.at, problem);
                }
                None
            }
        }
    }

    fn server(&mut self, entry: &Entry<model::Server>) -> Option<ReadyServer> {
        let server = entry.value.as_ref()?;
        let base_url = self.need(server.url.as_ref()).cloned();
        let sign_as = self.need(server.sign_as.as_ref()).cloned();
        let product = self.need(server.product.as_ref()).copied();
        let proxy = self
            .need(server.proxy.as_ref())
            .map(|proxy| proxy.0.clone());
        let tls = server
            .tls
            .as_ref()
            .map(|tls| self.tls(tls))
            .unwrap_or_default();
        let credentials = self.credentials(entry, server, product);
        let database = match &server.database {
            Some(database) if self.needs.database => self.secret(database),
            _ => None,
        };
        Some(ReadyServer {
            config: ServerConfig {
                name: entry.name.clone(),
                base_url: base_url?,
                sign_as,
                product,
                credentials: credentials?,
                tls,
                proxy,
                timeout: self.connection.timeout,
                allow_http: self.connection.allow_http,
            },
            labels: labels_of(server).map(str::to_owned).collect(),
            database,
        })
    }

    fn credentials(
        &mut self,
        entry: &Entry<model::Server>,
        server: &model::Server,
        product: Option<Product>,
    ) -> Option<Credentials> {
        if !self.needs.admin {
            return Some(Credentials::Anonymous);
        }
        let Some(admin) = admin_of(self.fleet, server) else {
            if product == Some(Product::Other) {
                return Some(Credentials::Anonymous);
            }
            let problem = Problem::new("nobody is named to sign in to this server")
                .text(entry.name.as_str())
                .suggest("add `admin` here or under `defaults`");
            self.cx.error(entry.at, problem);
            return None;
        };
        let username = self.text(admin.username.as_ref());
        if let Some(token) = &admin.token {
            return Some(Credentials::Token {
                token: self.secret(token)?,
                username,
            });
        }
        let password = admin
            .password
            .as_ref()
            .and_then(|password| self.secret(password));
        let login = self.need(admin.login.as_ref()).copied().unwrap_or_default();
        Some(Credentials::Password {
            username: username?,
            password: password?,
            login,
        })
    }

    fn tls(&mut self, tls: &model::Tls) -> Tls {
        let ca = tls
            .ca_file
            .as_ref()
            .and_then(|file| self.pem(file, "-----BEGIN CERTIFICATE-----"));
        let certificate = tls
            .client_cert_file
            .as_ref()
            .and_then(|file| self.pem(file, "-----BEGIN CERTIFICATE-----"));
        let key = tls
            .client_key_file
            .as_ref()
            .and_then(|file| self.pem(file, "PRIVATE KEY-----"));
        let client_pem = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let both = Zeroizing::new(format!("{}\n{}", *certificate, *key));
                Some(SecretString::from(both.as_str()))
            }
            _ => None,
        };
        Tls {
            ca_pem: ca.map(|pem| pem.as_bytes().to_vec()),
            client_pem,
        }
    }

    /// A PEM file that holds `label`.
    fn pem(&mut self, field: &Field<FilePath>, label: &str) -> Option<Zeroizing<String>> {
        let path = self.folder.join(&need(field, &mut self.cx)?.0);
        let shown = field.text.as_str();
        let text = match fs_err::read(&path).map(Zeroizing::new) {
            Ok(bytes) => Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                self.cx
                    .error(field.at, Problem::new(error.to_string()).text(shown));
                return None;
            }
        };
        let path = path.display();
        let problem = if text.contains("ENCRYPTED") && !label.contains("CERTIFICATE") {
            Problem::new("the client key is encrypted").suggest(format!(
                "write a plain one with `openssl pkey -in {path} -out plain.key`, mode 0600"
            ))
        } else if !text.contains(label) {
            let what = if label.contains("CERTIFICATE") {
                "certificate"
            } else {
                "private key"
            };
            Problem::new(format!("no {what} in PEM form is in `{path}`"))
        } else {
            return Some(text);
        };
        self.cx.error(field.at, problem.text(shown));
        None
    }

    /// Every link that the file names on a selected server, whichever consumers are selected.
    fn named(&mut self, selected: &[&str]) -> Vec<NamedLink> {
        let mut named = Vec::new();
        for entry in consumers(self.fleet) {
            let Some(consumer) = &entry.value else {
                continue;
            };
            let targets = targets(self.fleet, consumer);
            let concerned: Vec<_> = targets
                .into_iter()
                .filter(|target| selected.contains(target))
                .collect();
            if concerned.is_empty() {
                continue;
            }
            let url = self.need(consumer.url.as_ref()).map(|url| url.text.clone());
            self.need(consumer.key.as_ref());
            let (Some(url), Some(key)) = (url, key_of(entry, consumer)) else {
                continue;
            };
            named.extend(concerned.into_iter().map(|server| NamedLink {
                server: server.to_owned(),
                consumer: entry.name.clone(),
                url: url.clone(),
                key: key.to_owned(),
            }));
        }
        named
    }

    fn consumer(
        &mut self,
        entry: &Entry<model::Consumer>,
        consumer: &model::Consumer,
        targets: &[&str],
    ) -> Option<Consumer> {
        let display_name = self.text(consumer.name.as_ref());
        let description = self.text(consumer.description.as_ref());
        let callback = self
            .need(consumer.callback.as_ref())
            .map(|callback| callback.0.clone());
        let keypair = self.keypair(consumer.keypair.as_ref());
        let two_legged = consumer.two_legged.as_ref().map(|two_legged| TwoLegged {
            enabled: two_legged.enabled.is_some_and(|on| on.value),
            impersonation: two_legged.impersonation.is_some_and(|on| on.value),
            execute_as: self.text(two_legged.execute_as.as_ref()),
        });
        let grants = consumer
            .grants
            .iter()
            .flatten()
            .filter_map(|grant| self.grant(grant))
            .collect();
        let policy = consumer.policy.as_ref();
        let mut age =
            |field: Option<&Field<super::scalar::Age>>| self.need(field).map(|age| age.0.as_secs());
        let policy = Policy {
            max_grant_age: age(policy.and_then(|policy| policy.max_grant_age.as_ref())),
            max_key_age: age(policy.and_then(|policy| policy.max_key_age.as_ref())),
        };
        let state = self
            .need(consumer.state.as_ref())
            .copied()
            .unwrap_or_default();
        Some(Consumer {
            name: entry.name.clone(),
            key: key_of(entry, consumer)?.to_owned(),
            display_name: display_name.unwrap_or_else(|| entry.name.clone()),
            description,
            url: self.need(consumer.url.as_ref())?.text.clone(),
            callback,
            keypair,
            servers: targets.iter().map(|&server| server.to_owned()).collect(),
            two_legged,
            grants,
            policy,
            state,
        })
    }

    fn keypair(&mut self, keypair: Option<&model::Keypair>) -> KeypairSource {
        let file = |work: &mut Self, field: Option<&Field<FilePath>>| {
            work.need(field).map(|file| work.folder.join(&file.0))
        };
        let private = file(
            self,
            keypair.and_then(|keypair| keypair.private_key_file.as_ref()),
        );
        let public = file(
            self,
            keypair.and_then(|keypair| keypair.public_key_file.as_ref()),
        );
        let export = keypair
            .and_then(|keypair| keypair.export.as_ref())
            .map(|export| Export {
                private_key_file: file(self, export.private_key_file.as_ref()),
                public_key_file: file(self, export.public_key_file.as_ref()),
            });
        match (private, public) {
            (Some(private), _) => KeypairSource::PrivateKeyFile(private),
            (None, Some(public)) => KeypairSource::PublicKeyFile(public),
            (None, None) => KeypairSource::Managed {
                size: keypair
                    .and_then(|keypair| keypair.bits)
                    .map(|bits| bits.value)
                    .unwrap_or_default(),
                export,
            },
        }
    }

    fn grant(&mut self, grant: &model::Grant) -> Option<Grant> {
        let user = self.text(grant.user.as_ref())?;
        let password = match &grant.password {
            Some(password) if self.needs.grant_passwords.include(&user) => self.secret(password),
            _ => None,
        };
        Some(Grant { user, password })
    }
}
