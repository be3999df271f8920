//! What follows when a consumer has a second consumer key: grants of it, and the fleet file that names it.

use atl_store::GrantState;
use atl_tokens::GrantEntry;

use super::{RotationReport, RotationState, Rotations, patch, report::Rotation};
use crate::{
    authorize::{Authorize, Way, authorize},
    engine::{RunOptions, StartError},
    grants::same_user,
    known::Known,
    step::RunInfo,
    wanted::{Consumer, Grant, ReadyServer},
};

impl Rotations<'_> {
    /// Dances anew for every grant of the first consumer key, and every one that the fleet file names, that the second
    /// consumer key has none of, where the fleet file has the user's password; of the others it says that a person is
    /// needed. `rotate --retire` wants a grant of each.
    pub(super) fn dance(
        &self,
        mut rotations: Vec<Rotation>,
        info: &RunInfo,
        run: RunOptions<'_>,
    ) -> Result<RotationReport, StartError> {
        let known = Known::read(Some(self.store))?;
        let mut second = self.ready.clone();
        second.consumers.clear();
        for rotation in rotations
            .iter_mut()
            .filter(|rotation| rotation.state == RotationState::Verified)
        {
            let Some((consumer, server)) = self.of(rotation) else {
                continue;
            };
            let (Some(key), Some(url)) = (&rotation.new_key, &rotation.new_url) else {
                continue;
            };
            let living = |consumer_key: &str| {
                let of_key = known.grants.iter().filter(|row| {
                    row.server_url == server.config.base_url.as_str()
                        && row.consumer_key == consumer_key
                        && row.consumer == consumer.name
                        && row.state != GrantState::Rejected
                });
                of_key.map(|row| row.user.as_str()).collect::<Vec<_>>()
            };
            let (first, second_has) = (living(&consumer.key), living(key));
            let named = consumer.grants.iter().map(|grant| grant.user.as_str());
            let mut users: Vec<&str> = Vec::new();
            let mut add = |user| {
                if !users.iter().any(|one| same_user(one, user)) {
                    users.push(user);
                }
                users.len()
            };
            rotation.grants_before = first.into_iter().map(&mut add).max().unwrap_or_default();
            named.for_each(|user| {
                add(user);
            });
            rotation.grants_checked = users.len();
            let mut grants: Vec<Grant> = Vec::new();
            for user in users {
                let mut wanted = consumer.grants.iter();
                match wanted.find(|grant| same_user(&grant.user, user)) {
                    Some(grant) if grant.password.is_some() => grants.push(grant.clone()),
                    _ if second_has.iter().any(|one| same_user(one, user)) => {
                        rotation.grants_ok += 1;
                    }
                    _ => rotation.needs_person.push(user.to_owned()),
                }
            }
            if !grants.is_empty() {
                second.consumers.push(Consumer {
                    key: key.clone(),
                    url: url.clone(),
                    servers: vec![rotation.server.clone()],
                    grants,
                    ..consumer.clone()
                });
            }
        }
        if !second.consumers.is_empty() {
            let what = Authorize {
                users: &[],
                way: Way::Headless,
            };
            let report = authorize(&second, self.store, &what, info, run)?;
            for rotation in &mut rotations {
                let of = |server: &str, consumer: &str| {
                    rotation.server == server && rotation.consumer == consumer
                };
                let ok = report.grants.iter();
                let ours = |one: &&GrantEntry| {
                    of(&one.server, one.consumer.as_deref().unwrap_or_default())
                };
                rotation.grants_ok += ok.filter(ours).count();
                let mut failed = report.failed.iter();
                if let Some(failed) = failed.find(|one| of(&one.server, &one.consumer)) {
                    rotation.error.get_or_insert(failed.error.clone());
                }
            }
        }
        let patches = self.patches(&rotations);
        Ok(RotationReport {
            patches,
            ..RotationReport::new(rotations)
        })
    }

    pub(super) fn of(&self, rotation: &Rotation) -> Option<(&Consumer, &ReadyServer)> {
        let mut consumers = self.ready.consumers.iter();
        let mut servers = self.ready.servers.iter();
        Some((
            consumers.find(|consumer| consumer.name == rotation.consumer)?,
            servers.find(|server| server.config.name == rotation.server)?,
        ))
    }

    /// What to change in the fleet file, for consumers that have a second consumer key on all their servers.
    fn patches(&self, rotations: &[Rotation]) -> Vec<String> {
        let mut patches = Vec::new();
        for consumer in &self.ready.consumers {
            let everywhere = consumer.servers.iter().all(|server| {
                rotations.iter().any(|rotation| {
                    rotation.consumer == consumer.name
                        && rotation.server == *server
                        && rotation.state == RotationState::Verified
                })
            });
            let names = rotations
                .iter()
                .find(|rotation| rotation.consumer == consumer.name)
                .and_then(|rotation| rotation.new_key.as_ref().zip(rotation.new_url.as_ref()));
            let (Some((key, url)), true) = (names, everywhere) else {
                continue;
            };
            let (path, text) = &self.what.fleet_file;
            patches.push(
                patch::patch(path, text, &consumer.name, key, url).unwrap_or_else(|| {
                    format!(
                        "# {path}: under `{}` write\n#   key: {key}\n#   url: {url}\n",
                        consumer.name
                    )
                }),
            );
        }
        patches
    }
}
