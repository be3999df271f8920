//! The files of `--baseline` and `--write-baseline`.

use std::{io, ops::ControlFlow, path::Path};

use atl_fleet::audit::{Baseline, BaselineWriter, Findings};

use crate::{
    error::{Error, Result},
    files,
};

/// Reads a baseline.
pub(super) fn read(path: &Path) -> Result<Baseline> {
    let text = fs_err::read(path)
        .map_err(|error| Error::usage_of(&error, "name a file that `--write-baseline` wrote"))?;
    Baseline::read(&text).map_err(|error| {
        Error::usage_of(&error, error.advice()).while_doing(format!(
            "could not take `{}` for a baseline",
            path.display()
        ))
    })
}

/// A file that is about to become a baseline.
pub(super) struct Target(files::Target);

impl Target {
    /// Checks before any work is done that nothing else than a baseline is in its place.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let replaces = path.is_file();
        if replaces {
            read(path)
                .map_err(|error| error.hint("name another file, or move this one away first"))?;
        }
        files::Target::new(path, replaces).map(Self)
    }

    /// Writes what was found and not accepted.
    pub(super) fn write(&self, findings: &Findings) -> Result<()> {
        self.0.write_public_with(&mut |to| {
            let mut writer = BaselineWriter::new(to)?;
            let mut added = Ok(());
            findings
                .each(&mut |reported| {
                    added = writer.add(&reported.finding);
                    match added {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    }
                })
                .map_err(io::Error::other)?;
            added?;
            writer.end()
        })
    }
}
