//! What follows when a consumer has a second consumer key: grants of it, and the fleet file that names it.

use atl_store::GrantState;

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
    /// Dances anew for every grant of the first consumer key that the second one has no successor of, where the fleet file
    /// has the user's password; of the others it says that a person is needed.
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
            let living = known.grants.iter().filter(|row| {
                row.server_url == server.config.base_url.as_str()
                    && row.consumer_key == consumer.key
                    && row.consumer == consumer.name
                    && row.state != GrantState::Rejected
            });
            let mut grants: Vec<Grant> = Vec::new();
            for row in living {
                let known = |grant: &&Grant| same_user(&grant.user, &row.user);
                if grants.iter().any(|grant| known(&grant)) {
                    continue;
                }
                rotation.grants_before += 1;
                rotation.grants_checked += 1;
                match consumer.grants.iter().find(known) {
                    Some(grant) if grant.password.is_some() => grants.push(grant.clone()),
                    _ => rotation.needs_person.push(row.user.clone()),
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
                rotation.grants_ok = ok.filter(|one| of(&one.server, &one.consumer)).count();
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
