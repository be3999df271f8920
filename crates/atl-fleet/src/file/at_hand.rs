//! The secrets of a whole fleet file that need no looking up: what stands in it, and what is in the environment, where
//! every command that this program starts sees it.

use secrecy::SecretString;

use super::{
    check::{consumers, servers},
    model::{Admin, Fleet},
    secret::{Environment, Secret},
    template::{Scheme, Segment},
};

/// Whatever is selected and needed.
pub(super) fn at_hand(fleet: &Fleet, environment: &Environment<'_>) -> Vec<SecretString> {
    let of_admin = |admin: &Admin| [admin.password.clone(), admin.token.clone()];
    let defaults = fleet.defaults.iter().filter_map(|all| all.admin.as_ref());
    let of_servers = servers(fleet)
        .iter()
        .filter_map(|entry| entry.value.as_ref());
    let of_consumers = consumers(fleet)
        .iter()
        .filter_map(|entry| entry.value.as_ref());
    let passwords = of_consumers
        .flat_map(|consumer| consumer.grants.iter().flatten())
        .map(|grant| grant.password.clone());
    let secrets: Vec<Option<Secret>> = defaults
        .chain(
            of_servers
                .clone()
                .filter_map(|server| server.admin.as_ref()),
        )
        .flat_map(of_admin)
        .chain(of_servers.map(|server| server.database.clone()))
        .chain(passwords)
        .collect();
    let values = |secret: &Secret| -> Vec<SecretString> {
        if let [Segment::Literal(literal)] = secret.segments() {
            return vec![literal.clone()];
        }
        let variables = secret
            .segments()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Reference(reference) if reference.scheme == Scheme::Env => {
                    (environment.var)(&reference.argument)
                }
                _ => None,
            });
        variables.map(SecretString::from).collect()
    };
    secrets.iter().flatten().flat_map(values).collect()
}
