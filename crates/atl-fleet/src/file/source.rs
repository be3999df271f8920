//! Reading a fleet file.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    check,
    decode::{Context, Decode, Named},
    error::{self, FleetError, FleetErrors, Position, Problem},
    model::{Fleet, is_key},
    secret::Environment,
    yaml,
};

/// No fleet file is larger.
pub(super) const LARGEST: u64 = 1024 * 1024;

/// A valid fleet file whose secrets are not looked up yet.
#[derive(Debug, Clone)]
pub struct FleetFile {
    pub(super) path: PathBuf,
    pub(super) fleet: Fleet,
    pub(super) digest: String,
    pub(super) others_can_write: bool,
    pub(super) warnings: Vec<FleetError>,
}

impl FleetFile {
    /// Reads and checks everything that needs no secret.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, at once.
    pub fn read(path: &Path, environment: &Environment<'_>) -> Result<Self, FleetErrors> {
        let (bytes, others_can_write) = load(path)?;
        let text = text(path, &bytes)?;
        let fail = |at, problem| FleetErrors::one(FleetError::new(path, Some(at), problem));
        let root = yaml::parse(text, is_key).map_err(|(at, problem)| fail(at, problem))?;
        let start = root.at;
        if matches!(root.value, yaml::Value::Null) {
            let problem = Problem::new("the fleet file is empty");
            return Err(fail(
                start,
                problem.suggest("`atl-admin init` writes one to start from"),
            ));
        }
        let mut cx = Context::new(path, environment);
        let fleet = Fleet::decode(root, &mut cx);
        if let Some(fleet) = &fleet {
            check::check(fleet, &mut cx);
        }
        FleetErrors::check(cx.errors)?;
        let fleet = fleet.ok_or_else(|| fail(start, Problem::new("not a fleet file")))?;
        Ok(Self {
            path: path.to_owned(),
            fleet,
            digest: hex(&Sha256::digest(&bytes)),
            others_can_write,
            warnings: error::sorted(cx.warnings),
        })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all servers, in the order of the file.
    pub fn server_names(&self) -> Vec<&str> {
        self.fleet.servers.iter().flat_map(Named::names).collect()
    }

    /// The names of all consumers, in the order of the file.
    pub fn consumer_names(&self) -> Vec<&str> {
        self.fleet.consumers.iter().flat_map(Named::names).collect()
    }

    /// The folder that paths in it are relative to.
    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The bytes of the file, and whether anyone but its owner can change them.
fn load(path: &Path) -> Result<(Zeroizing<Vec<u8>>, bool), FleetErrors> {
    let fail = |problem| FleetErrors::one(FleetError::new(path, None, problem));
    let mut bytes = Zeroizing::new(Vec::new());
    let read = fs_err::File::open(path).and_then(|file| {
        let metadata = file.metadata()?;
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(metadata)
    });
    match read {
        Ok(_) if bytes.len() as u64 > LARGEST => Err(fail(Problem::new(
            "larger than 1 MiB, too large to be a fleet file",
        ))),
        Ok(metadata) => Ok((bytes, others_can_write(&metadata))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(fail(
            Problem::new("there is no such fleet file")
                .suggest("name one with `--fleet FILE`, or write one with `atl-admin init`"),
        )),
        Err(error) => Err(fail(Problem::new(error.to_string()))),
    }
}

#[cfg(unix)]
fn others_can_write(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn others_can_write(_: &std::fs::Metadata) -> bool {
    false
}

/// The bytes as text: UTF-8, with or without a byte order mark.
pub(super) fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, FleetErrors> {
    let (valid, problem) = match std::str::from_utf8(bytes) {
        Ok(text) => match text.find('\0') {
            None => return Ok(text),
            Some(index) => (index, Problem::new("not a text file")),
        },
        Err(error) => (
            error.valid_up_to(),
            Problem::new("not UTF-8 text").suggest("save the file as UTF-8"),
        ),
    };
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let line = before.lines().count().max(1);
    let (line, last) = match before.rsplit_once('\n') {
        Some((_, last)) => (if last.is_empty() { line + 1 } else { line }, last),
        None => (1, before.as_ref()),
    };
    let position = Position {
        line: line as u64,
        column: last.chars().count() as u64 + 1,
    };
    Err(FleetErrors::one(FleetError::new(
        path,
        Some(position),
        problem,
    )))
}
