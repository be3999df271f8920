//! Where a Jira keeps what is read: in which schema of its database, and which of the tables it has.

use atl_store::{OutsideColumn, OutsideDatabase, OutsideTable};

use crate::TokensError;

/// Tables that every Jira of this century has.
const TOKEN: &str = "oauthsptoken";
const CONSUMER: &str = "oauthspconsumer";

/// Tables that depend on the version.
pub(super) const APP_USER: &str = "app_user";
pub(super) const CWD_USER: &str = "cwd_user";
pub(super) const OAUTH2_GRANT: &str = "ao_fe1bc5_refresh_token";
pub(super) const OAUTH2_ACCESS: &str = "ao_fe1bc5_access_token";
pub(super) const OAUTH2_CLIENT: &str = "ao_fe1bc5_client";
pub(super) const PAT: &str = "ao_81f455_personal_token";

/// A table that tells a Confluence.
const BANDANA: &str = "bandana";

/// The tables of one Jira.
#[derive(Debug)]
pub(super) struct Jira {
    pub(super) token: OutsideTable,
    pub(super) consumer: OutsideTable,
    others: Vec<OutsideTable>,
}

impl Jira {
    /// Finds the schema. It need not be `public`; where there are several, the search path of this user decides.
    pub(super) fn find(server: &str, database: &mut OutsideDatabase) -> Result<Self, TokensError> {
        let (server_name, name) = (Box::from(server), Box::from(database.name()));
        // What computes the digests came with this version.
        if database.version() < 110_000 {
            return Err(TokensError::DatabaseTooOld {
                server: server_name,
                database: name,
                version: database.version() / 10_000,
            });
        }
        let names = [
            TOKEN,
            CONSUMER,
            APP_USER,
            CWD_USER,
            OAUTH2_GRANT,
            OAUTH2_ACCESS,
            OAUTH2_CLIENT,
            PAT,
            BANDANA,
        ];
        let tables = database
            .tables(&names)
            .map_err(|error| TokensError::database(server, error))?;
        let has_consumers = |schema: &str| {
            let mut tables = tables.iter();
            tables.any(|table| is(table, CONSUMER) && table.schema == schema)
        };
        let mut homes: Vec<_> = tables
            .iter()
            .filter(|table| is(table, TOKEN) && has_consumers(&table.schema))
            .collect();
        homes.sort_by_key(|table| (table.in_search_path.is_none(), table.in_search_path));
        let schema = match &homes[..] {
            [] => {
                let confluence = tables.iter().any(|table| is(table, BANDANA));
                return Err(TokensError::NoJira {
                    server: server_name,
                    database: name,
                    confluence,
                });
            }
            [home] => home.schema.clone(),
            [home, ..] if home.in_search_path.is_some() => home.schema.clone(),
            several => {
                return Err(TokensError::SeveralJiras {
                    server: server_name,
                    database: name,
                    schemas: several.iter().map(|home| home.schema.clone()).collect(),
                });
            }
        };
        let mut others: Vec<_> = tables
            .into_iter()
            .filter(|table| table.schema == schema)
            .collect();
        let mut remove = |name: &str| {
            let place = others.iter().position(|table| is(table, name))?;
            Some(others.swap_remove(place))
        };
        match (remove(TOKEN), remove(CONSUMER)) {
            (Some(token), Some(consumer)) => Ok(Self {
                token,
                consumer,
                others,
            }),
            _ => Err(TokensError::NoJira {
                server: server_name,
                database: name,
                confluence: false,
            }),
        }
    }

    /// A table that depends on the version.
    pub(super) fn table(&self, name: &str) -> Option<&OutsideTable> {
        self.others.iter().find(|table| is(table, name))
    }

    /// The same with these columns, where all of them may be read.
    pub(super) fn readable<const N: usize>(
        &self,
        name: &str,
        columns: [&str; N],
    ) -> Option<(&OutsideTable, [&OutsideColumn; N])> {
        let table = self.table(name)?;
        let found: Vec<_> = columns
            .iter()
            .filter_map(|column| table.column(column))
            .collect();
        Some((table, found.try_into().ok()?))
    }
}

fn is(table: &OutsideTable, name: &str) -> bool {
    table.name.eq_ignore_ascii_case(name)
}
