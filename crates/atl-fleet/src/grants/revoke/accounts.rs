//! Signing in as the users of grants: each once a server, so that a wrong password is sent once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use atl_client::{Client, ClientError, Credentials, Login, ServerConfig, Transport};
use atl_store::GrantRow;
use secrecy::SecretString;

use crate::{grants::choose::same_user, wanted::Ready};

/// The accounts that were needed so far.
pub(super) struct Accounts<'a> {
    ready: &'a Ready,
    transport: Transport,
    /// By server and user.
    clients: Mutex<BTreeMap<(String, String), Arc<Client>>>,
}

impl<'a> Accounts<'a> {
    pub(super) fn new(ready: &'a Ready) -> Self {
        Self {
            ready,
            transport: Transport::default(),
            clients: Mutex::default(),
        }
    }

    /// A client that signs in as the user of a grant; `None` where the fleet file has no password of that user.
    pub(super) fn of(&self, row: &GrantRow) -> Result<Option<Arc<Client>>, ClientError> {
        let Some((config, username, password)) = self.password(row) else {
            return Ok(None);
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (config.name.clone(), username.to_owned());
        if let Some(client) = clients.get(&key) {
            return Ok(Some(Arc::clone(client)));
        }
        let config = ServerConfig {
            credentials: Credentials::Password {
                username: username.to_owned(),
                password: password.clone(),
                login: Login::Session,
            },
            ..config.clone()
        };
        let client = Arc::new(Client::new(config, &self.transport)?);
        clients.insert(key, Arc::clone(&client));
        Ok(Some(client))
    }

    fn password(&self, row: &GrantRow) -> Option<(&ServerConfig, &str, &SecretString)> {
        let mut servers = self.ready.servers.iter();
        let server = servers.find(|server| server.config.name == row.server)?;
        let mut consumers = self.ready.consumers.iter();
        let consumer = consumers.find(|consumer| consumer.name == row.consumer)?;
        let mut grants = consumer.grants.iter();
        let grant = grants.find(|grant| same_user(&grant.user, &row.user))?;
        Some((&server.config, &grant.user, grant.password.as_ref()?))
    }
}

impl Drop for Accounts<'_> {
    fn drop(&mut self) {
        let clients = self.clients.get_mut();
        for client in clients.unwrap_or_else(PoisonError::into_inner).values() {
            client.sign_out();
        }
    }
}
