//! Why no callback can be listened for.

use std::io;

/// Why no callback can be listened for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody else listens on the port.
    #[error("port {port} of this machine is taken")]
    Taken {
        /// The port.
        port: u16,
    },
    /// Only the administrator of this machine may listen on the port.
    #[error("port {port} of this machine may not be listened on")]
    Forbidden {
        /// The port.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no loopback interface, or no thread to serve it.
    #[error("the loopback interface of this machine cannot be listened on")]
    Unavailable {
        /// What the operating system said.
        source: io::Error,
    },
}

impl ListenError {
    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "port_taken",
            Self::Forbidden { .. } => "port_forbidden",
            Self::Unavailable { .. } => "no_loopback",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Taken { .. } => {
                "leave `--port` away to have a free one chosen, or give another: servers do not compare it with the callback that the consumer is registered with"
            }
            Self::Forbidden { .. } => "give a port from 1024 on with `--port`, or leave it away",
            Self::Unavailable { .. } => "use `--oob`, which needs no callback",
        }
    }
}
