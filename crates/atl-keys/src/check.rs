//! Says what is wrong with a key file before a server does.

use std::fmt;

use secrecy::SecretString;

use crate::text::Block;
use crate::{Fingerprint, Form, Half, ImportPolicy, KeyError, Keypair, PublicKey, public, text};
use crate::{mend, sample_key};

/// The text of a file and the name that commands shall call it by.
#[derive(Clone, Copy)]
pub struct KeyFile<'a> {
    /// The name, as the user gave it.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a [u8],
}

impl fmt::Debug for KeyFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a key file holds and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// The form of the key, where one was read.
    pub form: Option<Form>,
    /// The size of its modulus.
    pub bits: Option<usize>,
    /// Its fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// What is wrong, the file itself first, then the other half.
    pub findings: Vec<Finding>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name for scripts, as of [`KeyError::code`], or `pkcs1_public_key` or `certificate`.
    pub code: &'static str,
    /// Whether the key can be used all the same.
    pub severity: Severity,
    /// The name of the file.
    pub file: String,
    /// What is wrong.
    pub message: String,
    /// The shell command that mends it, where there is one.
    pub mend: Option<String>,
}

/// How much a mistake hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is known against the key: it could not be looked at without its passphrase.
    Warn,
    /// The file cannot be used as it is: a server refuses it, or nobody should sign with it.
    Fail,
}

/// Names the mistakes in a key file and, given the other half of the keypair, between the two.
///
/// A file that is named as a public key (`jira.pub`, `public-key.pem`) must be one. Where the first file is one half, the
/// other file must be the other.
pub fn check(
    file: KeyFile<'_>,
    passphrase: Option<&SecretString>,
    other: Option<KeyFile<'_>>,
) -> KeyReport {
    let half = named_public(file.name).then_some(Half::Public);
    let (key, mut findings) = look(file, passphrase, half);
    if let Some(other) = other {
        let wanted = key.as_ref().map(|(_, form)| match form.half() {
            Half::Private => Half::Public,
            Half::Public => Half::Private,
        });
        let (other_key, more) = look(other, passphrase, wanted);
        findings.extend(more);
        if let (Some((one, form)), Some((two, _))) = (&key, &other_key)
            && one != two
        {
            findings.push(halves_differ((file, one), (other, two), form.half()));
        }
    }
    let (key, form) = key.unzip();
    KeyReport {
        form,
        bits: key.as_ref().map(PublicKey::bits),
        fingerprint: key.as_ref().map(PublicKey::fingerprint),
        findings,
    }
}

fn halves_differ(
    (file, key): (KeyFile<'_>, &PublicKey),
    (other, other_key): (KeyFile<'_>, &PublicKey),
    half: Half,
) -> Finding {
    let (private_file, private, public) = match half {
        Half::Private => (file, key, other_key),
        Half::Public => (other, other_key, key),
    };
    failure(
        &KeyError::HalvesDiffer {
            private: private.fingerprint(),
            public: public.fingerprint(),
        },
        private_file.name,
    )
}

/// Reads one file as this half, or as the half that it is, and judges the key.
fn look(
    file: KeyFile<'_>,
    passphrase: Option<&SecretString>,
    wanted: Option<Half>,
) -> (Option<(PublicKey, Form)>, Vec<Finding>) {
    let opened = match wanted.unwrap_or_else(|| half(file.text)) {
        Half::Public => PublicKey::open(file.text),
        Half::Private => {
            Keypair::open(file.text, passphrase).map(|(keypair, form)| (keypair.public_key(), form))
        }
    };
    let (key, form) = match opened {
        Ok(opened) => opened,
        Err(error) => return (None, vec![failure(&error, file.name)]),
    };
    let sample = sample_key(&key.fingerprint()).map(|sample| KeyError::Sample { sample });
    let size = ImportPolicy::Strict.admit_size(key.bits()).err();
    let judged = sample.iter().chain(&size);
    let findings = converted(form, file.name)
        .into_iter()
        .chain(judged.map(|error| failure(error, file.name)))
        .collect();
    (Some((key, form)), findings)
}

/// The half that a text holds; the private one where it holds both.
fn half(text: &[u8]) -> Half {
    let private = |block: &Block| block.form.half() == Half::Private;
    match text::search(text) {
        Ok(found) if found.blocks.iter().any(private) => Half::Private,
        _ => Half::Public,
    }
}

/// A form that servers refuse and this tool converts.
fn converted(form: Form, file: &str) -> Option<Finding> {
    let note = public::note(form)?;
    Some(Finding {
        code: if form == Form::Certificate {
            "certificate"
        } else {
            "pkcs1_public_key"
        },
        severity: Severity::Fail,
        file: file.to_owned(),
        message: note.to_owned(),
        mend: mend::form(form, Half::Public, file),
    })
}

fn failure(error: &KeyError, file: &str) -> Finding {
    Finding {
        code: error.code(),
        severity: match error {
            KeyError::PassphraseNeeded => Severity::Warn,
            _ => Severity::Fail,
        },
        file: file.to_owned(),
        message: error.to_string(),
        mend: error.mend(file),
    }
}

/// Whether a file name says that the file is a public key.
fn named_public(name: &str) -> bool {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            ["pub", "public", "publickey"]
                .iter()
                .any(|public| word.eq_ignore_ascii_case(public))
        })
}
