//! Finds keys in text: PEM blocks (RFC 7468) with anything before, between and after them, bare base64, SSH keys.
//!
//! Line ends may be LF or CRLF and base64 may be wrapped anywhere, as the servers allow (protocol.md 1.10).

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine as _};
use zeroize::Zeroizing;

use crate::{Form, Half, KeyError};

/// The largest text that is looked at: far above any key, far below what hurts.
const LIMIT: usize = 1 << 20;

/// The longest label of a block; known ones have less than half of it.
const LONGEST_LABEL: usize = 64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key, still encoded.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) form: Form,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The keys in a text and what is wrong with the rest of it.
pub(crate) struct Found {
    pub(crate) blocks: Vec<Block>,
    error: KeyError,
}

/// The block that serves who wants this half, else what is wrong, else a block that at least says what it is instead.
pub(crate) fn block(text: &[u8], wanted: Half) -> Result<Block, KeyError> {
    let Found { blocks, error } = search(text)?;
    let rank = |form: Form| match (form.half() == wanted, form.readable()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    };
    match blocks.into_iter().min_by_key(|block| rank(block.form)) {
        Some(block) if rank(block.form) == 0 || matches!(error, KeyError::NotAKey) => Ok(block),
        _ => Err(error),
    }
}

/// Finds all keys in a text.
pub(crate) fn search(text: &[u8]) -> Result<Found, KeyError> {
    if text.len() > LIMIT {
        return Err(KeyError::TooLong {
            bytes: text.len(),
            limit: LIMIT,
        });
    }
    if text.trim_ascii().is_empty() {
        return Err(KeyError::Empty);
    }
    let mut found = Found {
        blocks: Vec::new(),
        error: KeyError::NotAKey,
    };
    let mut rest = text;
    while let Some((label, after)) = header(rest) {
        let end = format!("-----END {label}-----");
        let Some(length) = find(after, end.as_bytes()) else {
            found.error = KeyError::Truncated { label };
            return Ok(found);
        };
        rest = &after[length + end.len()..];
        match labelled(&label, &after[..length]) {
            Ok(block) => found.blocks.push(block),
            Err(error) if known(&label) => found.error = error,
            Err(_) => {}
        }
    }
    if rest.len() == text.len() {
        found.blocks.push(unlabelled(text)?);
    }
    Ok(found)
}

/// Whether a label promises a key; other blocks, such as `BEGIN EC PARAMETERS`, are passed over.
fn known(label: &str) -> bool {
    ["PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE"]
        .iter()
        .any(|promise| label.ends_with(promise))
}

/// The label of the first PEM header and what follows it.
fn header(text: &[u8]) -> Option<(String, &[u8])> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let mut rest = text;
    loop {
        rest = &rest[find(rest, BEGIN)? + BEGIN.len()..];
        let window = &rest[..rest.len().min(LONGEST_LABEL + 5)];
        if let Some(length) = find(window, b"-----")
            && let Ok(label) = str::from_utf8(&rest[..length])
            && label
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))
        {
            return Some((label.to_owned(), &rest[length + 5..]));
        }
    }
}

fn labelled(label: &str, body: &[u8]) -> Result<Block, KeyError> {
    if find(body, b"Proc-Type: 4,ENCRYPTED").is_some() {
        return Ok(Block {
            form: Form::LegacyEncrypted,
            der: Zeroizing::default(),
        });
    }
    let damaged = |source: Option<DecodeError>| KeyError::Damaged {
        what: format!("the block `BEGIN {label}`"),
        source: source.map(Into::into),
    };
    let der = decode(body).map_err(|source| damaged(Some(source)))?;
    let form = Form::of_block(label, &der).ok_or_else(|| damaged(None))?;
    Ok(Block { form, der })
}

/// A key without a PEM header: an SSH public key, or the one line of base64 that servers print.
fn unlabelled(text: &[u8]) -> Result<Block, KeyError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let start = text.trim_ascii_start();
    let ssh: [(&[u8], Form); 5] = [
        (b"ssh-rsa ", Form::SshPublic),
        (b"---- BEGIN SSH2 PUBLIC KEY ----", Form::SshPublic),
        (b"ssh-ed25519 ", Form::OtherPublic("Ed25519")),
        (b"ssh-dss ", Form::OtherPublic("DSA")),
        (b"ecdsa-sha2-", Form::OtherPublic("EC")),
    ];
    if let Some((_, form)) = ssh.into_iter().find(|(mark, _)| start.starts_with(mark)) {
        return Ok(Block {
            form,
            der: Zeroizing::default(),
        });
    }
    if let Some(form) = Form::of_der(text) {
        return Err(KeyError::Binary { form });
    }
    let der = decode(text).map_err(|_| KeyError::NotAKey)?;
    let form = Form::of_der(&der).ok_or(KeyError::NotAKey)?;
    Ok(Block { form, der })
}

/// Base64 in either alphabet, white space ignored, padding optional.
fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(
        text.iter()
            .filter(|byte| !byte.is_ascii_whitespace())
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                other => *other,
            }),
    );
    BASE64.decode(&*packed).map(Zeroizing::new)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}
