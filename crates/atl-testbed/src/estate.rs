//! Several servers in one process.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::net::{self, Shared};
use crate::server::Server;
use crate::spec::{ADMIN, ServerSpec};
use crate::state::State;
use crate::tls::{Authority, TlsError};

/// What keeps an estate from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstateError {
    /// No threads, or no runtime on them.
    #[error("the runtime could not be started")]
    Runtime(#[source] io::Error),
    /// A port is taken.
    #[error("port {port} of the loopback interface could not be opened")]
    Listen {
        /// The port; 0 is any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// There are no certificates to serve https with.
    #[error("https cannot be served")]
    Tls(#[from] TlsError),
}

/// Several servers, on threads of their own, until it is dropped.
pub struct Estate {
    servers: Vec<Server>,
    authority: Option<Authority>,
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Estate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Estate")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl Estate {
    /// Starts the servers; when this returns they listen.
    ///
    /// # Errors
    ///
    /// [`EstateError`] where threads, a port or certificates cannot be had.
    pub fn start(specs: Vec<ServerSpec>) -> Result<Self, EstateError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("testbed")
            .enable_all()
            .build()
            .map_err(EstateError::Runtime)?;
        let authority = if specs.iter().any(|spec| spec.tls) {
            Some(Authority::new()?)
        } else {
            None
        };
        let mut names = HashMap::new();
        let mut servers = Vec::with_capacity(specs.len());
        for spec in specs {
            let name = name_of(&spec, &mut names);
            servers.push(start(spec, name, authority.as_ref(), &runtime)?);
        }
        Ok(Self {
            servers,
            authority,
            runtime: Some(runtime),
        })
    }

    /// The servers, in the order in which they were given.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// A server by its place.
    ///
    /// # Panics
    ///
    /// Where there are not so many.
    pub fn server(&self, place: usize) -> &Server {
        &self.servers[place]
    }

    /// A server by its name.
    ///
    /// # Panics
    ///
    /// Where none has this name.
    pub fn server_named(&self, name: &str) -> &Server {
        let found = self.servers.iter().find(|server| server.name() == name);
        assert!(
            found.is_some(),
            "no server of the estate is called `{name}`"
        );
        found.unwrap_or(&self.servers[0])
    }

    /// The certificate of the estate's authority, where some server speaks https.
    pub fn ca_pem(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// A client certificate and its key that the estate's servers take, where some server speaks https.
    ///
    /// # Errors
    ///
    /// [`EstateError::Tls`] where none could be made.
    pub fn client_pem(&self, name: &str) -> Result<Option<(String, String)>, EstateError> {
        Ok(self
            .authority
            .as_ref()
            .map(|authority| authority.client_pem(name))
            .transpose()?)
    }

    /// A fleet file for this estate: every server, administered by [`ADMIN`] with the password in
    /// `ATL_ADMIN_PASSWORD`, and one consumer. Where a server speaks https it names `estate-ca.pem`, which whoever
    /// writes the file puts beside it with [`Estate::ca_pem`] in it.
    pub fn fleet_yaml(&self) -> String {
        let mut yaml = format!(
            "version: 1\n\ndefaults:\n  admin:\n    username: {ADMIN}\n    password: ${{env:ATL_ADMIN_PASSWORD}}\n\nservers:\n"
        );
        for server in &self.servers {
            // Writing to a string does not fail.
            let _infallible = write!(yaml, "  {}:\n    url: {}\n", server.name, server.base_url);
            if server.tls.is_some() {
                yaml.push_str("    tls: { ca_file: estate-ca.pem }\n");
            }
        }
        yaml.push_str(
            "\nconsumers:\n  deploy-bot:\n    name: Deploy bot\n    url: https://deploy.example.com\n    callback: https://deploy.example.com/oauth/callback\n",
        );
        yaml
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// The name that was given, or the product's, with a number from the second one on.
fn name_of(spec: &ServerSpec, names: &mut HashMap<&'static str, u32>) -> String {
    if let Some(name) = &spec.name {
        return name.clone();
    }
    let name = spec.kind.default_name();
    let count = names.entry(name).or_default();
    *count += 1;
    if *count == 1 {
        name.to_owned()
    } else {
        format!("{name}-{count}")
    }
}

fn start(
    spec: ServerSpec,
    name: String,
    authority: Option<&Authority>,
    runtime: &Runtime,
) -> Result<Server, EstateError> {
    let cannot = |source| EstateError::Listen {
        port: spec.port,
        source,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, spec.port)).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let port = listener.local_addr().map_err(cannot)?.port();
    let tls = match authority.filter(|_| spec.tls) {
        Some(authority) => Some(authority.acceptor(spec.client_certificate)?),
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base_url = format!("{scheme}://127.0.0.1:{port}{}", spec.context);
    let mut state = State::new(
        spec.kind,
        spec.generation,
        base_url.clone(),
        spec.context.clone(),
    );
    for setting in spec.settings {
        state.set(setting);
    }
    let shared = Arc::new(Shared {
        context: spec.context,
        state: Mutex::new(state),
        unhang: Notify::new(),
    });
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)
            .map_err(|source| EstateError::Listen { port, source })?
    };
    let task = runtime.spawn(net::accept(listener, shared.clone(), tls.clone()));
    Ok(Server {
        name,
        base_url,
        kind: spec.kind,
        generation: spec.generation,
        port,
        tls,
        shared,
        runtime: runtime.handle().clone(),
        accepting: Mutex::new(Some(task)),
        reserved: Mutex::default(),
    })
}
