//! The log on stderr.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// What every exchange with a server is logged as.
const EXCHANGES: [&str; 2] = ["atl::http", "atl::oauth"];

/// Starts the log: our own crates only, warnings unless `-v` says more, exchanges where `--trace-http` asks for them.
pub(crate) fn start(verbose: u8, trace_http: bool) {
    if verbose == 0 && !trace_http {
        return;
    }
    tracing_subscriber::registry()
        .with(targets(verbose, trace_http))
        .with(
            fmt::layer()
                .without_time()
                .with_ansi(false)
                .with_writer(std::io::stderr),
        )
        .try_init()
        .ok();
}

fn targets(verbose: u8, trace_http: bool) -> Targets {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let exchanges = if trace_http {
        LevelFilter::TRACE
    } else {
        level
    };
    Targets::new()
        .with_target("atl", level)
        .with_targets(EXCHANGES.map(|target| (target, exchanges)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn verbosity_is_for_our_own_crates() {
        let check = |verbose, trace_http, target, level, expected| {
            let shown = targets(verbose, trace_http).would_enable(target, &level);
            assert_eq!(
                shown, expected,
                "-v x{verbose} {trace_http} {target} {level}"
            );
        };
        check(0, true, "atl::http", Level::TRACE, true);
        check(0, true, "atl::oauth", Level::TRACE, true);
        check(0, true, "atl_fleet::run", Level::INFO, false);
        check(1, false, "atl_fleet::run", Level::INFO, true);
        check(1, false, "atl::http", Level::DEBUG, false);
        check(3, false, "hyper_util::client", Level::ERROR, false);
    }
}
