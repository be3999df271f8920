//! `check`

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Changes nothing anywhere. Checks: reach, tls, product, credentials, admin, sysadmin, basic, captcha, \
                  websudo, clock, base_url, key, link, consumer, grant, auditor.\n\n\
                  Exit codes: 1 if any check fails, 3 if a server could not be asked, 4 if every failure is a refused \
                  sign-in, else 0. A warning never fails.\n\nExamples:\n  atl-admin check\n  \
                  atl-admin check -s jira -o json"
)]
pub struct Args {}
