//! The command of `--exec`: run by the shell, what it prints on stderr with known secrets removed.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use atl_fleet::{HandOver, Ready};
use secrecy::{ExposeSecret as _, SecretString};
use wait_timeout::ChildExt as _;
use zeroize::Zeroizing;

/// What stands where a secret stood.
const MASK: &str = "[secret]";
/// How long the rest of the output is waited for when the command has ended.
const REST: Duration = Duration::from_secs(1);
/// Shorter ones would mask ordinary words.
const SHORTEST: usize = 4;

/// The secrets of the fleet file that were resolved for this run, and those that a command finds in its environment.
pub(super) fn secrets(ready: &Ready) -> Vec<SecretString> {
    let of_servers = ready
        .servers
        .iter()
        .filter_map(|server| server.config.secret());
    let of_grants = ready
        .consumers
        .iter()
        .flat_map(|consumer| &consumer.grants)
        .filter_map(|grant| grant.password.as_ref());
    let resolved = of_servers.chain(of_grants);
    resolved.chain(&ready.at_hand).cloned().collect()
}

/// Runs the command for one new key; the error says why it failed, in words that follow "the command".
pub(super) fn run(
    command: &str,
    what: &HandOver<'_>,
    timeout: Duration,
    secrets: &[SecretString],
) -> Result<(), String> {
    let mut child = start(command, what).map_err(|error| format!("could not be run: {error}"))?;
    let masks = Arc::new(Masks::new(what.private_key_file, secrets));
    // One line at a time, so that those of both streams do not run into each other.
    let screen = Arc::new(Mutex::new(()));
    let (ended, streams) = mpsc::channel();
    let pass = |stream: Option<Box<dyn Read + Send>>| {
        let (masks, screen, ended) = (Arc::clone(&masks), Arc::clone(&screen), ended.clone());
        thread::spawn(move || {
            if let Some(stream) = stream {
                masks.pass(stream, &screen);
            }
            ended.send(()).ok();
        });
    };
    pass(child.stdout.take().map(|out| Box::new(out) as _));
    pass(child.stderr.take().map(|err| Box::new(err) as _));
    let status = child.wait_timeout(timeout);
    if !matches!(status, Ok(Some(_))) {
        end(&mut child);
    }
    // What it started may live on with its output open: that is not waited for.
    for _ in 0..2 {
        streams.recv_timeout(REST).ok();
    }
    match status {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!("failed ({status})")),
        Ok(None) => Err(format!("did not end within {timeout:?} and was ended")),
        Err(error) => Err(format!("could not be waited for: {error}")),
    }
}

fn start(command: &str, what: &HandOver<'_>) -> std::io::Result<Child> {
    let (shell, option) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let mut process = Command::new(shell);
    process
        .args([option, command])
        .env("ATL_ADMIN_SERVER", what.server)
        .env("ATL_ADMIN_CONSUMER", what.consumer)
        .env("ATL_ADMIN_PRIVATE_KEY_FILE", what.private_key_file)
        .env("ATL_ADMIN_FINGERPRINT", what.fingerprint.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // A group of its own, so that it can be ended with all that it started, and Ctrl-C does not cut it off half-way.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    process.spawn()
}

/// Ends the command and everything that it started: what it left running would keep its output open.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id())
        && let Some(group) = rustix::process::Pid::from_raw(id)
    {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
    child.kill().ok();
    child.wait().ok();
}

/// What must not be seen of a command's output.
struct Masks {
    secrets: Vec<Zeroizing<String>>,
}

impl Masks {
    /// The secrets of the fleet file, and every line of the private key.
    fn new(key_file: &Path, secrets: &[SecretString]) -> Self {
        let pem = fs_err::read_to_string(key_file).map(Zeroizing::new);
        let mut body = Zeroizing::new(String::new());
        let mut masks: Vec<Zeroizing<String>> = secrets
            .iter()
            .map(|secret| Zeroizing::new(secret.expose_secret().to_owned()))
            .collect();
        for line in pem.iter().flat_map(|pem| pem.lines()) {
            if !line.starts_with("-----") {
                body.push_str(line);
                masks.push(Zeroizing::new(line.to_owned()));
            }
        }
        masks.push(body);
        masks.retain(|mask| mask.len() >= SHORTEST);
        // A secret that holds another one is masked whole.
        masks.sort_by_key(|mask| std::cmp::Reverse(mask.len()));
        Self { secrets: masks }
    }

    /// Passes a stream on to stderr line by line; private keys in any PEM are left out whole.
    fn pass(&self, stream: impl Read, screen: &Mutex<()>) {
        let mut lines = BufReader::new(stream).split(b'\n');
        let mut in_key = false;
        while let Some(Ok(line)) = lines.next() {
            let line = Zeroizing::new(line);
            let text = Zeroizing::new(String::from_utf8_lossy(&line).into_owned());
            let (begins, ends) = (
                text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----"),
                text.contains("-----END"),
            );
            let shown = if begins || in_key {
                MASK.to_owned()
            } else {
                self.masked(&text)
            };
            if !in_key || ends {
                let _one = screen.lock();
                writeln!(anstream::stderr(), "{}", shown.trim_end_matches('\r')).ok();
            }
            in_key = (begins || in_key) && !ends;
        }
    }

    fn masked(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), MASK)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_the_longer_ones_first() {
        let secrets = ["hunter2".into(), "hunter2-and-more".into(), "abc".into()];
        let masks = Masks::new(Path::new("/nowhere"), &secrets);
        assert_eq!(
            masks.masked("a hunter2-and-more b hunter2 abc"),
            "a [secret] b [secret] abc"
        );
    }
}
