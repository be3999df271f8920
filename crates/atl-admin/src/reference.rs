//! The command reference, docs/cli.md, made from the definition of the command line.

use std::fmt::Write as _;

use clap::{Arg, Command};

use crate::{cli, exit::Exit};

const GLOBAL: &str = "Global options";

/// The whole reference as Markdown.
pub fn markdown() -> String {
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    let mut text = format!(
        "# Commands of atl-admin\n\n\
         <!-- Made from the program by `cargo xtask docs`; do not edit. -->\n\n\
         {}.\n\n\
         Global options may stand before or after the command. A flag beats its environment variable, which beats the \
         fleet file, which beats the default. A boolean variable is on when it is set to anything but empty, `0`, \
         `false`, `no` or `off`. Data goes to stdout; everything else goes to stderr.\n\n## Global options\n\n",
        about(&command)
    );
    options(&mut text, &command, true);
    text.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        writeln!(text, "| {} | {} |", exit.code(), exit.meaning()).ok();
    }
    for sub in command.get_subcommands() {
        describe(&mut text, sub, "atl-admin");
    }
    text
}

fn describe(text: &mut String, command: &Command, above: &str) {
    let name = format!("{above} {}", command.get_name());
    write!(text, "\n## {name}\n\n{}.\n", about(command)).ok();
    if command.has_subcommands() {
        for sub in command.get_subcommands() {
            describe(text, sub, &name);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    write!(text, "\n```text\n{usage}\n```\n").ok();
    if command.get_arguments().any(is_own) {
        text.push('\n');
        options(text, command, false);
    }
    if let Some(more) = command.get_after_help() {
        let more = more.to_string();
        let (prose, examples) = more.split_once("Example").map_or_else(
            || (more.as_str(), None),
            |(prose, rest)| (prose, rest.split_once('\n').map(|(_, lines)| lines)),
        );
        if !prose.trim().is_empty() {
            write!(text, "\n{}\n", prose.trim()).ok();
        }
        if let Some(examples) = examples {
            let lines: Vec<_> = examples.lines().map(str::trim).collect();
            write!(text, "\n```sh\n{}\n```\n", lines.join("\n")).ok();
        }
    }
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn is_own(arg: &Arg) -> bool {
    arg.get_help_heading() != Some(GLOBAL) && !["help", "version"].contains(&arg.get_id().as_str())
}

fn options(text: &mut String, command: &Command, global: bool) {
    let shown = |arg: &&Arg| {
        if global {
            arg.get_help_heading() == Some(GLOBAL)
        } else {
            is_own(arg)
        }
    };
    for arg in command.get_arguments().filter(shown) {
        writeln!(text, "- `{}`: {}", spelled(arg), explained(arg)).ok();
    }
}

fn spelled(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .map(|names| {
            names
                .iter()
                .map(|name| format!("<{name}>"))
                .collect::<Vec<_>>()
                .join(" ")
        });
    let flags: Vec<_> = [
        arg.get_short().map(|short| format!("-{short}")),
        arg.get_long().map(|long| format!("--{long}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (flags.is_empty(), value) {
        (true, Some(value)) => value,
        (_, Some(value)) => format!("{} {value}", flags.join(", ")),
        (_, None) => flags.join(", "),
    }
}

fn explained(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    if arg.get_action().takes_values() {
        let values: Vec<_> = arg
            .get_possible_values()
            .iter()
            .filter(|_| !arg.is_hide_possible_values_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            notes.push(values.join(", "));
        }
        let default: Vec<_> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        if !default.is_empty() {
            notes.push(format!("default `{}`", default.join(" ")));
        }
    }
    if let Some(variable) = arg.get_env() {
        notes.push(format!("environment `{}`", variable.to_string_lossy()));
    }
    if !notes.is_empty() {
        write!(text, " ({})", notes.join("; ")).ok();
    }
    text
}
