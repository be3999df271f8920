//! Writing a managed keypair to the files that the fleet file names, once it is registered and proven.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use atl_keys::{ImportPolicy, Keypair, PrivateFormat, PublicKey};
use atl_store::{KeypairRow, Store};
use zeroize::Zeroizing;

use crate::{
    known::Known,
    plan::{Kind, ServerPlan},
    rotate::{Rotation, RotationState, Strategy},
    trouble::{Trouble, message_of},
    wanted::{Consumer, Export, KeypairSource, State},
};

/// Exports the newest keypair of every consumer that some server of this run accepted. What fails is reported with that
/// consumer, on the first server of the run that has it; the key itself is safe in the store.
pub(crate) fn export(store: &Store, consumers: &[Consumer], servers: &mut [ServerPlan]) {
    for consumer in consumers {
        let Some(targets) = targets(consumer) else {
            continue;
        };
        let of_consumer = |plan: &ServerPlan| {
            plan.changes
                .iter()
                .any(|change| change.consumer == consumer.name && change.verified == Some(true))
        };
        if consumer.state == State::Absent || !servers.iter().any(of_consumer) {
            continue;
        }
        let Err(trouble) = export_one(store, consumer, targets) else {
            continue;
        };
        if let Some(plan) = servers.iter_mut().find(|plan| of_consumer(plan)) {
            plan.note(&trouble);
            if let Some(change) = plan
                .changes
                .iter_mut()
                .find(|change| change.consumer == consumer.name && change.kind == Kind::Consumer)
            {
                change.error = Some(trouble);
            }
        }
    }
}

/// The same for consumers whose key was rotated in place; what fails is said with the first of a consumer's rotations.
pub(crate) fn export_rotated(store: &Store, consumers: &[Consumer], rotations: &mut [Rotation]) {
    for consumer in consumers {
        let Some(targets) = targets(consumer) else {
            continue;
        };
        let verified = rotations.iter_mut().find(|rotation| {
            rotation.consumer == consumer.name
                && rotation.strategy == Strategy::InPlace
                && rotation.state == RotationState::Verified
        });
        if let Some(rotation) = verified
            && let Err(trouble) = export_one(store, consumer, targets)
        {
            rotation.error.get_or_insert(trouble);
        }
    }
}

fn targets(consumer: &Consumer) -> Option<&Export> {
    match &consumer.keypair {
        KeypairSource::Managed { export, .. } => export.as_ref(),
        _ => None,
    }
}

fn export_one(store: &Store, consumer: &Consumer, targets: &Export) -> Result<(), Trouble> {
    let known = Known::read(Some(store))?;
    let proven = |row: &&KeypairRow| {
        row.consumer == consumer.name
            && known.registrations.iter().any(|registration| {
                registration.consumer == consumer.name
                    && registration.fingerprint == row.fingerprint
                    && registration.proven.is_some()
            })
    };
    let Some(row) = known.keypairs.iter().rev().find(proven) else {
        return Ok(());
    };
    let Some(keypair) = store.keypair(&row.fingerprint)? else {
        return Ok(());
    };
    if let Some(path) = &targets.private_key_file {
        export_private(path, consumer, &keypair, &known)?;
    }
    if let Some(path) = &targets.public_key_file {
        export_public(path, consumer, &keypair.public_key())?;
    }
    Ok(())
}

/// The private half, 0600. A file that holds anything but a private key of this consumer is left alone.
fn export_private(
    path: &Path,
    consumer: &Consumer,
    keypair: &Keypair,
    known: &Known,
) -> Result<(), Trouble> {
    if let Some(present) = read(path, consumer)? {
        let key = Keypair::read(&present, None, ImportPolicy::Insecure)
            .map_err(|_| {
                refused(
                    path,
                    consumer,
                    "something else than a private key that can be read",
                )
            })?
            .value
            .fingerprint();
        if known.keypair(&consumer.name, &key).is_none() {
            return Err(refused(
                path,
                consumer,
                "a private key that is not one of this consumer's in the store",
            ));
        }
        if key == keypair.fingerprint() && is_private(path) {
            return Ok(());
        }
    }
    let pem = keypair.to_pem(PrivateFormat::Pkcs8)?;
    write(path, consumer, pem.as_bytes(), 0o600)
}

/// The public half. A file that holds anything but a public key is left alone.
fn export_public(path: &Path, consumer: &Consumer, key: &PublicKey) -> Result<(), Trouble> {
    let pem = key.to_pem();
    if let Some(present) = read(path, consumer)? {
        if present.as_slice() == pem.as_bytes() {
            return Ok(());
        }
        PublicKey::read(&present, ImportPolicy::Insecure)
            .map_err(|_| refused(path, consumer, "something else than a public key"))?;
    }
    write(path, consumer, pem.as_bytes(), 0o644)
}

fn read(path: &Path, consumer: &Consumer) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(consumer, &error)),
    }
}

/// Whether only its owner can read the file.
fn is_private(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs_err::metadata(path).is_ok_and(|file| file.permissions().mode().trailing_zeros() >= 6)
    }
    #[cfg(not(unix))]
    {
        path.exists()
    }
}

/// Writes a file whole or not at all, with its final mode from the start.
fn write(path: &Path, consumer: &Consumer, content: &[u8], mode: u32) -> Result<(), Trouble> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut draft = tempfile::Builder::new();
    draft.prefix(".atl-admin-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        draft.permissions(std::fs::Permissions::from_mode(mode));
    }
    let written = draft.tempfile_in(&folder).and_then(|mut file| {
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)
    });
    written.map(drop).map_err(|error| {
        let error = io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        failed(consumer, &error)
    })
}

fn failed(consumer: &Consumer, error: &io::Error) -> Trouble {
    Trouble::own(
        "export_failed",
        format!(
            "the keypair of consumer `{}` could not be exported: {}",
            consumer.name,
            message_of(error)
        ),
        "make the folder and make it writable, or correct `export` in the fleet file, then run again; the key is safe in the store",
    )
}

fn refused(path: &Path, consumer: &Consumer, holds: &str) -> Trouble {
    Trouble::own(
        "export_refused",
        format!(
            "`{}`, where the keypair of consumer `{}` is to be exported, holds {holds}; it is left alone",
            path.display(),
            consumer.name
        ),
        "move that file away, or name another one under `export` in the fleet file",
    )
}
