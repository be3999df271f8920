//! Files that the user named: keys read from them, secrets and texts written to them whole or not at all.

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    term,
};

/// More than any key, certificate or passphrase has.
const LIMIT: u64 = 1 << 20;

/// The text of a file; `-` is stdin.
pub(crate) fn text_of(path: &Path) -> Result<String> {
    let text = if path == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        fs_err::read_to_string(path)
    };
    text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            Error::usage(format!("`{}` is not UTF-8 text", path.display()))
        }
        _ => Error::usage_of(&error, "name a file that can be read"),
    })
}

/// A file about to be written. What stands in the way is said before any work is done, and again when it is written.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    replace: bool,
}

impl Target {
    /// Checks that the file can be written; one that exists is replaced only where `force` says so.
    pub(crate) fn new(path: &Path, force: bool) -> Result<Self> {
        let shown = path.display();
        if path == Path::new("-") {
            return Err(Error::usage("stdout cannot be the place of this file")
                .hint("name a file; `./-` is a file of that name"));
        }
        let folder = folder(path);
        if path.file_name().is_none() || path.is_dir() {
            return Err(Error::usage(format!("`{shown}` is a folder, not a file")));
        }
        if !folder.is_dir() {
            return Err(
                Error::failed(format!("there is no folder `{}`", folder.display()))
                    .hint(format!("make it first: `mkdir -p {}`", folder.display())),
            );
        }
        let target = Self {
            path: path.to_owned(),
            replace: force,
        };
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() => {
                Err(Error::failed(format!("`{shown}` is not a regular file")))
            }
            Ok(_) if !force => Err(target.exists()),
            _ if path.is_symlink() && !force => Err(target.exists()),
            _ => Ok(target),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that only its owner may read, from its first byte on.
    pub(crate) fn write_secret(&self, contents: &[u8]) -> Result<()> {
        self.write(0o600, &mut |to| to.write_all(contents))
    }

    /// The same of what comes piece by piece.
    pub(crate) fn write_secret_with(
        &self,
        contents: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<()> {
        self.write(0o600, contents)
    }

    /// Writes a file that everybody may read, as far as the umask lets them.
    pub(crate) fn write_public(&self, contents: &[u8]) -> Result<()> {
        self.write_public_with(&mut |to| to.write_all(contents))
    }

    /// The same of what comes piece by piece.
    pub(crate) fn write_public_with(
        &self,
        contents: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<()> {
        self.write(0o644, contents)
    }

    /// Writes beside the file first, so that it appears whole and durably, and never in the place of another.
    fn write(
        &self,
        mode: u32,
        contents: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<()> {
        let failed = |error: io::Error| Error::path("write", &self.path, &error);
        let folder = folder(&self.path);
        let mut draft = draft(folder, mode).map_err(failed)?;
        let mut buffered = io::BufWriter::new(draft.as_file_mut());
        contents(&mut buffered)
            .and_then(|()| buffered.flush())
            .map_err(failed)?;
        drop(buffered);
        draft.as_file().sync_all().map_err(failed)?;
        let persisted = if self.replace {
            draft.persist(&self.path)
        } else {
            draft.persist_noclobber(&self.path)
        };
        match persisted {
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(self.exists());
            }
            Err(refused) => return Err(failed(refused.error)),
            Ok(_) => {}
        }
        if cfg!(unix) {
            let synced = fs_err::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| Error::io(&error))?;
        }
        Ok(())
    }

    fn exists(&self) -> Error {
        Error::failed(format!(
            "`{}` exists and is not overwritten",
            self.path.display()
        ))
        .hint("name another file, or move this one away first")
    }
}

fn draft(folder: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".atl-admin-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    drop(mode);
    builder.tempfile_in(folder)
}

/// The folder a file is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads a small file that may hold a secret; a longer one is refused, not cut.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let file = fs_err::File::open(path).map_err(|error| Error::io(&error))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut contents = Zeroizing::new(Vec::with_capacity(
        usize::try_from(size.min(LIMIT)).unwrap_or_default() + 1,
    ));
    file.take(LIMIT + 1)
        .read_to_end(&mut contents)
        .map_err(|error| Error::path("read", path, &error))?;
    if contents.len() as u64 > LIMIT {
        return Err(Error::failed(format!(
            "`{}` is too long to be a key or a passphrase",
            path.display()
        )));
    }
    Ok(contents)
}

/// Warns where others may read a file that holds a secret.
pub(crate) fn warn_if_loose(what: &str, path: &Path) {
    if let Some(mode) = loose_mode(path) {
        let path = path.display();
        term::warn(&format!(
            "others may read the {what} `{path}` (mode {mode:04o}): run `chmod 600 {path}`"
        ));
    }
}

/// The mode of a file that others than its owner may use.
pub(crate) fn loose_mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        drop(path);
        None
    }
}
