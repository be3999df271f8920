//! The connections of the callback, on one thread.

use std::{
    collections::VecDeque, convert::Infallible, future::poll_fn, io, sync::Arc, task::Poll,
    time::Duration,
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{answer, inbox::Inbox};

/// How many connections are open at most; the oldest one makes room.
const MOST_CONNECTIONS: usize = 128;
/// How long a request may take to arrive.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);
/// How long a request may be.
const LARGEST_REQUEST: usize = 16 * 1024;
/// How long answers that are being sent have at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How long to wait where no connection can be accepted, as where there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stopped`.
pub(super) async fn serve(
    sockets: Vec<TcpListener>,
    port: u16,
    inbox: Arc<Inbox>,
    mut stopped: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&sockets) => accepted,
        };
        let Ok(stream) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let inbox = Arc::clone(&inbox);
        let service = service_fn(move |request| answer(request, port, Arc::clone(&inbox)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(LONGEST_REQUEST)
            .max_buf_size(LARGEST_REQUEST)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        open.push_back(tokio::spawn(graceful.watch(connection)).abort_handle());
        if open.len() > MOST_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
    }
    drop(sockets);
    inbox.close();
    let _out_of_time = timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err();
}

/// The next connection at any of these.
async fn accept(sockets: &[TcpListener]) -> io::Result<TcpStream> {
    poll_fn(|context| {
        let accepted = sockets.iter().map(|socket| socket.poll_accept(context));
        match accepted.into_iter().find(Poll::is_ready) {
            Some(accepted) => accepted.map_ok(|(stream, _)| stream),
            None => Poll::Pending,
        }
    })
    .await
}

async fn answer(
    request: Request<Incoming>,
    port: u16,
    inbox: Arc<Inbox>,
) -> Result<Response<String>, Infallible> {
    let response = match answer::read(&request, port) {
        Ok(callback) => answer::of_verdict(inbox.offer(callback).await),
        Err(refusal) => answer::of_refusal(refusal),
    };
    tracing::debug!(
        status = response.status().as_u16(),
        "a callback was answered"
    );
    Ok(response)
}
