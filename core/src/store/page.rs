//! Pages: bounded in rows and in bytes, so that what is not sent is not read either.

use crate::config::EventsConfig;
use tokio_postgres::Row;

/// How much is read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    /// Rows, at most.
    pub(crate) rows: u32,
    /// Bytes of what they say, at most; a first row that is larger comes alone.
    pub(crate) bytes: usize,
}

/// Some rows of a list.
#[derive(Debug)]
pub(crate) struct Paged<T> {
    pub(crate) rows: Vec<T>,
    /// Whether there are more after them.
    pub(crate) more: bool,
}

impl EventsConfig {
    /// So many rows, in no more bytes than are read at once.
    pub(crate) fn size(&self, rows: u32) -> PageSize {
        PageSize { rows, bytes: self.page_bytes }
    }
}

impl PageSize {
    /// How many rows to look at, to know whether there are more.
    pub(super) fn one_more(self) -> i64 {
        i64::from(self.rows) + 1
    }

    pub(super) fn bytes(self) -> i64 {
        i64::try_from(self.bytes).unwrap_or(i64::MAX)
    }

    /// The rows of a page, each with the number of those that were looked at in a column of that place.
    pub(super) fn cut<T, E>(
        self,
        found: usize,
        mut rows: Vec<Row>,
        read: impl FnMut(&Row) -> Result<T, E>,
    ) -> Result<Paged<T>, E> {
        rows.truncate(self.rows as usize);
        let found: i64 = rows.first().map_or(0, |row| row.get(found));
        let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
        Ok(Paged { rows: rows.iter().map(read).collect::<Result<_, _>>()?, more })
    }
}
