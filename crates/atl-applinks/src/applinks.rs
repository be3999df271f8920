//! One server's application links: which paths it has, and how they are asked.

use std::cell::Cell;

use atl_client::{Client, Request, Response};

use crate::ApplinksError;

/// The application links of one server.
#[derive(Debug)]
pub struct Applinks<'c> {
    pub(crate) client: &'c Client,
    generation: Generation,
    /// Which of `generation.links` answers.
    root: Cell<usize>,
    /// Whether there is a matrix, where that is known.
    pub(crate) matrix: Cell<Option<bool>>,
    /// The `applinksVersion`.
    version: String,
}

/// The paths of one generation of application links (protocol.md 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Generation {
    /// Roots of the links, the best first.
    links: &'static [&'static str],
    /// The root of the consumers.
    consumers: &'static str,
}

const FOUR: Generation = Generation {
    links: &["rest/applinks/2.0"],
    consumers: "rest/applinks/2.0",
};

const CURRENT: Generation = Generation {
    links: &[
        "rest/applinks/3.0",
        "rest/applinks/2.0",
        "rest/applinks/latest",
    ],
    consumers: "rest/applinks-oauth/1.0",
};

impl Generation {
    /// The generation of an `applinksVersion`; unknown ones are taken for current, as the servers themselves do.
    fn of(version: &str) -> Option<Self> {
        match numbers(version) {
            Some((0..=3, _)) => None,
            Some((4, _)) => Some(FOUR),
            _ => Some(CURRENT),
        }
    }
}

/// Whether this `applinksVersion` has the matrix; `None` where the version says nothing.
fn has_matrix(version: &str) -> Option<bool> {
    numbers(version).map(|version| version >= (5, 2))
}

/// Major and minor number; `None` for a text that does not begin with a number.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        part[..digits].parse().ok()
    });
    let major = numbers.next().flatten()?;
    Some((major, numbers.next().flatten().unwrap_or(0)))
}

impl<'c> Applinks<'c> {
    /// Chooses the paths by the manifest's `applinksVersion` (protocol.md 0).
    ///
    /// # Errors
    /// The manifest cannot be read, or is that of application links 3 or older.
    pub fn open(client: &'c Client) -> Result<Self, ApplinksError> {
        let version = client.manifest()?.applinks_version.clone();
        let Some(generation) = Generation::of(&version) else {
            return Err(ApplinksError::UnsupportedVersion {
                server: client.server().to_owned(),
                version,
            });
        };
        Ok(Self {
            client,
            generation,
            root: Cell::new(0),
            matrix: Cell::new(has_matrix(&version)),
            version,
        })
    }

    /// Whether this server has the 2LO matrix (application links 5.2 and later). A server that does not tell its
    /// version is taken to have one until [`Applinks::matrix`] finds that it has not.
    pub fn has_matrix(&self) -> bool {
        self.matrix.get().unwrap_or(true)
    }

    /// Lists the links, on the first root that the server has (protocol.md 1.1).
    pub(crate) fn get_links(&self) -> Result<Response, ApplinksError> {
        loop {
            let path = format!("{}/applicationlink", self.root());
            let answer = self.client.send(&Request::get(path))?;
            let next = self.root.get() + 1;
            if answer.status != 404 || next == self.generation.links.len() {
                return Ok(answer);
            }
            self.root.set(next);
        }
    }

    pub(crate) fn root(&self) -> &'static str {
        self.generation.links[self.root.get()]
    }

    pub(crate) fn link_path(&self, id: &str) -> String {
        format!("{}/applicationlink/{id}", self.root())
    }

    pub(crate) fn consumer_path(&self, id: &str) -> String {
        let root = self.generation.consumers;
        format!("{root}/applicationlink/{id}/authentication/consumer")
    }

    pub(crate) fn server(&self) -> String {
        self.client.server().to_owned()
    }

    pub(crate) fn no_such_link(&self, id: &str) -> ApplinksError {
        ApplinksError::NoSuchLink {
            server: self.server(),
            id: id.to_owned(),
        }
    }

    /// A refusal in the server's own words.
    pub(crate) fn rejected(&self, what: String, answer: &Response) -> ApplinksError {
        ApplinksError::Rejected {
            server: self.server(),
            what,
            words: answer.message().unwrap_or_default(),
        }
    }

    pub(crate) fn no_matrix(&self) -> ApplinksError {
        ApplinksError::NoMatrix {
            server: self.server(),
            version: self.version.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_decides_the_paths_and_the_matrix() {
        fn check(version: &str, generation: Option<Generation>, matrix: Option<bool>) {
            assert_eq!(Generation::of(version), generation, "{version}");
            assert_eq!(has_matrix(version), matrix, "{version}");
        }
        check("3.11.0", None, Some(false));
        check("4.0.13", Some(FOUR), Some(false));
        check("4", Some(FOUR), Some(false));
        check("5.0.1", Some(CURRENT), Some(false));
        check("5.2.0-m3", Some(CURRENT), Some(true));
        check("5.11", Some(CURRENT), Some(true));
        check("9.1.4", Some(CURRENT), Some(true));
        check("10.0.0", Some(CURRENT), Some(true));
        check("10-SNAPSHOT", Some(CURRENT), Some(true));
        check("", Some(CURRENT), None);
        check("${project.version}", Some(CURRENT), None);
        check("99999999999.1", Some(CURRENT), None);
    }
}
