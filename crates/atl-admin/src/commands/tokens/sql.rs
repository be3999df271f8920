//! `tokens sql`

use atl_tokens::{ExportDatabase, ExportProduct, export_query};

use crate::{context::Context, error::Result, exit::Exit, flags::Format};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose database it is
    #[arg(long, value_name = "PRODUCT", value_enum)]
    pub product: Product,
    /// What it runs on
    #[arg(long, value_name = "DATABASE", value_enum)]
    pub db: Database,
}

/// A product whose database can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Product {
    /// Jira
    Jira,
    /// Confluence; how it keeps grants is inferred
    Confluence,
}

/// A database that products run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// PostgreSQL
    Postgres,
    /// `MySQL` or `MariaDB`
    #[value(help = "MySQL or MariaDB")]
    Mysql,
    /// Oracle; never run by those who wrote it
    Oracle,
    /// Microsoft SQL Server; never run by those who wrote it
    Mssql,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    let product = match args.product {
        Product::Jira => ExportProduct::Jira,
        Product::Confluence => ExportProduct::Confluence,
    };
    let database = match args.db {
        Database::Postgres => ExportDatabase::Postgres,
        Database::Mysql => ExportDatabase::Mysql,
        Database::Oracle => ExportDatabase::Oracle,
        Database::Mssql => ExportDatabase::Mssql,
    };
    context.output.text(export_query(product, database))?;
    Ok(Exit::Done)
}
