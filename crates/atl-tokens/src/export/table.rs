//! The heading of a file: what keeps its fields apart, and which field is which column.

use super::column::{self, Column};
use super::error::ImportError;

/// What may stand between two fields.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A heading that was understood.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) separator: u8,
    /// How many fields a row has.
    pub(super) width: usize,
    /// Headings that mean nothing here.
    pub(super) ignored: Vec<String>,
    /// Where each column of [`Column::ALL`] is.
    places: [Option<usize>; Column::ALL.len()],
}

impl Heading {
    /// Reads the first line of a file.
    pub(super) fn read(file: &str, line: &str) -> Result<Self, ImportError> {
        let split = |separator| (separator, fields(line, separator));
        let known = |(_, fields): &(u8, Vec<String>)| {
            let columns = fields.iter().filter_map(|field| Column::of_heading(field));
            columns.count()
        };
        let (separator, fields) = SEPARATORS
            .into_iter()
            .map(split)
            .max_by_key(known)
            .filter(|found| known(found) > 0)
            .ok_or_else(|| ImportError::NoHeading { file: file.into() })?;
        let mut heading = Self {
            separator,
            width: fields.len(),
            ignored: Vec::new(),
            places: [None; Column::ALL.len()],
        };
        for (place, field) in fields.into_iter().enumerate() {
            heading.put(file, place, field)?;
        }
        let missing = Column::REQUIRED
            .into_iter()
            .filter(|column| heading.place(*column).is_none());
        let columns: Vec<_> = missing.map(Column::name).collect();
        if columns.is_empty() {
            return Ok(heading);
        }
        Err(ImportError::MissingColumns {
            file: file.into(),
            columns,
        })
    }

    fn put(&mut self, file: &str, place: usize, field: String) -> Result<(), ImportError> {
        let Some(column) = Column::of_heading(&field) else {
            if let Some(word) = column::secret(&field) {
                return Err(ImportError::SecretColumn {
                    file: file.into(),
                    number: place + 1,
                    word,
                });
            }
            self.ignored.push(field);
            return Ok(());
        };
        match &mut self.places[column as usize] {
            Some(_) => Err(ImportError::TwiceColumn {
                file: file.into(),
                column: column.name(),
            }),
            empty => {
                *empty = Some(place);
                Ok(())
            }
        }
    }

    /// Where a column is, if it is there.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }
}

/// How the rows of a file are read. Tabs separate what is not quoted, but escaped.
pub(super) fn reader(separator: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .quoting(separator != b'\t')
        .buffer_capacity(1 << 16);
    builder
}

fn fields(line: &str, separator: u8) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    let read = reader(separator)
        .from_reader(line.as_bytes())
        .read_record(&mut record);
    if read.is_err() {
        return Vec::new();
    }
    record.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = [
        "product",
        "kind",
        "id",
        "user",
        "consumer_key",
        "created",
        "expires",
    ];

    fn code(line: &str) -> &'static str {
        Heading::read("f", line).map_or_else(|error| error.code(), |_| "none")
    }

    #[test]
    fn every_separator_is_known() {
        for separator in SEPARATORS {
            let line = NAMES.join(&char::from(separator).to_string());
            let heading = Heading::read("f", &line).unwrap();
            assert_eq!((heading.separator, heading.width), (separator, 7));
            assert_eq!(heading.place(Column::User), Some(3));
            assert_eq!(heading.place(Column::Scopes), None);
        }
    }

    #[test]
    fn order_case_and_quotes_do_not_matter() {
        let line = "\"EXPIRES\", Created ;\"CONSUMER_KEY\";User;ID;Email;kind;\"product\"";
        assert_eq!(code(line), "import_columns", "two kinds of separators");
        let line = line.replacen(", ", ";", 1);
        let heading = Heading::read("f", &line).unwrap();
        assert_eq!(heading.place(Column::Product), Some(7));
        assert_eq!(heading.ignored, ["Email"]);
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let whole = NAMES.join(",");
        assert_eq!(
            code("5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA,alice"),
            "import_no_export"
        );
        assert_eq!(code("id,user"), "import_columns");
        assert_eq!(code(&format!("{whole},ID")), "import_columns");
        assert_eq!(
            code(&format!("{whole},Token_Secret")),
            "import_holds_secrets"
        );
        // Of a dump of the table, that is what counts.
        assert_eq!(
            code("id,created,token,consumer_key"),
            "import_holds_secrets"
        );
    }
}
