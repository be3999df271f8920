//! The program on a terminal of its own, where somebody types as it goes on.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use crate::{env::Run, estate::Fleet};

/// The program, started on a terminal; stdout and stderr are one there. Killed when dropped.
pub(crate) struct Typing<'f> {
    fleet: &'f Fleet,
    child: Child,
    screen: ChildStdout,
    seen: Vec<u8>,
}

impl Fleet {
    /// Starts the program on a terminal.
    pub(crate) fn on_terminal(&self, line: &str) -> Typing<'_> {
        let program = self.command("");
        let path = program.get_program().to_str().unwrap();
        let mut command = Command::new("script");
        command
            .args(["-qec", &format!("{path} {line}"), "/dev/null"])
            .current_dir(program.get_current_dir().unwrap())
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let screen = child.stdout.take().unwrap();
        Typing {
            fleet: self,
            child,
            screen,
            seen: Vec::new(),
        }
    }
}

impl Typing<'_> {
    /// Waits until this is on the screen, and forgets what was there up to then.
    #[track_caller]
    pub(crate) fn wait_said(&mut self, text: &str) {
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if let Some(at) = seen.find(text) {
                self.seen = seen[at + text.len()..].into();
                return;
            }
            let mut more = [0; 4096];
            let count = self.screen.read(&mut more).unwrap();
            assert!(count > 0, "it never said `{text}`: {seen}");
            self.seen.extend_from_slice(&more[..count]);
        }
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        let keyboard = self.child.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Run {
        self.screen.read_to_end(&mut self.seen).unwrap();
        let status = self.child.wait().unwrap();
        let run = self.fleet.env.ran(Output {
            status,
            stdout: std::mem::take(&mut self.seen),
            stderr: Vec::new(),
        });
        self.fleet.hides_secrets(&run);
        self.fleet.hides_tokens(&run);
        run
    }
}

impl Drop for Typing<'_> {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
