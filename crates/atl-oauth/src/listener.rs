//! The callback of a dance on this machine: one answer to one question, and nothing else is served.

mod answer;
mod error;
mod inbox;
mod serve;

use std::{
    fmt,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use secrecy::SecretString;
use tokio::{runtime, sync::oneshot};
use url::Url;

pub use error::ListenError;

use crate::callback::Approval;
use inbox::Inbox;
use serve::serve;

/// Listens on the loopback interface for a callback, until it is dropped.
pub struct Listener {
    callback: Url,
    inbox: Arc<Inbox>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];
/// How many free ports are tried until one is free in IPv4 and in IPv6.
const ATTEMPTS: usize = 20;

impl Listener {
    /// Listens on this port, or on a free one: in IPv4 and in IPv6, as far as this machine has both.
    ///
    /// # Errors
    /// [`ListenError::Taken`] where somebody else listens on the port in either, and where nothing can be listened on.
    pub fn bind(port: Option<u16>) -> Result<Self, ListenError> {
        let sockets = match port {
            Some(port) => open(port, &LOOPBACK)?,
            None => open_free()?,
        };
        let unavailable = |source| ListenError::Unavailable { source };
        let address = sockets
            .first()
            .ok_or_else(|| unavailable(ErrorKind::AddrNotAvailable.into()))?
            .local_addr()
            .map_err(unavailable)?;
        let callback = Url::parse(&format!("http://{address}{}", answer::PATH))
            .map_err(|error| unavailable(io::Error::other(error)))?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(unavailable)?;
        let sockets = {
            let _entered = runtime.enter();
            sockets
                .into_iter()
                .map(|socket| {
                    socket.set_nonblocking(true)?;
                    tokio::net::TcpListener::from_std(socket)
                })
                .collect::<io::Result<Vec<_>>>()
                .map_err(unavailable)?
        };
        let (stop, stopped) = oneshot::channel();
        let inbox = Arc::new(Inbox::default());
        let serving = serve(sockets, address.port(), Arc::clone(&inbox), stopped);
        let thread = thread::Builder::new()
            .name("callback".to_owned())
            .spawn(move || runtime.block_on(serving))
            .map_err(unavailable)?;
        Ok(Self {
            callback,
            inbox,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The callback to ask for a request token with.
    pub fn callback(&self) -> Url {
        self.callback.clone()
    }

    /// Waits for the one callback of this request token; `None` where it has not come in time. It may be waited for
    /// again, and what comes in between is kept. A callback that came before anybody waited is kept as well.
    pub fn wait(&self, token: &SecretString, patience: Duration) -> Option<Approval> {
        self.inbox.wait(token, patience)
    }
}

impl Drop for Listener {
    /// Stops; an answer that is being sent is sent to its end.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join().is_err();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("callback", &self.callback.as_str())
            .finish_non_exhaustive()
    }
}

/// A port that is free in both.
fn open_free() -> Result<Vec<TcpListener>, ListenError> {
    let mut attempts = 0..ATTEMPTS;
    loop {
        match open_any() {
            Err(ListenError::Taken { .. }) if attempts.next().is_some() => {}
            outcome => return outcome,
        }
    }
}

/// A port that is free in one of the two, and the same one in the other.
fn open_any() -> Result<Vec<TcpListener>, ListenError> {
    let [first, second] = LOOPBACK;
    let Ok(sockets) = open(0, &[first]) else {
        return open(0, &[second]);
    };
    let port = sockets.first().and_then(|socket| socket.local_addr().ok());
    let port = port.map_or(0, |address| address.port());
    match open(port, &[second]) {
        Ok(more) => Ok(sockets.into_iter().chain(more).collect()),
        Err(ListenError::Unavailable { .. }) => Ok(sockets),
        Err(error) => Err(error),
    }
}

/// Listens on all of these addresses that this machine has.
fn open(port: u16, addresses: &[IpAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut sockets = Vec::new();
    let mut missing = ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpListener::bind((*address, port)) {
            Ok(socket) => sockets.push(socket),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(ListenError::Taken { port });
            }
            Err(source) if source.kind() == ErrorKind::PermissionDenied => {
                return Err(ListenError::Forbidden { port, source });
            }
            Err(error) => missing = error,
        }
    }
    if sockets.is_empty() {
        return Err(ListenError::Unavailable { source: missing });
    }
    Ok(sockets)
}
