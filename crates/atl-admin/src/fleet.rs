//! The fleet file of `--fleet`, and what was selected from it.

use atl_fleet::{
    ConnectionOptions, Environment, FleetFile, KeyringReader, Needs, Ready, ReadyServer, Select,
};

use crate::{cli::Selection, context::Context, environment, error::Result, keyring, shell, term};

impl Context {
    /// What a command needs of the selected part of the fleet file, every secret resolved; nothing is sent.
    pub(crate) fn ready(&self, needs: Needs) -> Result<Ready> {
        self.ready_for(needs, &self.globals.selection)
    }

    /// The same for another selection, such as that of a saved plan.
    pub(crate) fn ready_for(&self, needs: Needs, selection: &Selection) -> Result<Ready> {
        let ready = self.read_fleet(needs, selection)?;
        ready.warnings.iter().for_each(|text| term::warn(text));
        Ok(ready)
    }

    /// All servers of the fleet file, as anybody can reach them. Its warnings are those of the selection.
    pub(crate) fn all_servers(&self) -> Result<Vec<ReadyServer>> {
        Ok(self
            .read_fleet(Needs::default(), &Selection::default())?
            .servers)
    }

    fn read_fleet(&self, needs: Needs, selection: &Selection) -> Result<Ready> {
        let var = |name: &str| environment::variable(name)?.into_string().ok();
        let run = |command: &str| shell::output(command, self.terminal.can_ask);
        let environment = Environment {
            var: &var,
            command: self.globals.allow_cmd.then_some(&run),
            keyring: keyring::READER
                .as_ref()
                .map(|read| read as KeyringReader<'_>),
        };
        let select = Select {
            servers: selection.servers.clone(),
            consumers: selection.consumers.clone(),
        };
        let connection = ConnectionOptions {
            timeout: self.globals.timeout,
            allow_http: self.globals.allow_http,
        };
        Ok(FleetFile::read(&self.globals.fleet, &environment)?.ready(
            &select,
            needs,
            &environment,
            connection,
        )?)
    }

    /// The names given with `--server`; only labels need the fleet file.
    pub(crate) fn selected_servers(&self) -> Result<Vec<String>> {
        let given = &self.globals.selection.servers;
        if !given.iter().any(|name| name.starts_with("label:")) {
            return Ok(given.clone());
        }
        let ready = self.ready(Needs::default())?;
        Ok(ready
            .servers
            .into_iter()
            .map(|server| server.config.name)
            .collect())
    }
}
