//! What a server says about itself as a consumer elsewhere (protocol.md 2.1).

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::reply::Reply;
use crate::state::State;
use crate::wire;

/// One keypair will do for every server of a process, as nothing is ever signed with it.
static PUBLIC_KEY: LazyLock<Option<String>> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
    Some(STANDARD.encode(der.as_ref()))
});

/// Open to everybody, and always XML.
pub(crate) fn consumer_info(state: &State) -> Reply {
    let info = json!({
        "key": format!("{}:{}", state.kind.type_id(), state.id),
        "name": state.kind.title(),
        "publicKey": PUBLIC_KEY.as_deref(),
        "description": format!("{} at {}", state.kind.title(), state.base_url),
    });
    Reply::body(
        200,
        "application/xml;charset=UTF-8",
        wire::xml("consumer", &info),
    )
}
