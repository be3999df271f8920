//! A real MariaDB for tests: one server a process, on a Unix socket, ended with the process that started it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// Runs the server until its standard input ends, which is when the process that started it has ended, however that was.
const KEEPER: &str = r#"
trap "" INT HUP TERM
cd "$1"
mariadb-install-db --no-defaults --datadir="$1/data" --auth-root-authentication-method=normal --skip-test-db >log 2>&1 &&
mariadbd --no-defaults --datadir="$1/data" --socket="$1/socket" --pid-file="$1/pid" --skip-networking --skip-log-bin \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=16M --innodb-log-file-size=8M >>log 2>&1 &
server=$!
mariadb-admin --no-defaults --socket="$1/socket" -u root --wait=60 --silent ping >>log 2>&1 && echo ready || cat log
cat >/dev/null
kill "$server"
wait "$server"
rm -rf "$1"
"#;

/// A server with one empty database, `jira`.
#[derive(Debug)]
pub(crate) struct MariaDb {
    folder: PathBuf,
    _keeper: Child,
    _lifeline: ChildStdin,
}

/// The server of this process; where there is none, this test says that it was skipped.
pub(crate) fn shared(test: &str) -> Option<&'static MariaDb> {
    static SHARED: OnceLock<Option<MariaDb>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| is_installed().then(MariaDb::start));
    if shared.is_none() {
        atl_testbed::skip(env!("CARGO_PKG_NAME"), test, "MariaDB is not installed");
    }
    shared.as_ref()
}

fn is_installed() -> bool {
    let there = |name: &str| {
        let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
        folders
            .iter()
            .any(|folder| Path::new(folder).join(name).exists())
    };
    ["mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb"]
        .into_iter()
        .all(there)
}

impl MariaDb {
    fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("atl-db-")
            .tempdir()
            .unwrap()
            .keep();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(&folder);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, chown};
            use std::os::unix::process::CommandExt as _;
            // It refuses to run as the superuser.
            if fs_err::metadata(&folder).unwrap().uid() == 0 {
                chown(&folder, Some(65_534), Some(65_534)).unwrap();
                keeper.uid(65_534).gid(65_534);
            }
        }
        let path = std::env::join_paths([
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/bin",
        ]);
        let mut keeper = keeper
            .env("PATH", path.unwrap())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lifeline = keeper.stdin.take().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said.trim(), "ready", "MariaDB did not start");
        let server = Self {
            folder,
            _keeper: keeper,
            _lifeline: lifeline,
        };
        server.run(
            &[],
            "CREATE DATABASE jira CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
            CREATE DATABASE confluence CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        );
        server
    }

    /// Runs statements in a database as the documented command does; what it prints.
    pub(crate) fn batch(&self, database: &str, statements: &str) -> Vec<u8> {
        self.run(&[database], statements)
    }

    fn run(&self, more: &[&str], statements: &str) -> Vec<u8> {
        let mut client = Command::new("mariadb")
            .args([
                "--no-defaults",
                "--batch",
                "--default-character-set=utf8mb4",
                "-u",
                "root",
            ])
            .arg("--socket")
            .arg(self.folder.join("socket"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = client.stdin.take().unwrap();
        stdin.write_all(statements.as_bytes()).unwrap();
        drop(stdin);
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success(), "{statements}");
        output.stdout
    }
}
