//! Which tables another program has, in which schema, and which of their columns may be read.

use std::fmt;

use super::OutsideError;

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideTable {
    /// Its schema.
    pub schema: String,
    /// Its name as it is.
    pub name: String,
    /// Where the schema stands in the search path of this user, from 1.
    pub in_search_path: Option<i64>,
    /// Whether this user may use the schema.
    pub(super) schema_is_open: bool,
    pub(super) columns: Vec<OutsideColumn>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideColumn {
    name: String,
    /// Its type, in the words of SQL.
    pub kind: String,
    is_open: bool,
}

/// Quoted, for a statement.
impl fmt::Display for OutsideColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.name))
    }
}

/// Quoted, for a statement, with its schema.
impl fmt::Display for OutsideTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

impl OutsideColumn {
    pub(super) fn new(name: &str, kind: &str, is_open: bool) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            is_open,
        }
    }
}

impl OutsideTable {
    /// A column that may be read, whatever the case of its name.
    pub fn column(&self, name: &str) -> Option<&OutsideColumn> {
        let found = self.find(name)?;
        (self.schema_is_open && found.is_open).then_some(found)
    }

    /// All of these columns; an error where one is missing or may not be read.
    pub(super) fn all<const N: usize>(
        &self,
        names: [&str; N],
        database: &str,
        user: &str,
    ) -> Result<[&OutsideColumn; N], OutsideError> {
        let of = |name: &str| {
            let Some(found) = self.find(name) else {
                return Err(OutsideError::NoSuch {
                    database: database.to_owned(),
                    what: format!("column `{name}` in `{}.{}`", self.schema, self.name),
                });
            };
            if self.schema_is_open && found.is_open {
                return Ok(found);
            }
            let (schema, user) = (plain(&self.schema), user.to_owned());
            let role = plain(&user);
            Err(OutsideError::NoRight {
                database: database.to_owned(),
                table: format!("{}.{}", self.schema, self.name),
                grant: format!(
                    "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}.{} TO {role};",
                    plain(&self.name)
                ),
                user,
            })
        };
        let mut found = Vec::with_capacity(N);
        for name in names {
            found.push(of(name)?);
        }
        found.try_into().map_err(|_| OutsideError::NoSuch {
            database: database.to_owned(),
            what: format!("columns in `{}.{}`", self.schema, self.name),
        })
    }

    fn find(&self, name: &str) -> Option<&OutsideColumn> {
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| {
            let mut columns = self.columns.iter();
            columns.find(|column| column.name.eq_ignore_ascii_case(name))
        })
    }
}

/// A name in quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as a person writes it: in quotes only where it needs them.
fn plain(name: &str) -> String {
    let simple = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if simple {
        name.to_owned()
    } else {
        quoted(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_need_it() {
        for (name, expected) in [
            ("app_user", "app_user"),
            ("AO_FE1BC5_CLIENT", "\"AO_FE1BC5_CLIENT\""),
            ("a\"b", "\"a\"\"b\""),
            ("1st", "\"1st\""),
        ] {
            assert_eq!(plain(name), expected);
        }
    }
}
