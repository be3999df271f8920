//! Connections: accepting, answering, and breaking them on purpose.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::SET_COOKIE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::breakable::Breakable;
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
        node_of(&call, entrance)
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
fn node_of(call: &Call, entrance: Entrance) -> usize {
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
        });
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
