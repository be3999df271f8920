//! The manifest, by which a product is detected (protocol.md 6).

use serde_json::json;

use super::Rest;
use crate::reply::Reply;

impl Rest<'_> {
    /// Open to everybody.
    pub(super) fn manifest(&self) -> Reply {
        let state = &self.state;
        let (version, build) = state.kind.version(state.generation);
        let types = [
            "com.atlassian.applinks.api.auth.types.OAuthAuthenticationProvider",
            "com.atlassian.applinks.api.auth.types.TwoLeggedOAuthAuthenticationProvider",
            "placeholder.to.ensure.backwards.compatibility",
        ];
        self.entity(
            "manifest",
            &json!({
                "id": state.id,
                "name": state.kind.title(),
                "typeId": state.kind.type_id(),
                "version": version,
                "buildNumber": build,
                "applinksVersion": state.generation.applinks_version(),
                "inboundAuthenticationTypes": types,
                "outboundAuthenticationTypes": types,
                "publicSignup": false,
                "url": state.settings.copy_of.as_ref().unwrap_or(&state.base_url),
                "iconUrl": format!("{}/favicon.ico", state.base_url),
                "iconUri": format!("{}/favicon.ico", state.base_url),
            }),
        )
    }
}
