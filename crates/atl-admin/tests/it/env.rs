//! A folder, a home and an environment for one test.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// The program's surroundings, gone when dropped.
pub(crate) struct Env {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What the program printed and how it ended.
#[must_use]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    folder: String,
}

impl Env {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: &str) {
        fs_err::write(self.path(name), contents).unwrap();
    }

    /// A copy of a key of `fixtures/keys`, which only its owner may read.
    pub(crate) fn fixture(&self, name: &str) {
        let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/keys/");
        fs_err::copy(Path::new(keys).join(name), self.path(name)).unwrap();
        #[cfg(unix)]
        self.set_mode(name, 0o600);
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files below the folder, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, names: &mut Vec<String>) {
            for entry in fs_err::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, names);
                } else {
                    let name = path.strip_prefix(root).unwrap();
                    names.push(name.to_string_lossy().into_owned());
                }
            }
        }
        let mut names = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut names);
        names.sort();
        names
    }

    /// The mode of a file.
    #[cfg(unix)]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs_err::metadata(self.path(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }

    #[cfg(unix)]
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs_err::set_permissions(self.path(name), mode).unwrap();
    }

    /// The program with its words, split at spaces.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("atl-admin"));
        self.surround(&mut command);
        command.args(line.split_whitespace());
        command
    }

    /// A line of shell in the same surroundings; `atl-admin` is the program.
    pub(crate) fn shell(&self, line: &str) -> Run {
        let program = assert_cmd::cargo::cargo_bin!("atl-admin");
        let mut command = Command::new("bash");
        self.surround(&mut command);
        command.arg("-c").arg(format!(
            "atl-admin() {{ {} \"$@\"; }}; {line}",
            program.display()
        ));
        self.finish(command)
    }

    /// Runs the program.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.finish(self.command(line))
    }

    fn surround(&self, command: &mut Command) {
        let home = self.path("home");
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("TMPDIR", self.path("tmp"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("COLUMNS", "120")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
    }

    pub(crate) fn finish(&self, mut command: Command) -> Run {
        self.ran(command.output().unwrap())
    }

    /// What a program that has ended printed and how it ended.
    pub(crate) fn ran(&self, output: Output) -> Run {
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
            folder: self.folder.path().to_string_lossy().into_owned(),
        }
    }
}

impl Run {
    /// Both streams and the exit code in one text, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let mut text = self.stdout.clone();
        if !self.stderr.is_empty() {
            write!(text, "-- stderr\n{}", self.stderr).unwrap();
        }
        writeln!(text, "-- exit {}", self.code.unwrap()).unwrap();
        text.replace(&self.folder, "[FOLDER]")
    }

    /// What it printed, where it succeeded and said nothing on stderr.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (Some(0), ""),
            "{}",
            self.stdout
        );
        &self.stdout
    }

    /// What it printed as JSON, at any exit code.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.shown()))
    }
}
