//! Puts the web page into the program: each file of `ui/` is named by its content and compressed here, so that nothing
//! is done with it at run time, and whoever builds the core needs no other tool.

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What is served, by its ending.
const KINDS: [(&str, &str); 3] =
    [("js", "text/javascript; charset=utf-8"), ("css", "text/css; charset=utf-8"), ("svg", "image/svg+xml")];
/// Made by others: served as it is, with their notices.
const OTHERS: &str = "vendor/";
/// Only for whoever makes the page.
const NOT_SERVED: [&str; 1] = ["vendor/entry.js"];
/// The page is shown when these and all that they import have come.
const FIRST: [&str; 2] = ["main.js", "views/app.js"];

#[allow(clippy::disallowed_methods, reason = "where it may write, cargo says by the environment alone")]
#[allow(clippy::print_stdout, reason = "that is how cargo is told what to watch")]
fn main() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut page = Page { files: BTreeMap::new(), served: BTreeMap::new() };
    page.read(&ui, "");
    let index = fs::read_to_string(ui.join("index.html")).expect("the page has its beginning, ui/index.html");
    for name in page.files.keys().cloned().collect::<Vec<_>>() {
        page.serve(&name, &mut Vec::new());
    }
    let index = page.index(&index);
    fs::write(out.join("page.rs"), page.table(&out, &index)).expect("cargo's folder can be written");
    // A folder is watched with all that is in it; the client's lies behind a link.
    println!("cargo::rerun-if-changed={}", ui.display());
    println!("cargo::rerun-if-changed={}", ui.join("client").display());
    println!("cargo::rerun-if-changed=build.rs");
}

/// The files of the page.
struct Page {
    /// As they are written, by their path below `ui/`.
    files: BTreeMap<String, String>,
    /// As they are served, with their path at the edge.
    served: BTreeMap<String, (String, String)>,
}

impl Page {
    fn read(&mut self, folder: &Path, below: &str) {
        for entry in fs::read_dir(folder).expect("the page's folder is there").flatten() {
            let path = entry.path();
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if path.is_dir() {
                self.read(&path, &format!("{name}/"));
            } else if kind(&name).is_some() && !NOT_SERVED.contains(&name.as_str()) {
                self.files.insert(name, fs::read_to_string(&path).expect("the page's files are text"));
            }
        }
    }

    /// Where a file is served, which depends on what it imports: so that is named first.
    fn serve(&mut self, name: &str, above: &mut Vec<String>) -> String {
        if let Some((path, _)) = self.served.get(name) {
            return path.clone();
        }
        assert!(
            !above.iter().any(|it| it == name),
            "files of the page import each other in a circle: {above:?}"
        );
        let written = self
            .files
            .get(name)
            .unwrap_or_else(|| panic!("the page has no file {name}, which {above:?} name"));
        let mut text = match name.ends_with(".js") && !name.starts_with(OTHERS) {
            true => without_comments(written),
            false => written.clone(),
        };
        above.push(name.to_owned());
        for import in imports(&without_comments(&text)) {
            let named = resolve(name, &import);
            let path = self.serve(&named, above);
            let file = path.rsplit('/').next().expect("a path has a last part");
            let folder = import.rsplit_once('/').expect("an import has a slash").0;
            text = text.replace(&format!("\"{import}\""), &format!("\"{folder}/{file}\""));
        }
        above.pop();
        let (stem, ending) = name.rsplit_once('.').expect("files that are served have an ending");
        let path = format!("/assets/{stem}.{}.{ending}", hash(&text));
        self.served.insert(name.to_owned(), (path.clone(), text));
        path
    }

    /// The beginning, with the paths of its files, and with all that is needed for the first view named at once.
    fn index(&self, html: &str) -> String {
        let mut html = html.to_owned();
        for (name, (path, _)) in &self.served {
            html = html.replace(&format!("href=\"{name}\""), &format!("href=\"{path}\""));
            html = html.replace(&format!("src=\"{name}\""), &format!("src=\"{path}\""));
        }
        let mut first = BTreeSet::new();
        for name in FIRST {
            self.gather(name, &mut first);
        }
        let links: String = first
            .iter()
            .map(|name| format!("    <link rel=\"modulepreload\" href=\"{}\">\n", self.served[name].0))
            .collect();
        html.replace("  </head>", &format!("{links}  </head>"))
    }

    /// A file and all that it imports before it runs.
    fn gather(&self, name: &str, into: &mut BTreeSet<String>) {
        if !into.insert(name.to_owned()) {
            return;
        }
        let text = without_comments(&self.files[name]);
        for import in imports(&text).iter().filter(|it| !text.contains(&format!("import(\"{it}\")"))) {
            self.gather(&resolve(name, import), into);
        }
    }

    /// The files as Rust reads them.
    fn table(&self, out: &Path, index: &str) -> String {
        let mut table = format!("const INDEX: File = {};\n", file(out, "/", "html", index));
        table.push_str("const FILES: &[File] = &[\n");
        for (path, text) in self.served.values() {
            table.push_str(&format!("    {},\n", file(out, path, path, text)));
        }
        table.push_str("];\n");
        table
    }
}

/// One entry: the file as it is and compressed, beside the table.
fn file(out: &Path, path: &str, name: &str, text: &str) -> String {
    let hash = hash(text);
    let kind = kind(name).unwrap_or("text/html; charset=utf-8");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes()).expect("memory can be written");
    let gzip = gzip.finish().expect("memory can be written");
    let (plain, packed) = (out.join(format!("{hash}.plain")), out.join(format!("{hash}.gz")));
    fs::write(&plain, text).expect("cargo's folder can be written");
    fs::write(&packed, gzip).expect("cargo's folder can be written");
    format!(
        "File {{ path: {path:?}, kind: {kind:?}, etag: \"\\\"{hash}\\\"\", plain: include_bytes!({plain:?}), gzip: include_bytes!({packed:?}) }}"
    )
}

fn kind(name: &str) -> Option<&'static str> {
    KINDS.iter().find(|(ending, _)| name.ends_with(&format!(".{ending}"))).map(|(_, kind)| *kind)
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The modules of ours that a module names, each once.
fn imports(text: &str) -> BTreeSet<String> {
    text.split('"')
        .filter(|piece| (piece.starts_with("./") || piece.starts_with("../")) && piece.ends_with(".js"))
        .map(str::to_owned)
        .collect()
}

/// The path below `ui/` that a module means.
fn resolve(from: &str, import: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What browsers need of our own files. Comments stand on lines of their own, or are types; lines keep their numbers.
fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("/**") {
        let end = rest[begin..].find("*/").map_or(rest.len(), |end| begin + end + 2);
        kept.push_str(&rest[..begin]);
        kept.extend(rest[begin..end].chars().filter(|sign| *sign == '\n'));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    let lines = kept.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line.trim() });
    lines.collect::<Vec<_>>().join("\n")
}
