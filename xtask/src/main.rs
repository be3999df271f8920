//! The project's automation: `cargo xtask demo | test | testbed | bench | docs | ci`.

mod bench;
mod ci;
mod demo;
mod docs;
mod estate;
mod run;
mod test;
mod testbed;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's automation")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, installing what the tests need into `.tools`
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure the program, and record the figures in docs/BENCHMARKS.md
    Bench {
        /// Only these parts
        #[arg(value_name = "PART")]
        parts: Vec<bench::Part>,
        /// A short run that is not recorded
        #[arg(long)]
        quick: bool,
    },
    /// Run `atl-admin` on servers of the testbed, showing each command and what it prints
    Demo,
    /// Start servers to try `atl-admin` on, until Ctrl-C
    Testbed(testbed::Args),
    /// Write the generated parts of docs/ anew
    Docs {
        /// Only compare
        #[arg(long)]
        check: bool,
    },
    /// Makes and times the calls of a job file: what `bench` measures of our client library
    #[command(hide = true)]
    Calls { job: std::path::PathBuf },
    /// Run what a pull request must pass: formatting, lints, dependency policy, tests
    Ci,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(run::root())?;
    match Xtask::parse().task {
        Task::Test { args } => test::test(&args),
        Task::Bench { parts, quick } => bench::bench(&parts, quick),
        Task::Demo => demo::demo(),
        Task::Testbed(args) => testbed::testbed(&args),
        Task::Docs { check } => docs::docs(check),
        Task::Calls { job } => bench::calls(&job),
        Task::Ci => ci::ci(),
    }
}
