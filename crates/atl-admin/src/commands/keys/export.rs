//! `keys export`

use std::path::PathBuf;

use super::{
    find,
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[command(
    after_help = "The private half goes to a file with mode 0600, never to stdout; it is encrypted where \
                  `--passphrase-file` is given.\n\nExamples:\n  atl-admin keys export deploy-bot --public --one-line\n  \
                  atl-admin keys export deploy-bot --private --out deploy-bot.pem"
)]
#[command(group = clap::ArgGroup::new("half").required(true).args(["public", "private"]))]
pub struct Args {
    /// A keypair's id or fingerprint, or a consumer's name
    #[arg(value_name = "ID|CONSUMER")]
    pub key: String,
    /// Write the public half: to stdout, unless `--out` names a file
    #[arg(long)]
    pub public: bool,
    /// In one line of base64, as the servers print and take it
    #[arg(long, requires = "public", conflicts_with = "private")]
    pub one_line: bool,
    /// Write the private half
    #[arg(long, requires = "out")]
    pub private: bool,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How the private key is written.
    #[command(flatten)]
    pub protection: Protection,
    /// Overwrite a file that exists; a key that cannot be read is never overwritten
    #[arg(long, requires = "out")]
    pub force: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    context.output.fixed(&[Format::Table])?;
    let target = args
        .out
        .as_ref()
        .map(|path| Target::new(path, args.force))
        .transpose()?;
    match target {
        Some(target) if args.private => private(context, args, &target)?,
        target => public(context, args, target.as_ref())?,
    }
    Ok(Exit::Done)
}

fn private(context: &Context, args: &Args, target: &Target) -> Result<()> {
    let file = args.protection.passphrase_file.as_deref();
    args.protection.check(file.is_some())?;
    let passphrase = file.map(passphrase::read).transpose()?;
    guard(target.path(), passphrase.as_ref())?;
    let (store, row) = find(context, &args.key)?;
    let keypair = store
        .keypair(&row.fingerprint)?
        .ok_or_else(|| Error::failed(format!("the store has no private half of `{}`", row.id)))?;
    args.protection
        .write(&keypair, passphrase.as_ref(), target)?;
    term::note(&format!(
        "wrote the private key {} of consumer `{}` to `{}`",
        row.fingerprint,
        row.consumer,
        target.path().display()
    ));
    Ok(())
}

fn public(context: &Context, args: &Args, target: Option<&Target>) -> Result<()> {
    if args.protection.passphrase_file.is_some() {
        return Err(Error::usage("`--passphrase-file` needs `--private`"));
    }
    if let Some(target) = target {
        guard(target.path(), None)?;
    }
    let (_, row) = find(context, &args.key)?;
    let key = atl_keys::PublicKey::from_server(&row.public_key)?;
    let text = if args.one_line {
        key.to_one_line() + "\n"
    } else {
        key.to_pem()
    };
    match target {
        Some(target) => target.write_public(text.as_bytes()),
        None => context.output.text(&text),
    }
}
