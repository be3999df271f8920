//! Why a call was not sent.

use atl_store::StoreError;

use super::{parameters::ParameterError, path::PathError};
use crate::{engine::StartError, known::FileKeyError, trouble::Trouble};

/// Why a call was not sent: nothing went to any server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// None or several servers or consumers are selected.
    #[error("this command needs exactly one {what}, and {} are selected", selected.len())]
    NotOne {
        /// `server` or `consumer`, which is also the flag.
        what: &'static str,
        /// The selected ones.
        selected: Vec<String>,
    },
    /// The selected consumers are not to be on the selected server.
    #[error("the selected server `{server}` is not to have the selected consumer")]
    NotThere {
        /// The server.
        server: String,
        /// The consumers it is to have.
        consumers: Vec<String>,
    },
    /// Not a method.
    #[error("`{method}` is not a method that can be sent")]
    Method {
        /// What was typed.
        method: String,
    },
    /// Not the name of a header.
    #[error("`{name}` is not the name of a header")]
    HeaderName {
        /// What was typed.
        name: String,
    },
    /// A header that is made here.
    #[error("the header `{name}` cannot be given")]
    HeaderOurs {
        /// Its name.
        name: String,
    },
    /// A value that HTTP cannot carry.
    #[error("the value of the header `{name}` holds something else than printable ASCII")]
    HeaderValue {
        /// Its name.
        name: String,
    },
    /// The path.
    #[error("the path cannot be sent")]
    Path(#[from] PathError),
    /// A parameter.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A form where the method has no body.
    #[error("a form cannot be sent with {method}")]
    FormMethod {
        /// The method.
        method: String,
    },
    /// A form under the content type of something else.
    #[error(
        "a form has the content type `application/x-www-form-urlencoded`, and `-H` gives another one"
    )]
    FormType,
    /// Impersonation of nobody.
    #[error("`--impersonate` names nobody")]
    NobodyImpersonated,
    /// Grants of several users.
    #[error("the store has grants of several users for consumer `{consumer}` on `{server}`")]
    SeveralUsers {
        /// The consumer.
        consumer: String,
        /// The server.
        server: String,
        /// The users.
        users: Vec<String>,
    },
    /// No grant.
    #[error(
        "the store has no grant{} for consumer `{consumer}` on `{server}`",
        user.as_ref().map(|user| format!(" of `{user}`")).unwrap_or_default()
    )]
    NoGrant {
        /// The consumer.
        consumer: String,
        /// The server.
        server: String,
        /// The user it should be of.
        user: Option<String>,
        /// The users it has grants of.
        others: Vec<String>,
    },
    /// The configuration, a key file or the store.
    #[error(transparent)]
    Start(Box<StartError>),
    /// There is no key to sign with, or the connection is not fit for a secret.
    #[error("{}", .0.message)]
    Trouble(Trouble),
}

impl RequestError {
    /// Whether it is wrong usage, rather than something that is missing.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NoGrant { .. } | Self::Trouble(_) => false,
            Self::Start(error) => error.is_usage(),
            _ => true,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::NotOne { what, selected } if selected.is_empty() => {
                format!("add a {what} to the fleet file")
            }
            Self::NotOne { what, selected } => {
                format!("select one with `--{what}`: {}", quoted(selected))
            }
            Self::NotThere { consumers, .. } if consumers.is_empty() => {
                "name the server under `servers` of a consumer in the fleet file".to_owned()
            }
            Self::NotThere { consumers, .. } => {
                format!("select one with `--consumer`: {}", quoted(consumers))
            }
            Self::Method { .. } => {
                "use GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or one of the server's own; TRACE would show the signed header".to_owned()
            }
            Self::HeaderName { .. } => "write `-H 'Name: value'`".to_owned(),
            Self::HeaderOurs { .. } => "leave it out: signing and sending make it".to_owned(),
            Self::HeaderValue { .. } => "remove line breaks and encode what is not ASCII".to_owned(),
            Self::Path(error) => error.advice().to_owned(),
            Self::Parameter(error) => error.advice().to_owned(),
            Self::FormMethod { .. } => {
                "use POST, or put the parameters into the query of PATH".to_owned()
            }
            Self::FormType => "send it with `-d`, or leave the header out".to_owned(),
            Self::NobodyImpersonated => "name the user, or use `--two-legged`".to_owned(),
            Self::SeveralUsers { users, .. } => format!("choose one with `--as`: {}", quoted(users)),
            Self::NoGrant { consumer, server, others, .. } => {
                let other = match others.as_slice() {
                    [] => String::new(),
                    others => format!("; there are grants of {}", quoted(others)),
                };
                format!("obtain one with `atl-admin authorize -s {server} -c {consumer}`{other}")
            }
            Self::Start(error) => error.advice(),
            Self::Trouble(trouble) => trouble.advice.clone(),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl From<StartError> for RequestError {
    fn from(error: StartError) -> Self {
        Self::Start(error.into())
    }
}

impl From<StoreError> for RequestError {
    fn from(error: StoreError) -> Self {
        StartError::from(error).into()
    }
}

impl From<FileKeyError> for RequestError {
    fn from(error: FileKeyError) -> Self {
        StartError::from(error).into()
    }
}

impl From<Trouble> for RequestError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}
