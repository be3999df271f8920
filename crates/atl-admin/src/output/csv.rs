//! Comma-separated values (RFC 4180), with a header line.

use serde_json::Value;

use super::{Column, cell};

/// The rows with a header line.
pub(super) fn csv(columns: &[Column], rows: &[Value]) -> String {
    let rows = rows.iter().map(|row| line(columns, row));
    std::iter::once(header(columns)).chain(rows).collect()
}

/// The header line.
pub(super) fn header(columns: &[Column]) -> String {
    joined(columns.iter().map(|column| column.key.to_owned()))
}

/// One row.
pub(super) fn line(columns: &[Column], row: &Value) -> String {
    joined(columns.iter().map(|column| cell(row, column.key)))
}

fn joined(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<_> = fields.map(|field| quote(&field)).collect();
    fields.join(",") + "\n"
}

fn quote(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_what_needs_it() {
        let columns = [Column::new("id", "ID"), Column::new("servers", "")];
        let rows = [
            json!({"id": "plain", "servers": ["jira", "wiki"]}),
            json!({"id": "a,\"b\"\nc", "servers": []}),
            json!({"id": null}),
        ];
        assert_eq!(
            csv(&columns, &rows),
            "id,servers\nplain,jira wiki\n\"a,\"\"b\"\"\nc\",\n,\n"
        );
    }
}
