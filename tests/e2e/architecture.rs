//! Who may depend on whom, and where what may stand. The standard library reads the tree; nothing else is needed.

use std::{collections::BTreeSet, fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn dependencies(package: &str) -> BTreeSet<String> {
    let text =
        fs::read_to_string(root().join(package).join("Cargo.toml")).expect("each package has a manifest");
    let body = text.split("[dependencies]").nth(1).expect("each package has dependencies");
    let body = body.split("\n[").next().unwrap_or(body);
    body.lines()
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

pub(super) fn sources(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    for (package, never) in [
        (
            "shared",
            vec!["switchboard-edge", "switchboard-core", "switchboard", "pingora", "axum", "tokio-postgres"],
        ),
        ("edge", vec!["switchboard-core", "switchboard", "axum", "tokio-postgres", "deadpool-postgres"]),
        ("edge/clients/rust", vec!["switchboard-edge", "switchboard-core", "switchboard", "pingora", "axum"]),
        ("core", vec!["switchboard-edge", "switchboard", "pingora"]),
        (
            "core/a2a",
            vec!["switchboard-shared", "switchboard-edge", "switchboard-core", "pingora", "tokio-postgres"],
        ),
        ("core/router", vec!["switchboard-shared", "switchboard-core", "tokio", "tokio-postgres", "reqwest"]),
        ("deploy", vec!["switchboard-edge", "switchboard-core", "switchboard-agents", "pingora"]),
        ("deploy/agents", vec!["switchboard-shared", "switchboard-edge", "switchboard-core", "pingora"]),
        ("tests", vec!["switchboard-edge", "switchboard-core", "pingora"]),
    ] {
        let has = dependencies(package);
        assert!(!has.is_empty(), "{package}");
        for name in never {
            assert!(!has.contains(name), "{package} depends on {name}");
        }
    }
}

#[test]
fn sql_stands_only_in_the_store_and_in_the_migrations() {
    for path in ["core/src", "edge/src", "shared/src"].iter().flat_map(|folder| sources(folder, "rs")) {
        if path.components().any(|part| part.as_os_str() == "store") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it is a source file");
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "tokio_postgres::Client"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn every_statement_names_its_tenant() {
    for path in sources("core/src/store/sql", "sql") {
        let (name, text) =
            (path.file_stem().unwrap_or_default(), fs::read_to_string(&path).expect("it is a file"));
        // A tenant's own row has no tenant above it, and what is the house's is nobody's.
        let tenants = ["upsert_tenant", "registry_version", "bump_registry"];
        let house = ["beat", "end_lease", "without_waiting"];
        let counts = ["add_house_counts", "house_counts", "delete_old_house_counts"];
        let parts = ["note_part", "forget_part", "parts", "delete_old_parts"];
        let own = [&tenants[..], &house, &counts, &parts].concat();
        let own = own.iter().any(|n| name == *n);
        assert!(own || text.contains("tenant_id"), "{}", path.display());
        assert_eq!(text.matches(';').count(), 0, "one statement per file: {}", path.display());
    }
}

#[test]
fn every_table_but_the_tenants_has_a_fence() {
    let mut schema = String::new();
    for path in sources("migrations", "sql") {
        schema.push_str(&fs::read_to_string(path).expect("it is a file"));
    }
    let tables = schema.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    // What stands of the house is no tenant's: who is there, how they are, and how much happens in all.
    let house = ["tenants", "cores", "house_counts", "parts"];
    for table in tables.filter(|table| !house.contains(table)) {
        let fenced = schema.lines().any(|line| {
            line.starts_with("ALTER TABLE")
                && line.contains(&format!(" {table} "))
                && line.contains("ENABLE ROW LEVEL SECURITY")
        });
        let forced = schema.lines().any(|line| {
            line.starts_with("ALTER TABLE")
                && line.contains(&format!(" {table} "))
                && line.contains("FORCE ROW LEVEL SECURITY")
        });
        let policy = schema
            .lines()
            .any(|line| line.starts_with("CREATE POLICY") && line.contains(&format!(" {table} ")));
        assert!(fenced && forced && policy, "{table}");
    }
}

#[test]
fn no_file_is_longer_than_its_bound_and_no_test_is_ignored() {
    let folders = [
        "shared/src",
        "edge/src",
        "edge/clients/rust/src",
        "core/src",
        "core/a2a/src",
        "core/router/src",
        "core/router/eval/src",
        "deploy/src",
        "deploy/agents/src",
        "tests/src",
        "tests/e2e",
    ];
    for path in folders.iter().flat_map(|folder| sources(folder, "rs")) {
        let text = fs::read_to_string(&path).expect("it is a source file");
        let lines = text.lines().count();
        let bound = if path.ends_with("tests.rs") { 500 } else { 400 };
        assert!(lines <= bound, "{} has {lines} lines", path.display());
        let ignored = concat!("#[", "ignore");
        assert!(!text.contains(ignored), "{}", path.display());
    }
}
