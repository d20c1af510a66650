//! A PostgreSQL of our own, with nothing of its configuration changed but where its socket is: what the ledger's appends
//! are set beside.

use std::fmt::Write as _;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::Stdio;

/// A cluster in a temporary folder. It ends with this value.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// The account that it runs under, where this one is root: PostgreSQL does not run as root.
    account: Option<&'static str>,
    /// Its major version.
    pub(crate) version: String,
}

impl Cluster {
    /// A new cluster, or why there is none.
    pub(crate) fn start() -> Result<Self, String> {
        let (version, programs) = installed().ok_or("no initdb; Debian package postgresql")?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let account = is_root().then_some("postgres");
        if let Some(account) = account {
            let (user, group) = ids(account).ok_or_else(|| format!("no account {account} to run it under"))?;
            chown(folder.path(), Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        let cluster = Self { folder, programs, account, version };
        let data = cluster.data();
        cluster.run("initdb", &["-A", "trust", "-U", "bench", "-D", &data])?;
        let options =
            format!("-c listen_addresses='' -c unix_socket_directories='{}'", cluster.folder.path().display());
        cluster.run("pg_ctl", &["-D", &data, "-w", "-l", &format!("{data}.log"), "-o", &options, "start"])?;
        cluster.run_sql(TABLE)?;
        Ok(cluster)
    }

    /// Inserts these rows, so many a transaction, and answers the seconds by the server's clock. Each row is a prepared
    /// statement of its own, sent when the one before it was answered.
    pub(crate) fn insert(&self, rows: &[(u64, &[u8])], group: usize) -> f64 {
        let mut script = String::from(PREPARED);
        let clock = "SELECT extract(epoch FROM clock_timestamp());\n";
        script.push_str(clock);
        for rows in rows.chunks(group) {
            let (begin, end) = if group > 1 { ("BEGIN;\n", "COMMIT;\n") } else { ("", "") };
            script.push_str(begin);
            for (seq, bytes) in rows {
                write!(script, "EXECUTE put({seq}, '\\x").unwrap();
                bytes.iter().for_each(|byte| write!(script, "{byte:02x}").unwrap());
                script.push_str("');\n");
            }
            script.push_str(end);
        }
        script.push_str(clock);
        let said = self.run_sql(&script).unwrap();
        let times: Vec<f64> = said.lines().filter_map(|line| line.parse().ok()).collect();
        times[1] - times[0]
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run_sql(&self, script: &str) -> Result<String, String> {
        let file = self.folder.path().join("script.sql");
        std::fs::write(&file, script).map_err(|error| error.to_string())?;
        let socket = self.folder.path().display().to_string();
        let script = file.display().to_string();
        let fixed = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "bench", "-d", "postgres"];
        self.run("psql", &[&fixed[..], &["-h", &socket, "-f", &script]].concat())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let path = self.programs.join(program);
        let mut command = match self.account {
            None => Command::new(path),
            Some(account) => {
                let mut command = Command::new("runuser");
                command.args(["-u", account, "--"]).arg(path);
                command
            }
        };
        // a server that was started keeps what it got as its output: a pipe would never end
        let told = std::fs::File::create(self.folder.path().join("told")).map_err(|error| error.to_string())?;
        let errors = told.try_clone().map_err(|error| error.to_string())?;
        let status = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(told)
            .stderr(errors)
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        let said = std::fs::read_to_string(self.folder.path().join("told")).map_err(|error| error.to_string())?;
        if status.success() { Ok(said) } else { Err(format!("{program}: {}", said.lines().last().unwrap_or("failed"))) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // One that did not start has nothing to stop.
        let _ = self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }
}

const TABLE: &str = "CREATE TABLE record (seq bigint PRIMARY KEY, bytes bytea NOT NULL);";
const PREPARED: &str = "PREPARE put(bigint, bytea) AS INSERT INTO record (seq, bytes) VALUES ($1, $2);\n";

/// The newest version that is installed as Debian does, and its programs.
fn installed() -> Option<(String, PathBuf)> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let versions = versions.filter(|version| version.path().join("bin/initdb").is_file());
    let newest = versions.max_by_key(|version| version.file_name().to_string_lossy().parse::<u32>().ok())?;
    Some((newest.file_name().to_string_lossy().into_owned(), newest.path().join("bin")))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// User and group of an account (`passwd(5)`).
fn ids(account: &str) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(account))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
