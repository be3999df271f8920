//! Proving a key: three signed request-token calls in a row, and one signed call with every stored grant.

use atl_keys::Keypair;
use atl_oauth::{ConsumerSigner, token_state};
use atl_store::{GrantRow, GrantState};

use crate::{
    event::Event, execute::Work, grants::Said, provision::prove_once, settle::Try,
    trouble::Trouble, wanted::Consumer,
};

/// The nodes of a cluster take turns, and one that has not heard of a new key refuses it: one acceptance is none.
const IN_A_ROW: usize = 3;

/// Proves a key within the time that a cluster may take, each call on a new connection.
pub(super) fn prove(work: &Work<'_>, consumer_key: &str, keypair: &Keypair) -> Result<(), Trouble> {
    work.settle(|| {
        for _ in 0..IN_A_ROW {
            match prove_once(work.client, consumer_key, keypair) {
                Try::Done(()) => {}
                refused => return refused,
            }
        }
        Try::Done(())
    })
}

/// The stored grants of a consumer on a server, and what the server makes of them.
#[derive(Debug, Default)]
pub(super) struct Grants {
    rows: Vec<GrantRow>,
    /// How many it accepted with the old key.
    pub(super) before: usize,
    /// How many it accepted in the end.
    pub(super) ok: usize,
}

impl Grants {
    /// Asks about each with the key that is registered. What cannot be asked now counts as not accepted.
    pub(super) fn read(
        work: &Work<'_>,
        consumer: &Consumer,
        keypair: &Keypair,
    ) -> Result<Self, Trouble> {
        let mut grants = Self::stored(work, consumer)?;
        for row in &grants.rows {
            let active = matches!(
                ask(work, consumer, keypair, row),
                Try::Done(GrantState::Active)
            );
            grants.before += usize::from(active);
        }
        Ok(grants)
    }

    /// The same where it is too late to ask.
    pub(super) fn stored(work: &Work<'_>, consumer: &Consumer) -> Result<Self, Trouble> {
        let mut rows = work.execute.store.grants()?;
        rows.retain(|row| {
            row.consumer == consumer.name
                && row.consumer_key == consumer.key
                && row.server_url == work.journal.server_url
                && matches!(row.state, GrantState::Active | GrantState::Unknown)
        });
        Ok(Self {
            rows,
            ..Self::default()
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Makes one call with each. A token that the server does not hold any more says nothing about the key, since it
    /// is looked for first (protocol.md 2.8): it was revoked, which is told, and is no refusal of the key.
    pub(super) fn prove(
        &mut self,
        work: &Work<'_>,
        consumer: &Consumer,
        keypair: &Keypair,
    ) -> Result<(), Trouble> {
        let mut ok = 0;
        for row in &self.rows {
            let state = work.settle(|| ask(work, consumer, keypair, row))?;
            if state == GrantState::Active {
                ok += 1;
            } else {
                let message = format!(
                    "the grant {} of `{}` is {}: it was revoked or ended apart from the rotation",
                    row.id,
                    row.user,
                    state.as_str()
                );
                (work.execute.sink)(&Event::Warning {
                    server: work.journal.server,
                    consumer: &consumer.name,
                    message: &message,
                });
            }
        }
        self.ok = ok;
        Ok(())
    }
}

/// One signed call with a grant; what the server says of it is written down.
fn ask(
    work: &Work<'_>,
    consumer: &Consumer,
    keypair: &Keypair,
    row: &GrantRow,
) -> Try<GrantState, Trouble> {
    let secrets = match work.execute.keys.grant_secrets(row) {
        Ok(secrets) => secrets,
        Err(trouble) => return Try::Never(trouble),
    };
    let signer = ConsumerSigner::new(&consumer.key, keypair);
    let said = match token_state(work.client, &signer, &secrets.token) {
        Ok(state) => Said::of(row, state),
        Err(error) => return Try::NotYet(error.into()),
    };
    let store = work.execute.store;
    match store.set_grant_state(&row.id, said.state, said.note.as_deref()) {
        Ok(()) => Try::Done(said.state),
        Err(error) => Try::Never(error.into()),
    }
}
