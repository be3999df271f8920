//! Which servers and consumers a command is about: `--server` and `--consumer`.

use std::path::Path;

use super::{
    check::{consumers, labels, matches, servers},
    decode::Entry,
    error::{FleetError, Problem},
    model::{Consumer, Fleet, Server},
    scalar::Selector,
};

/// What `--server` and `--consumer` say; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Names, or `label:NAME`.
    pub servers: Vec<String>,
    /// Names.
    pub consumers: Vec<String>,
}

impl Select {
    /// The selected servers, in the order of the file.
    pub(super) fn servers<'f>(
        &self,
        fleet: &'f Fleet,
        file: &Path,
        errors: &mut Vec<FleetError>,
    ) -> Vec<&'f Entry<Server>> {
        let selectors: Vec<Selector> = self
            .servers
            .iter()
            .map(|text| match text.strip_prefix("label:") {
                Some(label) => Selector::Label(label.to_owned()),
                None => Selector::Server(text.clone()),
            })
            .collect();
        for (selector, text) in selectors.iter().zip(&self.servers) {
            if !servers(fleet).iter().any(|entry| matches(entry, selector)) {
                let problem = match selector {
                    Selector::Server(name) if labels(fleet).contains(name.as_str()) => {
                        Problem::new("`--server` names no server of the fleet file")
                            .suggest(format!("for the label write `label:{name}`"))
                    }
                    Selector::Server(name) => Problem::new(
                        "`--server` names no server of the fleet file",
                    )
                    .did_you_mean(name, servers(fleet).iter().map(|entry| entry.name.as_str())),
                    Selector::Label(label) => Problem::new("no server has the label of `--server`")
                        .did_you_mean(label, labels(fleet)),
                };
                errors.push(FleetError::new(file, None, problem.text(text.as_str())));
            }
        }
        servers(fleet)
            .iter()
            .filter(|entry| {
                selectors.is_empty() || selectors.iter().any(|selector| matches(entry, selector))
            })
            .collect()
    }

    /// The selected consumers, in the order of the file.
    pub(super) fn consumers<'f>(
        &self,
        fleet: &'f Fleet,
        file: &Path,
        errors: &mut Vec<FleetError>,
    ) -> Vec<&'f Entry<Consumer>> {
        let names = || consumers(fleet).iter().map(|entry| entry.name.as_str());
        for text in &self.consumers {
            if !names().any(|name| name == text) {
                let problem = Problem::new("`--consumer` names no consumer of the fleet file")
                    .text(text.as_str())
                    .did_you_mean(text, names());
                errors.push(FleetError::new(file, None, problem));
            }
        }
        consumers(fleet)
            .iter()
            .filter(|entry| self.consumers.is_empty() || self.consumers.contains(&entry.name))
            .collect()
    }
}
