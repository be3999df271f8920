//! What a fleet file may say (cli.md section 2). The documentation of the keys is that of the JSON Schema.

use atl_client::{BaseUrl, Login, Product};
use atl_keys::KeySize;

use super::{
    address::{ApplicationUrl, Callback, Proxy},
    decode::{At, Decode, Named, NonEmpty, record},
    scalar::{Age, Field, FilePath, Label, Selector, Text, Version},
    secret::Secret,
};
use crate::wanted::State;

record! {
    /// The whole file.
    Open Fleet {
        /// Version of the file format: 1.
        required version: Version,
        /// What holds for every server that does not say otherwise.
        optional defaults: Defaults,
        /// The servers, by name.
        required servers: Named<Server>,
        /// The consumers, by name. The name is the consumer key unless `key` says otherwise.
        optional consumers: Named<Consumer>,
    }
}

record! {
    /// Defaults.
    Open Defaults {
        /// Who signs in to servers without an `admin` of their own.
        optional admin: Admin,
    }
}

record! {
    /// Who signs in: either `token`, or `username` and `password`.
    Secret Admin {
        /// The account. With a token: the account that the token must turn out to be.
        optional username: Field<Text>,
        /// The password, best as a reference such as `${env:NAME}`.
        optional password: Secret,
        /// A personal access token; not on Bitbucket.
        optional token: Secret,
        /// How to sign in with the password: `auto` tries Basic and falls back to a session where Basic is disabled.
        optional login: Field<Login>,
    }
}

record! {
    /// One server.
    Open Server {
        /// Base URL, with context path if any.
        required url: Field<BaseUrl>,
        /// The product, where it is not to be detected.
        optional product: Field<Product>,
        /// Labels to select the server by.
        optional labels: Vec<Field<Label>>,
        /// Who signs in; replaces `defaults.admin` whole.
        optional admin: Admin,
        /// TLS material.
        optional tls: Tls,
        /// The proxy to go through.
        optional proxy: Field<Proxy>,
        /// The whole base URL that the server takes its own for, where a proxy rewrites it.
        optional sign_as: Field<BaseUrl>,
        /// Read-only database URL; no command uses it yet.
        optional database: Secret,
    }
}

record! {
    /// TLS material, as PEM files.
    Open Tls {
        /// Certificates to trust beside those of the system.
        optional ca_file: Field<FilePath>,
        /// Client certificate, with its chain.
        optional client_cert_file: Field<FilePath>,
        /// The client certificate's private key, not encrypted.
        optional client_key_file: Field<FilePath>,
    }
}

record! {
    /// One consumer.
    Open Consumer {
        /// The consumer key; the consumer's name in this file unless given.
        optional key: Field<Text>,
        /// The name that the servers show; the consumer's name in this file unless given.
        optional name: Field<Text>,
        /// Description.
        optional description: Field<Text>,
        /// Application URL and display URL of the generic application link.
        required url: Field<ApplicationUrl>,
        /// Callback URL.
        optional callback: Field<Callback>,
        /// Where the keypair comes from: managed in the store unless a file is named.
        optional keypair: Keypair,
        /// The servers to register with, by name or `label:NAME`; all unless given.
        optional servers: NonEmpty<Field<Selector>>,
        /// Two-legged OAuth; left alone unless given.
        optional two_legged: TwoLegged,
        /// The users whose grants are wanted, for `authorize`.
        optional grants: Vec<Grant>,
        /// After which age something is due; no command uses it yet.
        optional policy: Policy,
        /// Whether the consumer should be there.
        optional state: Field<State>,
    }
}

record! {
    /// A managed keypair (`bits`, `export`), or one of the two files.
    Open Keypair {
        /// Size of a new managed keypair; 3072 unless given.
        optional bits: At<KeySize>,
        /// Files that a managed keypair is written to when it changes.
        optional export: Export,
        /// The private key that somebody else keeps.
        optional private_key_file: Field<FilePath>,
        /// The public key alone, where the private half is elsewhere.
        optional public_key_file: Field<FilePath>,
    }
}

record! {
    /// Files that a managed keypair is written to.
    Open Export {
        /// The private key.
        optional private_key_file: Field<FilePath>,
        /// The public key.
        optional public_key_file: Field<FilePath>,
    }
}

record! {
    /// Two-legged OAuth.
    Open TwoLegged {
        /// On or off.
        optional enabled: At<bool>,
        /// Whether the consumer may act as any user.
        optional impersonation: At<bool>,
        /// The user that calls run as; needs a system administrator.
        nullable execute_as: Field<Text>,
    }
}

record! {
    /// A user whose grant is wanted.
    Secret Grant {
        /// The user's name.
        required user: Field<Text>,
        /// The user's password, for `authorize --headless` only.
        optional password: Secret,
    }
}

record! {
    /// Ages, such as `90d`.
    Open Policy {
        /// For grants.
        optional max_grant_age: Field<Age>,
        /// For keypairs.
        optional max_key_age: Field<Age>,
    }
}

/// Whether a word is a key that a fleet file can have, and so no secret.
pub(super) fn is_key(word: &str) -> bool {
    [
        Fleet::KEYS,
        Defaults::KEYS,
        Admin::KEYS,
        Server::KEYS,
        Tls::KEYS,
        Consumer::KEYS,
        Keypair::KEYS,
        Export::KEYS,
        TwoLegged::KEYS,
        Grant::KEYS,
        Policy::KEYS,
    ]
    .iter()
    .any(|keys| keys.contains(&word))
}

/// The JSON Schema (draft 2020-12) of the fleet file, made from the same records that read it.
pub fn schema() -> serde_json::Value {
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "atl-admin fleet file",
    });
    if let (Some(head), serde_json::Value::Object(body)) = (schema.as_object_mut(), Fleet::schema())
    {
        head.extend(body);
    }
    schema
}
