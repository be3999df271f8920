//! An answer on the wire, whole or cut.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::reply::Reply;

/// The body of an answer; one that was cut ends in an error, so that the connection ends with it.
pub(crate) struct Answer {
    data: Option<Bytes>,
    cut: Cut,
}

/// Whether a body was cut, and how far its end has come.
#[derive(PartialEq, Eq)]
enum Cut {
    No,
    /// What there is must first be sent.
    Flush,
    Break,
}

impl Answer {
    pub(crate) fn of(reply: Reply, skew: i64, cut: bool) -> Response<Self> {
        let length = reply.body.len();
        let mut data = Bytes::from(reply.body);
        if cut {
            data.truncate(length / 2);
        }
        let mut response = Response::new(Self {
            data: Some(data),
            cut: if cut { Cut::Flush } else { Cut::No },
        });
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in reply.headers {
            response.headers_mut().append(name, value);
        }
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(skewed(skew))) {
            response.headers_mut().insert(DATE, date);
        }
        if cut {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if length == 0 {
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response
    }
}

fn skewed(skew: i64) -> SystemTime {
    let by = Duration::from_secs(skew.unsigned_abs());
    if skew < 0 {
        SystemTime::now() - by
    } else {
        SystemTime::now() + by
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::Flush => {
                self.cut = Cut::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Break => Poll::Ready(Some(Err(io::Error::other("cut on demand")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut == Cut::No && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.cut, &self.data) {
            (Cut::No, Some(data)) => SizeHint::with_exact(data.len() as u64),
            (Cut::No, None) => SizeHint::with_exact(0),
            (Cut::Flush | Cut::Break, _) => SizeHint::default(),
        }
    }
}
