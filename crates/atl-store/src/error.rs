//! What can go wrong with a store, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use atl_keys::{Fingerprint, KeyError};

use crate::lock::LockHolder;
use crate::rows::KeyState;
use crate::url::StoreName;

/// The cause underneath: an I/O error or one of the database.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store URL is not one.
    #[error("the store URL is not understood: {reason}")]
    InvalidUrl {
        /// What is wrong with it; nothing of the URL after its scheme, which may hold credentials.
        reason: String,
    },
    /// The store URL names a database that is not supported.
    #[error("`{scheme}:` stores are not in this version")]
    UnsupportedUrl {
        /// The scheme of the URL.
        scheme: String,
    },
    /// A folder stands where the store should be.
    #[error("`{path}` is a folder, not a store")]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is no SQLite file, or one of another program.
    #[error("`{store}` is not a store of atl-admin")]
    Foreign {
        /// The store.
        store: StoreName,
    },
    /// The file contradicts itself.
    #[error("the store `{store}` is damaged: {reason}")]
    Damaged {
        /// The store.
        store: StoreName,
        /// What was found.
        reason: String,
    },
    /// A newer version of this tool wrote the store.
    #[error("the store `{store}` has schema {found}, and this version knows schemas up to {known}")]
    TooNew {
        /// The store.
        store: StoreName,
        /// The schema of the store.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// This user may not read or write a file or its folder.
    #[error("`{path}` may not be read or written")]
    Denied {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// There is no room to write, or the disk fails.
    #[error(
        "`{path}` could not be written: the disk is full, a quota or file size limit is reached, or the disk fails"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Another process kept the store to itself for too long.
    #[error("the store `{store}` is in use by another process that does not let go of it")]
    Busy {
        /// The store.
        store: StoreName,
    },
    /// A file could not be used for another reason.
    #[error("`{path}` could not be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The database refused for another reason.
    #[error("the store `{store}` could not be used")]
    Database {
        /// The store.
        store: StoreName,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The file that holds the rows of this run could not be used.
    #[error("the rows of this run could not be kept in the folder for temporary files")]
    Spool {
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Another process put in a new import while its rows were read.
    #[error(
        "what was imported for {server_url} was replaced in the store `{store}` while it was read"
    )]
    ImportReplaced {
        /// The store.
        store: StoreName,
        /// The base URL of the server that it is of.
        server_url: String,
    },
    /// The store exists, the file with its key does not.
    #[error("the store `{store}` exists, but its store key `{key}` does not")]
    KeyFileMissing {
        /// The store.
        store: StoreName,
        /// Where the key should be.
        key: PathBuf,
    },
    /// The key file does not hold a store key.
    #[error("`{path}` does not hold a store key")]
    KeyFileInvalid {
        /// The key file.
        path: PathBuf,
    },
    /// The secrets of a grant do not open: they were changed, or moved from another grant.
    #[error("the secrets of grant {id} in the store `{store}` were tampered with")]
    GrantSealBroken {
        /// The store.
        store: StoreName,
        /// The grant.
        id: String,
    },
    /// There is no such grant.
    #[error("the store `{store}` has no grant {id}")]
    NoSuchGrant {
        /// The store.
        store: StoreName,
        /// The grant.
        id: String,
    },
    /// There is no store to copy.
    #[error("there is no store at `{store}`")]
    NoStore {
        /// Where it should be.
        store: StoreName,
    },
    /// There is a store where one was to be made.
    #[error("there is a store at `{store}` already")]
    NotEmpty {
        /// The store.
        store: StoreName,
    },
    /// A copy is not what it was copied from.
    #[error("the copy at `{store}` has not the same {what} as the store it was made from")]
    NotCopied {
        /// The copy.
        store: StoreName,
        /// What differs.
        what: &'static str,
    },
    /// The database server could not be reached.
    #[error("the store `{store}` could not be reached")]
    Unreachable {
        /// The store.
        store: StoreName,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// TLS could not be set up as the URL asks for.
    #[error("there is no secure connection to the store `{store}`")]
    Tls {
        /// The store.
        store: StoreName,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The database server does not let this user in, or not do this.
    #[error("the store `{store}` refused")]
    Refused {
        /// The store.
        store: StoreName,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The database server has no room to write.
    #[error("the store `{store}` has no room: a disk or a quota of the database server is full")]
    NoRoom {
        /// The store.
        store: StoreName,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The connection to the database ended, and with it the locks that it held.
    #[error("the connection to the store `{store}` was lost")]
    ConnectionLost {
        /// The store.
        store: StoreName,
        /// The cause, where it is known.
        #[source]
        source: Option<Cause>,
    },
    /// A pooler gives each transaction another connection, where locks do not hold.
    #[error(
        "the connection to the store `{store}` is pooled: it changes from one transaction to the next"
    )]
    Pooled {
        /// The store.
        store: StoreName,
    },
    /// The store key given as text is empty, or a store key cut short.
    #[error("the store key given is empty or cut short")]
    KeyTextInvalid,
    /// The store is sealed under another key.
    #[error("the store `{store}` is sealed under another store key")]
    WrongKey {
        /// The store.
        store: StoreName,
    },
    /// A sealed row was changed by something other than this tool.
    #[error(
        "the private half of keypair `{fingerprint}` in the store `{store}` was tampered with or is damaged"
    )]
    SealBroken {
        /// The store.
        store: StoreName,
        /// The keypair.
        fingerprint: Fingerprint,
    },
    /// A keypair could not be turned into bytes or back.
    #[error("keypair `{fingerprint}` could not be kept in or read from the store `{store}`")]
    Keypair {
        /// The store.
        store: StoreName,
        /// The keypair.
        fingerprint: Fingerprint,
        /// The cause.
        #[source]
        source: Box<KeyError>,
    },
    /// Nothing could be sealed.
    #[error("no secret could be sealed: the operating system gave no random bytes")]
    NotSealed,
    /// The keypair is in the store already, as another consumer's or retired.
    #[error("keypair `{fingerprint}` is already in the store, for consumer `{consumer}` and {}", state.as_str())]
    KeypairTaken {
        /// The keypair.
        fingerprint: Fingerprint,
        /// Whose it is.
        consumer: String,
        /// Where it stands.
        state: KeyState,
    },
    /// The store has no such keypair.
    #[error("the store `{store}` has no keypair `{fingerprint}`")]
    NoSuchKeypair {
        /// The store.
        store: StoreName,
        /// The keypair.
        fingerprint: Fingerprint,
    },
    /// The journal has no such step, or it has ended.
    #[error("the journal of the store `{store}` has no open step {id}")]
    NoOpenStep {
        /// The store.
        store: StoreName,
        /// The step.
        id: i64,
    },
    /// Somebody else works on this consumer on this server.
    #[error("consumer `{consumer}` on {server_url} is being worked on by {}", by(holder.as_deref()))]
    Locked {
        /// The server's base URL.
        server_url: String,
        /// The consumer's name.
        consumer: String,
        /// Who, where the lock file could be read.
        holder: Option<Box<LockHolder>>,
    },
    /// The file system cannot lock.
    #[error("`{path}` cannot be locked: its file system does not support it")]
    LockUnsupported {
        /// The lock file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The store was opened for looking.
    #[error("the store `{store}` was opened for looking only")]
    LookingOnly {
        /// The store.
        store: StoreName,
    },
}

fn by(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), LockHolder::to_string)
}

impl StoreError {
    /// An I/O error on a path, told apart by what a user can do about it.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied {
                path,
                source: source.into(),
            },
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full {
                path,
                source: source.into(),
            },
            _ => Self::Io { path, source },
        }
    }

    /// A stable `snake_case` name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl { .. } => "store_url_invalid",
            Self::UnsupportedUrl { .. } => "store_url_unsupported",
            Self::IsFolder { .. } => "store_is_folder",
            Self::Foreign { .. } => "store_foreign",
            Self::Damaged { .. } => "store_damaged",
            Self::TooNew { .. } => "store_too_new",
            Self::Denied { .. } => "store_denied",
            Self::Full { .. } | Self::NoRoom { .. } => "store_full",
            Self::Busy { .. } => "store_busy",
            Self::Io { .. } => "store_io",
            Self::Database { .. } => "store_failed",
            Self::Spool { .. } => "temporary_file",
            Self::ImportReplaced { .. } => "import_replaced",
            Self::NoStore { .. } => "store_missing",
            Self::NotEmpty { .. } => "store_not_empty",
            Self::NotCopied { .. } => "store_not_copied",
            Self::Unreachable { .. } => "store_unreachable",
            Self::Tls { .. } => "store_tls",
            Self::Refused { .. } => "store_refused",
            Self::ConnectionLost { .. } => "store_connection_lost",
            Self::Pooled { .. } => "store_pooled",
            Self::KeyFileMissing { .. } => "store_key_missing",
            Self::KeyFileInvalid { .. } | Self::KeyTextInvalid => "store_key_invalid",
            Self::WrongKey { .. } => "store_key_wrong",
            Self::SealBroken { .. } | Self::GrantSealBroken { .. } => "store_seal_broken",
            Self::Keypair { .. } => "store_keypair_unreadable",
            Self::NotSealed => "seal_failed",
            Self::KeypairTaken { .. } => "keypair_taken",
            Self::NoSuchKeypair { .. } => "keypair_unknown",
            Self::NoSuchGrant { .. } => "grant_unknown",
            Self::NoOpenStep { .. } => "step_not_open",
            Self::Locked { .. } => "locked",
            Self::LockUnsupported { .. } => "lock_unsupported",
            Self::LookingOnly { .. } => "store_looking_only",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::InvalidUrl { .. } | Self::UnsupportedUrl { .. } => "give `--store sqlite:PATH` or `--store postgres://USER@HOST/DATABASE`, or leave `--store` out for the default place".into(),
            Self::IsFolder { path } => format!("name a file in it, such as `--store sqlite:{}`", path.join("store.db").display()),
            Self::Foreign { store: StoreName::File(_) } => "name another file with `--store`; this one was left as it is".into(),
            Self::Foreign { .. } => "name another database with `--store`: the schema `atl_admin` of this one is not ours, and was left as it is".into(),
            Self::Damaged { store: StoreName::File(path), .. } => format!(
                "nothing was changed; keep `{0}`, `{0}-wal` and `{0}-shm` as they are, and put the newest backup in their place",
                path.display()
            ),
            Self::Damaged { .. } => "nothing was changed; keep the database as it is, and restore the newest backup into another".into(),
            Self::TooNew { .. } => "use the version of atl-admin that wrote it, or a newer one; nothing was changed".into(),
            Self::Denied { .. } => "check who owns the file and its folder, and their modes (0600 and 0700), or name a place of your own with `--store` and `--store-key`".into(),
            Self::Full { .. } => "make room, or raise the limit (`df`, `quota`, `ulimit -f`), then run again; what the store held is unharmed".into(),
            Self::Busy { store: StoreName::Database(_) } => "find the session that holds the tables (`pg_stat_activity`, `pg_locks`), then run again".into(),
            Self::Busy { .. } => "find the process that has it open (`fuser` or `lsof` on the file); one that was stopped in the middle must go on or end".into(),
            Self::Io { .. } => "check the path; `--store` and `--store-key` choose other places".into(),
            Self::Database { store: StoreName::File(_), .. } => "run again; if it stays so, keep the file and put a backup in its place".into(),
            Self::Database { .. } => "look at the log of the database server, then run again".into(),
            Self::Spool { .. } => "make room there, or name another folder with the variable `TMPDIR`".into(),
            Self::ImportReplaced { .. } => "run again to see the new one".into(),
            Self::NoStore { .. } => "name the store to copy with `--store`".into(),
            Self::NotEmpty { .. } => "name a place that has no store; nothing was changed in either".into(),
            Self::NotCopied { .. } => "do not use the copy: delete it, and copy again while nothing else works with either store; the store it was made from is unharmed".into(),
            Self::Unreachable { .. } => "check host and port of `--store`, and that the database server runs".into(),
            Self::Tls { .. } => "check `sslmode` and `sslrootcert` of `--store`: without `sslmode` a database on another host needs TLS with a certificate of its name, from an authority of the system or of `sslrootcert`".into(),
            Self::Refused { .. } => "check user, password (`PGPASSWORD`) and database of `--store`, and what the user may do; docs/store.md has the GRANTs".into(),
            Self::NoRoom { .. } => "make room on the database server, then run again; what the store held is unharmed".into(),
            Self::ConnectionLost { .. } => "run again: the journal says what was left open, and the next run settles it".into(),
            Self::Pooled { .. } => "connect to the database itself, or to a pool in session mode: locks do not hold on a connection that changes".into(),
            Self::KeyFileMissing { .. } => "put the key file back from a backup, or give the right one with `--store-key`; no new key was made, since it could not unseal this store".into(),
            Self::KeyFileInvalid { .. } => "put the key file back from a backup; for a passphrase use `--store-key env:NAME` or `cmd:...`".into(),
            Self::KeyTextInvalid => "check what the variable or command of `--store-key` gives: a passphrase, or a whole store key".into(),
            Self::WrongKey { .. } => "give the key this store was made with (`--store-key`), or name another store (`--store`)".into(),
            Self::SealBroken { .. } => "put a backup of the store in its place, or replace the keypair".into(),
            Self::GrantSealBroken { .. } => "put a backup of the store in its place, or have the grant given anew with `atl-admin authorize`".into(),
            Self::NoSuchGrant { .. } => "see `atl-admin tokens list`; another run may have renewed or revoked it".into(),
            Self::Keypair { .. } => "check it with `atl-admin keys check`, or replace the keypair".into(),
            Self::NotSealed => "run it where the operating system's random source works".into(),
            Self::KeypairTaken { .. } => "use another keypair: one in the store belongs to one consumer; where two must share it, name its file in the fleet file with `keypair: { private_key_file: FILE }`".into(),
            Self::NoSuchKeypair { .. } => "see `atl-admin keys list`, or name another store with `--store`".into(),
            Self::NoOpenStep { .. } => "see `atl-admin history`; another run has settled it".into(),
            Self::Locked { .. } => "wait until it has ended, or end it; a lock never outlives its process".into(),
            Self::LockUnsupported { .. } => "keep the store on a local disk: `--store sqlite:PATH`".into(),
            Self::LookingOnly { .. } => "a command that looks must not write; please report this".into(),
        }
    }
}
