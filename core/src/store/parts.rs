//! What edges and cores say of themselves. It is the house's, and no tenant's.

use super::{pools::Store, sql};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

/// Of what a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    Edge,
    Core,
    /// The last drill; there is one.
    Drill,
}

impl PartKind {
    fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Core => "core",
            Self::Drill => "drill",
        }
    }
}

/// A part, and when it was heard of last.
#[derive(Clone, Debug)]
pub(crate) struct Part<T> {
    pub(crate) id: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) report: T,
}

impl Store {
    /// Notes what a part says of itself now; what it said before, where that can be read.
    pub(crate) async fn note_part<T: Serialize + DeserializeOwned>(
        &self,
        kind: PartKind,
        id: &str,
        report: &T,
    ) -> Result<Option<T>> {
        let body = serde_json::to_value(report).map_err(Error::writing("part's word"))?;
        let rows = self.of_house(sql!("note_part"), &[&kind.name(), &id, &body]).await?;
        let before = rows.first().and_then(|row| row.get::<_, Option<serde_json::Value>>(0));
        Ok(before.and_then(|body| serde_json::from_value(body).ok()))
    }

    /// A part is gone.
    pub(crate) async fn forget_part(&self, kind: PartKind, id: &str) -> Result<()> {
        self.of_house(sql!("forget_part"), &[&kind.name(), &id]).await.map(drop)
    }

    /// The parts that were heard of since then, in the order of their ids. What this version cannot read was said by
    /// another one, and is left out.
    pub(crate) async fn parts<T: DeserializeOwned>(
        &self,
        kind: PartKind,
        since: DateTime<Utc>,
    ) -> Result<Vec<Part<T>>> {
        let rows = self.read_of_house(sql!("parts"), &[&kind.name(), &since]).await?;
        Ok(rows.iter().filter_map(part).collect())
    }

    /// Forgets parts that were not heard of since then.
    pub(crate) async fn delete_old_parts(&self, before: DateTime<Utc>) -> Result<()> {
        self.of_house(sql!("delete_old_parts"), &[&before]).await.map(drop)
    }
}

fn part<T: DeserializeOwned>(row: &Row) -> Option<Part<T>> {
    let report = serde_json::from_value(row.get(2)).ok()?;
    Some(Part { id: row.get(0), at: row.get(1), report })
}
