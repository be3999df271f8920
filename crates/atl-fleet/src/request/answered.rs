//! An answer on its way to the user.

use std::io::{self, Write};

use atl_client::{CopyError, Incoming, Response};
use atl_oauth::Answer;
use atl_store::{GrantState, Store, StoreError};

use super::verdict::{self, Asker};
use crate::trouble::Trouble;

/// An answer: its head, its body still to come, and what it means.
#[derive(Debug)]
pub struct Answered {
    incoming: Incoming,
    /// Whether the body is a refusal in which the server repeats what was signed, token included.
    repeats: bool,
    /// What is wrong with it, where its status is not 2xx.
    pub trouble: Option<Trouble>,
    /// What should be known of it all the same.
    pub warning: Option<String>,
    /// What it says of the grant.
    grant: Option<(String, GrantState, String)>,
}

impl Answered {
    pub(super) fn new(answer: Answer<Incoming>, asker: Asker<'_>) -> Self {
        let head = &answer.response.head;
        let problem = answer.problem.as_ref();
        let state =
            problem.and_then(|problem| Some((verdict::grant_state(problem)?, problem.code())));
        Self {
            trouble: verdict::trouble(&asker, head, problem),
            warning: verdict::warning(&asker, head),
            grant: asker.grant.zip(state).map(|(row, (state, said))| {
                (row.id.clone(), state, format!("the server said `{said}`"))
            }),
            repeats: answer.problem.is_some(),
            incoming: answer.response,
        }
    }

    /// The head.
    pub fn head(&self) -> &Response {
        &self.incoming.head
    }

    /// Whether the store does not know yet what the server said of the grant.
    pub fn is_news(&self) -> bool {
        self.grant.is_some()
    }

    /// Writes down what the server said of the grant.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn record(&self, store: &Store) -> Result<(), StoreError> {
        match &self.grant {
            Some((id, state, note)) => store.set_grant_state(id, *state, Some(note)),
            None => Ok(()),
        }
    }

    /// Writes the status line and the headers as HTTP does, the token hidden where the server repeats it.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write_head(&self, writer: &mut dyn Write) -> io::Result<()> {
        let head = self.head();
        let reason = head.reason().unwrap_or_default();
        write!(writer, "HTTP/1.1 {} {reason}\r\n", head.status)?;
        for (name, value) in &head.headers {
            write!(writer, "{name}: {}\r\n", head.secrets.hide(value))?;
        }
        writer.write_all(b"\r\n")
    }

    /// Writes the body as it comes.
    ///
    /// # Errors
    /// Where either side fails.
    pub fn write_body(mut self, writer: &mut dyn Write) -> Result<(), CopyError> {
        if self.repeats {
            let head = &mut self.incoming.head;
            head.body = head.secrets.hide(&head.text()).into_bytes();
        }
        self.incoming.copy_to(writer).map(drop)
    }
}
