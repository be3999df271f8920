//! Secrets: kept as they are written until a command needs them, then looked up once.

use std::{collections::HashMap, fmt, io::Read, path::Path};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::{
    decode::{Context, Decode, Sensitivity},
    error::{Position, Problem},
    template::{Reference, Scheme, Segment, Template},
    yaml::{Node, Value},
};

/// Runs a command and returns what it printed.
pub type CommandRunner<'a> = &'a dyn Fn(&str) -> Result<SecretString, String>;

/// Reads a keyring's entry by service and user.
pub type KeyringReader<'a> = &'a dyn Fn(&str, &str) -> Result<SecretString, String>;

/// What the fleet file may refer to. A failure's text must not hold the secret.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Looks an environment variable up.
    pub var: &'a dyn Fn(&str) -> Option<String>,
    /// Runs a command; `None` where `--allow-cmd` was not given.
    pub command: Option<CommandRunner<'a>>,
    /// Reads the keyring, where there is one.
    pub keyring: Option<KeyringReader<'a>>,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("command", &self.command.is_some())
            .field("keyring", &self.keyring.is_some())
            .finish_non_exhaustive()
    }
}

/// A password, a token or a database URL as it is written.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) at: Position,
    template: Template,
}

impl Decode for Secret {
    fn decode(node: Node, cx: &mut Context<'_>) -> Option<Self> {
        let at = node.at;
        let Value::Text(text) = &node.value else {
            cx.expected(
                "a text with a secret or a reference to one",
                &node,
                Sensitivity::Secret,
            );
            return None;
        };
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(problem) => {
                cx.error(at, problem.text("***"));
                return None;
            }
        };
        match template.literal() {
            Some("") => {
                cx.error(at, Problem::new("an empty secret"));
                return None;
            }
            Some(literal) if has_password(literal) => cx.warn(at, literal_secret()),
            _ => {}
        }
        Some(Self { at, template })
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "writeOnly": true })
    }
}

impl Secret {
    /// What it is made of.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.template.0
    }
}

/// The warning about a secret that is no reference.
pub(super) fn literal_secret() -> Problem {
    Problem::new("a secret stands in the fleet file itself")
        .suggest("use `${env:NAME}`, `${file:PATH}` or `${cmd:COMMAND}`")
}

/// Whether a literal text holds a secret: a URL does only with a password in it.
fn has_password(literal: &str) -> bool {
    match url::Url::parse(literal) {
        Ok(url) if url.has_host() => {
            url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
        }
        _ => true,
    }
}

/// Longest secret file that is read.
const LONGEST: u64 = 64 * 1024;

/// Looks secrets up, each reference once.
pub(super) struct Resolver<'a> {
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Environment<'a>,
    /// Whether somebody else could have put a command into the fleet file.
    pub(super) others_can_write: bool,
    found: HashMap<Reference, Result<SecretString, Problem>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        folder: &'a Path,
        environment: &'a Environment<'a>,
        others_can_write: bool,
    ) -> Self {
        Self {
            folder,
            environment,
            others_can_write,
            found: HashMap::new(),
        }
    }

    /// The secret, or one problem for each reference in it that leads nowhere.
    pub(super) fn resolve(&mut self, secret: &Secret) -> Result<SecretString, Vec<Problem>> {
        let mut text = Zeroizing::new(String::new());
        let mut problems = Vec::new();
        for segment in &secret.template.0 {
            match segment {
                Segment::Literal(literal) => text.push_str(literal.expose_secret()),
                Segment::Reference(reference) => match self.look_up(reference) {
                    Ok(value) => text.push_str(value.expose_secret()),
                    Err(problem) => problems.push(problem.text(secret.template.masked())),
                },
            }
        }
        if problems.is_empty() && text.is_empty() {
            problems.push(Problem::new("an empty secret").text(secret.template.masked()));
        }
        if problems.is_empty() {
            Ok(SecretString::from(text.as_str()))
        } else {
            Err(problems)
        }
    }

    fn look_up(&mut self, reference: &Reference) -> Result<SecretString, Problem> {
        if let Some(found) = self.found.get(reference) {
            return found.clone();
        }
        let argument = reference.argument.as_str();
        let found = match reference.scheme {
            Scheme::Env => (self.environment.var)(argument)
                .map(SecretString::from)
                .ok_or_else(|| undefined(argument)),
            Scheme::File => self.read(argument),
            Scheme::Cmd => self.run(argument),
            Scheme::Keyring => self.unlock(argument),
        };
        self.found.insert(reference.clone(), found.clone());
        found
    }

    fn read(&self, path: &str) -> Result<SecretString, Problem> {
        let path = self.folder.join(path);
        let mut text = Zeroizing::new(String::new());
        let read = fs_err::File::open(&path)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
        match read {
            Ok(length) if length as u64 <= LONGEST => Ok(without_line_end(&text)),
            Ok(_) => Err(Problem::new(format!(
                "`{}` is larger than {LONGEST} bytes, too large to be a secret",
                path.display()
            ))),
            Err(error) => Err(Problem::new(error.to_string())),
        }
    }

    fn run(&self, command: &str) -> Result<SecretString, Problem> {
        let Some(run) = self.environment.command else {
            return Err(Problem::new("a command in the fleet file is not run")
                .suggest("allow it with `--allow-cmd`"));
        };
        if self.others_can_write {
            return Err(Problem::new(
                "a command is not run from a fleet file that group or others can write",
            )
            .suggest("`chmod go-w` the fleet file, after a look at what is in it"));
        }
        run(command)
            .map(|output| without_line_end(output.expose_secret()))
            .map_err(|error| Problem::new(format!("the command failed: {error}")))
    }

    fn unlock(&self, entry: &str) -> Result<SecretString, Problem> {
        let Some(keyring) = self.environment.keyring else {
            return Err(Problem::new("this program was built without a keyring")
                .suggest("use `${env:NAME}`, `${file:PATH}` or `${cmd:COMMAND}`"));
        };
        let (service, user) = entry.rsplit_once('/').unwrap_or((entry, ""));
        keyring(service, user).map_err(|error| Problem::new(format!("the keyring failed: {error}")))
    }
}

/// The complaint about a variable that is needed.
pub(super) fn undefined(variable: &str) -> Problem {
    Problem::new(format!(
        "the environment variable `{variable}` is not defined"
    ))
    .suggest(format!("set `{variable}` and run the command again"))
}

fn without_line_end(text: &str) -> SecretString {
    text.trim_end_matches(['\r', '\n']).into()
}
