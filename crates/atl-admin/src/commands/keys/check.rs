//! `keys check`

use std::path::{Path, PathBuf};

use atl_keys::{Finding, Half, KeyFile, KeyReport, Severity};
use serde_json::{Value, json};

use super::{is_encrypted, is_private};
use crate::{
    context::Context, error::Result, exit::Exit, files, flags::Format, output::Column, passphrase,
};

const COLUMNS: [Column; 4] = [
    Column::new("file", "FILE"),
    Column::new("status", "STATUS"),
    Column::new("check", "CHECK"),
    Column::new("message", "MESSAGE"),
];

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needs neither store nor fleet file. Names the usual mistakes (a PKCS#1 public key, an SSH key, a \
                  certificate, a private key where the public half belongs, halves that do not match, legacy encryption, \
                  under 2048 bits, a published sample key, a loose file mode) and prints the command that mends each.\n\n\
                  Exit codes: 1 where a file cannot be used as it is, else 0.\n\nExamples:\n  atl-admin keys check bot.pem\n  \
                  atl-admin keys check bot.pem --public bot.pub.pem"
)]
pub struct Args {
    /// The key file, either half
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The other half, which must match
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// The passphrase of an encrypted key is in this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit> {
    let format = context
        .output
        .one_of(&[Format::Table, Format::Json, Format::Yaml])?;
    let text = files::read(&args.file)?;
    let name = args.file.to_string_lossy();
    let public = args
        .public
        .as_deref()
        .map(|path| files::read(path).map(|text| (path.to_string_lossy(), text)))
        .transpose()?;
    let wants_passphrase = is_encrypted(&text);
    let passphrase = match &args.passphrase_file {
        None if !wants_passphrase || !context.terminal.can_ask => None,
        file => Some(passphrase::existing(
            file.as_deref(),
            &args.file,
            context.terminal,
        )?),
    };
    let report = atl_keys::check(
        KeyFile {
            name: &name,
            text: &text,
        },
        passphrase.as_ref(),
        public.as_ref().map(|(name, text)| KeyFile { name, text }),
    );
    let failed = report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Fail);
    let mut findings = report.findings.clone();
    if is_private(&text) {
        findings.extend(loose(&args.file, &name));
    }
    if format == Format::Table {
        print(context, &report, &findings)?;
    } else {
        context
            .output
            .document(&document(&name, &report, &findings))?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// A private key that others may read.
fn loose(path: &Path, name: &str) -> Option<Finding> {
    let mode = files::loose_mode(path)?;
    Some(Finding {
        code: "loose_mode",
        severity: Severity::Warn,
        file: name.to_owned(),
        message: format!("others may read the private key (mode {mode:04o})"),
        mend: Some(format!("chmod 600 {}", shell_word(name))),
    })
}

/// A shell word that is this text.
fn shell_word(text: &str) -> String {
    let dashed = if text.starts_with('-') { "./" } else { "" };
    format!("{dashed}'{}'", text.replace('\'', r"'\''"))
}

fn rows(findings: &[Finding]) -> Vec<Value> {
    findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.code,
                "status": match finding.severity {
                    Severity::Warn => "warn",
                    Severity::Fail => "fail",
                },
                "file": finding.file,
                "message": finding.message,
                "advice": finding.mend,
            })
        })
        .collect()
}

fn document(name: &str, report: &KeyReport, findings: &[Finding]) -> Value {
    json!({
        "key": {
            "file": name,
            "form": report.form.map(|form| form.to_string()),
            "half": report.form.map(|form| form.half().to_string()),
            "bits": report.bits,
            "fingerprint": report.fingerprint,
        },
        "checks": rows(findings),
    })
}

fn print(context: &Context, report: &KeyReport, findings: &[Finding]) -> Result<()> {
    let output = &context.output;
    if let (Some(form), Some(bits), Some(fingerprint)) =
        (report.form, report.bits, &report.fingerprint)
    {
        output.text(&format!("{form}, {bits} bits, {fingerprint}\n"))?;
    }
    if findings.is_empty() {
        let half = match report.form.map(atl_keys::Form::half) {
            Some(Half::Private) => "ready to sign with",
            _ => "ready to register",
        };
        return output.text(&format!("nothing is wrong with it: {half}\n"));
    }
    output.text(&crate::output::table(
        &COLUMNS,
        &rows(findings),
        output.width(),
    ))?;
    let mut mends: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.mend.as_ref())
        .collect();
    mends.dedup();
    if !mends.is_empty() {
        output.text("\nTo mend it:\n")?;
        for mend in mends {
            output.text(&format!("  {mend}\n"))?;
        }
    }
    Ok(())
}
