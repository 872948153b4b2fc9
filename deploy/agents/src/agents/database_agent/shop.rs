//! The sample shop: a small SQLite file, read within bounds.

use std::ffi::c_int;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio::time::Instant;

use crate::reading::words::{counted, excerpt};

/// Rows shown at most.
const MOST_ROWS: usize = 50;
/// Time a statement may take.
const MOST_TIME: Duration = Duration::from_secs(2);
/// Bytes of one value or statement.
const MOST_BYTES: i32 = 1_000_000;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: c_int = 10_000;

/// Where the shop lies.
pub(super) struct Shop {
    path: PathBuf,
}

impl Shop {
    /// Makes the shop anew, so that every start has the same one.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let fresh = path.with_extension("new");
        // A file left by a start that was cut short; none is the usual case.
        std::fs::remove_file(&fresh).ok();
        Connection::open(&fresh)?.execute_batch(include_str!("shop.sql"))?;
        std::fs::rename(&fresh, path)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Runs one reading statement and shows its rows as a table.
    pub(super) fn query(&self, sql: &str) -> rusqlite::Result<String> {
        let connection = self.connect()?;
        let mut statement = connection.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut text = format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
        let mut rows = statement.query([])?;
        let mut shown = 0;
        while let Some(row) = rows.next()? {
            if shown == MOST_ROWS {
                writeln!(text, "\nMore rows follow; I show {MOST_ROWS}.").ok();
                return Ok(text);
            }
            let cells: rusqlite::Result<Vec<String>> =
                (0..columns.len()).map(|place| row.get_ref(place).map(show)).collect();
            writeln!(text, "| {} |", cells?.join(" | ")).ok();
            shown += 1;
        }
        writeln!(text, "\n{}.", counted(shown, "row")).ok();
        Ok(text)
    }

    /// The statements that made the tables.
    pub(super) fn schema(&self) -> rusqlite::Result<String> {
        let connection = self.connect()?;
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")?;
        let lines: rusqlite::Result<Vec<String>> = statement.query_map([], |row| row.get(0))?.collect();
        Ok(lines?.join(";\n"))
    }

    /// A connection that can only read this one file, and only for a while.
    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_BYTES)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_BYTES)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
            AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
            AuthAction::Function { function_name }
                if !function_name.eq_ignore_ascii_case("load_extension") =>
            {
                Authorization::Allow
            }
            _ => Authorization::Deny,
        }))?;
        let deadline = Instant::now() + MOST_TIME;
        connection.progress_handler(STEPS, Some(move || Instant::now() > deadline))?;
        Ok(connection)
    }
}

fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => excerpt(&String::from_utf8_lossy(text).replace(['\n', '|'], " "), 200),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::Shop;

    #[test]
    fn the_shop_is_read_within_bounds_and_never_changed() {
        let path = std::env::temp_dir().join(format!("shop-{}.db", uuid::Uuid::now_v7()));
        let shop = Shop::open(&path).unwrap();
        assert!(shop.query("SELECT COUNT(*) AS n FROM orders").unwrap().contains("| 120 |"));
        assert!(
            shop.query("EXPLAIN QUERY PLAN SELECT * FROM orders WHERE customer_id = 7")
                .unwrap()
                .contains("orders_by_customer")
        );
        for sql in [
            "DELETE FROM orders",
            "ATTACH 'x.db' AS x",
            "PRAGMA database_list",
            "CREATE TABLE t (a)",
            "SELECT load_extension('x')",
            "SELECT hex(zeroblob(900000000))",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
        ] {
            assert!(shop.query(sql).is_err(), "{sql}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
