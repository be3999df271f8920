//! Where grants are found out about.

use std::ops::ControlFlow;

use super::{Coverage, GrantEntry, SourceKind};

/// A source of grants, of one server.
pub trait Source: Send {
    /// Which one.
    fn kind(&self) -> SourceKind;

    /// Hands over what it finds, one at a time and in no order, until there is no more or `take` says to stop; then says
    /// what it could and could not see. What was handed over before a failure stays valid. After a stop the coverage is
    /// that of a source that was interrupted.
    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage;
}

/// What a source finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A grant.
    Grant(Box<GrantEntry>),
    /// A consumer that is registered, which only a source that sees the database can tell in full.
    Consumer(RegisteredConsumer),
}

/// A consumer that a server has, with a link or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredConsumer {
    /// The consumer key.
    pub key: String,
    /// What the server calls it.
    pub name: Option<String>,
}
