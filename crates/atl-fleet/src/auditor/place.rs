//! One server with the administrator signed in, for as long as one piece of work takes.

use atl_applinks::Applinks;
use atl_client::{Client, Product, ServerConfig, Transport};

use crate::trouble::Trouble;

/// A server, with the administrator signed in.
pub(super) struct Place<'c> {
    pub(super) client: &'c Client,
    pub(super) applinks: Applinks<'c>,
    /// Who is signed in, as the server says the name.
    pub(super) account: String,
}

/// Signs in, works, and signs out. A sign-in of its own each time: between setting an auditor up and taking it down may
/// lie hours, in which a session ends.
pub(super) fn at<T>(
    config: &ServerConfig,
    work: impl FnOnce(&Place<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let client = Client::new(config.clone(), &Transport::default())?;
    let done = open(&client).and_then(|place| work(&place));
    client.sign_out();
    done
}

/// Signs in and looks at what is there; who opened the client signs out.
pub(super) fn open(client: &Client) -> Result<Place<'_>, Trouble> {
    let type_id = &client.manifest()?.type_id;
    if client.product()? == Product::Other {
        return Err(Trouble::own(
            "unsupported_product",
            format!(
                "`{}` is a `{type_id}`, whose application links this tool only lists",
                client.server()
            ),
            "leave it out with `--server`, or set `product:` where the detection is wrong",
        ));
    }
    let account = client.sign_in()?.username;
    Ok(Place {
        client,
        applinks: Applinks::open(client)?,
        account,
    })
}
