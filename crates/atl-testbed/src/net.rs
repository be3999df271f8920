//! Connections: accepting, answering, and breaking them on purpose.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue, SET_COOKIE};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::call::{Call, Entrance};
use crate::exchange::Exchange;
use crate::fault::{Fault, When};
use crate::reply::Reply;
use crate::route;
use crate::state::State;

/// The cookie by which a load balancer keeps a browser on one node.
const AFFINITY: &str = "ROUTEID";

/// What the connections of one server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) context: String,
    pub(crate) state: Mutex<State>,
    /// Tells hanging requests that they may go on.
    pub(crate) unhang: Notify,
}

impl Shared {
    /// The state, for as short a time as possible.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Accepts until the task is aborted; its connections go with it.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut count = 0_usize;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let entrance = Entrance { node: count % 2, scheme };
                count += 1;
                connections.spawn(connection(stream, shared.clone(), tls.clone(), entrance));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    entrance: Entrance,
) {
    let reset = Arc::new(AtomicBool::new(false));
    // Without it small answers wait for an acknowledgement.
    let _ignored = stream.set_nodelay(true).is_ok();
    let stream = Breakable {
        stream,
        reset: reset.clone(),
    };
    match tls {
        None => serve(stream, shared, reset, entrance).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, shared, reset, entrance).await;
            }
        }
    }
}

async fn serve<S>(stream: S, shared: Arc<Shared>, reset: Arc<AtomicBool>, entrance: Entrance)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (shared, reset) = (shared.clone(), reset.clone());
        async move {
            exchange(&shared, request, entrance)
                .await
                .inspect_err(|_| reset.store(true, Ordering::Relaxed))
        }
    });
    // A connection that breaks is the client's to notice.
    let _broken = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .is_err();
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("reset on demand")]
struct Reset;

async fn exchange(
    shared: &Shared,
    request: Request<Incoming>,
    entrance: Entrance,
) -> Result<Response<Answer>, Reset> {
    let (head, body) = request.into_parts();
    let body = collect(body).await.ok_or(Reset)?;
    let (two_nodes, skew) =
        shared.with(|state| (state.second_node.is_some(), state.settings.clock_skew));
    let Some(mut call) = Call::new(&shared.context, entrance, &head, body) else {
        return Ok(Answer::of(Reply::empty(404), skew, false));
    };
    call.node = if two_nodes {
        node_of(&call, entrance, &head)
    } else {
        0
    };

    let faults = shared.with(|state| state.faults.take(&call.method, &call.path));
    for fault in &faults {
        match before(shared, fault).await {
            Outcome::GoOn => {}
            Outcome::Instead(answer) => {
                let reply = answer(&call);
                note(shared, &call, reply.status);
                return Ok(Answer::of(reply, skew, false));
            }
            Outcome::Reset => {
                note(shared, &call, 0);
                return Err(Reset);
            }
        }
    }
    let resets = faults
        .iter()
        .any(|fault| matches!(fault, Fault::Reset(When::After)));
    let mut reply = shared.with(|state| {
        let (reply, caller) = route::answer(state, &call);
        let status = if resets { 0 } else { reply.status };
        state.log.push(Exchange {
            status,
            user: caller.user,
            authenticated_by: caller.by,
            ..Exchange::of(&call)
        });
        reply
    });
    for fault in &faults {
        if let Fault::Held(When::After, hold) = fault {
            hold.pass().await;
        }
    }
    if resets {
        return Err(Reset);
    }
    if two_nodes && call.cookie(AFFINITY).is_none() {
        reply = reply.with(SET_COOKIE, &format!("{AFFINITY}={}; Path=/", call.node));
    }
    Ok(Answer::of(
        reply,
        skew,
        faults.iter().any(|fault| matches!(fault, Fault::Truncate)),
    ))
}

/// The node that the affinity cookie names, or the one whose turn it is.
fn node_of(call: &Call, entrance: Entrance, _head: &Parts) -> usize {
    match call.cookie(AFFINITY) {
        Some("0") => 0,
        Some("1") => 1,
        _ => entrance.node,
    }
}

fn note(shared: &Shared, call: &Call, status: u16) {
    shared.with(|state| {
        state.log.push(Exchange {
            status,
            ..Exchange::of(call)
        })
    });
}

enum Outcome {
    GoOn,
    Instead(Box<dyn FnOnce(&Call) -> Reply + Send>),
    Reset,
}

/// What a fault does before the request is looked at.
async fn before(shared: &Shared, fault: &Fault) -> Outcome {
    match fault {
        Fault::Latency(time) => tokio::time::sleep(*time).await,
        Fault::Hang => shared.unhang.notified().await,
        Fault::Held(When::Before, hold) => hold.pass().await,
        Fault::Reset(When::Before) => return Outcome::Reset,
        Fault::TooManyRequests(seconds) => {
            let seconds = seconds.to_string();
            return Outcome::Instead(Box::new(move |call| {
                route::too_many(call).header("retry-after", &seconds)
            }));
        }
        Fault::Unavailable => {
            return Outcome::Instead(Box::new(|_| {
                Reply::html(
                    503,
                    "<html><body><h1>503 Service Unavailable</h1></body></html>".to_owned(),
                )
            }));
        }
        Fault::Html => {
            return Outcome::Instead(Box::new(|_| {
                Reply::html(
                    200,
                    "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>".to_owned(),
                )
            }));
        }
        Fault::Answer(status, body) => {
            let (status, body) = (*status, body.clone());
            return Outcome::Instead(Box::new(move |_| {
                let kind = if body.starts_with(['{', '[']) {
                    "application/json"
                } else {
                    "text/plain;charset=UTF-8"
                };
                Reply::body(status, kind, body)
            }));
        }
        Fault::Reset(When::After) | Fault::Held(When::After, _) | Fault::Truncate => {}
    }
    Outcome::GoOn
}

/// The whole body, up to 16 MB; nothing where it breaks off.
async fn collect(mut body: Incoming) -> Option<Bytes> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > 16 << 20 {
            return None;
        }
    }
    Some(bytes.into())
}

/// The body of an answer; one that was cut ends in an error, so that the connection ends with it.
struct Answer {
    data: Option<Bytes>,
    cut: bool,
}

impl Answer {
    fn of(reply: Reply, skew: i64, cut: bool) -> Response<Self> {
        let length = reply.body.len();
        let mut data = Bytes::from(reply.body);
        if cut {
            data.truncate(length / 2);
        }
        let mut response = Response::new(Self {
            data: Some(data),
            cut,
        });
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = reply.headers;
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
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.data.take().filter(|data| !data.is_empty()) {
            Some(data) => Some(Ok(Frame::data(data))),
            None if self.cut => Some(Err(io::Error::other("cut on demand"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.cut {
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64)
        }
    }
}

/// A stream that is reset rather than closed, if told so before it is dropped.
struct Breakable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Breakable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _ignored = self.stream.set_zero_linger().is_ok();
        }
    }
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The orderly goodbye would come before the reset.
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
