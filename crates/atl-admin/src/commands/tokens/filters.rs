//! Which grants, beside `--server` and `--consumer`.

use std::time::Duration;

use atl_fleet::grants::{GrantFilter, GrantSort};
use atl_tokens::{GrantKind, GrantStatus};

use crate::{flags, output::inventory::By};

/// The filters that the commands for grants share; they narrow each other down.
#[derive(Debug, clap::Args)]
pub struct Filters {
    /// Only these grants: their ids, or beginnings of ids that only one grant has
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Only grants of this user (can be repeated)
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// Only grants to this consumer key, whether or not the fleet file has it (can be repeated)
    #[arg(long = "consumer-key", value_name = "KEY")]
    pub consumer_keys: Vec<String>,
    /// Only grants of this kind: `oauth1`, `oauth2` or `pat`, a personal access token (can be repeated)
    #[arg(
        long = "kind",
        value_name = "KIND",
        value_enum,
        hide_possible_values = true
    )]
    pub kinds: Vec<Kind>,
    /// Only grants that were given at least so long ago, such as `90d`
    #[arg(long, value_name = "AGE", value_parser = flags::age)]
    pub older_than: Option<Duration>,
    /// Only grants that have expired or will within this time, such as `30d`
    #[arg(long, value_name = "DURATION", value_parser = flags::age)]
    pub expires_in: Option<Duration>,
    /// Only grants that stand like this (can be repeated)
    #[arg(long = "status", value_name = "STATE", value_enum)]
    pub states: Vec<State>,
    /// In which order
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    pub sort: Sort,
    /// At most so many, the first ones in that order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Count the grants, for each user, consumer or server, in place of listing them
    #[arg(long, value_name = "GROUP", value_enum)]
    pub by: Option<By>,
}

/// What a grant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// An OAuth 1.0a access token
    Oauth1,
    /// An OAuth 2 refresh token
    Oauth2,
    /// A personal access token
    Pat,
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum State {
    /// Accepted when its server was last asked
    Active,
    /// Over
    Expired,
    /// Not accepted any more
    Rejected,
    /// Not known
    Unknown,
}

/// An order of grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Sort {
    /// By server, consumer and user
    #[default]
    Server,
    /// By user
    User,
    /// By consumer
    Consumer,
    /// The oldest first
    Created,
    /// What expires first comes first
    Expires,
    /// Active, expired, rejected, unknown
    Status,
}

impl Filters {
    /// Whether they say which grants; an order and a limit alone do not.
    pub(crate) fn select(&self) -> bool {
        let lists = [
            self.ids.is_empty(),
            self.users.is_empty(),
            self.states.is_empty(),
            self.consumer_keys.is_empty(),
            self.kinds.is_empty(),
        ];
        lists.contains(&false) || self.older_than.is_some() || self.expires_in.is_some()
    }

    pub(crate) fn filter(&self) -> GrantFilter {
        let state = |state: &State| match state {
            State::Active => GrantStatus::Active,
            State::Expired => GrantStatus::Expired,
            State::Rejected => GrantStatus::Rejected,
            State::Unknown => GrantStatus::Unknown,
        };
        let kind = |kind: &Kind| match kind {
            Kind::Oauth1 => GrantKind::Oauth1,
            Kind::Oauth2 => GrantKind::Oauth2,
            Kind::Pat => GrantKind::Pat,
        };
        GrantFilter {
            ids: self.ids.clone(),
            users: self.users.clone(),
            consumer_keys: self.consumer_keys.clone(),
            kinds: self.kinds.iter().map(kind).collect(),
            older_than: self.older_than,
            expires_in: self.expires_in,
            states: self.states.iter().map(state).collect(),
            sort: match self.sort {
                Sort::Server => GrantSort::Server,
                Sort::User => GrantSort::User,
                Sort::Consumer => GrantSort::Consumer,
                Sort::Created => GrantSort::Created,
                Sort::Expires => GrantSort::Expires,
                Sort::Status => GrantSort::Status,
            },
            limit: self.limit.map(|limit| limit as usize),
        }
    }
}
