//! The auditor consumer: a generic link whose consumer may act as any user, made for one run on one server, and removed
//! at its end.
//!
//! Its keypair is never stored. The journal has its link id and its consumer key from before the first write until its
//! removal was read back, which is all that a later run needs to remove it.

mod clear;
mod left;
mod make;
mod names;
mod place;
mod remove;
mod standing;

use std::fmt;

use atl_client::{Client, Credentials, ServerConfig, Transport};
use atl_keys::Keypair;
use atl_oauth::ConsumerSigner;
use atl_store::Store;
use serde_json::json;

use crate::{engine::RunOptions, step::RunInfo, trouble::Trouble, wanted::ReadyServer};
use names::{Names, STANDS};
use standing::Standing;

pub use clear::{remove, remove_left_behind};
pub use left::{
    AuditorState, Begun, EndedAuditor, LeftAuditor, ServerAuditors, elsewhere, find, left_behind,
};
pub use names::is_auditor;

pub(crate) use clear::remove_first;
pub(crate) use left::{open_on, unlisted};

/// What a coverage note must say of everything that was read or done as somebody else.
pub const IMPERSONATION: &str = "impersonation: inferred, not tried on a real product";

/// What is locked while an auditor stands: one at a time on a server, as far as this store is concerned.
const LOCK: &str = "atl-admin-auditor";

/// An auditor consumer that stands on one server. Take it down with [`Auditor::take_down`], which says what went wrong;
/// one that is dropped is taken down as well, and what goes wrong then is a warning of the run.
#[must_use = "an auditor that is dropped is taken down at once"]
pub struct Auditor<'a> {
    standing: Standing<'a>,
    client: Client,
    keypair: Keypair,
}

impl<'a> Auditor<'a> {
    /// Sets one up, and has the server prove that it acts as the administrator account. What an earlier run left there is
    /// removed before. Where anything fails, nothing stays.
    ///
    /// # Errors
    ///
    /// `not_sysadmin`, with [`Status::Refused`](crate::Status::Refused) and before any write, where the account is known
    /// not to be a system administrator; `two_legged_unsupported`, before any write too, where application links are older
    /// than 5.2; `locked` where another run has one there; and whatever the server or the store refuses. Where the
    /// auditor could not be removed after a failure, the error says that it was left.
    pub fn set_up(
        server: &ReadyServer,
        store: &'a Store,
        info: &RunInfo,
        run: RunOptions<'a>,
    ) -> Result<Self, Trouble> {
        let config = &server.config;
        let lock = store.lock(config.base_url.as_str(), LOCK)?;
        place::at(config, |place| {
            make::refuse(place)?;
            let journal = clear::journal_of(place, store, info, run);
            clear::end_all(place, &journal, run)?;
            make::go_on(run)?;
            let names = Names::new()?;
            let step = journal.begin(&names.consumer_key, STANDS, json!(names))?;
            let standing = Standing::new(config.clone(), store, run, names, step, lock);
            let made = make::make(place, &journal, &standing.names, run).and_then(|keypair| {
                let client = anonymous(config)?.at_most(run.parallel);
                let signer = ConsumerSigner::new(&standing.names.consumer_key, &keypair);
                make::prove(&client, &signer, &place.account, run)?;
                Ok((client, keypair))
            });
            match made {
                Ok((client, keypair)) => Ok(Self {
                    standing,
                    client,
                    keypair,
                }),
                Err(trouble) => Err(standing.undo(trouble)),
            }
        })
    }

    /// The server's name in the fleet file.
    pub fn server(&self) -> &str {
        self.client.server()
    }

    /// A client that nobody is signed in on, for signed calls only: it has no credentials and no cookies.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Signs as the auditor; [`Parameters::as_user`](atl_oauth::Parameters::as_user) says as whom a call is made.
    pub fn signer(&self) -> ConsumerSigner<'_> {
        ConsumerSigner::new(&self.standing.names.consumer_key, &self.keypair)
    }

    /// Takes it down: its consumer and all tokens of it first, then the link, then the server is asked whether both are
    /// gone. An interruption does not stop this.
    ///
    /// # Errors
    ///
    /// `auditor_left` where it is, or may be, still there: the journal keeps it open, and the next run removes it.
    pub fn take_down(mut self) -> Result<(), Trouble> {
        self.standing.take_down()
    }
}

impl fmt::Debug for Auditor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor")
            .field("client", &self.client)
            .field("names", &self.standing.names)
            .finish_non_exhaustive()
    }
}

/// A client of its own, with connections of its own: no session of the administrator gets into a signed call.
fn anonymous(config: &ServerConfig) -> Result<Client, Trouble> {
    let config = ServerConfig {
        credentials: Credentials::Anonymous,
        ..config.clone()
    };
    Ok(Client::new(config, &Transport::default())?)
}
