//! The rows of a file, checked one by one and packed for the store. Nothing is stored before the last one was read.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use atl_client::{BaseUrl, Product};
use atl_store::{ImportRow, Packer, Store, StoreError};
use csv::ByteRecord;
use jiff::Timestamp;

use super::column::Column;
use super::error::{ImportError, RowProblem};
use super::query::ExportProduct;
use super::row::{ExportRow, ExportedGrant};
use super::table::{self, Heading};
use super::text;
use super::time::{self, Moment};
use crate::inventory::{GrantKind, UserStatus};

/// A heading has no more bytes than this.
const LONGEST_HEADING: u64 = 1 << 16;

/// How many rows that cannot be read are named.
const NAMED: usize = 5;

/// An export that was read to its end, and found to be one.
#[derive(Debug)]
pub struct Export {
    file: String,
    /// How many grants it has.
    pub grants: u64,
    /// How many registered consumers it has.
    pub consumers: u64,
    /// When the database was asked, where it says so.
    pub exported: Option<Timestamp>,
    /// The columns that mean nothing here.
    pub ignored: Vec<String>,
    products: Vec<ExportProduct>,
    rows: Packer,
}

impl Export {
    /// Reads a CSV file; `file` is what it is called.
    ///
    /// # Errors
    ///
    /// Where it is no export, holds what may be a token, or has rows that cannot be read.
    pub fn read(file: &str, input: impl Read) -> Result<Self, ImportError> {
        let io = |source: io::Error| ImportError::Io {
            file: file.to_owned(),
            source,
        };
        let mut text = text::utf8(input).map_err(io)?;
        let mut lines = 0;
        let heading = loop {
            let mut line = Vec::new();
            let mut limited = text.by_ref().take(LONGEST_HEADING);
            if limited.read_until(b'\n', &mut line).map_err(io)? == 0 {
                return Err(ImportError::Empty { file: file.into() });
            }
            lines += 1;
            let line = String::from_utf8_lossy(&line);
            if !line.trim().is_empty() {
                break Heading::read(file, line.trim_end())?;
            }
        };
        let mut export = Self {
            file: file.to_owned(),
            grants: 0,
            consumers: 0,
            exported: None,
            ignored: heading.ignored.clone(),
            products: Vec::new(),
            rows: Packer::default(),
        };
        export.read_rows(&heading, text, lines)?;
        Ok(export)
    }

    fn read_rows(
        &mut self,
        heading: &Heading,
        text: impl Read,
        lines: u64,
    ) -> Result<(), ImportError> {
        let mut reader = table::reader(heading.separator).from_reader(text);
        let mut record = ByteRecord::new();
        let (mut count, mut problems) = (0, Vec::new());
        let mut is_first = true;
        while reader.read_byte_record(&mut record).map_err(|error| {
            let source = io::Error::from(error);
            ImportError::Io {
                file: self.file.clone(),
                source,
            }
        })? {
            let decoration = if is_first {
                is_rule(&record)
            } else {
                is_count(&record, heading.width)
            };
            is_first = false;
            if decoration {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line) + lines;
            match self.take(&Fields {
                heading,
                record: &record,
            }) {
                Ok(()) => {}
                Err(Refused::Secret(column)) => {
                    return Err(ImportError::SecretValue {
                        file: self.file.clone(),
                        column: column.name(),
                        line,
                    });
                }
                Err(Refused::Row(problem)) => {
                    count += 1;
                    if problems.len() < NAMED {
                        problems.push((line, problem));
                    }
                }
            }
        }
        if count == 0 {
            return Ok(());
        }
        Err(ImportError::Rows {
            file: self.file.clone(),
            count,
            problems,
        })
    }

    fn take(&mut self, fields: &Fields<'_>) -> Result<(), Refused> {
        fields.check_width()?;
        let product = fields.of(Column::Product, ExportProduct::of_name)?;
        let product = product.ok_or(RowProblem::Missing("product"))?;
        if !self.products.contains(&product) {
            self.products.push(product);
        }
        if self.exported.is_none() {
            self.exported = fields
                .time(Column::Exported)?
                .and_then(|moment| moment.time);
        }
        let kind = fields.of(Column::Kind, Kind::of_name)?;
        let row = match kind.ok_or(RowProblem::Missing("kind"))? {
            Kind::Consumer => {
                fields.digest()?;
                self.consumers += 1;
                ExportRow::Consumer {
                    key: fields.required(Column::ConsumerKey)?,
                    name: fields.text(Column::ConsumerName)?,
                }
            }
            Kind::Grant(kind) => {
                self.grants += 1;
                ExportRow::Grant(Box::new(fields.grant(product, kind)?))
            }
        };
        let line = serde_json::to_string(&row).map_err(|_| RowProblem::NotText)?;
        self.rows.add(&line);
        Ok(())
    }

    /// Which product it has to be of to be that of this server; one without rows may be of any that can be exported.
    ///
    /// # Errors
    ///
    /// [`ImportError::OtherProduct`] where it is not.
    pub fn check_product(
        &self,
        server: &str,
        product: Product,
    ) -> Result<ExportProduct, ImportError> {
        let mut all = ExportProduct::ALL.into_iter();
        let expected = all.find(|known| known.product() == product);
        expected
            .filter(|expected| self.products.iter().all(|found| found == expected))
            .ok_or_else(|| ImportError::OtherProduct {
                file: self.file.clone(),
                found: self
                    .products
                    .iter()
                    .map(|found| found.product().name())
                    .collect(),
                server: server.to_owned(),
                expected: product.name(),
            })
    }

    /// Stores it in the place of the former import of this server.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written.
    pub fn store(
        self,
        store: &Store,
        server: &str,
        base_url: &BaseUrl,
        product: ExportProduct,
    ) -> Result<ImportRow, StoreError> {
        let import = ImportRow {
            server: server.to_owned(),
            server_url: base_url.to_string(),
            product: product.name().to_owned(),
            file: self.file,
            exported: self.exported,
            imported: Timestamp::now(),
            rows: self.rows.rows(),
        };
        store.put_import(&import, self.rows)
    }
}

/// What a row is.
enum Kind {
    Consumer,
    Grant(GrantKind),
}

impl Kind {
    fn of_name(name: &str) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            "consumer" => Self::Consumer,
            "oauth1" => Self::Grant(GrantKind::Oauth1),
            "oauth2" => Self::Grant(GrantKind::Oauth2),
            "pat" => Self::Grant(GrantKind::Pat),
            _ => return None,
        })
    }
}

/// Why a row is not taken.
enum Refused {
    /// What stands in this column may be a token: so is the whole file.
    Secret(Column),
    Row(RowProblem),
}

impl From<RowProblem> for Refused {
    fn from(problem: RowProblem) -> Self {
        Self::Row(problem)
    }
}

/// The fields of a row.
struct Fields<'r> {
    heading: &'r Heading,
    record: &'r ByteRecord,
}

impl Fields<'_> {
    fn check_width(&self) -> Result<(), RowProblem> {
        let (found, expected) = (self.record.len(), self.heading.width);
        if found == expected {
            return Ok(());
        }
        Err(RowProblem::Fields { found, expected })
    }

    /// What stands in a column, if anything does.
    fn field(&self, column: Column) -> Result<Option<Cow<'_, str>>, RowProblem> {
        let place = self.heading.place(column);
        let Some(bytes) = place.and_then(|place| self.record.get(place)) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| RowProblem::NotText)?;
        let text = text.trim();
        if matches!(text, "" | "NULL" | "\\N" | "(null)") {
            return Ok(None);
        }
        Ok(Some(if self.heading.separator == b'\t' {
            unescaped(text)
        } else {
            text.into()
        }))
    }

    fn text(&self, column: Column) -> Result<Option<String>, RowProblem> {
        Ok(self.field(column)?.map(Cow::into_owned))
    }

    fn required(&self, column: Column) -> Result<String, RowProblem> {
        self.text(column)?.ok_or(RowProblem::Missing(column.name()))
    }

    /// What a field stands for.
    fn of<T>(&self, column: Column, read: fn(&str) -> Option<T>) -> Result<Option<T>, RowProblem> {
        let field = self.field(column)?;
        let value = field.map(|text| read(&text).ok_or(RowProblem::Unclear(column.name())));
        value.transpose()
    }

    fn time(&self, column: Column) -> Result<Option<Moment>, RowProblem> {
        self.of(column, time::read)
    }

    fn millis(&self, column: Column) -> Result<Option<i64>, RowProblem> {
        let time = self.time(column)?.and_then(|moment| moment.time);
        Ok(time.map(Timestamp::as_millisecond))
    }

    /// The digest of a token: its first 12 hex digits, or all of them. Anything else may be the token.
    fn digest(&self) -> Result<Option<String>, Refused> {
        let Some(id) = self.text(Column::Id)? else {
            return Ok(None);
        };
        if matches!(id.len(), 12 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some(id[..12].to_ascii_lowercase()));
        }
        Err(Refused::Secret(Column::Id))
    }

    /// What the server calls a grant that is no OAuth 1 token: a number, or something like an id.
    fn handle(&self, kind: GrantKind) -> Result<String, Refused> {
        let handle = self.required(Column::Handle)?;
        let may_be = |byte: u8| match kind {
            GrantKind::Pat => byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric() || byte == b'-',
        };
        if handle.len() <= 64 && handle.bytes().all(may_be) {
            return Ok(handle);
        }
        Err(Refused::Secret(Column::Handle))
    }

    fn grant(&self, product: ExportProduct, kind: GrantKind) -> Result<ExportedGrant, Refused> {
        let digest = self.digest()?;
        let name = match kind {
            GrantKind::Oauth1 => digest.ok_or(RowProblem::Missing("id"))?,
            GrantKind::Oauth2 | GrantKind::Pat => self.handle(kind)?,
        };
        let (mut user, mut consumer_key) = (
            self.required(Column::User)?,
            self.text(Column::ConsumerKey)?,
        );
        if product == ExportProduct::Confluence {
            user = of_xml(&user);
            consumer_key = consumer_key.map(|key| of_xml(&key));
        }
        let created = self.time(Column::Created)?;
        Ok(ExportedGrant {
            kind,
            name,
            user,
            user_status: self.of(Column::UserStatus, user_status)?,
            consumer_key,
            consumer_name: self.text(Column::ConsumerName)?,
            consumer_registered: self.of(Column::ConsumerRegistered, flag)?,
            label: self.text(Column::Name)?,
            scopes: self.text(Column::Scopes)?,
            created: created
                .and_then(|moment| moment.time)
                .map(Timestamp::as_millisecond),
            approximate: created.is_some_and(|moment| !moment.exact),
            expires: self.millis(Column::Expires)?,
            renewable_until: self.millis(Column::RenewableUntil)?,
            last_used: self.millis(Column::LastUsed)?,
        })
    }
}

fn user_status(text: &str) -> Option<UserStatus> {
    Some(match &*text.to_ascii_lowercase() {
        "active" => UserStatus::Active,
        "inactive" => UserStatus::Inactive,
        "unknown" => UserStatus::Unknown,
        _ => return None,
    })
}

fn flag(text: &str) -> Option<bool> {
    Some(match &*text.to_ascii_lowercase() {
        "true" | "t" | "yes" | "1" => true,
        "false" | "f" | "no" | "0" => false,
        _ => return None,
    })
}

/// The line of dashes that some tools put below the heading.
fn is_rule(record: &ByteRecord) -> bool {
    let is_dashes = |field: &[u8]| !field.is_empty() && field.iter().all(|byte| *byte == b'-');
    record.iter().all(is_dashes)
}

/// How many rows there were, which some tools say at the end.
fn is_count(record: &ByteRecord, width: usize) -> bool {
    let Some(text) = record
        .get(0)
        .and_then(|field| std::str::from_utf8(field).ok())
    else {
        return false;
    };
    let text = text.trim_matches(|c: char| "().".contains(c) || c.is_whitespace());
    let Some((count, rest)) = text.split_once(' ') else {
        return false;
    };
    record.len() == 1
        && width > 1
        && count.parse::<u64>().is_ok()
        && [
            "row",
            "rows",
            "row affected",
            "rows affected",
            "row selected",
            "rows selected",
        ]
        .contains(&rest)
}

/// What the escapes of a tab-separated file stand for.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match characters.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('0') => plain.push('\0'),
            Some('\\') | None => plain.push('\\'),
            Some(other) => plain.extend(['\\', other]),
        }
    }
    plain.into()
}

/// A text out of XML, where Confluence keeps it.
fn of_xml(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, plain)| {
        text.replace(entity, plain)
    })
}
