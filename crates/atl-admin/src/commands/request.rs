//! `request`

use std::{
    io::{self, Read as _},
    path::Path,
};

use atl_client::CopyError;
use atl_fleet::{
    Needs,
    request::{Actor, Answered, Asked, Payload, prepare},
};

use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    flags::Format,
    output, term,
};

/// The arguments of `request`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The body of the answer goes to stdout as it comes, whatever its status; redirects are not followed. `--timeout` \
                  holds for its head, and anew for each piece of its body.\n\n\
                  The query arrives as it is typed; in it, `+` is a space and `%2B` a plus. The query and the form of a POST are part of \
                  the signature; no other body is, nor is the form of another method, which these servers do not read.\n\n\
                  Exit codes: 0 for 2xx, 4 for 401 and 403, 3 where the server was not reached, 1 otherwise.\n\n\
                  Examples:\n  \
                  atl-admin request -s jira -c deploy-bot GET rest/api/2/myself\n  \
                  atl-admin request -s jira --as alice GET 'rest/api/2/search?jql=assignee+%3D+currentUser()'\n  \
                  atl-admin request -s jira POST rest/api/2/issue -d @issue.json\n  \
                  atl-admin request -s jira -i --two-legged GET rest/api/2/serverInfo\n  \
                  atl-admin request -s wiki --impersonate bob GET rest/api/user/current"
)]
pub struct Args {
    /// `GET`, `POST`, `PUT`, ...
    pub method: String,
    /// Relative to the base URL of the server; may carry a query
    pub path: String,
    /// Call as this user of a stored grant; may be left out where there is only one
    #[arg(long = "as", value_name = "USER", conflicts_with_all = ["two_legged", "impersonate"])]
    pub user: Option<String>,
    /// Call without a grant: as the user that the server runs two-legged calls as, or as nobody
    #[arg(long)]
    pub two_legged: bool,
    /// Call as this user without a grant: two-legged OAuth with impersonation
    #[arg(long, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Send this header too (can be repeated)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Send this body, or that of a file, or stdin (`@-`): `application/json` unless `-H Content-Type` says otherwise
    #[arg(short, long, value_name = "BODY|@FILE", allow_hyphen_values = true)]
    pub data: Option<String>,
    /// Send this field of a form (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "data")]
    pub form: Vec<String>,
    /// Print the status line and the headers of the answer first
    #[arg(short, long)]
    pub include: bool,
}

pub(crate) fn run(context: &Context, args: Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    let include = args.include;
    let asked = asked(args)?;
    let ready = context.ready(Needs::default())?;
    let store = context.store_to_look_at()?;
    let answered = prepare(&ready, store.as_ref(), asked)?.send()?;
    if answered.is_news() {
        let kept = context
            .store("request")
            .and_then(|store| Ok(answered.record(&store)?));
        if let Err(error) = kept {
            term::warn(&format!(
                "the store could not be told that the grant is dead: {}",
                error.message()
            ));
        }
    }
    let trouble = answered.trouble.clone();
    let warning = answered.warning.clone();
    print(answered, include)?;
    if let Some(text) = warning {
        term::warn(&text);
    }
    match trouble {
        Some(trouble) => Err(trouble.into()),
        None => Ok(Exit::Done),
    }
}

/// What was asked for; files are read.
fn asked(args: Args) -> Result<Asked> {
    let actor = match (args.impersonate, args.two_legged) {
        (Some(user), _) => Actor::Impersonated { user },
        (None, true) => Actor::TwoLegged,
        (None, false) => Actor::Grant { user: args.user },
    };
    let headers = args.headers.iter().map(|text| header(text));
    let fields = args.form.iter().map(|text| field(text));
    let headers = headers.collect::<Result<_>>()?;
    let fields: Vec<_> = fields.collect::<Result<_>>()?;
    let payload = match args.data {
        Some(data) => Payload::Bytes(body(data)?),
        None if fields.is_empty() => Payload::Empty,
        None => Payload::Form(fields),
    };
    Ok(Asked {
        method: args.method,
        path: args.path,
        headers,
        payload,
        actor,
    })
}

/// `Name: value`. The text is not repeated: it may hold a secret.
fn header(text: &str) -> Result<(String, String)> {
    match text.split_once(':') {
        Some((name, value)) => Ok((name.to_owned(), value.trim().to_owned())),
        None => Err(Error::usage("a header of `-H` has no colon").hint("write `-H 'Name: value'`")),
    }
}

/// `name=value`.
fn field(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Error::usage("a field of `--form` has no `=`")
            .hint("write `--form NAME=VALUE`; the value may be empty")),
    }
}

/// The body as it is, or what is in a file or comes on stdin.
fn body(text: String) -> Result<Vec<u8>> {
    match text.strip_prefix('@') {
        None => Ok(text.into_bytes()),
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| {
                    Error::failed("could not read the body from stdin").caused_by(Some(&error))
                })?;
            Ok(bytes)
        }
        Some(path) => fs_err::read(Path::new(path)).map_err(|error| Error::io(&error)),
    }
}

/// Passes the answer on to stdout. A reader that went away is no failure.
fn print(answered: Answered, include: bool) -> Result<()> {
    let mut stdout = output::raw();
    let head = if include {
        answered.write_head(&mut stdout)
    } else {
        Ok(())
    };
    let printed = head.map_err(CopyError::Write);
    match printed.and_then(|()| answered.write_body(&mut stdout)) {
        Ok(()) => Ok(()),
        Err(CopyError::Read(error)) => Err(error.into()),
        Err(CopyError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(CopyError::Write(error)) => {
            Err(Error::failed("could not write to stdout").caused_by(Some(&error)))
        }
    }
}
