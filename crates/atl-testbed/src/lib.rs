#![doc = include_str!("../README.md")]

mod answer;
mod breakable;
mod call;
mod confluence_database;
mod copy;
mod directory;
mod estate;
mod exchange;
mod fault;
mod grants;
mod identity;
mod jira_database;
mod key;
mod net;
mod oauth;
mod oauth2;
mod personal;
mod population;
mod postgres;
mod reply;
mod rest;
mod route;
mod server;
mod setting;
mod skip;
mod spec;
mod state;
mod tls;
mod token;
mod user;
mod web;
mod wire;

pub use directory::{Consumer, Flags, Link, OutgoingConsumer, link_id};
pub use estate::{Estate, EstateError};
pub use exchange::{AuthenticatedBy, Exchange, Purpose};
pub use fault::{Fault, Hold, Matcher, Rule, When};
pub use key::{KeyError, PublicKey};
pub use oauth2::OAuth2Grant;
pub use personal::Pat;
pub use population::{Grant, Granted, Population};
pub use postgres::{Postgres, PostgresDatabase};
pub use server::Server;
pub use setting::{Knob, RateLimit, Setting};
pub use skip::skip;
pub use spec::{
    ADMIN, ADMIN_PASSWORD, ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Generation, Kind, MANAGER,
    MANAGER_PASSWORD, SERVICE_PASSWORD, SERVICE_USER, ServerSpec,
};
pub use token::{Decision, Token, TokenKind, TokenSession};
pub use user::{Role, User};
pub use web::{Language, Layout, Oddity};
