//! An answer on its way to the user.

use std::io::{self, Write};

use atl_client::{CopyError, Incoming, Response};
use atl_oauth::{Answer, TokenState};
use atl_store::{Store, StoreError};

use super::verdict::{self, Asker};
use crate::{grants::Said, trouble::Trouble};

/// An answer: its head, its body still to come, and what it means.
#[derive(Debug)]
pub struct Answered {
    incoming: Incoming,
    /// What is wrong with it, where its status is not 2xx.
    pub trouble: Option<Trouble>,
    /// What should be known of it all the same.
    pub warning: Option<String>,
    /// What it says of the grant with this id.
    said: Option<(String, Said)>,
}

impl Answered {
    pub(super) fn new(answer: Answer<Incoming>, asker: &Asker<'_>) -> Self {
        let head = &answer.response.head;
        let problem = answer.problem.as_ref();
        Self {
            trouble: verdict::trouble(asker, head, problem),
            warning: verdict::warning(asker, head),
            said: asker
                .grant
                .zip(problem.and_then(TokenState::of))
                .map(|(row, state)| (row.id.clone(), Said::of(row, state))),
            incoming: answer.response,
        }
    }

    /// The head.
    pub fn head(&self) -> &Response {
        &self.incoming.head
    }

    /// Whether the store does not know yet what the server said of the grant.
    pub fn is_news(&self) -> bool {
        self.said.is_some()
    }

    /// Writes down what the server said of the grant.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn record(&self, store: &Store) -> Result<(), StoreError> {
        match &self.said {
            Some((id, said)) => store.set_grant_state(id, said.state, said.note.as_deref()),
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

    /// Writes the body as it comes; where it explains a failure, with the token hidden, since servers repeat what was
    /// signed.
    ///
    /// # Errors
    /// Where either side fails.
    pub fn write_body(mut self, writer: &mut dyn Write) -> Result<(), CopyError> {
        let head = &mut self.incoming.head;
        let end = match str::from_utf8(&head.body) {
            Ok(text) => text.len(),
            Err(broken) => broken.valid_up_to(),
        };
        let rest = head.body.split_off(end);
        head.body = head.secrets.hide(&head.text()).into_bytes();
        head.body.extend(rest);
        self.incoming.copy_to(writer).map(drop)
    }
}
