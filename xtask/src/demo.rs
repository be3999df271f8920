//! `cargo xtask demo`: the real program on servers that behave as the real ones do, one command after the other.

mod leaver;
mod program;

use std::{
    fmt::Write as _,
    io,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use atl_testbed::{AuthenticatedBy, Generation, Kind, SERVICE_USER, Server, ServerSpec, TokenKind};

use self::program::{call_until, program};
use crate::{
    estate::Site,
    run::{cargo, run},
    testbed::interruption,
};

pub(crate) const CONSUMER: &str = "deploy-bot";
const APPLICATION: &str = "https://deploy.example.com";
const CALLBACK: &str = "https://deploy.example.com/oauth/callback";
const STRAY_CALLBACK: &str = "https://old.example.com/callback";

pub(crate) fn demo() -> anyhow::Result<()> {
    let interrupted = interruption()?;
    run(&mut cargo(&["build", "--locked", "--bin", "atl-admin"]))?;
    let specs = vec![
        ServerSpec::new(Kind::Jira),
        ServerSpec::new(Kind::Jira).generation(Generation::Legacy),
        ServerSpec::new(Kind::Confluence)
            .generation(Generation::Next)
            .context("/confluence"),
        ServerSpec::new(Kind::Bitbucket),
        ServerSpec::new(Kind::Bamboo).generation(Generation::Next),
    ];
    Demo {
        site: Site::start("demo", specs)?,
        interrupted,
    }
    .play()
}

struct Demo {
    site: Site,
    interrupted: Receiver<()>,
}

impl Demo {
    fn play(&self) -> anyhow::Result<()> {
        let servers: String =
            self.site
                .estate
                .servers()
                .iter()
                .fold(String::new(), |mut text, server| {
                    write!(text, " {} ({:?})", server.name(), server.generation()).ok();
                    text
                });
        say(&format!(
            "Five servers run on loopback now, each as its product and generation behaves:{servers}. \
             One file says what should be; nothing has been done yet."
        ));
        println!(
            "$ cat fleet.yaml\n{}",
            fs_err::read_to_string(self.site.folder().join("fleet.yaml"))?.trim_end()
        );

        say("`check` reaches every server and says what would go wrong later. It changes nothing.");
        self.atl_admin("check", 0)?;
        say("`plan` shows the difference between the file and the servers.");
        self.atl_admin("plan", 0)?;
        self.expect_no_write("`check` and `plan`")?;
        say(
            "`apply` makes a keypair, creates the links and has every server prove that it accepts the key.",
        );
        self.atl_admin("apply", 0)?;
        self.expect_as_wanted()?;

        self.forget_requests();
        say("The same again: there is nothing to do, and exit code 0 says so to scripts.");
        self.atl_admin("plan --detailed-exitcode", 0)?;
        self.expect_no_write("the second `plan`")?;
        say("`links list` asks every server what it has.");
        self.atl_admin("links list", 0)?;

        self.drift()?;
        say("`plan` finds both; exit code 10 means that changes are pending.");
        self.atl_admin("plan --detailed-exitcode", 10)?;
        say("`apply` repairs them, with the keypair that is in the store.");
        self.atl_admin("apply", 0)?;
        self.expect_as_wanted()?;
        say("And there is nothing left to do.");
        self.atl_admin("plan --detailed-exitcode", 0)?;

        self.authorize()?;
        self.rotate()?;
        self.leaver()?;
        say("`history` shows the journal: every write, with who made it and how it ended.");
        self.atl_admin("history", 0)?;
        say("That was all. The servers, the store and the folder are gone now; the reports stay.");
        Ok(())
    }

    /// The dance on every server, and a call with each grant that came of it.
    fn authorize(&self) -> anyhow::Result<()> {
        say(&format!(
            "A consumer acts for users who let it. `authorize --headless` signs in as {SERVICE_USER} with the password \
             that the file refers to, allows it on every server and keeps the grants in the store, sealed."
        ));
        self.atl_admin("authorize --headless", 0)?;
        self.expect_grants()?;
        say("`authorize --status` asks every server whether it still accepts its grant.");
        self.atl_admin("authorize --status", 0)?;
        say("`request` makes a signed call. Each server is asked who it takes us for.");
        for server in self.site.estate.servers() {
            server.clear_log();
            let path = match server.kind() {
                Kind::Jira => "rest/api/2/myself",
                Kind::Confluence => "rest/api/user/current",
                Kind::Bitbucket => "plugins/servlet/applinks/whoami",
                Kind::Bamboo => "rest/api/latest/currentUser",
            };
            self.atl_admin(&format!("request -s {} GET {path}", server.name()), 0)?;
            expect_signed_call(server)?;
        }
        Ok(())
    }

    /// New keys everywhere, while a second process goes on to make signed calls with the grants: each call is refused at
    /// most while its server has the new key and the store does not say so yet.
    fn rotate(&self) -> anyhow::Result<()> {
        say(
            "Keys are to be rotated. `rotate` registers a new public key under the same consumer key, one server first, and \
             proves it with calls and with every grant; otherwise it puts the old key back. Meanwhile a second process makes \
             signed calls.",
        );
        let rotated = AtomicBool::new(false);
        let site = &self.site;
        let calls = thread::scope(|scope| {
            let calling = scope.spawn(|| call_until(site, &rotated));
            let rotation = self.atl_admin("rotate --yes", 0);
            rotated.store(true, Ordering::Relaxed);
            let calls = calling
                .join()
                .map_err(|_| anyhow!("the second process was lost"))?;
            rotation.and(calls)
        })?;
        let servers = self.site.estate.servers();
        for (server, calls) in servers.iter().zip(&calls) {
            let switches = calls
                .chunk_by(|one, next| one == next)
                .filter(|same| !same[0]);
            ensure!(
                switches.count() <= 1 && calls.last() == Some(&true),
                "calls to `{}` failed for longer than the switch: {calls:?}",
                server.name()
            );
        }
        let (all, refused) = calls.iter().flatten().fold((0, 0), |(all, refused), ok| {
            (all + 1, refused + u32::from(!ok))
        });
        say(&format!(
            "The second process made {all} calls in all; {refused} were refused, each during its server's own switch."
        ));
        say("Nothing is left to do, and every grant works with the new key.");
        self.atl_admin("plan --detailed-exitcode", 0)?;
        self.atl_admin("tokens verify", 0)?;
        self.atl_admin("keys list", 0)
    }

    /// Asks the servers themselves for whom they gave out access tokens.
    fn expect_grants(&self) -> anyhow::Result<()> {
        for server in self.site.estate.servers() {
            let tokens = server.tokens();
            let users: Vec<_> = tokens
                .iter()
                .filter(|token| token.kind == TokenKind::Access && token.consumer_key == CONSUMER)
                .map(|token| token.user.as_deref())
                .collect();
            ensure!(
                users == [Some(SERVICE_USER)],
                "`{}` gave out access tokens for {users:?}",
                server.name()
            );
        }
        Ok(())
    }

    /// Two changes as somebody might make them in an admin dialog.
    fn drift(&self) -> anyhow::Result<()> {
        let jira = self.site.estate.server_named("jira");
        jira.edit_consumer(CONSUMER, |consumer| {
            consumer.callback = Some(STRAY_CALLBACK.to_owned());
        });
        let git = self.site.estate.server_named("git");
        let link = git
            .link(APPLICATION)
            .context("`git` has no link to delete")?;
        ensure!(git.delete_link(link.id), "`git` kept its link");
        say(&format!(
            "Now somebody changes things by hand: on `jira` the callback of {CONSUMER} is set to {STRAY_CALLBACK}, \
             on `git` the link is deleted."
        ));
        Ok(())
    }

    /// Asks the servers themselves, not the program.
    fn expect_as_wanted(&self) -> anyhow::Result<()> {
        let is_as_wanted = |server: &&Server| {
            let link = server.link(APPLICATION);
            link.is_some_and(|link| link.consumer_key.as_deref() == Some(CONSUMER))
                && server
                    .consumer(CONSUMER)
                    .is_some_and(|consumer| consumer.callback.as_deref() == Some(CALLBACK))
        };
        for server in self.site.estate.servers() {
            ensure!(
                is_as_wanted(&server),
                "`{}` does not have what the fleet file says",
                server.name()
            );
        }
        Ok(())
    }

    fn forget_requests(&self) {
        self.site
            .estate
            .servers()
            .iter()
            .for_each(Server::clear_log);
    }

    fn expect_no_write(&self, of: &str) -> anyhow::Result<()> {
        for server in self.site.estate.servers() {
            ensure!(server.writes() == 0, "{of} wrote to `{}`", server.name());
        }
        Ok(())
    }

    /// Shows a command line, runs it with nothing but what it needs in its environment, and lets it print for itself.
    fn atl_admin(&self, line: &str, expected: i32) -> anyhow::Result<()> {
        self.show(line, expected, program(&self.site, line)?, |_| Ok(()))
    }

    /// The same with what it prints to standard output.
    fn atl_admin_told(&self, line: &str, expected: i32) -> anyhow::Result<String> {
        let mut program = program(&self.site, line)?;
        program.stdout(Stdio::piped());
        self.show(line, expected, program, |printed| {
            let printed = printed.context("what it prints goes elsewhere")?;
            let told = io::read_to_string(printed)?;
            print!("{told}");
            Ok(told)
        })
    }

    fn show<T: Send>(
        &self,
        line: &str,
        expected: i32,
        mut program: Command,
        meanwhile: impl FnOnce(Option<ChildStdout>) -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        println!("$ atl-admin {line}");
        let mut child = program
            .spawn()
            .context("the program that was just built could not be started")?;
        let printed = child.stdout.take();
        let (status, told) = thread::scope(|scope| {
            let reading = scope.spawn(move || meanwhile(printed));
            let status = self.wait(child)?;
            let told = reading.join().map_err(|_| anyhow!("its output was lost"))?;
            anyhow::Ok((status, told?))
        })?;
        ensure!(
            status.code() == Some(expected),
            "`atl-admin {line}` should have ended with exit code {expected}, not with {status}"
        );
        // Some servers end an answer without a line break.
        println!(
            "{}(exit code {expected})",
            if line.starts_with("request") {
                "\n"
            } else {
                ""
            }
        );
        Ok(told)
    }

    /// Waits for the end of a command, or ends it where this one is to end.
    fn wait(&self, mut child: Child) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            match self.interrupted.recv_timeout(Duration::from_millis(10)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    child.kill()?;
                    child.wait()?;
                    bail!("interrupted; the servers and the folder are gone");
                }
            }
        }
    }
}

/// The server was called once, with a signature, as the user who allowed it.
fn expect_signed_call(server: &Server) -> anyhow::Result<()> {
    let log = server.log();
    let signed =
        |by, user: Option<&str>| by == AuthenticatedBy::OAuth && user == Some(SERVICE_USER);
    ensure!(
        log.len() == 1 && signed(log[0].authenticated_by, log[0].user.as_deref()),
        "`{}` was not called with one signature of {SERVICE_USER}",
        server.name()
    );
    Ok(())
}

/// A remark between the commands, wrapped as a comment.
fn say(text: &str) {
    println!();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + word.len() >= 100 {
            println!("{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    println!("{line}");
}
