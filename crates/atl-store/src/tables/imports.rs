//! Imports in SQL.

use super::{each, stamp, time};
use crate::imports::{ImportRow, Packs};
use crate::sql::{Fault, Row, Sql};

fn import_row(row: &Row) -> Result<ImportRow, Fault> {
    Ok(ImportRow {
        server: row.text("server")?,
        server_url: row.text("server_url")?,
        product: row.text("product")?,
        file: row.text("file")?,
        exported: row.optional("exported", time)?,
        imported: row.parsed("imported", time)?,
        rows: u64::try_from(row.integer("rows")?).map_err(|_| Fault::Unreadable("rows"))?,
    })
}

pub(crate) fn imports(sql: &mut dyn Sql) -> Result<Vec<ImportRow>, Fault> {
    let select = "SELECT * FROM imports ORDER BY server, server_url";
    each(&sql.query(select, &[])?, import_row)
}

/// The import of a server and its packs: in one statement, so that another process may put a new one in its place.
pub(crate) fn import(
    sql: &mut dyn Sql,
    server_url: &str,
) -> Result<Option<(ImportRow, Packs)>, Fault> {
    let select = "SELECT i.*, g.pack FROM imports i LEFT JOIN imported_grants g ON g.server_url = i.server_url
        WHERE i.server_url = $1 ORDER BY g.number";
    let rows = sql.query(select, &[server_url.into()])?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let import = import_row(first)?;
    let packs = if import.rows == 0 {
        Vec::new()
    } else {
        each(&rows, |row| row.blob("pack"))?
    };
    Ok(Some((import, packs)))
}

pub(crate) fn put_import(
    sql: &mut dyn Sql,
    import: &ImportRow,
    packs: &[Vec<u8>],
) -> Result<(), Fault> {
    let server_url = &import.server_url;
    for delete in [
        "DELETE FROM imports WHERE server_url = $1",
        "DELETE FROM imported_grants WHERE server_url = $1",
    ] {
        sql.execute(delete, &[server_url.into()])?;
    }
    sql.execute(
        "INSERT INTO imports (server_url, server, product, file, exported, imported, rows)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            server_url.into(),
            (&import.server).into(),
            (&import.product).into(),
            (&import.file).into(),
            import.exported.map(stamp).into(),
            stamp(import.imported).into(),
            i64::try_from(import.rows).unwrap_or(i64::MAX).into(),
        ],
    )?;
    for (number, pack) in (1..).zip(packs) {
        let insert = "INSERT INTO imported_grants (server_url, number, pack) VALUES ($1, $2, $3)";
        let values: [_; 3] = [server_url.into(), i64::from(number).into(), pack[..].into()];
        sql.execute(insert, &values)?;
    }
    Ok(())
}
