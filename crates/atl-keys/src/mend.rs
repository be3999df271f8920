//! The shell commands that mend key files. Each is run with the real program in this crate's tests.

use crate::{Form, Half};

/// From a form that does not serve as the wanted half to one that does.
pub(crate) fn form(found: Form, wanted: Half, file: &str) -> Option<String> {
    let (file, public, private) = names(file);
    let command = match (found, wanted) {
        (Form::SshPublic | Form::OpenSshPrivate, Half::Public) => {
            format!("ssh-keygen -e -m PKCS8 -f {file} > {public}")
        }
        (Form::OpenSshPrivate, Half::Private) => {
            format!("install -m 600 {file} {private} && ssh-keygen -p -N '' -m PKCS8 -f {private}")
        }
        (
            Form::Pkcs8 | Form::Pkcs1 | Form::EncryptedPkcs8 | Form::LegacyEncrypted,
            Half::Public,
        ) => {
            format!("openssl pkey -in {file} -pubout -out {public}")
        }
        (Form::Pkcs1Public, Half::Public) => {
            format!("openssl rsa -RSAPublicKey_in -in {file} -pubout -out {public}")
        }
        (Form::Certificate, Half::Public) => {
            format!("openssl x509 -pubkey -noout -in {file} > {public}")
        }
        (Form::CertificateRequest, Half::Public) => {
            format!("openssl req -pubkey -noout -in {file} > {public}")
        }
        _ => return None,
    };
    Some(command)
}

/// From DER to PEM.
pub(crate) fn binary(form: Form, file: &str) -> Option<String> {
    let (file, public, private) = names(file);
    let command = match form {
        Form::Pkcs8 | Form::Pkcs1 => {
            format!("openssl pkey -inform DER -in {file} -out {private}")
        }
        Form::EncryptedPkcs8 => {
            format!("openssl pkcs8 -topk8 -scrypt -inform DER -in {file} -out {private}")
        }
        Form::Spki => format!("openssl pkey -pubin -inform DER -in {file} -out {public}"),
        Form::Pkcs1Public => {
            format!("openssl rsa -RSAPublicKey_in -inform DER -in {file} -pubout -out {public}")
        }
        Form::Certificate => {
            format!("openssl x509 -inform DER -pubkey -noout -in {file} > {public}")
        }
        _ => return None,
    };
    Some(command)
}

/// From any encryption that OpenSSL reads to one that is read here.
pub(crate) fn encryption(file: &str) -> String {
    let (file, _, private) = names(file);
    format!("openssl pkcs8 -topk8 -scrypt -in {file} -out {private}")
}

/// A new key, where the old one cannot be mended.
pub(crate) fn new_key() -> String {
    "atl-admin keys generate --out new-key.pem --public-out new-key.pub.pem".to_owned()
}

/// The file, and the files that a command writes, each as a shell word.
fn names(file: &str) -> (String, String, String) {
    // A name like an option is a path all the same.
    let file = if file.starts_with('-') {
        format!("./{file}")
    } else {
        file.to_owned()
    };
    (
        word(&file),
        word(&format!("{file}.pub.pem")),
        word(&format!("{file}.pkcs8.pem")),
    )
}

/// A shell word that is this text.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-+=@:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
