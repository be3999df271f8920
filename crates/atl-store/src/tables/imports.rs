//! Imports in SQL.

use super::{each, stamp, time};
use crate::imports::ImportRow;
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

/// A pack of this import and of no later one of the same server, where there is one of this number.
pub(crate) fn pack(
    sql: &mut dyn Sql,
    import: &ImportRow,
    number: i64,
) -> Result<Option<Vec<u8>>, Fault> {
    let select =
        "SELECT g.pack FROM imports i JOIN imported_grants g ON g.server_url = i.server_url
        WHERE i.server_url = $1 AND i.imported = $2 AND g.number = $3";
    let values = [
        (&import.server_url).into(),
        stamp(import.imported).into(),
        number.into(),
    ];
    let row = sql.first(select, &values)?;
    row.map(|row| row.blob("pack")).transpose()
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
