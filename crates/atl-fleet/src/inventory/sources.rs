//! The sources of one server, asked one after the other.

use std::ops::ControlFlow;

use atl_client::Client;
use atl_store::Store;
use atl_tokens::{Coverage, Found, Source};

use super::{Ask, stopped};
use crate::{engine::RunOptions, grants::GrantFilter, step::RunInfo, wanted::ReadyServer};

/// A server and what is asked of it.
pub(super) struct OnServer<'a> {
    pub(super) server: &'a ReadyServer,
    pub(super) client: &'a Client,
    pub(super) store: Option<&'a Store>,
    pub(super) ask: &'a Ask,
    pub(super) filter: &'a GrantFilter,
    pub(super) info: &'a RunInfo,
    pub(super) run: RunOptions<'a>,
}

impl OnServer<'_> {
    /// Asks them all.
    pub(super) fn read(&self, take: &dyn Fn(Found) -> ControlFlow<()>) -> Vec<Coverage> {
        let take = |found| {
            stopped(&self.run)?;
            take(found)
        };
        let mut coverage = Vec::new();
        coverage
    }
}
