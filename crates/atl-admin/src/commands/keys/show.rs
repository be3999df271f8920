//! `keys show`

use std::path::{Path, PathBuf};

use atl_keys::{ImportPolicy, Keypair, PublicKey, Read};
use serde_json::json;

use super::{Place, Shown, find, is_encrypted, is_private, of_file};
use crate::{context::Context, error::Result, exit::Exit, files, flags::Format, passphrase, term};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file is read without store or fleet file: private keys, public keys and certificates. What is printed \
                  is public.\n\nExamples:\n  atl-admin keys show bot.pem\n  atl-admin keys show deploy-bot -o json"
)]
pub struct Args {
    /// A key file, or a keypair's id or fingerprint, or a consumer's name
    #[arg(value_name = "FILE|ID|CONSUMER")]
    pub key: String,
    /// The passphrase of an encrypted key is in this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context
        .output
        .one_of(&[Format::Table, Format::Json, Format::Yaml])?;
    let path = Path::new(&args.key);
    let looks_like_a_path = args.key.contains(['/', '\\']) && !args.key.starts_with("SHA256:");
    let facts = if path.exists() || looks_like_a_path {
        let key = read(context, args, path)?;
        json!({
            "file": args.key,
            "bits": key.bits(),
            "fingerprint": key.fingerprint(),
            "public_key": key.to_one_line(),
        })
    } else {
        let (store, row) = find(context, &args.key)?;
        let public = row.public_key.clone();
        let shown = Shown::new(row, &atl_fleet::registered(&store)?);
        let mut facts = serde_json::to_value(&shown).unwrap_or_default();
        if context.output.format() == Format::Table {
            let of =
                |place: &Place| format!("{} (proven {})", place.server, place.proven_in_words());
            facts["age"] = shown.age_in_words().into();
            facts["registered"] = shown
                .registered
                .iter()
                .map(of)
                .collect::<Vec<_>>()
                .join(", ")
                .into();
        }
        facts["public_key"] = public.into();
        facts
    };
    context.output.facts("key", &facts)?;
    Ok(Exit::Done)
}

/// The public half of what is in a file.
fn read(context: &Context, args: &Args, path: &Path) -> Result<PublicKey> {
    let text = files::read(path)?;
    let Read { value, notes } = if is_private(&text) {
        let passphrase = is_encrypted(&text)
            .then(|| passphrase::existing(args.passphrase_file.as_deref(), path, context.terminal))
            .transpose()?;
        files::warn_if_loose("private key", path);
        let read = Keypair::read(&text, passphrase.as_ref(), ImportPolicy::Insecure)
            .map_err(|error| of_file(&error, path))?;
        Read {
            value: read.value.public_key(),
            notes: read.notes,
        }
    } else {
        PublicKey::read(&text, ImportPolicy::Insecure).map_err(|error| of_file(&error, path))?
    };
    for note in &notes {
        term::note(note);
    }
    Ok(value)
}
