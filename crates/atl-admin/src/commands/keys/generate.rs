//! `keys generate`

use std::path::PathBuf;

use atl_keys::{KeySize, Keypair};
use atl_store::KeyState;
use serde_json::json;

use super::{
    COLUMNS, Shown,
    protection::{Protection, guard},
};
use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    files::Target,
    flags::Format,
    passphrase, term,
};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With `--consumer NAME` the keypair is kept sealed in the store. With `--out FILE` it is written to files, \
                  and neither store nor fleet file is needed; the private one is made with mode 0600 and encrypted, unless \
                  `--no-passphrase` says otherwise.\n\nExamples:\n  atl-admin keys generate --consumer deploy-bot\n  \
                  atl-admin keys generate --out bot.pem --public-out bot.pub.pem\n  \
                  atl-admin keys generate --out bot.pem --bits 4096 --no-passphrase"
)]
pub struct Args {
    /// Write the private key to this file instead of the store
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the public key to this file
    #[arg(long, value_name = "FILE", requires = "out")]
    pub public_out: Option<PathBuf>,
    /// The size of the key: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", default_value = "3072", value_parser = size)]
    pub bits: KeySize,
    /// How the private key is written.
    #[command(flatten)]
    pub protection: Protection,
    /// Write the private key without a passphrase
    #[arg(long, requires = "out", conflicts_with_all = ["passphrase_file", "kdf"])]
    pub no_passphrase: bool,
    /// Overwrite files that exist; a key that cannot be read is never overwritten
    #[arg(long, requires = "out")]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    match (context.consumers()?, &args.out) {
        ([], Some(out)) => into_files(context, args, out),
        ([], None) => Err(Error::usage("where to put the keypair was not said")
            .hint("`--consumer NAME` puts it into the store, `--out FILE` into a file")),
        (_, Some(_)) => Err(Error::usage(
            "`--consumer` and `--out` are two places; name one of them",
        )
        .hint("`keys export` writes a key of the store to a file")),
        (names, None) => into_store(context, args, names),
    }
}

fn into_store(context: &Context, args: &Args, names: &[String]) -> Result<Exit> {
    if args.protection.passphrase_file.is_some() {
        return Err(Error::usage("`--passphrase-file` needs `--out`")
            .hint("keys in the store are sealed with the store key"));
    }
    context.output.one_of(&Format::ALL)?;
    let store = context.store("keys generate")?;
    let known = store.keypairs()?;
    let mut rows = Vec::new();
    for (name, keypair) in names
        .iter()
        .zip(Keypair::generate_many(args.bits, names.len())?)
    {
        if known
            .iter()
            .any(|row| row.consumer == *name && row.state == KeyState::Active)
        {
            term::warn(&format!(
                "consumer `{name}` has a keypair in use already; servers that hold it keep it, new ones get the new one"
            ));
        }
        let row = store.add_keypair(name, &keypair, KeyState::Active)?;
        rows.push(Shown::new(row, &[]));
    }
    context.output.listing("keys", "key", &COLUMNS, &rows)?;
    Ok(Exit::Done)
}

fn into_files(context: &Context, args: &Args, out: &std::path::Path) -> Result<Exit> {
    context
        .output
        .one_of(&[Format::Table, Format::Json, Format::Yaml])?;
    args.protection.check(!args.no_passphrase)?;
    let private = Target::new(out, args.force)?;
    let public = args
        .public_out
        .as_ref()
        .map(|path| Target::new(path, args.force))
        .transpose()?;
    if args.public_out.as_deref() == Some(out) {
        return Err(Error::usage("both halves cannot be in one file"));
    }
    let passphrase = if args.no_passphrase {
        None
    } else {
        let file = args.protection.passphrase_file.as_deref();
        Some(passphrase::new(file, context.terminal)?)
    };
    for target in std::iter::once(&private).chain(&public) {
        guard(target.path(), passphrase.as_ref())?;
    }
    let keypair = Keypair::generate(args.bits)?;
    args.protection
        .write(&keypair, passphrase.as_ref(), &private)?;
    if let Some(public) = &public {
        public.write_public(keypair.public_key().to_pem().as_bytes())?;
    }
    context.output.facts(
        "key",
        &json!({
            "bits": keypair.bits(),
            "fingerprint": keypair.fingerprint(),
            "encrypted": passphrase.is_some(),
            "private_key_file": out,
            "public_key_file": args.public_out,
        }),
    )?;
    Ok(Exit::Done)
}

fn size(text: &str) -> Result<KeySize, String> {
    text.parse()
        .ok()
        .and_then(KeySize::from_bits)
        .ok_or_else(|| "must be 2048, 3072 or 4096".to_owned())
}
