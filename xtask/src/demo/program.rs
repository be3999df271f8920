//! The program on the demo's servers.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::estate::Site;

/// A command line of it, with nothing but what it needs in its environment.
pub(super) fn program(site: &Site, line: &str) -> anyhow::Result<Command> {
    let folder = site.folder();
    // Cargo puts it beside this program.
    let name = format!("atl-admin{}", std::env::consts::EXE_SUFFIX);
    let mut program = Command::new(std::env::current_exe()?.with_file_name(name));
    program
        .args(line.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_clear()
        .env("HOME", folder)
        .env("USERPROFILE", folder)
        .envs(site.variables());
    // How the terminal is, and what Windows needs to open a socket.
    for name in ["TERM", "COLORTERM", "NO_COLOR", "LANG", "SystemRoot"] {
        if let Some(value) = std::env::var_os(name) {
            program.env(name, value);
        }
    }
    Ok(program)
}

/// Makes signed calls to every server in turn until something else is over, and once more then: whether each call was
/// accepted, by server.
pub(super) fn call_until(site: &Site, over: &AtomicBool) -> anyhow::Result<Vec<Vec<bool>>> {
    let servers = site.estate.servers();
    let mut calls = vec![Vec::new(); servers.len()];
    loop {
        let last = over.load(Ordering::Relaxed);
        for (server, calls) in servers.iter().zip(&mut calls) {
            let line = format!(
                "request -s {} GET plugins/servlet/applinks/whoami",
                server.name()
            );
            let output = program(site, &line)?.output()?;
            calls.push(output.status.success());
        }
        if last {
            return Ok(calls);
        }
    }
}
