//! Whether what is to be scrubbed is a copy at all, or another server of the fleet file under a second name.

use std::{collections::BTreeSet, net::SocketAddr};

use atl_client::{Client, Product};

use crate::{
    engine::{RunOptions, side_by_side},
    trouble::Trouble,
};

/// What the comparison with the other servers of the fleet file came to.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) warnings: Vec<String>,
    /// Why the name must be typed.
    pub(super) name_needed: Option<String>,
}

/// Refuses a server at whose address and context path another one of the fleet file is. Nothing is sent.
pub(super) fn same_address(client: &Client, others: &[Client]) -> Result<(), Trouble> {
    let Ok(own) = client.base_url().addresses() else {
        return Ok(());
    };
    let same = others.iter().find(|other| {
        let shares = other
            .base_url()
            .addresses()
            .is_ok_and(|addresses| !addresses.is_disjoint(&own));
        shares && same_path(client, other)
    });
    let Some(other) = same else { return Ok(()) };
    let (name, other_name) = (client.server(), other.server());
    Err(Trouble::own(
        "same_address",
        format!(
            "`{name}` and `{other_name}` are at one address ({}) and one context path: scrubbing `{name}` could scrub \
             `{other_name}`; nothing was sent",
            shown(&own)
        ),
        format!(
            "give the copy an address of its own under `url:` in the fleet file, such as its port behind the proxy, and \
             the URL it is called by under `sign_as:`; or take `{other_name}` out if it is the same server"
        ),
    ))
}

fn same_path(one: &Client, other: &Client) -> bool {
    let path = |client: &Client| client.base_url().context_path().to_ascii_lowercase();
    path(one) == path(other)
}

fn shown(addresses: &BTreeSet<SocketAddr>) -> String {
    let each: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    each.join(", ")
}

/// What another server said of itself.
enum Said {
    /// Its manifest: host id and product.
    Manifest(String, Product),
    /// Nothing that helps, and why.
    Nothing(String),
}

/// Compares host ids. A copy carries the id of what it was copied from, so a shared one is no mistake; it only cannot be
/// told from the outside which of both is the copy.
pub(super) fn compare(
    client: &Client,
    others: &[Client],
    run: RunOptions<'_>,
) -> Result<Compared, Trouble> {
    let manifest = client.manifest()?;
    let product = client.product()?;
    let name = client.server();
    let said = side_by_side(run.parallel, others, |_, other| ask(other));
    let mut compared = Compared::default();
    let unresolved = unresolved(client);
    let mut told_apart = false;
    for (other, said) in others.iter().zip(said) {
        let other_name = other.server();
        match said {
            Said::Manifest(id, _) if id == manifest.id => {
                compared.name_needed = Some(format!(
                    "`{name}` has the host id of `{other_name}`, as a copy of it has, and as it has itself"
                ));
            }
            Said::Manifest(_, its) => told_apart |= its == product,
            Said::Nothing(why) => compared.cannot_tell(name, other_name, &why),
        }
        if let Some(why) = &unresolved {
            compared.cannot_tell(name, other_name, why);
        }
        if manifest.url.trim_end_matches('/') == other.base_url().as_str() {
            compared.warnings.push(format!(
                "`{name}` takes itself for {}, which is `{other_name}`: set the base URL of the copy",
                manifest.url
            ));
        }
    }
    if compared.name_needed.is_none() && !told_apart {
        compared.name_needed = Some(format!(
            "the fleet file has no other {} that `{name}` could be told from",
            product.name()
        ));
    }
    Ok(compared)
}

fn ask(other: &Client) -> Said {
    if let Some(why) = unresolved(other) {
        return Said::Nothing(why);
    }
    let said = other
        .manifest()
        .and_then(|manifest| Ok(Said::Manifest(manifest.id.clone(), other.product()?)));
    said.unwrap_or_else(|error| Said::Nothing(Trouble::from(error).message))
}

/// Why addresses could not be compared, as behind a proxy that alone knows the name.
fn unresolved(client: &Client) -> Option<String> {
    let error = client.base_url().addresses().err()?;
    Some(format!(
        "the host name of `{}` cannot be resolved here: {error}",
        client.server()
    ))
}

impl Compared {
    fn cannot_tell(&mut self, name: &str, other: &str, why: &str) {
        let sentence = format!("`{name}` could not be compared with `{other}`: {why}");
        self.warnings.push(sentence);
        self.name_needed.get_or_insert_with(|| {
            format!("it is not known whether `{name}` is `{other}` under another name")
        });
    }
}
