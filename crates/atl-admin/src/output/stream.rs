//! Results that are too many for memory: printed while they come, in every format.

use serde::Serialize;
use serde_json::Value;

use super::{Column, FORMAT_VERSION, Output, cell, csv, internal, printable, table, to_value};
use crate::{error::Result, flags::Format};

/// So much is printed at once.
const CHUNK: usize = 64 * 1024;

/// A table of up to so many rows is laid out as a whole, and fits the terminal.
const LAID_OUT: usize = 1000;

/// A list within a document, printed row by row.
pub(crate) struct Stream<'a> {
    output: &'a Output,
    event: &'a str,
    columns: &'a [Column],
    buffer: String,
    rows: u64,
    /// The first rows of a table, until it is known whether there are many.
    held: Vec<Value>,
    /// The widths of a table that is not laid out as a whole.
    widths: Vec<usize>,
}

impl<'a> Stream<'a> {
    /// Begins a document whose first field is a list of this name.
    pub(crate) fn begin(
        output: &'a Output,
        name: &str,
        event: &'a str,
        columns: &'a [Column],
    ) -> Result<Self> {
        let mut stream = Self {
            output,
            event,
            columns,
            buffer: String::new(),
            rows: 0,
            held: Vec::new(),
            widths: Vec::new(),
        };
        let head = match output.format {
            Format::Json => {
                format!("{{\n  \"format_version\": \"{FORMAT_VERSION}\",\n  \"{name}\": [")
            }
            Format::Yaml => format!("format_version: \"{FORMAT_VERSION}\"\n{name}:"),
            Format::Csv => csv::header(columns),
            Format::Table | Format::Ndjson => String::new(),
        };
        stream.push(&head)?;
        Ok(stream)
    }

    /// Prints a row.
    pub(crate) fn row<T: Serialize>(&mut self, row: &T) -> Result<()> {
        let first = self.rows == 0;
        self.rows += 1;
        match self.output.format {
            Format::Json => {
                let text = serde_json::to_string(row).map_err(|error| internal(&error))?;
                let comma = if first { "" } else { "," };
                self.push(&format!("{comma}\n    {text}"))
            }
            Format::Yaml => {
                let text = serde_yaml::to_string(&[row]).map_err(|error| internal(&error))?;
                self.push(&format!("\n{}", text.trim_end()))
            }
            Format::Ndjson => {
                let text = Output::event_line(self.event, row)?;
                self.push(&text)
            }
            Format::Csv => {
                let line = csv::line(self.columns, &to_value(row)?);
                self.push(&line)
            }
            Format::Table => self.table_row(to_value(row)?),
        }
    }

    fn table_row(&mut self, row: Value) -> Result<()> {
        if !self.widths.is_empty() {
            let line = self.padded(&row);
            return self.push(&line);
        }
        self.held.push(row);
        if self.held.len() <= LAID_OUT {
            return Ok(());
        }
        let shown = self.shown();
        let width = |column: &Column| {
            let cells = self.held.iter().map(|row| cell(row, column.key));
            let widest = cells.map(|cell| cell.chars().count()).max();
            widest.unwrap_or(0).max(column.heading.chars().count())
        };
        self.widths = shown.iter().map(|column| width(column)).collect();
        let headings: Value = shown
            .iter()
            .map(|column| (column.key, column.heading))
            .collect();
        let head = self.padded(&headings);
        self.push(&head)?;
        for row in std::mem::take(&mut self.held) {
            let line = self.padded(&row);
            self.push(&line)?;
        }
        Ok(())
    }

    /// The columns of a long table: all that have a heading, since a later row may fill them.
    fn shown(&self) -> Vec<&'a Column> {
        let columns = self.columns.iter();
        columns
            .filter(|column| !column.heading.is_empty())
            .collect()
    }

    /// A line of a long table; what is wider than the rows before it moves the rest of its line.
    fn padded(&self, row: &Value) -> String {
        let cells = self.shown().into_iter().zip(&self.widths);
        let cells = cells.map(|(column, width)| {
            let text = super::filled(row, column.key);
            format!("{:width$}", printable(&text))
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    }

    /// Ends the list, and goes on with these fields and another list of the same document.
    pub(crate) fn then(
        mut self,
        between: &[(&str, Value)],
        name: &str,
        event: &'a str,
        columns: &'a [Column],
    ) -> Result<Self> {
        self.close(between)?;
        let head = match self.output.format {
            Format::Json => format!(",\n  \"{name}\": ["),
            Format::Yaml => format!("{name}:"),
            Format::Csv => csv::header(columns),
            Format::Table | Format::Ndjson => String::new(),
        };
        self.push(&head)?;
        Ok(Self {
            event,
            columns,
            rows: 0,
            held: Vec::new(),
            widths: Vec::new(),
            ..self
        })
    }

    /// Ends the list, and the document with more fields.
    pub(crate) fn end(mut self, more: &[(&str, Value)]) -> Result<u64> {
        self.close(more)?;
        if self.output.format == Format::Json {
            self.push("\n}\n")?;
        }
        self.output.plain(&self.buffer)?;
        Ok(self.rows)
    }

    /// Ends the list, and prints these fields.
    fn close(&mut self, more: &[(&str, Value)]) -> Result<()> {
        let empty = self.rows == 0;
        match self.output.format {
            Format::Json => {
                self.push(if empty { "]" } else { "\n  ]" })?;
                for (name, value) in more {
                    let value =
                        serde_json::to_string_pretty(value).map_err(|error| internal(&error))?;
                    let value = value.replace('\n', "\n  ");
                    self.push(&format!(",\n  \"{name}\": {value}"))?;
                }
            }
            Format::Yaml => {
                self.push(if empty { " []\n" } else { "\n" })?;
                for (name, value) in more {
                    let field: serde_json::Map<_, _> =
                        std::iter::once(((*name).to_owned(), value.clone())).collect();
                    let text = serde_yaml::to_string(&field).map_err(|error| internal(&error))?;
                    self.push(&text)?;
                }
            }
            Format::Table => {
                let text = table(self.columns, &self.held, self.output.width);
                self.push(&text)?;
            }
            Format::Csv | Format::Ndjson => {}
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<()> {
        self.buffer.push_str(text);
        if self.buffer.len() < CHUNK {
            return Ok(());
        }
        let printed = self.output.plain(&self.buffer);
        self.buffer.clear();
        printed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [Column; 2] = [Column::new("id", "ID"), Column::new("note", "NOTE")];

    #[test]
    fn a_long_table_keeps_its_columns() {
        let output = Output::new(Format::Table, true, Some(80));
        let mut stream = Stream::begin(&output, "rows", "row", &COLUMNS).unwrap();
        for number in 0..=LAID_OUT {
            stream
                .row(&json!({ "id": format!("{number:04}"), "note": null }))
                .unwrap();
        }
        let lines: Vec<&str> = stream.buffer.lines().collect();
        assert_eq!(lines.len(), LAID_OUT + 2);
        assert_eq!(lines[..2], ["ID    NOTE", "0000  -"]);
    }
}
