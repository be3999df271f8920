//! Who granted what to whom: an audit, the end of what a leaver granted, and what that changed.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use atl_keys::{KeySize, Keypair};
use atl_testbed::{Consumer, Generation, Granted, Kind, Link, Population, Server, User};

use super::{CONSUMER, Demo, say};
use crate::run::root;

const LEAVER: &str = "dana";
const COLLEAGUES: usize = 24;

/// Consumers that the fleet file does not know: their keys, names and application URLs.
const UNMANAGED: [(&str, &str, &str); 2] = [
    ("reports", "Report server", "https://reports.example.com"),
    ("old-ci", "Build server", "http://ci.example.com"),
];

/// Those whose consumers may impersonate.
const SERVERS: &str = "-s jira -s wiki -s git -s bamboo";

/// Everything that users granted: the server, the user and the grant as the server names it.
type Everything = BTreeSet<(String, String, String)>;

impl Demo {
    /// An audit of what many users granted, one of whom leaves, and a second audit.
    pub(super) fn leaver(&self) -> anyhow::Result<()> {
        self.people()?;
        say(&format!(
            "Time has passed. On every server but `jira-2`, which is too old for this, {COLLEAGUES} users and {LEAVER} have \
             granted access to {CONSUMER}, to consumers that somebody set up by hand and to OAuth 2 clients, and have made \
             personal access tokens. `audit` reads it all: the links, the keys, and through an auditor consumer, which it sets \
             up and takes down again, every user's own page."
        ));
        let audit = format!("audit {SERVERS} --with-auditor --by consumer");
        self.atl_admin(&format!("{audit} --html before.html"), 0)?;
        self.expect_no_auditor()?;
        self.keep_report("before.html", &[LEAVER, "Report server"])?;

        let before = self.everything();
        let (gone, others): (Everything, Everything) =
            before.into_iter().partition(|(_, user, _)| user == LEAVER);
        say(&format!(
            "{LEAVER} leaves the company, and what {LEAVER} granted goes too: on every server, whoever it was granted to."
        ));
        let revoke = format!("tokens revoke {SERVERS} --user {LEAVER} --with-auditor --yes");
        self.atl_admin(&revoke, 0)?;
        self.expect_no_auditor()?;
        ensure!(
            self.everything() == others,
            "not exactly the grants of {LEAVER} are gone"
        );

        say("A second audit shows the difference.");
        let told = self.atl_admin_told(&format!("{audit} --since last --html after.html"), 0)?;
        let summary = format!("grants: 0 new, {} gone, 0 changed;", gone.len());
        ensure!(
            told.contains(&summary),
            "the second audit does not say `{summary}`"
        );
        let report = self.keep_report("after.html", &["Grants that are gone", LEAVER])?;
        say("Both reports are files that need nothing else. The second one is here:");
        println!("{report}");
        Ok(())
    }

    /// Lets many users grant, over the last two years.
    fn people(&self) -> anyhow::Result<()> {
        let keypairs = Keypair::generate_many(KeySize::Bits2048, UNMANAGED.len())?;
        let servers = self.site.estate.servers().iter();
        for server in servers.filter(|server| server.generation() != Generation::Legacy) {
            for ((key, name, url), keypair) in UNMANAGED.iter().zip(&keypairs) {
                let public_key = keypair.public_key().to_pem();
                let link = server.add_link(Link::generic(name, url));
                server.put_consumer(Some(link), Consumer::new(key, name, &public_key)?);
            }
            server.populate(&population(server.kind())?);
        }
        Ok(())
    }

    /// What all servers have, asked of themselves.
    fn everything(&self) -> Everything {
        self.site
            .estate
            .servers()
            .iter()
            .flat_map(granted)
            .collect()
    }

    fn expect_no_auditor(&self) -> anyhow::Result<()> {
        for server in self.site.estate.servers() {
            let consumers = server.consumers();
            let mut keys = consumers.iter().map(|consumer| &consumer.key);
            ensure!(
                !keys.any(|key| key.contains("auditor")),
                "an auditor consumer is left on `{}`",
                server.name()
            );
        }
        Ok(())
    }

    /// Puts a report where it outlives the folder; where that is.
    fn keep_report(&self, name: &str, shows: &[&str]) -> anyhow::Result<String> {
        let report = fs_err::read_to_string(self.site.folder().join(name))?;
        for text in shows {
            ensure!(report.contains(text), "`{text}` is not in {name}");
        }
        let folder = root().join("target").join("demo");
        fs_err::create_dir_all(&folder)?;
        let kept = folder.join(name);
        fs_err::write(&kept, report)?;
        Ok(kept.display().to_string())
    }
}

/// The leaver and the others, and what they granted on a server of this kind.
fn population(kind: Kind) -> anyhow::Result<Population> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let days = |days: i64| -> anyhow::Result<i64> {
        let ago = Duration::from_hours(24 * u64::try_from(days)?);
        let then = now.checked_sub(ago).context("there was no such day")?;
        Ok(i64::try_from(then.as_secs())?)
    };
    let (month, ages) = (days(30)?, [days(700)?, days(400)?, days(200)?, days(60)?]);
    let age = |number: i64| ages[usize::try_from(number).unwrap_or(0) % ages.len()];
    let mut population = Population::of(COLLEAGUES);
    population.users.push(User::ordinary(LEAVER));
    // The leaver is the last one, and granted all of it.
    let each = |nth: i64| move |number: i64| number % nth == 1 || number > 24;
    let [fourth, sixth, twelfth] = [4, 6, 12].map(each);
    population = population
        .inactive(|number| number == 7)
        .granting(CONSUMER, |number| Some(age(number)))
        .granting("reports", move |number| sixth(number).then_some(month))
        .granting("old-ci", move |number| twelfth(number).then(|| age(number)))
        .granting(Granted::Client("Planner".to_owned()), move |number| {
            fourth(number).then_some(month)
        });
    // A Bamboo shows nobody the personal access tokens of others.
    if kind != Kind::Bamboo {
        let pat = |name: &str, days| Granted::Pat {
            name: name.to_owned(),
            days,
        };
        population = population
            .granting(pat("laptop", Some(365)), move |number| {
                fourth(number).then_some(month)
            })
            .granting(pat("script", None), move |number| {
                twelfth(number).then_some(month)
            });
    }
    Ok(population)
}

/// What users granted on a server.
fn granted(server: &Server) -> Everything {
    let tokens = server
        .tokens()
        .into_iter()
        .filter_map(|token| Some((token.user?, token.value)));
    let oauth2 = server.oauth2_grants().into_iter();
    let pats = server.pats().into_iter();
    tokens
        .chain(oauth2.map(|grant| (grant.user, grant.id)))
        .chain(pats.map(|pat| (pat.user, pat.id.to_string())))
        .map(|(user, what)| (server.name().to_owned(), user, what))
        .collect()
}
