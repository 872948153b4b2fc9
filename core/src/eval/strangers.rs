//! What rows name that the registry does not have.

use super::{
    fault::Fault,
    registry::Registry,
    rows::{BadRows, NOBODY, Row},
};
use std::{collections::BTreeSet, path::Path};

/// Names that a warning has.
const SHOWN: usize = 5;

/// Fails where rows are for a registry that is not there: nobody could answer them.
pub(super) fn refuse<'a>(
    files: impl Iterator<Item = (&'a Path, &'a [Row])>,
    registry: &Registry,
) -> Result<(), Fault> {
    let mut faults = BadRows::default();
    for (path, rows) in files {
        for row in rows {
            if let Some(id) = registry.key(row.registry.as_deref()).filter(|id| !registry.is_limited(id)) {
                faults.add(path, row.line, &format!("registry {id} is not known"));
            }
        }
    }
    faults.check()
}

/// Says which labels no agent has, a sentence for each file, and which agents of the turn before. Such rows stay: a label
/// counts as an error, as it would in use, and an agent that is not there was not asked before. But where a name is only
/// misspelt, nobody should have to wonder.
pub(super) fn warnings<'a>(
    files: impl Iterator<Item = (&'a Path, &'a [Row])>,
    registry: &Registry,
) -> Vec<String> {
    let of_file = |(path, rows): (&'a Path, &'a [Row])| {
        let labels = unknown(rows, registry, |row| row.labels.as_deref().unwrap_or_default());
        let labels = labels.map(|Unknown { count, names }| {
            format!("{count} of {} rows count as errors, as no agent has their label: {names}", rows.len())
        });
        let previous = unknown(rows, registry, |row| &row.previous);
        let previous = previous.map(|Unknown { count, names }| {
            let of = rows.len();
            format!("{count} of {of} rows name agents in prev_agents that are not there, which are passed over: {names}")
        });
        let path = path.display().to_string();
        [labels, previous].into_iter().flatten().map(move |warning| format!("{path}: {warning}"))
    };
    files.flat_map(of_file).collect()
}

/// Rows that name what is not there, and what; of many names the first ones.
struct Unknown {
    count: usize,
    names: String,
}

fn unknown<'a>(
    rows: &'a [Row],
    registry: &Registry,
    named: impl Fn(&'a Row) -> &'a [String],
) -> Option<Unknown> {
    let (mut names, mut count) = (BTreeSet::new(), 0_usize);
    for row in rows {
        let known = |name: &&String| *name == NOBODY || registry.has(name, row.registry.as_deref());
        let unknown: Vec<_> = named(row).iter().filter(|name| !known(name)).collect();
        count += usize::from(!unknown.is_empty());
        names.extend(unknown);
    }
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (count > 0).then(|| Unknown { count, names: format!("{}{more}", shown.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::rows::tests::row;
    use serde_json::json;

    fn registry() -> Registry {
        let mut registry = Registry::new(Some(json!({"A": "does a", "B": "does b"})), &[], None).unwrap();
        registry.limit(json!({"r": ["B"]})).unwrap();
        registry
    }

    fn files(rows: &[Row]) -> impl Iterator<Item = (&Path, &[Row])> {
        std::iter::once((Path::new("t.jsonl"), rows))
    }

    #[test]
    fn labels_that_no_agent_has_are_named_and_counted() {
        let known = [row(r#"{"text":"a","label":["A","B"]}"#), row(r#"{"text":"b","label":"oos"}"#)];
        assert!(warnings(files(&known), &registry()).is_empty());
        let mut rows = known.to_vec();
        rows.push(row(r#"{"text":"c","label":["A","Ä"]}"#));
        rows.push(row(r#"{"text":"d","label":"A","registry":"r"}"#));
        assert_eq!(
            warnings(files(&rows), &registry()),
            [r#"t.jsonl: 2 of 4 rows count as errors, as no agent has their label: "A", "Ä""#]
        );
        let many: Vec<_> =
            (0..9).map(|i| row(&json!({"text": "e", "label": format!("x{i}")}).to_string())).collect();
        let said = warnings(files(&many), &registry()).remove(0);
        assert!(said.contains("9 of 9 rows") && said.ends_with(r#""x3", "x4" and 4 more"#), "{said}");
    }

    #[test]
    fn agents_of_the_turn_before_that_are_not_there_are_warned_of_once() {
        let rows = [
            row(r#"{"text":"a","label":"A","prev_agents":["A","oos"]}"#),
            row(r#"{"text":"b","label":"A","prev_agents":["Ä","B"]}"#),
            row(r#"{"text":"c","label":"B","registry":"r","prev_agents":["A"]}"#),
        ];
        assert_eq!(
            warnings(files(&rows), &registry()),
            [
                r#"t.jsonl: 2 of 3 rows name agents in prev_agents that are not there, which are passed over: "A", "Ä""#
            ]
        );
    }

    #[test]
    fn rows_for_a_registry_that_is_not_there_are_refused_with_their_lines() {
        let rows =
            [r#"{"text":"a","registry":"r"}"#, r#"{"text":"b","registry":"s"}"#, r#"{"text":"c"}"#].map(row);
        let fault = refuse(files(&rows), &registry()).unwrap_err().to_string();
        assert_eq!(fault, "t.jsonl:7: registry s is not known");
        assert!(
            refuse(files(&rows), &Registry::default()).is_ok(),
            "without --registries the ids mean nothing"
        );
    }
}
