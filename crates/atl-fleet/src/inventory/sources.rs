//! The sources of one server, asked one after the other.

use std::{ops::ControlFlow, sync::OnceLock};

use atl_client::Client;
use atl_store::Store;
use atl_tokens::{
    Coverage, DatabaseSource, ExportSource, Found, Gap, GrantEntry, GrantKind, Impersonated,
    OwnPage, Pats, Source, SourceKind, TokensError, users,
};

use super::{Ask, names::Names, stopped};
use crate::{
    auditor::Auditor, engine::RunOptions, event::Event, step::RunInfo, trouble::Trouble,
    wanted::ReadyServer,
};

/// What an account may be without, where the source was not asked for by name.
const EXTRAS: [&str; 2] = ["search_refused", "token_reads_no_pages"];

/// A server and what is asked of it.
pub(super) struct OnServer<'a> {
    pub(super) server: &'a ReadyServer,
    pub(super) client: &'a Client,
    pub(super) store: Option<&'a Store>,
    pub(super) ask: &'a Ask,
    pub(super) info: &'a RunInfo,
    pub(super) run: RunOptions<'a>,
}

impl OnServer<'_> {
    /// Asks them all.
    pub(super) fn read(&self, take: &dyn Fn(Found) -> ControlFlow<()>) -> Vec<Coverage> {
        let names = OnceLock::new();
        let mut take = |found| {
            stopped(&self.run)?;
            take(self.named(&names, found))
        };
        let mut coverage = Vec::new();
        for source in SourceKind::ALL {
            if self.ask.wants(source) && stopped(&self.run).is_continue() {
                coverage.extend(self.ask(source, &mut take));
            }
        }
        coverage
    }

    fn ask(
        &self,
        source: SourceKind,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Option<Coverage> {
        let parallel = self.run.parallel;
        let coverage = match source {
            // The store was read for all servers at once.
            SourceKind::Store => return None,
            SourceKind::Page => OwnPage::new(self.client).read(take),
            SourceKind::Pat => Pats::new(self.client, parallel).read(take),
            SourceKind::Database => match self.database()? {
                Ok(mut database) => database.read(take),
                Err(error) => {
                    let note = "the database was not read";
                    self.failed(source, note, Gap::from(&error))
                }
            },
            SourceKind::Export => self.export(take)?,
            SourceKind::Impersonated => match self.impersonated(take) {
                Ok(coverage) => coverage,
                Err(trouble) => self.failed(source, "no page was read", trouble.into()),
            },
        };
        Some(self.as_asked(source, coverage))
    }

    fn failed(&self, source: SourceKind, note: &str, gap: Gap) -> Coverage {
        Coverage::failed(self.client.server(), source, note, gap)
    }

    /// A source that nobody asked for by name is no failure where the account has no right to it: the note says so.
    fn as_asked(&self, source: SourceKind, mut coverage: Coverage) -> Coverage {
        let extra = |gap: &mut Gap| EXTRAS.contains(&gap.code.as_str());
        if !self.ask.names(source)
            && let Some(gap) = coverage.gap.take_if(extra)
        {
            let server = format!("{}: ", self.client.server());
            let why = gap.message.strip_prefix(&server).unwrap_or(&gap.message);
            coverage.note = format!("{}: {why}", coverage.note);
        }
        coverage
    }

    /// The database that the fleet file names, where it names one.
    fn database(&self) -> Option<Result<DatabaseSource, TokensError>> {
        let config = &self.server.config;
        let url = self.server.database.as_ref()?;
        let source = DatabaseSource::new(&config.name, &config.base_url, url);
        Some(source.map(|source| source.allow_plain(config.allow_http)))
    }

    /// What was imported, where something was; who asks for it by name is told where nothing was.
    fn export(&self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Option<Coverage> {
        let (config, kind) = (&self.server.config, SourceKind::Export);
        let source = self
            .store
            .map(|store| ExportSource::new(store, &config.name, &config.base_url));
        match source {
            Some(mut source) if source.is_imported() => Some(source.read(take)),
            _ if self.ask.names(kind) => {
                let server = Box::from(&*config.name);
                let error = TokensError::NothingImported { server };
                Some(self.failed(kind, "no import was read", Gap::from(&error)))
            }
            _ => None,
        }
    }

    /// Reads pages through an auditor consumer, which stands no longer than that.
    fn impersonated(
        &self,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<Coverage, Trouble> {
        let store = self.store.ok_or_else(|| {
            Trouble::own(
                "no_store",
                "an auditor consumer needs a store, whose journal knows of it",
                "name a store with `--store`",
            )
        })?;
        // A password that is refused is sent once, and the auditor signs in by itself.
        self.client.sign_in()?;
        let auditor = Auditor::set_up(self.server, store, self.info, self.run)?;
        let mut coverage = self.pages(&auditor, take);
        if let Err(trouble) = auditor.take_down() {
            (self.run.sink)(&Event::Warning {
                server: self.client.server(),
                consumer: "auditor",
                message: &trouble.message,
            });
            coverage.gap.get_or_insert(trouble.into());
            coverage.complete = false;
        }
        Ok(coverage)
    }

    fn pages(
        &self,
        auditor: &Auditor<'_>,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Coverage {
        let (client, signer) = (auditor.client(), auditor.signer());
        // The client lets no more requests through than the user wants: the others are signed meanwhile.
        let parallel = 2 * self.run.parallel;
        if !self.ask.users.is_empty() {
            let users = self.ask.users.iter().cloned().map(Ok);
            let list = "the users that were named".to_owned();
            return Impersonated {
                client,
                signer,
                users,
                list,
                parallel,
            }
            .read(take);
        }
        match users(self.client) {
            Ok(listed) => {
                let list = listed.note().to_owned();
                let users = listed.map(|user| user.map(|user| user.name));
                Impersonated {
                    client,
                    signer,
                    users,
                    list,
                    parallel,
                }
                .read(take)
            }
            Err(error) => {
                let note = "no page was read: the users are not known";
                self.failed(SourceKind::Impersonated, note, Gap::from(&error))
            }
        }
    }

    /// What was found, with the consumer key of a grant that a page shows with a name only.
    fn named(&self, names: &OnceLock<Names>, found: Found) -> Found {
        let nameless = |grant: &GrantEntry| {
            grant.kind == GrantKind::Oauth1
                && grant.consumer_key.is_none()
                && matches!(grant.source, SourceKind::Page | SourceKind::Impersonated)
        };
        match found {
            Found::Grant(grant) if nameless(&grant) => {
                let read = || Names::read(self.client).unwrap_or_default();
                let grant = names.get_or_init(read).fill_in(*grant);
                Found::Grant(Box::new(grant))
            }
            found => found,
        }
    }
}
