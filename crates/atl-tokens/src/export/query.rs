//! The queries: one of each product and database.

use atl_client::Product;

/// A product whose database can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportProduct {
    /// Jira.
    Jira,
    /// Confluence.
    Confluence,
}

impl ExportProduct {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Jira, Self::Confluence];

    /// Its name, as the export has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "confluence",
        }
    }

    /// The same among all products.
    pub(super) fn product(self) -> Product {
        match self {
            Self::Jira => Product::Jira,
            Self::Confluence => Product::Confluence,
        }
    }

    /// The product of this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|product| product.name().eq_ignore_ascii_case(name))
    }
}

/// A database that products run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportDatabase {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// Oracle.
    Oracle,
    /// Microsoft SQL Server.
    Mssql,
}

/// The query to run: it reads only, selects digests and never a token, and says itself how it is run.
pub fn export_query(product: ExportProduct, database: ExportDatabase) -> &'static str {
    match (product, database) {
        (ExportProduct::Jira, ExportDatabase::Postgres) => include_str!("sql/jira-postgres.sql"),
        (ExportProduct::Jira, ExportDatabase::Mysql) => include_str!("sql/jira-mysql.sql"),
        (ExportProduct::Jira, ExportDatabase::Oracle) => include_str!("sql/jira-oracle.sql"),
        (ExportProduct::Jira, ExportDatabase::Mssql) => include_str!("sql/jira-mssql.sql"),
        (ExportProduct::Confluence, ExportDatabase::Postgres) => {
            include_str!("sql/confluence-postgres.sql")
        }
        (ExportProduct::Confluence, ExportDatabase::Mysql) => {
            include_str!("sql/confluence-mysql.sql")
        }
        (ExportProduct::Confluence, ExportDatabase::Oracle) => {
            include_str!("sql/confluence-oracle.sql")
        }
        (ExportProduct::Confluence, ExportDatabase::Mssql) => {
            include_str!("sql/confluence-mssql.sql")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::column::Column;

    const DATABASES: [ExportDatabase; 4] = [
        ExportDatabase::Postgres,
        ExportDatabase::Mysql,
        ExportDatabase::Oracle,
        ExportDatabase::Mssql,
    ];

    fn each(check: impl Fn(&str)) {
        for product in ExportProduct::ALL {
            for database in DATABASES {
                check(export_query(product, database));
            }
        }
    }

    /// One statement that begins with `SELECT` or `WITH`; nothing in it could change anything.
    #[test]
    fn every_query_only_reads() {
        each(|query| {
            let code: Vec<_> = query
                .lines()
                .filter(|line| !line.starts_with("--"))
                .collect();
            let code = code.join("\n");
            assert!(
                code.starts_with("SELECT") || code.starts_with("WITH"),
                "{query}"
            );
            assert_eq!(code.matches(';').count(), 1, "{query}");
            assert!(code.trim_end().ends_with(';'), "{query}");
            for word in [
                "INSERT", "UPDATE ", "DELETE", "INTO", "DROP", "ALTER", "EXEC",
            ] {
                assert!(!code.to_uppercase().contains(word), "{word}: {query}");
            }
        });
    }

    /// A token stands nowhere but in a digest, a comparison, or a subquery of which only those see it.
    #[test]
    fn no_query_selects_a_token() {
        each(|query| {
            let (_, selected) = query.rsplit_once("AS product").unwrap();
            let selected = selected.replace("HASHBYTES('SHA2_256', CAST(t.token", "digest(");
            let selected = [
                "sha256(convert_to(t.token",
                "SHA2(t.token",
                "STANDARD_HASH(TO_CHAR(t.token",
                "STANDARD_HASH(t.token",
                "u.token = t.token",
                "c.token = t.token",
                "t.token_type = 'ACCESS'",
            ]
            .iter()
            .fold(selected, |text, known| text.replace(known, ""));
            assert!(!selected.contains(".token"), "{selected}");
            for secret in [
                "token_secret",
                "session_handle",
                "spverifier",
                "HASHED_TOKEN",
                "CLIENT_SECRET",
            ] {
                assert!(!query.contains(secret), "{secret}: {query}");
            }
        });
    }

    #[test]
    fn every_query_has_every_column() {
        each(|query| {
            let (_, selected) = query.rsplit_once("AS product").unwrap();
            let (selected, _) = selected.split_once("\nFROM").unwrap();
            for column in Column::ALL.into_iter().skip(1) {
                let name = column.name();
                let quoted = [
                    "AS NAME,",
                    "AS NAME\n",
                    "AS \"NAME\"",
                    "AS `NAME`",
                    "AS [NAME]",
                ];
                let found = quoted
                    .iter()
                    .any(|form| format!("{selected}\n").contains(&form.replace("NAME", name)));
                assert!(found, "{name}: {selected}");
            }
        });
    }

    /// SQL*Plus ends a statement at an empty line, and takes `&` for a variable.
    #[test]
    fn sqlplus_takes_them_for_one_statement() {
        for product in ExportProduct::ALL {
            let query = export_query(product, ExportDatabase::Oracle);
            assert!(!query.contains("\n\n") && !query.contains('&'), "{query}");
            let comments = query.lines().filter(|line| line.starts_with("--"));
            assert!(comments.clone().all(|line| !line.ends_with(';')));
        }
    }
}
