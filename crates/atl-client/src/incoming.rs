//! An answer whose body is passed on rather than kept.

use std::{
    fmt,
    io::{self, Read, Write},
    time::Instant,
};

use crate::{ClientError, Response, exchange::Origin};

/// How much of a body that is no success is looked at before it is passed on.
pub(crate) const BEGINNING: u64 = 64 * 1024;

/// An answer, whatever its status, whose body may be of any size.
pub struct Incoming {
    /// Status and headers. Its body is the beginning of the whole one where the status is not 2xx, and empty where it is.
    pub head: Response,
    /// What follows, where anything can.
    rest: Option<reqwest::blocking::Response>,
    origin: Origin,
    started: Instant,
}

/// Why a body was not passed on to its end.
#[derive(Debug)]
pub enum CopyError {
    /// It did not come to its end.
    Read(ClientError),
    /// It could not be written.
    Write(io::Error),
}

impl Incoming {
    /// Takes an answer over; one that is no success is read as far as its explanation may go.
    pub(crate) fn new(
        mut head: Response,
        answer: reqwest::blocking::Response,
        origin: Origin,
        started: Instant,
    ) -> Result<Self, ClientError> {
        let mut rest = (origin.method != "HEAD").then_some(answer);
        if !(200..300).contains(&head.status)
            && let Some(answer) = &mut rest
            && let Err(error) = answer.take(BEGINNING).read_to_end(&mut head.body)
        {
            return Err(origin.broken(error, started));
        }
        Ok(Self {
            head,
            rest,
            origin,
            started,
        })
    }

    /// Writes the body piece by piece as it comes; how many bytes there were.
    ///
    /// # Errors
    /// Where either side fails. What had come until then was written.
    pub fn copy_to(self, writer: &mut dyn Write) -> Result<u64, CopyError> {
        let mut count = 0;
        let mut pass = |piece: &[u8]| {
            count += piece.len() as u64;
            writer.write_all(piece).map_err(CopyError::Write)
        };
        pass(&self.head.body)?;
        if let Some(mut rest) = self.rest {
            let mut piece = vec![0; 64 * 1024];
            loop {
                match rest.read(&mut piece) {
                    Ok(0) => break,
                    Ok(length) => pass(&piece[..length])?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        return Err(CopyError::Read(self.origin.broken(error, self.started)));
                    }
                }
            }
        }
        writer.flush().map_err(CopyError::Write)?;
        Ok(count)
    }
}

impl AsRef<Response> for Incoming {
    fn as_ref(&self) -> &Response {
        &self.head
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&self.head).finish()
    }
}
