//! The program while it runs.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStderr, Command, Stdio},
};

use atl_testbed::Hold;

use crate::{
    env::{Env, Run},
    estate::Fleet,
};

/// The program, started and not waited for; killed when dropped.
pub(crate) struct Running<'e> {
    env: &'e Env,
    child: Child,
    stderr: BufReader<ChildStderr>,
    read: String,
}

impl Fleet {
    /// Starts the program.
    pub(crate) fn start(&self, line: &str) -> Running<'_> {
        Running::start(&self.env, self.command(line))
    }

    /// Starts the program with a pipe to write its input to.
    pub(crate) fn start_fed(&self, line: &str) -> Running<'_> {
        let mut command = self.command(line);
        command.stdin(Stdio::piped());
        Running::start(&self.env, command)
    }
}

impl<'e> Running<'e> {
    pub(crate) fn start(env: &'e Env, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            env,
            child,
            stderr,
            read: String::new(),
        }
    }

    /// Waits for a line on stderr that contains this.
    #[track_caller]
    pub(crate) fn wait_said(&mut self, text: &str) {
        loop {
            let before = self.read.len();
            let count = self.stderr.read_line(&mut self.read).unwrap();
            assert!(count > 0, "it never said `{text}`: {}", self.read);
            if self.read[before..].contains(text) {
                return;
            }
        }
    }

    /// Writes to its input.
    pub(crate) fn feed(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let line = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(status.success());
    }

    /// Presses Ctrl-C while a request is held, lets that go on once this was said, and waits for the end.
    #[track_caller]
    pub(crate) fn interrupt_held(mut self, hold: &Hold, said: &str) -> Run {
        assert!(hold.wait_reached());
        self.interrupt();
        self.wait_said(said);
        hold.release();
        self.end()
    }

    /// `kill -9`; when this returns the process is gone.
    #[track_caller]
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "it had ended by itself: {status}");
    }

    /// Ends its input, and waits until it has ended.
    pub(crate) fn end(mut self) -> Run {
        drop(self.child.stdin.take());
        let mut stdout = Vec::new();
        let mut pipe = self.child.stdout.take().unwrap();
        // Neither stream fills its pipe, so the order does not matter.
        pipe.read_to_end(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut self.read).unwrap();
        let status = self.child.wait().unwrap();
        let stderr = std::mem::take(&mut self.read).into_bytes();
        self.env.ran(std::process::Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
