//! A handle on one server: what tests and demonstrations set, look at and change by hand.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpSocket;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::directory::{Consumer, Flags, Link};
use crate::exchange::Exchange;
use crate::fault::{Fault, Hold, Matcher, Rule, When};
use crate::net::{self, Shared};
use crate::setting::Knob;
use crate::spec::{Generation, Kind};
use crate::state::State;
use crate::user::User;

/// One server of an estate.
pub struct Server {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) kind: Kind,
    pub(crate) generation: Generation,
    pub(crate) port: u16,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) runtime: Handle,
    pub(crate) accepting: Mutex<Option<JoinHandle<()>>>,
    /// Keeps the port of a server that was stopped, so that nobody else gets it.
    pub(crate) reserved: Mutex<Option<TcpSocket>>,
}

/// The state holds passwords.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// The name, as in the fleet file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The base URL, context path included.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The product.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The generation.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Sets a setting, or orders a fault.
    pub fn set(&self, knob: impl Into<Knob>) {
        match knob.into() {
            Knob::Setting(setting) => self.shared.with(|state| state.set(setting)),
            Knob::Rule(rule) => self.shared.with(|state| state.faults.add(rule)),
        }
    }

    /// Ends all faults; requests that hang or are held go on.
    pub fn clear_faults(&self) {
        self.shared.with(|state| state.faults.clear());
        self.shared.unhang.notify_waiters();
    }

    /// Holds matching requests back until they are released. A request that is held before the change and whose
    /// client goes away is never carried out.
    pub fn hold(&self, matcher: Matcher, when: When) -> Hold {
        let hold = Hold::new();
        self.set(Rule::new(Fault::Held(when, hold.clone())).on(matcher));
        hold
    }

    /// Holds back only the one matching request that comes after so many others.
    pub fn hold_one(&self, matcher: Matcher, after: u32, when: When) -> Hold {
        let hold = Hold::new();
        let rule = Rule::new(Fault::Held(when, hold.clone())).on(matcher);
        self.set(rule.after(after).times(1));
        hold
    }

    /// Brings the second node up to date.
    pub fn sync(&self) {
        self.shared.with(State::sync);
    }

    /// Stops listening and drops every connection, as a server that cannot be reached.
    pub fn stop(&self) {
        let accepting = self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = accepting {
            task.abort();
            let _cancelled = self.runtime.block_on(task).is_err();
            *self.reserved.lock().unwrap_or_else(PoisonError::into_inner) = bound(self.port).ok();
        }
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    ///
    /// Where the port has been taken meanwhile.
    pub fn start(&self) -> std::io::Result<()> {
        self.stop();
        let reserved = self
            .reserved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let socket = reserved.map_or_else(|| bound(self.port), Ok)?;
        let listener = {
            let _entered = self.runtime.enter();
            socket.listen(1024)?
        };
        let task = net::accept(listener, self.shared.clone(), self.tls.clone());
        *self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(self.runtime.spawn(task));
        Ok(())
    }

    /// Stops and starts anew: what was only in memory, the sessions of browsers and the nonces seen, is forgotten.
    ///
    /// # Errors
    ///
    /// Where the port has been taken meanwhile.
    pub fn restart(&self) -> std::io::Result<()> {
        self.stop();
        self.shared.with(|state| {
            state.sessions.clear();
            state.nonces = Default::default();
        });
        self.start()
    }

    /// Every exchange since the start, or since the log was last cleared.
    pub fn log(&self) -> Vec<Exchange> {
        self.shared.with(|state| state.log.clone())
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        self.shared.with(|state| state.log.clear());
    }

    /// How many requests to change something there were (see [`Exchange::is_write`]).
    pub fn writes(&self) -> usize {
        self.shared.with(|state| {
            state
                .log
                .iter()
                .filter(|exchange| exchange.is_write())
                .count()
        })
    }

    /// How many passwords of this user were refused.
    pub fn failed_sign_ins(&self, user: &str) -> usize {
        self.shared.with(|state| {
            state
                .sign_ins
                .get(user)
                .map_or(0, |sign_ins| sign_ins.failed)
        })
    }

    /// The users, by name.
    pub fn users(&self) -> Vec<User> {
        self.shared
            .with(|state| state.users.values().cloned().collect())
    }

    /// Adds a user, or replaces one.
    pub fn put_user(&self, user: User) {
        self.shared
            .with(|state| state.users.insert(user.name.clone(), user));
    }

    /// Removes a user.
    pub fn remove_user(&self, name: &str) {
        self.shared.with(|state| state.users.remove(name));
    }

    /// Ends every session.
    pub fn end_sessions(&self) {
        self.shared.with(|state| state.sessions.clear());
    }

    /// The links.
    pub fn links(&self) -> Vec<Link> {
        self.shared.with(|state| state.directory.links.clone())
    }

    /// The link to this application URL.
    pub fn link(&self, rpc_url: &str) -> Option<Link> {
        let rpc_url = rpc_url.trim_end_matches('/');
        self.links()
            .into_iter()
            .find(|link| link.rpc_url == rpc_url)
    }

    /// Adds a link; its name may get a number.
    pub fn add_link(&self, link: Link) -> Uuid {
        let id = link.id;
        self.shared.with(|state| state.directory.add(link));
        id
    }

    /// Changes a link.
    pub fn edit_link(&self, id: Uuid, edit: impl FnOnce(&mut Link)) {
        self.shared
            .with(|state| state.directory.link_mut(id).map(edit));
    }

    /// Deletes a link with its consumer and that one's tokens; says whether there was one.
    pub fn delete_link(&self, id: Uuid) -> bool {
        self.shared.with(|state| state.remove_link(id))
    }

    /// The consumers, of links or of none.
    pub fn consumers(&self) -> Vec<Consumer> {
        self.shared
            .with(|state| state.directory.consumers.values().cloned().collect())
    }

    /// The consumer of this key.
    pub fn consumer(&self, key: &str) -> Option<Consumer> {
        self.shared
            .with(|state| state.directory.consumers.get(key).cloned())
    }

    /// Stores a consumer and points the link at it; with no link, an orphan.
    pub fn put_consumer(&self, link: Option<Uuid>, consumer: Consumer) {
        self.shared.with(|state| match link {
            Some(link) => state.directory.put_consumer(link, consumer),
            None => drop(
                state
                    .directory
                    .consumers
                    .insert(consumer.key.clone(), consumer),
            ),
        });
    }

    /// Changes a consumer.
    pub fn edit_consumer(&self, key: &str, edit: impl FnOnce(&mut Consumer)) {
        self.shared
            .with(|state| state.directory.consumers.get_mut(key).map(edit));
    }

    /// Removes a consumer with its tokens; the property of its link dangles.
    pub fn remove_consumer(&self, key: &str) {
        self.shared.with(|state| state.remove_consumer(key));
    }

    /// Sets a link's matrix by hand; flags of a consumer that is not there are lost.
    pub fn set_matrix(&self, id: Uuid, incoming: Flags, outgoing: Flags) {
        self.shared.with(|state| {
            let key = state
                .directory
                .link(id)
                .and_then(|link| link.consumer_key.clone());
            if let Some(consumer) = key.and_then(|key| state.directory.consumers.get_mut(&key)) {
                consumer.two_legged = incoming.two_legged;
                consumer.impersonation = incoming.impersonation;
            }
            if let Some(link) = state.directory.link_mut(id) {
                link.set_outgoing(outgoing);
            }
        });
    }

    /// Configures outgoing authentication by hand; `class` is a full class name.
    pub fn add_provider(&self, id: Uuid, class: &str, config: &[(&str, &str)]) {
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.edit_link(id, |link| {
            link.providers.insert(class.to_owned(), config);
        });
    }
}

/// A socket that has the port and does not listen on it yet: whoever connects is refused.
fn bound(port: u16) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket)
}
