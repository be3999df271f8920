//! One signed call as a user asks for it: which key signs it, for whom it is made, and what its answer means.

mod answered;
mod choice;
mod error;
mod parameters;
mod path;
mod verdict;

use std::{borrow::Cow, fmt};

use atl_client::{Body, Client, Redirect, Repeat, Request};
use atl_oauth::{Parameters, is_form, open};
use atl_store::{GrantRow, Store};
use secrecy::{ExposeSecret as _, SecretString};

pub use answered::Answered;
pub use error::RequestError;
pub use parameters::ParameterError;
pub use path::PathError;

use crate::{
    engine::{StartError, clients},
    keys::Keys,
    known::{Known, read_file_keys},
    signing::{SigningKey, signing_key},
    trouble::Trouble,
    wanted::Ready,
};

/// For whom a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// For the user of a stored grant; which one need not be said where there is only one.
    Grant {
        /// The user.
        user: Option<String>,
    },
    /// For nobody, or for the user that the server runs two-legged calls as.
    TwoLegged,
    /// For a user who gave no grant: two-legged OAuth with impersonation.
    Impersonated {
        /// The user.
        user: String,
    },
}

/// A body to send. It does not print.
#[derive(Clone)]
pub enum Payload {
    /// None.
    Empty,
    /// Form fields, encoded.
    Form(Vec<(String, String)>),
    /// Bytes as they are: JSON, unless a header says otherwise.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Form(_) => "Form(..)",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

/// What a user asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method, as it was typed.
    pub method: String,
    /// The path below the base URL, as it was typed.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Payload,
    /// For whom.
    pub actor: Actor,
}

/// A call that can be sent: nothing about it is wrong, as far as can be told from here.
pub struct Prepared {
    client: Client,
    key: SigningKey,
    actor: Actor,
    /// The grant it is made with, and its token; two-legged calls have neither.
    grant: Option<(GrantRow, SecretString)>,
    request: Request,
}

/// Finds the one server, the one consumer, its key and the grant. Nothing is sent.
///
/// # Errors
/// Where there is not exactly one, or what was asked for cannot be sent as it is.
pub fn prepare(
    ready: &Ready,
    store: Option<&Store>,
    asked: Asked,
) -> Result<Prepared, RequestError> {
    let (server, consumer) = choice::place(ready)?;
    let actor = asked.actor.clone();
    let path = path::below(&asked.path, &server.config.base_url)?;
    let request = request_of(asked, path)?;
    let two_legged = !matches!(actor, Actor::Grant { .. });
    parameters::check(&parameters_of(&request)?, two_legged)?;
    if let Actor::Impersonated { user } = &actor
        && user.is_empty()
    {
        return Err(RequestError::NobodyImpersonated);
    }
    let url = server.config.base_url.as_str();
    let grant = match &actor {
        Actor::Grant { user } => Some(choice::grant(
            store,
            consumer,
            &server.config.name,
            url,
            user.as_deref(),
        )?),
        Actor::TwoLegged | Actor::Impersonated { .. } => None,
    };
    if grant.is_some() {
        let troubles = |error| StartError::Config {
            troubles: vec![Trouble::from(error)],
        };
        server.config.keeps_secrets().map_err(troubles)?;
    }
    let known = Known::read(store)?;
    let keys = Keys::new(store, read_file_keys(std::slice::from_ref(consumer))?);
    let client = clients(std::slice::from_ref(server))?.swap_remove(0);
    let consumer_key = grant
        .as_ref()
        .map_or(&consumer.key, |(row, _)| &row.consumer_key);
    let key = signing_key(&known, &keys, consumer, consumer_key, &client)?;
    Ok(Prepared {
        client,
        key,
        actor,
        grant,
        request,
    })
}

impl Prepared {
    /// Signs and sends. An answer of any status is one; the caller is to pass its body on.
    ///
    /// # Errors
    /// Where there was no answer.
    pub fn send(self) -> Result<Answered, Trouble> {
        let (grant, token) = match &self.grant {
            Some((row, token)) => (Some(row), token.expose_secret()),
            None => (None, ""),
        };
        let signer = match grant {
            Some(row) => self.key.signer_as(&row.consumer_key),
            None => self.key.signer(),
        };
        let parameters = Parameters {
            token: Some(token),
            requestor: match &self.actor {
                Actor::Impersonated { user } => Some(user),
                Actor::Grant { .. } | Actor::TwoLegged => None,
            },
            ..Parameters::default()
        };
        let answer = open(&self.client, &signer, parameters, &self.request)?;
        let asker = verdict::Asker {
            client: &self.client,
            consumer_key: signer.consumer_key,
            actor: &self.actor,
            grant,
            request: &self.request,
        };
        Ok(Answered::new(answer, &asker))
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("client", &self.client)
            .field("actor", &self.actor)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// The request, whose path has been looked at.
fn request_of(asked: Asked, path: String) -> Result<Request, RequestError> {
    let method = method(&asked.method)?;
    let mut headers = Vec::new();
    let mut content_type = None;
    for (name, value) in asked.headers {
        check_header(&name, &value)?;
        if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(canonical(&value));
        } else {
            headers.push((name, value));
        }
    }
    let body = match asked.payload {
        Payload::Empty => {
            headers.extend(content_type.map(|value| ("Content-Type".to_owned(), value)));
            Body::Empty
        }
        Payload::Bytes(bytes) => Body::Raw {
            content_type: content_type.unwrap_or_else(|| "application/json".to_owned()),
            bytes,
        },
        Payload::Form(_) if matches!(&*method, "GET" | "HEAD") => {
            return Err(RequestError::FormMethod {
                method: method.into_owned(),
            });
        }
        Payload::Form(_) if content_type.is_some_and(|value| !is_form(&value)) => {
            return Err(RequestError::FormType);
        }
        Payload::Form(fields) => Body::Form(fields),
    };
    let repeat = match &*method {
        "GET" | "HEAD" => Repeat::Safe,
        _ => Repeat::Never,
    };
    Ok(Request {
        method,
        headers,
        body,
        repeat,
        redirect: Redirect::Return,
        path,
    })
}

/// The content type of forms in lower case: containers compare it with its case, and so read a form or not.
fn canonical(content_type: &str) -> String {
    if !is_form(content_type) {
        return content_type.to_owned();
    }
    let parameters = content_type
        .find(';')
        .map_or("", |start| &content_type[start..]);
    format!("application/x-www-form-urlencoded{parameters}")
}

/// The method: known ones in capitals, others as they were typed. Two are not for resources: an answer to `TRACE`
/// repeats the signed header, and `CONNECT` is for proxies.
fn method(typed: &str) -> Result<Cow<'static, str>, RequestError> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let capitals = typed.to_ascii_uppercase();
    if let Some(known) = KNOWN.into_iter().find(|known| *known == capitals) {
        return Ok(known.into());
    }
    if !is_token(typed) || matches!(&*capitals, "TRACE" | "CONNECT") {
        return Err(RequestError::Method {
            method: typed.to_owned(),
        });
    }
    Ok(typed.to_owned().into())
}

/// Refuses headers that HTTP cannot carry, and those that are made here. The value is not repeated: it may be a secret.
fn check_header(name: &str, value: &str) -> Result<(), RequestError> {
    const OURS: [&str; 4] = [
        "authorization",
        "content-length",
        "host",
        "transfer-encoding",
    ];
    let name = || name.to_owned();
    if !is_token(&name()) {
        return Err(RequestError::HeaderName { name: name() });
    }
    if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(&name())) {
        return Err(RequestError::HeaderOurs { name: name() });
    }
    if value
        .bytes()
        .all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
    {
        Ok(())
    } else {
        Err(RequestError::HeaderValue { name: name() })
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The parameters of query and form. A form that is not posted is read too, since servers may look at it all the same.
fn parameters_of(request: &Request) -> Result<Vec<(String, String)>, ParameterError> {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut all = parameters::read(query)?;
    match &request.body {
        Body::Form(fields) => all.extend(fields.iter().cloned()),
        Body::Raw {
            content_type,
            bytes,
        } if is_form(content_type) => {
            all.extend(parameters::read_form(content_type, bytes)?);
        }
        _ => {}
    }
    Ok(all)
}
