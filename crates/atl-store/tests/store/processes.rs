//! Several processes on one store, and processes that are killed. The test binary is its own second process.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;

use atl_keys::{KeySize, Keypair};
use atl_store::{Outcome, Step, StoreError};
use rusqlite::Connection;

use crate::place::{Kind, Place, on_both, step};

on_both!(
    two_at_once_make_one_store_and_one_keypair,
    many_at_once_make_one_store_and_one_key,
    a_lock_says_who_holds_it_and_dies_with_its_process,
    a_kill_in_the_middle_loses_nothing,
);

const SERVER: &str = "https://jira.example.com";

/// What stands before a line of a worker, among those of the test harness.
const MARK: &str = "worker: ";

/// Not a test of its own but the other processes of the tests below, which name it, a job and a folder.
#[test]
fn worker() {
    let mut args = std::env::args().skip_while(|arg| arg != "processes::worker");
    if let (Some(_), Some(job), Some(folder)) = (args.next(), args.next(), args.next()) {
        let place = Place::at(Path::new(&folder));
        if let Err(error) = work(&job, &place) {
            say(error.code());
        }
    }
}

fn work(job: &str, place: &Place) -> Result<(), StoreError> {
    match job {
        "share" => {
            let made = Keypair::generate(KeySize::Bits2048).unwrap();
            say("ready");
            hear();
            let store = place.try_open()?;
            let row = store.keypair_or_add("deploy-bot", &made)?;
            for _ in 0..40 {
                let id = store.begin(&step("link create"))?;
                store.finish(id, &Outcome::Done)?;
            }
            say(row.fingerprint.as_str());
        }
        "lock" => {
            let store = place.try_open()?;
            let _lock = store.lock(SERVER, "deploy-bot")?;
            say("locked");
            hear();
        }
        "write" => {
            let store = place.try_open()?;
            let big = Step {
                detail: "x".repeat(3000).into(),
                ..step("link create")
            };
            loop {
                let id = store.begin(&big)?;
                say(&format!("begun {id}"));
                store.finish(id, &Outcome::Done)?;
                say(&format!("finished {id}"));
            }
        }
        "open" => {
            let store = place.try_open()?;
            store.begin(&step("link create"))?;
            say("opened");
        }
        "look" => {
            let store = place.try_look()?.unwrap();
            say(&format!("looked at {}", store.journal(9)?.len()));
        }
        _ => panic!("{job}"),
    }
    Ok(())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{line}").unwrap();
    out.flush().unwrap();
}

fn hear() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// A worker, as its parent sees it.
struct Worker {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    heard: ChildStdin,
}

impl Worker {
    fn start(job: &str, place: &Place) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), job, place)
    }

    fn spawn(mut command: Command, job: &str, place: &Place) -> Self {
        let mut child = command
            .args(["--exact", "processes::worker", job])
            .arg(place.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            said: BufReader::new(child.stdout.take().unwrap()).lines(),
            heard: child.stdin.take().unwrap(),
            child,
        }
    }

    /// The next line; `None` when it has ended.
    fn says(&mut self) -> Option<String> {
        self.said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(MARK)?.1.to_owned()))
    }

    fn tell(&mut self) {
        writeln!(self.heard, "go on").unwrap();
    }

    /// All it says until its end.
    fn ends(mut self) -> Vec<String> {
        let said = std::iter::from_fn(|| self.says()).collect();
        self.child.wait().unwrap();
        said
    }

    /// SIGKILL; what it said before.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.ends()
    }
}

/// The file is whole, and holds what a worker was told is in it.
fn check_journal(place: &Place, said: &[String]) {
    let store = place.open();
    if place.store_file().exists() {
        let whole: String = Connection::open(place.store_file())
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(whole, "ok");
    }

    let journal = store.journal(usize::MAX).unwrap();
    let lines = |word: &str| -> Vec<i64> {
        let ids = said.iter().filter_map(|line| line.strip_prefix(word));
        ids.map(|id| id.parse().unwrap()).collect()
    };
    let (begun, finished) = (lines("begun "), lines("finished "));
    for id in &begun {
        assert!(journal.iter().any(|row| row.id == *id), "step {id} is lost");
    }
    for row in &journal {
        if finished.contains(&row.id) {
            assert_eq!(row.outcome, Some(Outcome::Done), "step {}", row.id);
        }
    }
    let unsaid = journal.len() - begun.len();
    assert!(unsaid <= 1, "{unsaid} steps that nobody took");
    assert!(store.open_steps().unwrap().len() <= 1);
}

fn two_at_once_make_one_store_and_one_keypair(kind: Kind) {
    let place = Place::on(kind);
    let mut workers = [(); 3].map(|()| Worker::start("share", &place));
    for worker in &mut workers {
        assert_eq!(worker.says().unwrap(), "ready");
    }
    for worker in &mut workers {
        worker.tell();
    }
    let mut said: Vec<_> = workers.into_iter().flat_map(Worker::ends).collect();
    said.dedup();

    let store = place.open();
    let kept: Vec<_> = store.keypairs().unwrap();
    assert_eq!(said, [kept[0].fingerprint.to_string()]);
    assert_eq!(kept.len(), 1);
    assert!(store.keypair(&kept[0].fingerprint).unwrap().is_some());
    assert_eq!(store.journal(usize::MAX).unwrap().len(), 120);
    assert!(store.open_steps().unwrap().is_empty());
    let left: Vec<_> = place.files().into_iter().map(|(path, _)| path).collect();
    assert!(
        left.iter()
            .all(|path| !path.to_string_lossy().contains("/.atl-admin-")),
        "{left:?}"
    );
}

/// As above, more closely together: whoever comes second must not put a file of its own in the place of the first.
fn many_at_once_make_one_store_and_one_key(kind: Kind) {
    for _ in 0..12 {
        let place = Place::on(kind);
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    place.open().begin(&step("link create")).unwrap();
                });
            }
        });
        assert_eq!(place.open().open_steps().unwrap().len(), 4);
    }
}

fn a_lock_says_who_holds_it_and_dies_with_its_process(kind: Kind) {
    let place = Place::on(kind);
    let mut worker = Worker::start("lock", &place);
    assert_eq!(worker.says().unwrap(), "locked");

    let store = place.open();
    let error = store.lock(SERVER, "deploy-bot").unwrap_err();
    assert_eq!(error.code(), "locked");
    let message = error.to_string();
    let StoreError::Locked {
        holder: Some(holder),
        ..
    } = error
    else {
        panic!("{message}");
    };
    assert_eq!(holder.pid, worker.child.id());
    assert!(holder.since <= jiff::Timestamp::now());
    assert!(
        message.starts_with(&format!(
            "consumer `deploy-bot` on {SERVER} is being worked on by `apply` of alice on desk (process {}) since 2",
            holder.pid
        )),
        "{message}"
    );

    drop(store.lock(SERVER, "other-bot").unwrap());
    drop(
        store
            .lock("https://wiki.example.com", "deploy-bot")
            .unwrap(),
    );
    worker.kill();
    let lock = store.lock(SERVER, "deploy-bot").unwrap();
    assert_eq!(
        store.lock(SERVER, "deploy-bot").unwrap_err().code(),
        "locked"
    );
    drop(lock);
    drop(store.lock(SERVER, "deploy-bot").unwrap());
}

fn a_kill_in_the_middle_loses_nothing(kind: Kind) {
    for lines in [0, 1, 2, 9, 60] {
        let place = Place::on(kind);
        let mut worker = Worker::start("write", &place);
        let mut said: Vec<_> = (0..lines).map(|_| worker.says().unwrap()).collect();
        said.extend(worker.kill());
        assert!(
            said.iter().all(|line| !line.starts_with("store_")),
            "{said:?}"
        );
        place.try_look().unwrap();
        check_journal(&place, &said);
    }
}

/// `ulimit -f`, in blocks of 512 or 1024 bytes; a process that does not ignore the signal would be ended by it.
#[cfg(unix)]
fn limited(blocks: u32) -> Command {
    let mut command = Command::new("sh");
    let script = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$0" "$@""#);
    command
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap());
    command
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let place = Place::new();
    drop(place.open());
    let mut said = Worker::spawn(limited(250), "write", &place).ends();
    assert_eq!(said.pop().unwrap(), "store_full");
    assert!(said.len() > 2, "{said:?}");
    check_journal(&place, &said);
}

#[cfg(unix)]
#[test]
fn a_store_that_has_no_room_is_not_made_in_part() {
    for blocks in [0, 1, 20] {
        let place = Place::new();
        let said = Worker::spawn(limited(blocks), "open", &place).ends();
        assert_eq!(said, ["store_full"], "{blocks} blocks");
        assert!(!place.store_file().exists());
        drop(place.open());
    }
}

/// A folder that its user may not write to; as the superuser may write everywhere, the worker is another user then.
#[cfg(unix)]
mod read_only {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    use super::*;

    const NOBODY: u32 = 65_534;

    fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, visit);
            } else {
                visit(&path);
            }
        }
        visit(folder);
    }

    fn check(place: &Place, job: &str, expected: &str) {
        let programs = tempfile::tempdir().unwrap();
        let superuser = fs_err::metadata(programs.path()).unwrap().uid() == 0;
        walk(place.folder(), &mut |path| {
            if superuser {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            if path.is_dir() {
                fs_err::set_permissions(path, Permissions::from_mode(0o555)).unwrap();
            }
        });
        // The build folder may be out of another user's reach.
        let mut program: PathBuf = std::env::current_exe().unwrap();
        if superuser {
            fs_err::set_permissions(programs.path(), Permissions::from_mode(0o755)).unwrap();
            let copy = programs.path().join("store");
            fs_err::copy(program, &copy).unwrap();
            program = copy;
        }
        let mut command = Command::new(program);
        if superuser {
            command.uid(NOBODY).gid(NOBODY);
        }
        let said = Worker::spawn(command, job, place).ends();
        walk(place.folder(), &mut |path| {
            if path.is_dir() {
                fs_err::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
            }
        });
        assert_eq!(said, [expected], "{job}");
    }

    #[test]
    fn a_store_in_it_can_be_looked_at_and_not_worked_with() {
        let place = Place::new();
        check(&place, "open", "store_denied");

        place.open().begin(&step("link create")).unwrap();
        let before = place.files();
        check(&place, "open", "store_denied");
        check(&place, "look", "looked at 1");
        assert_eq!(place.files(), before);
    }
}
