//! `keys import`

use std::path::PathBuf;

use atl_keys::{ImportPolicy, Keypair};
use atl_store::{KeyState, StoreError};

use super::{COLUMNS, Shown, is_encrypted};
use crate::{context::Context, error::Result, exit::Exit, files, flags::Format, passphrase, term};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reads PKCS#8, PKCS#1 and encrypted PKCS#8 in PEM form. Keys under 2048 bits need `--insecure`; keys under \
                  1024 bits and published sample keys are never taken.\n\nExample:\n  \
                  atl-admin keys import old-bot.pem --consumer deploy-bot"
)]
pub struct Args {
    /// The private key
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Take a key of 1024 bits or more although it is under 2048
    #[arg(long)]
    pub insecure: bool,
    /// The passphrase of an encrypted key is in this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let consumer = context.one_consumer()?;
    context.output.one_of(&Format::ALL)?;
    let text = files::read(&args.file)?;
    let passphrase = is_encrypted(&text)
        .then(|| {
            passphrase::existing(
                args.passphrase_file.as_deref(),
                &args.file,
                context.terminal,
            )
        })
        .transpose()?;
    let policy = if args.insecure {
        ImportPolicy::Insecure
    } else {
        ImportPolicy::Strict
    };
    let read = Keypair::read(&text, passphrase.as_ref(), policy)
        .map_err(|error| super::of_file(&error, &args.file))?;
    read.notes.iter().for_each(|note| term::note(note));
    files::warn_if_loose("private key", &args.file);
    let store = context.store("keys import")?;
    let row = store.add_keypair(consumer, &read.value, KeyState::Active)?;
    if row.consumer != consumer || row.state == KeyState::Retired {
        return Err(StoreError::KeypairTaken {
            fingerprint: row.fingerprint,
            consumer: row.consumer,
            state: row.state,
        }
        .into());
    }
    let rows = [Shown::new(row, &atl_fleet::registered(&store)?)];
    context.output.listing("keys", "key", &COLUMNS, &rows)?;
    Ok(Exit::Done)
}
