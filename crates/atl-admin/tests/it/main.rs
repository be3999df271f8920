//! The real program, run in an environment of its own. One module a command, and one a promise that holds for all.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy takes for tests"
)]

mod absent;
mod acceptance;
mod apply;
mod audit;
mod audit_bad_days;
mod audit_history;
mod audit_known;
mod audit_sources;
mod auditor_kill;
mod auditors;
mod audits;
mod authorize_browser;
#[cfg(unix)]
mod authorize_chromium;
mod authorize_headless;
mod authorize_killed;
mod authorize_many;
mod authorize_needs;
mod authorize_status;
#[cfg(target_os = "linux")]
mod authorize_typed;
mod broken_servers;
mod check;
mod check_calls;
mod check_grants;
#[cfg(unix)]
mod chromium;
mod cluster;
mod completions;
mod dances;
#[cfg(unix)]
mod disk;
mod env;
mod estate;
mod fleet_file;
mod formats;
mod globals;
mod grants;
mod guards;
mod history;
mod init;
mod interop;
mod interrupt;
mod inventory;
mod keys_age;
mod keys_check;
mod keys_ending;
mod keys_generate;
mod keys_show;
mod keys_store;
mod kill;
mod killing;
mod links;
mod list_bad_days;
mod lost_answers;
mod man;
mod mass_change;
mod plan;
mod reference;
mod report_files;
#[cfg(unix)]
mod report_html;
mod report_junit;
mod report_sarif;
mod reports;
mod request;
mod request_answers;
mod request_bodies;
mod request_parameters;
mod request_refused;
mod revoke_bad_days;
mod revoke_leaver;
mod revoke_whole;
mod rotate;
mod rotate_bad_days;
#[cfg(unix)]
mod rotate_exec;
mod rotate_kill;
mod rotate_kill_overlap;
mod rotate_meanwhile;
mod rotate_order;
mod rotate_overlap;
mod running;
mod schema;
mod scrub;
mod scrub_killed;
mod sign_in;
mod stdout;
mod store;
#[cfg(target_os = "linux")]
mod team_store;
mod terminal;
mod tls;
mod tokens_ended;
mod tokens_import;
mod tokens_life;
mod tokens_list;
mod tokens_renew;
mod tokens_revoke;
mod tokens_verify;
#[path = "../../../atl-oauth/tests/interop/tools.rs"]
mod tools;
mod two_processes;
#[cfg(target_os = "linux")]
mod typing;
mod wire;
