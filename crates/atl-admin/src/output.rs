//! What goes to stdout: data and nothing else, in the format that was asked for.

pub(crate) mod audit;
pub(crate) mod auditors;
mod csv;
pub(crate) mod grants;
pub(crate) mod inventory;
pub(crate) mod plan;
mod raw;
pub mod report;
pub(crate) mod revocation;
pub(crate) mod rotations;
pub(crate) mod stream;
mod table;

use std::{
    borrow::Cow,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) use raw::raw;
pub(crate) use table::table;

use crate::{
    error::{Error, Result},
    flags::Format,
};

/// The version of all machine-readable shapes.
const FORMAT_VERSION: &str = "1.0";

/// A column of a listing: the key in machine-readable output, and the heading of the table, which leaves the column
/// out where it is empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    key: &'static str,
    heading: &'static str,
}

impl Column {
    pub(crate) const fn new(key: &'static str, heading: &'static str) -> Self {
        Self { key, heading }
    }
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    typed: bool,
    width: Option<u16>,
    closed: AtomicBool,
}

impl Output {
    /// `typed` says that the format stands on the command line; `width` is the terminal's, if stdout is one.
    pub(crate) fn new(format: Format, typed: bool, width: Option<u16>) -> Self {
        Self {
            format,
            typed,
            width,
            closed: AtomicBool::new(false),
        }
    }

    /// The format, where the command can print it.
    pub(crate) fn one_of(&self, formats: &[Format]) -> Result<Format> {
        if formats.contains(&self.format) {
            return Ok(self.format);
        }
        let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
        Err(Error::usage(format!(
            "this command has no `{}` output",
            self.format.name()
        ))
        .hint(format!("use `--output` with one of: {}", names.join(", "))))
    }

    /// Refuses `--output` for a command whose output has one form; a format in the environment is for other commands.
    pub(crate) fn fixed(&self, formats: &[Format]) -> Result<()> {
        if self.typed {
            self.one_of(formats)?;
        }
        Ok(())
    }

    /// The format that was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints one event that says itself which it is as a line of NDJSON; what cannot be printed does not stop a run.
    pub(crate) fn line<T: Serialize>(&self, event: &T) {
        if let Ok(text) = serde_json::to_string(event) {
            self.text(&(text + "\n")).ok();
        }
    }

    /// How wide tables may be.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    /// Prints rows in whatever format was asked for: `{"format_version", NAME: [...]}`, a table, or one line each.
    pub(crate) fn listing<T: Serialize>(
        &self,
        name: &str,
        event: &str,
        columns: &[Column],
        rows: &[T],
    ) -> Result<()> {
        let rows = rows.iter().map(to_value).collect::<Result<Vec<_>>>()?;
        match self.format {
            Format::Table => self.text(&table(columns, &rows, self.width)),
            Format::Csv => self.text(&csv::csv(columns, &rows)),
            Format::Ndjson => rows.iter().try_for_each(|row| self.event(event, row)),
            Format::Json | Format::Yaml => self.document(&json!({ name: rows })),
        }
    }

    /// Prints one thing: `{"format_version", NAME: {...}}`, or a line for each of its fields.
    pub(crate) fn facts(&self, name: &str, facts: &Value) -> Result<()> {
        if self.format != Format::Table {
            return self.document(&json!({ name: facts }));
        }
        let fields = facts.as_object().into_iter().flatten();
        let lines: Vec<_> = fields
            .filter(|(_, value)| !value.is_null())
            .map(|(key, _)| (key.replace('_', " ") + ":", filled(facts, key)))
            .collect();
        let widest = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        lines.iter().try_for_each(|(key, value)| {
            self.text(&format!("{key:widest$}  {}\n", printable(value)))
        })
    }

    /// Prints one document as JSON or YAML; `format_version` is added.
    pub(crate) fn document<T: Serialize>(&self, document: &T) -> Result<()> {
        let mut whole = Map::new();
        whole.insert("format_version".to_owned(), FORMAT_VERSION.into());
        if let Value::Object(fields) = to_value(document)? {
            whole.extend(fields);
        }
        if self.format == Format::Yaml {
            let text = serde_yaml::to_string(&whole).map_err(|error| internal(&error))?;
            return self.text(&text);
        }
        let text = serde_json::to_string_pretty(&whole).map_err(|error| internal(&error))?;
        self.text(&format!("{text}\n"))
    }

    /// Prints one line of NDJSON: the object with `event` added.
    pub(crate) fn event<T: Serialize>(&self, event: &str, object: &T) -> Result<()> {
        self.text(&Self::event_line(event, object)?)
    }

    fn event_line<T: Serialize>(event: &str, object: &T) -> Result<String> {
        let text = serde_json::to_string(object).map_err(|error| internal(&error))?;
        let fields = text.strip_prefix('{').unwrap_or("}");
        let comma = if fields == "}" { "" } else { "," };
        Ok(["{\"event\":\"", event, "\"", comma, fields, "\n"].concat())
    }

    /// Prints text as it is. A reader that went away is no failure: the rest is not printed, the work goes on.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        self.print(anstream::stdout().lock(), text)
    }

    /// Prints text that has no colours, which to look for takes long where there is much of it.
    fn plain(&self, text: &str) -> Result<()> {
        self.print(io::stdout().lock(), text)
    }

    fn print(&self, mut stdout: impl io::Write, text: &str) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(Error::failed("could not write to stdout").caused_by(Some(&error))),
            Ok(()) => Ok(()),
        }
    }
}

/// The text on one line, with control characters replaced: servers have a say in what is printed.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    text.trim_end()
        .chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// So many of something: `1 server`, `2 servers`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{many}")
}

/// A cell for a person: one that is empty shows so.
fn filled(row: &Value, key: &str) -> String {
    match cell(row, key) {
        text if text.is_empty() => "-".to_owned(),
        text => text,
    }
}

/// One cell as text.
fn cell(row: &Value, key: &str) -> String {
    match &row[key] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| internal(&error))
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::failed("the result could not be written in this format").caused_by(Some(error))
}
