//! Files that appear whole or not at all, and folders, for their owner only.

use std::io;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The folder a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a folder and those above it, 0700; those that exist are left as they are.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| StoreError::io(folder, source))
}

/// Makes a file, 0600, that `fill` writes under another name first: it appears whole, durably, and never in the place
/// of another. Where another process was first, its file stays and this one is dropped.
pub(crate) fn make_once(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let fault = |source| StoreError::io(path, source);
    let draft = tempfile::Builder::new()
        .prefix(".atl-admin-")
        .tempfile_in(folder)
        .map_err(fault)?;
    fill(draft.path())?;
    draft.as_file().sync_all().map_err(fault)?;
    match draft.into_temp_path().persist_noclobber(path) {
        Ok(()) => sync_folder(folder).map_err(fault),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(refused) => Err(fault(refused.error)),
    }
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A sentence about a file that others than its owner may read.
#[cfg(unix)]
pub(crate) fn readable_by_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = fs_err::metadata(path).ok()?.mode() & 0o7777;
    let path = path.display();
    (mode & 0o077 != 0).then(|| {
        format!(
            "`{path}` is open to others than its owner (mode {mode:04o}): run `chmod 600 {path}`"
        )
    })
}

/// Elsewhere the folder of the user's profile protects it.
#[cfg(not(unix))]
pub(crate) fn readable_by_others(_path: &Path) -> Option<String> {
    None
}

/// `path` with something added to its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
