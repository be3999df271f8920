//! Why an export was not imported. No value of the file is repeated: it may be a token.

use std::fmt;
use std::io;

/// Why an export was not imported. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be read.
    #[error("`{file}` could not be read")]
    Io {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// There is nothing in the file.
    #[error("`{file}` is empty: it has not even a heading")]
    Empty {
        /// The file.
        file: String,
    },
    /// Its first line is not the heading of an export.
    #[error("`{file}` is no export of grants: its first line has none of the columns")]
    NoHeading {
        /// The file.
        file: String,
    },
    /// Columns are missing.
    #[error("`{file}` has no column {}", listed(columns))]
    MissingColumns {
        /// The file.
        file: String,
        /// Those that are missing.
        columns: Vec<&'static str>,
    },
    /// A column is there twice.
    #[error("`{file}` has the column `{column}` twice")]
    TwiceColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// A column is named like a secret.
    #[error(
        "`{file}` is refused: its column {number} is named like a secret, with `{word}` in its name"
    )]
    SecretColumn {
        /// The file.
        file: String,
        /// Which one, from 1.
        number: usize,
        /// The word in its heading.
        word: &'static str,
    },
    /// Where a digest should be stands something else.
    #[error("`{file}` is refused: what stands in `{column}` of line {line} may be a token itself")]
    SecretValue {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The line, from 1.
        line: u64,
    },
    /// It is the export of another product.
    #[error(
        "`{file}` is an export of {}, and `{server}` is a {expected}",
        products(found)
    )]
    OtherProduct {
        /// The file.
        file: String,
        /// The products in it.
        found: Vec<&'static str>,
        /// The server.
        server: String,
        /// Its product.
        expected: &'static str,
    },
    /// Rows could not be read.
    #[error("`{file}`: {count} of its rows cannot be read; {}", first(problems))]
    Rows {
        /// The file.
        file: String,
        /// How many.
        count: u64,
        /// The first of them: the line, from 1, and what is wrong with it.
        problems: Vec<(u64, RowProblem)>,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowProblem {
    /// It has more or fewer fields than the heading.
    Fields {
        /// How many it has.
        found: usize,
        /// How many the heading has.
        expected: usize,
    },
    /// It is not text.
    NotText,
    /// A field that must not be empty is.
    Missing(&'static str),
    /// A field holds something else than it may.
    Unclear(&'static str),
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields { found, expected } => {
                write!(f, "{found} fields where the heading has {expected}")
            }
            Self::NotText => f.write_str("not text in UTF-8"),
            Self::Missing(column) => write!(f, "`{column}` is empty"),
            Self::Unclear(column) => write!(f, "`{column}` is not understood"),
        }
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn products(names: &[&str]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(" and ")
    }
}

fn first(problems: &[(u64, RowProblem)]) -> String {
    let each = problems
        .iter()
        .map(|(line, problem)| format!("line {line}: {problem}"));
    each.collect::<Vec<_>>().join("; ")
}

impl ImportError {
    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "import_unreadable",
            Self::Empty { .. } | Self::NoHeading { .. } => "import_no_export",
            Self::MissingColumns { .. } | Self::TwiceColumn { .. } => "import_columns",
            Self::SecretColumn { .. } | Self::SecretValue { .. } => "import_holds_secrets",
            Self::OtherProduct { .. } => "import_other_product",
            Self::Rows { .. } => "import_rows",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Io { .. } => "check the path and its mode",
            Self::Empty { .. } | Self::NoHeading { .. } => "export again with what `atl-admin tokens sql` prints, and with a heading: its comments say how",
            Self::MissingColumns { .. } | Self::TwiceColumn { .. } => "export again with what `atl-admin tokens sql` prints; docs/export.md has the columns",
            Self::SecretColumn { .. } | Self::SecretValue { .. } => "delete the file: who has it may be able to act as the users in it. Export again with what `atl-admin tokens sql` prints, which selects digests and no token",
            Self::OtherProduct { .. } => "name the server that it is of with `--server`; nothing was imported",
            Self::Rows { .. } => "mend these lines, or export again; nothing was imported",
        }
        .to_owned()
    }
}
