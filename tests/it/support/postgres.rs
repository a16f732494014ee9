//! Throw-away PostgreSQL clusters from the server's own programs, and the one that all tests of a run share.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{env, fs};

const MISSING: &str = "PostgreSQL is needed: no directory with initdb, pg_ctl and postgres was found; \
    `apt-get install postgresql`, name it in IPSE_TEST_POSTGRES_BIN, or point IPSE_TEST_POSTGRES_URL at a server whose user may create databases";

/// The URL of a database on the server that all tests share: the one of `IPSE_TEST_POSTGRES_URL`, or else a cluster of
/// this process that is started at the first call.
pub(crate) fn shared_url(database: &str) -> String {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    match env::var("IPSE_TEST_POSTGRES_URL") {
        Ok(given) => with_database(&given, database),
        Err(_) => SHARED.get_or_init(Cluster::start).url(database),
    }
}

/// The URL of the same database as stores have it: by way of the pooler of `IPSE_TEST_POOLER_URL`, if there is one.
pub(crate) fn store_url(database: &str) -> String {
    env::var("IPSE_TEST_POOLER_URL").map_or_else(|_| shared_url(database), |given| with_database(&given, database))
}

/// Whether stores are behind a pooler. Unless `IPSE_DATABASE_POOLING` says otherwise, it is taken to give each transaction
/// whichever session is free, so that nobody can listen.
pub(crate) fn is_session_shared() -> bool {
    env::var("IPSE_TEST_POOLER_URL").is_ok()
}

/// A PostgreSQL server with a data directory of its own. It goes away with this value, and with this process even if
/// that is killed: a shell at the other end of a pipe sees to it.
pub(crate) struct Cluster {
    keeper: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
    password: String,
}

impl Cluster {
    /// Makes a cluster and starts it: one that is fast, and need not survive anything.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// The same with these lines at the end of `postgresql.conf`, where they count.
    pub(crate) fn start_with(settings: &str) -> Self {
        let programs = programs().expect(MISSING);
        // Another process may take the port between the look and the start, hence several tries.
        let cluster = (0..5).find_map(|_| Self::try_start(&programs, free_port(), settings));
        cluster.expect("no PostgreSQL cluster could be started")
    }

    /// Stops the server; its data stays.
    pub(crate) fn stop(&mut self) {
        assert!(self.obey("stop"), "PostgreSQL did not stop");
    }

    /// Starts a server that was stopped, on the same port.
    pub(crate) fn restart(&mut self) {
        assert!(self.obey("start"), "PostgreSQL did not start again");
    }

    /// The URL of one of its databases; `postgres` always exists.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://ipse:{}@127.0.0.1:{}/{database}?sslmode=disable", self.password, self.port)
    }

    fn try_start(programs: &Path, port: u16, settings: &str) -> Option<Self> {
        let mut keeper = unprivileged_shell()
            .args(["-c", include_str!("cluster.sh"), "cluster.sh"])
            .arg(programs)
            .args([&*port.to_string(), settings])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        let commands = keeper.stdin.take();
        let mut answers = BufReader::new(keeper.stdout.take().expect("standard output is piped"));
        let password = read_line(&mut answers);
        assert!(!password.is_empty(), "initdb failed");
        let mut cluster = Self { keeper, commands, answers, port, password };
        cluster.obey("start").then_some(cluster)
    }

    fn obey(&mut self, command: &str) -> bool {
        let commands = self.commands.as_mut().expect("the pipe is open until the cluster is dropped");
        writeln!(commands, "{command}").expect("the cluster's shell lives");
        read_line(&mut self.answers) == "done"
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.commands.take());
        self.keeper.wait().expect("the cluster's shell ends");
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the cluster's shell answers");
    line.trim_end().to_owned()
}

/// The directory of the server's programs: the one of `IPSE_TEST_POSTGRES_BIN`, or else what `pg_config` tells, then
/// Debian's directories from the newest, then the search path.
pub(crate) fn programs() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| dir.join(name).is_file());
    if let Some(given) = env::var_os("IPSE_TEST_POSTGRES_BIN") {
        return Some(PathBuf::from(given)).filter(complete);
    }
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.and_then(|output| String::from_utf8(output.stdout).ok()).map(|dir| PathBuf::from(dir.trim()));
    let mut debian: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    debian.sort_by_key(|dir| dir.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let debian = debian.into_iter().rev().map(|dir| dir.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    told.into_iter().chain(debian).chain(env::split_paths(&path)).find(complete)
}

/// A shell in a process group of its own, so that Ctrl-C at the terminal leaves the orderly end to it. PostgreSQL
/// refuses to run as root, so root hands over to another user.
fn unprivileged_shell() -> Command {
    let mut shell =
        if is_root() { as_user(if exists("postgres") { "postgres" } else { "nobody" }) } else { Command::new("sh") };
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}

fn is_root() -> bool {
    id(&["-u"]).as_deref() == Some("0")
}

fn exists(user: &str) -> bool {
    id(&["-u", user]).is_some()
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().expect("`id` can be run");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn as_user(user: &str) -> Command {
    let group = id(&["-g", user]).expect("the user has a group");
    let mut shell = Command::new("setpriv");
    shell.args(["--reuid", user, "--regid", &group, "--clear-groups", "sh"]);
    shell
}

/// A port that nobody listens on, below those the kernel hands out, so that a stopped cluster finds its own again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    let candidates = (0..10_000).map(|_| 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    candidates.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

/// The URL with another database in it.
fn with_database(url: &str, database: &str) -> String {
    let (location, parameters) = url.split_once('?').map_or((url, String::new()), |(l, p)| (l, format!("?{p}")));
    let authority = location.find("://").map_or(0, |at| at + 3);
    let end = location[authority..].find('/').map_or(location.len(), |at| authority + at);
    format!("{}/{database}{parameters}", &location[..end])
}

#[test]
fn a_cluster_keeps_its_data_through_a_restart_and_erases_it_at_the_end() {
    let mut cluster = Cluster::start();
    let accepts = |cluster: &Cluster| std::net::TcpStream::connect(("127.0.0.1", cluster.port)).is_ok();
    assert!(accepts(&cluster));
    cluster.stop();
    assert!(!accepts(&cluster));
    cluster.restart();
    assert!(accepts(&cluster));
    let port = cluster.port;
    drop(cluster);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_database_in_a_url_is_replaced() {
    for (url, expected) in [
        ("postgres://me@localhost/old", "postgres://me@localhost/new"),
        ("postgres://me@localhost", "postgres://me@localhost/new"),
        ("postgres://me:p%2Fw@a:1,b:2/old?sslmode=disable", "postgres://me:p%2Fw@a:1,b:2/new?sslmode=disable"),
        ("postgres:///old?host=/tmp/x", "postgres:///new?host=/tmp/x"),
    ] {
        assert_eq!(with_database(url, "new"), expected);
    }
}
