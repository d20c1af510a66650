//! A plain reader of any SQLite file: everything that a program could read in it, as text. It knows nothing of ledgers,
//! takes tables, columns and indices from the schema in the file, and shares no code with the gate.

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Result};
use std::fmt::Write as _;
use std::path::Path;

/// Opens a file that is there. What it finds in a write-ahead log stays in it.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// What SQLite's own check says, and nothing else: the twin that derives nothing from the entries.
pub(super) fn integrity(connection: &Connection) -> bool {
    connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)).is_ok_and(|said| said == "ok")
}

/// The numbers of the header that programs read, the schema, every row of every table in the order of the table, every
/// index in its own order, and what a look-up by the key of each row finds through each index.
pub(super) fn dump(connection: &Connection) -> Result<String> {
    let mut text = String::new();
    for pragma in ["application_id", "user_version", "encoding"] {
        rows(connection, &format!("PRAGMA {pragma}"), &mut text)?;
    }
    // A wrong root page shows in the rows below.
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema";
    rows(connection, schema, &mut text)?;
    let tables = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                  AND name NOT LIKE 'sqlite\\_schema' ESCAPE '\\' ORDER BY name";
    for (table, without_rowid) in pairs::<bool>(connection, tables)? {
        let rowid = if without_rowid { "" } else { "rowid, " };
        rows(connection, &format!("SELECT {rowid}* FROM {} NOT INDEXED", name(&table)), &mut text)?;
        if !without_rowid {
            look_ups(connection, &table, "NOT INDEXED", &["rowid".to_owned()], "", &mut text)?;
        }
        for (index, partial) in indices(connection, &table)? {
            let columns = "SELECT name, seqno FROM pragma_index_xinfo(?) WHERE key AND name NOT NULL ORDER BY seqno";
            let columns: Vec<String> = connection
                .prepare(columns)?
                .query_map([&index], |row| row.get::<_, String>(0))?
                .collect::<Result<_>>()?;
            let listed = columns.iter().map(|column| name(column)).collect::<Vec<_>>().join(", ");
            let (by, only) =
                (format!("INDEXED BY {}", name(&index)), partial.map_or(String::new(), |only| format!(" AND {only}")));
            let scan = format!("SELECT {rowid}{listed} FROM {} {by} WHERE 1{only} ORDER BY {listed}", name(&table));
            rows(connection, &scan, &mut text)?;
            look_ups(connection, &table, &by, &columns, &only, &mut text)?;
        }
    }
    Ok(text)
}

/// For each row of a table the rows that are found by its values in `columns`.
fn look_ups(
    connection: &Connection,
    table: &str,
    by: &str,
    columns: &[String],
    only: &str,
    text: &mut String,
) -> Result<()> {
    let all = pairs::<i64>(connection, &format!("SELECT name, cid FROM pragma_table_info({})", quoted(table)))?;
    let all =
        all.iter().map(|(column, _)| format!("quote(b.{})", name(column))).collect::<Vec<_>>().join(" || ',' || ");
    let same = columns.iter().map(|column| format!("b.{0} IS a.{0}", name(column))).collect::<Vec<_>>().join(" AND ");
    let table = name(table);
    let found = format!("SELECT group_concat({all}, ';') FROM {table} AS b {by} WHERE {same}{only}");
    rows(connection, &format!("SELECT ({found}) FROM {table} AS a NOT INDEXED"), text)
}

/// The indices of a table, with the condition of those that hold only some of its rows.
fn indices(connection: &Connection, table: &str) -> Result<Vec<(String, Option<String>)>> {
    let all = "SELECT list.name, (SELECT sql FROM sqlite_schema WHERE name = list.name AND list.partial) \
               FROM pragma_index_list(?) AS list ORDER BY list.name";
    let all = connection
        .prepare(all)?
        .query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?
        .collect::<Result<Vec<_>>>()?;
    let condition = |sql: String| sql.split_once(" WHERE ").map(|(_, condition)| condition.to_owned());
    Ok(all.into_iter().map(|(index, sql)| (index, sql.and_then(condition))).collect())
}

fn pairs<T: rusqlite::types::FromSql>(connection: &Connection, statement: &str) -> Result<Vec<(String, T)>> {
    connection.prepare(statement)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn rows(connection: &Connection, statement: &str, text: &mut String) -> Result<()> {
    let mut statement = connection.prepare(statement)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => text.push_str("NULL"),
                ValueRef::Integer(number) => write!(text, "{number}").unwrap(),
                ValueRef::Real(number) => write!(text, "{number:?}").unwrap(),
                ValueRef::Text(bytes) => write!(text, "'{}'", bytes.escape_ascii()).unwrap(),
                ValueRef::Blob(bytes) => write!(text, "x'{}'", bytes.escape_ascii()).unwrap(),
            }
            text.push('|');
        }
        text.push('\n');
    }
    Ok(())
}

fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
