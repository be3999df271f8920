//! Tables for people, which fit the width of the terminal.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::{Column, cell, printable};

/// The rows below their headings; columns without a heading or without a value in any row are left out, and nothing at
/// all is printed for no rows.
pub(crate) fn table(columns: &[Column], rows: &[Value], width: Option<u16>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = columns
        .iter()
        .filter(|column| !column.heading.is_empty())
        .filter(|column| rows.iter().any(|row| !cell(row, column.key).is_empty()))
        .collect();
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(shown.iter().map(|column| column.heading))
        .add_rows(rows.iter().map(|row| {
            shown
                .iter()
                .map(|column| match cell(row, column.key) {
                    text if text.is_empty() => "-".to_owned(),
                    text => printable(&text).into_owned(),
                })
                .collect::<Vec<_>>()
        }));
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    let last = shown.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { 2 }));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::new("id", "ID"),
        Column::new("note", "NOTE"),
        Column::new("detail", ""),
    ];

    #[test]
    fn has_headings_and_no_trailing_spaces() {
        let rows = [
            json!({"id": "a", "note": "first", "detail": "left out"}),
            json!({"id": "longer", "note": null}),
        ];
        assert_eq!(
            table(&COLUMNS, &rows, None),
            "ID      NOTE\na       first\nlonger  -\n"
        );
        assert_eq!(table(&COLUMNS, &[], None), "");
    }

    #[test]
    fn leaves_out_columns_that_are_empty_in_every_row() {
        let rows = [
            json!({"id": "a", "note": null}),
            json!({"id": "b", "note": ""}),
        ];
        assert_eq!(table(&COLUMNS, &rows, None), "ID\na\nb\n");
    }

    #[test]
    fn fits_the_width() {
        let rows = [json!({"id": "a", "note": "word ".repeat(40)})];
        let text = table(&COLUMNS, &rows, Some(30));
        assert!(text.lines().all(|line| line.len() <= 30), "{text}");
        assert!(text.lines().count() > 5, "{text}");
    }

    #[test]
    fn keeps_control_characters_out() {
        let rows = [json!({"id": "\u{1b}[31mred", "note": "two\nlines"})];
        let text = table(&COLUMNS, &rows, None);
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.lines().count(), 2);
    }
}
