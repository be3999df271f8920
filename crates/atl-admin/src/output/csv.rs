//! Comma-separated values (RFC 4180), with a header line.

use serde_json::Value;

use super::{Column, cell};

/// The rows with a header line.
pub(super) fn csv(columns: &[Column], rows: &[Value]) -> String {
    let header = columns.iter().map(|column| column.key.to_owned()).collect();
    let rows = rows
        .iter()
        .map(|row| columns.iter().map(|column| cell(row, column.key)).collect());
    std::iter::once(header)
        .chain(rows)
        .map(|fields: Vec<String>| {
            let fields: Vec<_> = fields.iter().map(|field| quote(field)).collect();
            fields.join(",") + "\n"
        })
        .collect()
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
