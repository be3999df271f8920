//! A real `PgBouncer` before a real database.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use atl_testbed::PostgresDatabase;

/// A real `PgBouncer` before the database, ended when dropped.
pub(crate) struct Pooler {
    child: Child,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Pooler {
    /// `None` where it is not installed.
    pub(crate) fn start(database: &PostgresDatabase, settings: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .map(Path::new)
            .into_iter()
            .find(|path| path.exists())?;
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let config = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{name} = host=127.0.0.1 port={server} user=atl password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\nignore_startup_parameters = extra_float_digits\n{settings}\n",
            name = database.name(),
            server = database.server().port(),
            password = database.password(),
        );
        fs_err::write(&config, text).unwrap();
        let mut command = Command::new(program);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
            use std::os::unix::process::CommandExt as _;
            if fs_err::metadata(&config).unwrap().uid() == 0 {
                command.uid(65_534).gid(65_534);
                for (path, mode) in [(folder.path(), 0o755), (&config, 0o644)] {
                    let mode = std::fs::Permissions::from_mode(mode);
                    fs_err::set_permissions(path, mode).unwrap();
                }
            }
        }
        let mut child = command.arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut said = std::io::BufRead::lines(std::io::BufReader::new(stderr));
        let up = said.find(|line| line.as_ref().is_ok_and(|line| line.contains("process up")));
        assert!(up.is_some(), "PgBouncer did not start");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Some(Self {
            child,
            port,
            _folder: folder,
        })
    }
}
