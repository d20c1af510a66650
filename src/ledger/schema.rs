//! The tables, and how a file is made and opened.

use super::fault::{LedgerFault, PATIENCE};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Says that a SQLite file is a ledger of ours: `ecug`.
const APPLICATION_ID: i64 = 0x6563_7567;
/// The schema below. A file with a higher number was written by a newer version.
const VERSION: i64 = 1;
/// Pages in the write-ahead log before they are copied into the file: rewriting them less often halves the cost of
/// large groups.
const AUTO_CHECKPOINT_PAGES: i64 = 4_000;

/// Tables, in the order of `docs/ledger.md`. `entry` to `blob` are written from outside; the others are derived from
/// the entries.
const TABLES: &str = "
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY CHECK (seq >= 0),
    leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65536),
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    envelope BLOB
) STRICT;
CREATE TABLE node (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 63),
    idx INTEGER NOT NULL CHECK (idx >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL, index_note TEXT NOT NULL) STRICT;
CREATE TABLE cosignature (
    size INTEGER NOT NULL REFERENCES checkpoint,
    line TEXT NOT NULL,
    PRIMARY KEY (size, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE outside_mark (
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    evidence BLOB NOT NULL,
    PRIMARY KEY (kind, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE act (
    seq INTEGER PRIMARY KEY REFERENCES entry,
    kind TEXT NOT NULL,
    time INTEGER NOT NULL,
    station TEXT,
    nonce TEXT,
    evidence BLOB,
    unit INTEGER REFERENCES act (seq)
) STRICT;
CREATE INDEX act_by_attempt ON act (station, nonce) WHERE station IS NOT NULL;
CREATE INDEX act_by_unit ON act (unit) WHERE unit IS NOT NULL;
CREATE INDEX act_by_kind ON act (kind) WHERE kind = 'memory-complete';
CREATE INDEX act_by_time ON act (time);
CREATE INDEX act_by_key_change ON act (kind) WHERE kind = 'key-change';
CREATE TABLE fact (
    bucket INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES act,
    key_kind TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (bucket, seq, key_kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE claim (
    key_kind TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES act,
    PRIMARY KEY (key_kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE custody (
    bucket INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES act (seq),
    unit INTEGER NOT NULL REFERENCES act (seq),
    state TEXT NOT NULL,
    PRIMARY KEY (bucket, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE part (
    seq INTEGER NOT NULL REFERENCES act,
    sha256 BLOB NOT NULL REFERENCES blob,
    media_type TEXT NOT NULL,
    PRIMARY KEY (seq, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_by_blob ON part (sha256);
CREATE TABLE version (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES act,
    PRIMARY KEY (kind, name, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE index_node (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 4),
    idx INTEGER NOT NULL CHECK (idx >= 0),
    children BLOB NOT NULL CHECK (length(children) BETWEEN 34 AND 514),
    PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
";

/// Every table but `index_node`, whose rows follow the others: each gets triggers that let rows be added only.
pub(super) const TABLE_NAMES: [&str; 12] = [
    "entry",
    "node",
    "checkpoint",
    "cosignature",
    "outside_mark",
    "blob",
    "act",
    "fact",
    "claim",
    "custody",
    "part",
    "version",
];

/// Makes an empty ledger where nothing stands. Readable by its owner alone: it names serial numbers.
pub(super) fn create(path: &Path) -> Result<(), LedgerFault> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(LedgerFault::Exists(path.to_owned())),
        Err(error) => return Err(LedgerFault::unusable(path, error)),
    }
    let filled = fill(path);
    if filled.is_err() {
        discard(path);
    }
    filled
}

/// Removes a ledger that could not be made. Only [`create`]'s own file: a ledger with a checkpoint is never removed.
pub(super) fn discard(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Nothing more can be done about a file that does not go away; opening refuses it for want of a genesis.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Opens the connection that writes. Never makes a file.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, LedgerFault> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_durability(&connection, Durability::OfEachCommit)?;
    connection.pragma_update(None, "wal_autocheckpoint", AUTO_CHECKPOINT_PAGES)?;
    Ok(connection)
}

/// When a commit of the writing connection reaches the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// With itself. For entries, always.
    OfEachCommit,
    /// With the next commit that is durable itself; a power cut before takes it away, whole. For checkpoints alone, which
    /// stand in the marks already.
    OfTheNextCommit,
}

/// Sets it. Fails inside a transaction.
pub(super) fn set_durability(connection: &Connection, durability: Durability) -> Result<(), LedgerFault> {
    let word = match durability {
        Durability::OfEachCommit => "FULL",
        Durability::OfTheNextCommit => "NORMAL",
    };
    Ok(connection.pragma_update(None, "synchronous", word)?)
}

/// Opens the connection that reads back. It shares nothing with the writing one but the file.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, LedgerFault> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn fill(path: &Path) -> Result<(), LedgerFault> {
    let connection = bare(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // simulated power cuts: WAL with FULL lost no acknowledged entry, WAL with NORMAL did
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;",
        schema()
    ))?;
    drop(connection);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LedgerFault::unusable(folder, error))
}

fn schema() -> String {
    let guards = TABLE_NAMES.map(|table| {
        ["UPDATE", "DELETE"].map(|act| {
            format!(
                "CREATE TRIGGER {table}_keeps_{} BEFORE {act} ON {table} BEGIN \
                 SELECT RAISE(ABORT, 'rows of {table} are never changed or removed'); END;\n",
                act.to_ascii_lowercase()
            )
        })
    });
    format!("{TABLES}{}", guards.concat().concat())
}

fn bare(path: &Path, access: OpenFlags) -> Result<Connection, LedgerFault> {
    if !path.try_exists().map_err(|error| LedgerFault::unusable(path, error))? {
        return Err(LedgerFault::Missing(path.to_owned()));
    }
    if !path.is_file() {
        return Err(LedgerFault::unusable(path, "no regular file"));
    }
    // No CREATE, no URI: a path is a path.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, LedgerFault> {
    let connection = bare(path, access)?;
    // Before anything of the file is believed: its schema may hold what an attacker put there.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // without it a statement with `kind = ?` is compiled anew for each value, for the sake of the indices of one kind
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION_ID {
        let found = format!("application id {application:#x}");
        return Err(LedgerFault::differs("the file", "a ledger of ecugate", found));
    }
    if version > VERSION {
        return Err(LedgerFault::Newer(format!("the ledger has schema {version}; this version knows {VERSION}")));
    }
    if version < VERSION {
        return Err(LedgerFault::differs("the file", format!("schema {VERSION}"), format!("schema {version}")));
    }
    check_schema(&connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // what a member that is left out of its group has changed is kept for its undoing: never on another disk
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // without it REPLACE removes rows behind the triggers' back
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The schema in the file is compared word for word: a dropped trigger or a view in a table's place is found.
fn check_schema(connection: &Connection) -> Result<(), LedgerFault> {
    let (expected, found) = (expected_objects()?, objects(connection)?);
    if *expected == found {
        return Ok(());
    }
    let missing = expected.iter().find(|object| !found.contains(object));
    let extra = found.iter().find(|object| !expected.contains(object));
    let name = |object: Option<&String>| object.map_or_else(|| "nothing else".to_owned(), Clone::clone);
    Err(LedgerFault::differs("the schema", name(missing), name(extra)))
}

/// What SQLite makes of our schema, found out once in a process.
fn expected_objects() -> Result<&'static Vec<String>, LedgerFault> {
    static EXPECTED: OnceLock<Vec<String>> = OnceLock::new();
    if let Some(expected) = EXPECTED.get() {
        return Ok(expected);
    }
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(&schema())?;
    let objects = objects(&fresh)?;
    Ok(EXPECTED.get_or_init(|| objects))
}

fn objects(connection: &Connection) -> Result<Vec<String>, LedgerFault> {
    // Quoted, so that a blob in the place of a text shows.
    let mut statement = connection.prepare(
        "SELECT quote(type) || ' ' || quote(name) || ' ' || quote(tbl_name) || ' ' || quote(sql) FROM sqlite_schema \
         ORDER BY 1",
    )?;
    let objects = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(objects)
}
