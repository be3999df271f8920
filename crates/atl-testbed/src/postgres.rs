//! A real PostgreSQL for tests: one server a process, over TLS, and as many databases as there are tests.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::tls::Authority;

/// The superuser of the server, and its password.
const USER: &str = "atl";
const PASSWORD: &str = "correct-horse-5gTq8";

/// Runs the server until its standard input ends, which is when the process that started it has ended, however that was.
const KEEPER: &str = r#"
trap "" INT HUP TERM
"$1/pg_ctl" -D "$2/data" -s -w -l "$2/log" start || { cat "$2/log"; exit 1; }
echo ready
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -s -m immediate stop
rm -rf "$2"
"#;

/// A server on a port of loopback and on a Unix socket. It ends with the process that started it.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    _keeper: Child,
    _lifeline: ChildStdin,
}

/// An empty database of its own.
#[derive(Debug)]
pub struct PostgresDatabase {
    server: &'static Postgres,
    name: String,
}

impl Postgres {
    /// The server of this process, started when it is first asked for; or why there is none.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL is not installed, or does not start.
    pub fn shared() -> Result<&'static Self, &'static str> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let programs = programs().ok_or("PostgreSQL is not installed")?;
            Self::start(&programs).map_err(|error| format!("PostgreSQL did not start: {error}"))
        });
        shared.as_ref().map_err(String::as_str)
    }

    fn start(programs: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Builder::new().prefix("atl-pg-").tempdir()?;
        let path = folder.path().to_owned();
        let authority = Authority::new()?;
        let (certificate, key) = authority.server_pem(&["localhost"])?;
        let (client_certificate, client_key) = authority.client_pem("certified")?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let hba = "local all,replication all trust\nhostssl all certified 127.0.0.1/32 cert\nhost all all 127.0.0.1/32 scram-sha-256\n";
        for (name, text) in [
            ("ca.pem", authority.pem().as_str()),
            ("server.pem", &certificate),
            ("server.key", &key),
            ("client.pem", &client_certificate),
            ("client.key", &client_key),
            ("password", PASSWORD),
            ("hba.conf", hba),
        ] {
            fs_err::write(path.join(name), text)?;
        }
        let own = Owner::of(&path)?;
        own.gets(&path)?;
        let mut initdb = own.command(programs.join("initdb"));
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "-A", "trust"]);
        initdb
            .args(["-U", USER, "--pwfile"])
            .arg(path.join("password"));
        let made = initdb.arg("-D").arg(path.join("data")).output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        let shown = path.display();
        let settings = format!(
            "fsync = off\nmax_connections = 200\nlisten_addresses = '127.0.0.1'\nport = {port}\n\
             unix_socket_directories = '{shown}'\nhba_file = '{shown}/hba.conf'\n\
             ssl = on\nssl_cert_file = '{shown}/server.pem'\nssl_key_file = '{shown}/server.key'\n\
             ssl_ca_file = '{shown}/ca.pem'\n"
        );
        fs_err::write(path.join("data/postgresql.auto.conf"), settings)?;
        Self::run(programs, folder, port, &own)
    }

    /// Starts the server whose data are in this folder.
    fn run(
        programs: &Path,
        folder: TempDir,
        port: u16,
        own: &Owner,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let path = folder.path();
        let mut keeper = own.command("sh".into());
        keeper.args(["-c", KEEPER, "sh"]).arg(programs).arg(path);
        let mut keeper = keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lifeline = keeper.stdin.take().ok_or("no standard input")?;
        let mut said = BufReader::new(keeper.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err(line.into());
        }
        Ok(Self {
            folder: folder.keep(),
            port,
            _keeper: keeper,
            _lifeline: lifeline,
        })
    }

    /// A server of its own that has what this one has now, and takes no writes.
    fn replica(&self) -> Result<Self, Box<dyn std::error::Error>> {
        let programs = programs().ok_or("PostgreSQL is not installed")?;
        let folder = tempfile::Builder::new().prefix("atl-pg-").tempdir()?;
        let path = folder.path();
        let own = Owner::of(path)?;
        own.gets(path)?;
        let mut backup = own.command(programs.join("pg_basebackup"));
        backup.args([
            "--no-sync",
            "--checkpoint=fast",
            "--wal-method=fetch",
            "-U",
            USER,
        ]);
        backup.arg("-h").arg(&self.folder);
        backup.arg("-p").arg(self.port.to_string());
        let made = backup.arg("-D").arg(path.join("data")).output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let settings = path.join("data/postgresql.auto.conf");
        let more = format!(
            "port = {port}\nunix_socket_directories = '{}'\n",
            path.display()
        );
        let settings_text = fs_err::read_to_string(&settings)? + &more;
        fs_err::write(settings, settings_text)?;
        let signal = path.join("data/standby.signal");
        fs_err::write(&signal, "")?;
        Self::run(&programs, folder, port, &own)
    }

    /// Makes an empty database.
    ///
    /// # Panics
    ///
    /// Where the server does not do it.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub fn database(&'static self) -> PostgresDatabase {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("db{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.client("postgres")
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("the database can be made");
        PostgresDatabase { server: self, name }
    }

    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    fn client(&self, database: &str) -> postgres::Client {
        postgres::Config::new()
            .host_path(&self.folder)
            .port(self.port)
            .user(USER)
            .dbname(database)
            .connect(postgres::NoTls)
            .expect("the server can be reached")
    }

    /// The port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file of the server's folder: `ca.pem`, or `client.pem` and `client.key` of the user `certified`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl PostgresDatabase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is on.
    pub fn server(&self) -> &'static Postgres {
        self.server
    }

    /// How to reach it over TCP, with the password in it.
    pub fn url(&self) -> String {
        let port = self.server.port;
        format!(
            "postgres://{USER}:{PASSWORD}@localhost:{port}/{}",
            self.name
        )
    }

    /// The password in it, which nothing may show.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The same on a server that takes no writes, with what is in it now. It ends with the process.
    ///
    /// # Errors
    ///
    /// Where no such server starts.
    pub fn replica(&self) -> Result<Self, String> {
        let server = self.server.replica();
        let server = server.map_err(|error| format!("no replica of PostgreSQL: {error}"))?;
        Ok(Self {
            server: Box::leak(Box::new(server)),
            name: self.name.clone(),
        })
    }

    /// A connection of the superuser, to look behind the curtain.
    pub fn client(&self) -> postgres::Client {
        self.server.client(&self.name)
    }
}

/// Where the programs of PostgreSQL are: Debian keeps those of each version in a folder of its own.
fn programs() -> Option<PathBuf> {
    let versions = fs_err::read_dir("/usr/lib/postgresql").ok();
    let debian = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    let mut found: Vec<_> = debian
        .chain(["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].map(PathBuf::from))
        .filter(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .collect();
    found.sort_by_key(|folder| !folder.starts_with("/usr/lib/postgresql"));
    found.into_iter().next()
}

/// Who the server runs as: it refuses to be the superuser's.
struct Owner(Option<u32>);

impl Owner {
    fn of(folder: &Path) -> std::io::Result<Self> {
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::uid(&fs_err::metadata(folder)?) == 0 {
            return Ok(Self(Some(65_534)));
        }
        Ok(Self(None))
    }

    /// The folder and the files in it become this user's.
    fn gets(&self, folder: &Path) -> std::io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for entry in fs_err::read_dir(folder)? {
                let path = entry?.path();
                fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
                std::os::unix::fs::chown(path, self.0, self.0)?;
            }
            std::os::unix::fs::chown(folder, self.0, self.0)?;
        }
        Ok(())
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        #[cfg(unix)]
        if let Some(id) = self.0 {
            use std::os::unix::process::CommandExt as _;
            command.uid(id).gid(id);
        }
        command.current_dir("/");
        command
    }
}
