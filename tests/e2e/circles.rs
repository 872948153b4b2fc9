//! No circles between files: of two files at most one needs the other, also by way of third ones, so that each can be
//! read with nothing in mind but what stands below it.
//!
//! The rule: a file imports each other file of its crate that defines, or is, what a path in its code names (in a `use`
//! or where it is used); declaring a child, re-exporting (`pub use`) and whatever is `#[cfg(test)]` are no imports.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

/// The packages that are held to it.
const WITHOUT_CIRCLES: &[&str] =
    &["shared", "edge", "edge/clients/rust", "core", "core/a2a", "deploy", "tests"];
/// Circles within here wait for a rebuilding of the whole room.
const TO_BE_REBUILT: &str = "core/src/route/";

#[test]
fn no_file_needs_a_file_that_needs_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let circles: Vec<String> = WITHOUT_CIRCLES
        .iter()
        .map(|package| root.join(package).join("src"))
        .flat_map(|sources| ["lib.rs", "main.rs"].map(|file| sources.join(file)))
        .filter(|file| file.exists())
        .flat_map(|file| Crate::read(file).circles())
        .filter(|circle| !circle.split(" ↔ ").all(|file| file.contains(TO_BE_REBUILT)))
        .map(|circle| circle.replace(&format!("{}/", root.display()), ""))
        .collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}

/// The files of a crate by their modules' paths.
struct Crate {
    folder: PathBuf,
    modules: BTreeMap<Vec<String>, Module>,
}

/// What a file says about itself and others.
#[derive(Default)]
struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    defines: BTreeSet<String>,
    /// What each name that comes from elsewhere stands for.
    names: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// The paths that it needs.
    paths: Vec<Vec<String>>,
}

impl Crate {
    fn read(root: PathBuf) -> Self {
        let folder = root.parent().expect("a file has a folder").to_owned();
        let mut found = Self { folder, modules: BTreeMap::new() };
        found.add(root, Vec::new());
        found
    }

    fn add(&mut self, file: PathBuf, at: Vec<String>) {
        let text = fs::read_to_string(&file).expect("a declared module is there");
        let mut module = Module { file, ..Module::default() };
        module.read(&text.parse().expect("it is Rust"));
        for child in &module.children {
            let inner = [at.as_slice(), std::slice::from_ref(child)].concat();
            let folder = self.folder.join(inner.join("/"));
            let beside = folder.with_extension("rs");
            self.add(if beside.exists() { beside } else { folder.join("mod.rs") }, inner);
        }
        self.modules.insert(at, module);
    }

    /// The path from the crate's root, if `path` as `at` has it leads into this crate.
    fn absolute(&self, at: &[String], path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let module = self.modules.get(at)?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => at.to_vec(),
            "super" => return self.absolute_in(at.split_last()?.1, rest),
            name if module.children.contains(name) => [at, std::slice::from_ref(first)].concat(),
            name => {
                let meant = module.names.get(name)?;
                // `use url::Url as url` must not lead in a circle.
                if meant.first() == Some(first) {
                    return None;
                }
                self.absolute(at, meant)?
            }
        };
        base.extend_from_slice(rest);
        Some(base)
    }

    fn absolute_in(&self, at: &[String], rest: &[String]) -> Option<Vec<String>> {
        match rest.split_first() {
            Some((first, rest)) if first == "super" => self.absolute_in(at.split_last()?.1, rest),
            _ => Some([at, rest].concat()),
        }
    }

    /// The module that defines, or is, what an absolute path names.
    fn home(&self, path: &[String]) -> Vec<String> {
        let mut at = Vec::new();
        for (index, name) in path.iter().enumerate() {
            let module = &self.modules[&at];
            if module.children.contains(name) {
                at.push(name.clone());
                continue;
            }
            if module.defines.contains(name) {
                return at;
            }
            let meant = module.names.get(name).and_then(|meant| self.absolute(&at, meant));
            let by_glob = || {
                let globs = module.globs.iter().filter_map(|glob| self.absolute(&at, glob));
                globs.map(|glob| self.home(&glob)).find(|home| self.modules[home].defines.contains(name))
            };
            return match meant {
                Some(meant) => self.home(&[meant.as_slice(), &path[index + 1..]].concat()),
                None => by_glob().unwrap_or(at),
            };
        }
        at
    }

    /// Which modules each one needs.
    fn imports(&self) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
        let of = |at: &Vec<String>| {
            let absolute = self.modules[at].paths.iter().filter_map(|path| self.absolute(at, path));
            absolute.map(|path| self.home(&path)).filter(|home| home != at).collect()
        };
        self.modules.keys().map(|at| (at.clone(), of(at))).collect()
    }

    /// Sets of files each of which leads to all others of its set.
    fn circles(&self) -> BTreeSet<String> {
        let imports = self.imports();
        let reach: BTreeMap<_, _> = imports.keys().map(|at| (at, reached(&imports, at))).collect();
        let circle =
            |at| -> Vec<_> { reach[at].iter().copied().filter(|other| reach[other].contains(at)).collect() };
        let named = |circle: Vec<&Vec<String>>| {
            circle
                .into_iter()
                .map(|at| self.modules[at].file.to_string_lossy())
                .collect::<Vec<_>>()
                .join(" ↔ ")
        };
        imports.keys().map(circle).filter(|circle| circle.len() > 1).map(named).collect()
    }
}

fn reached<'a>(
    imports: &'a BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    from: &'a Vec<String>,
) -> BTreeSet<&'a Vec<String>> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        next.extend(imports[at].iter().filter(|other| seen.insert(*other)));
    }
    seen
}

impl Module {
    fn read(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut index = 0;
        while index < tokens.len() {
            if is_for_tests(&tokens[index..]) {
                index = after_item(&tokens, index + 2);
                continue;
            }
            let word = word(tokens.get(index));
            match word.as_deref() {
                Some("use") => {
                    let end = after_item(&tokens, index);
                    self.take(Vec::new(), &tokens[index + 1..end - 1], is_public(&tokens[..index]));
                    index = end;
                    continue;
                }
                Some("mod") if is(tokens.get(index + 2), ';') => {
                    self.children.extend(self::word(tokens.get(index + 1)));
                }
                Some("struct" | "enum" | "fn" | "const" | "static" | "type" | "trait" | "union") => {
                    self.defines.extend(self::word(tokens.get(index + 1)));
                }
                Some(_) if !follows_path(&tokens, index) => {
                    let (path, end) = path(&tokens, index);
                    if path.len() > 1 {
                        self.paths.push(path);
                        index = end;
                        continue;
                    }
                }
                _ => {}
            }
            if let TokenTree::Group(group) = &tokens[index] {
                self.read(&group.stream());
            }
            index += 1;
        }
    }

    /// Takes the tree of a `use`.
    fn take(&mut self, mut path: Vec<String>, tree: &[TokenTree], is_public: bool) {
        let mut rename = None;
        for (index, token) in tree.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) if ident == "as" => rename = word(tree.get(index + 1)),
                TokenTree::Ident(_) if rename.is_some() => {}
                TokenTree::Ident(ident) if ident == "self" && !path.is_empty() => {}
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inner.split(|token| is(Some(token), ',')).filter(|part| !part.is_empty()) {
                        self.take(path.clone(), part, is_public);
                    }
                    return;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.globs.push(path.clone());
                }
                _ => {}
            }
        }
        if !is_public {
            self.paths.push(path.clone());
        }
        if let Some(name) = rename.or_else(|| path.last().cloned()) {
            self.names.insert(name, path);
        }
    }
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether `#[cfg(test)]` comes next.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(1) else { return false };
    is(tokens.first(), '#') && group.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Where the item ends that begins here: behind its `;` or its braces.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_use = tokens[from..].iter().take(5).any(|token| word(Some(token)).as_deref() == Some("use"));
    let ends = |token: &TokenTree| {
        let braces = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        is(Some(token), ';') || (braces && !is_use)
    };
    tokens[from..].iter().position(ends).map_or(tokens.len(), |length| from + length + 1)
}

/// Whether `pub` or `pub(…)` stands at the end.
fn is_public(tokens: &[TokenTree]) -> bool {
    let last = |back: usize| tokens.len().checked_sub(back).and_then(|index| word(tokens.get(index)));
    last(1).as_deref() == Some("pub") || (last(1).is_none() && last(2).as_deref() == Some("pub"))
}

/// Whether what stands here goes on a path that began before.
fn follows_path(tokens: &[TokenTree], index: usize) -> bool {
    index > 1 && is(tokens.get(index - 1), ':') && is(tokens.get(index - 2), ':')
}

/// The path that begins here, and where it ends.
fn path(tokens: &[TokenTree], from: usize) -> (Vec<String>, usize) {
    let (mut path, mut index) = (Vec::new(), from);
    while let Some(name) = word(tokens.get(index)) {
        path.push(name);
        index += 1;
        if !(is(tokens.get(index), ':') && is(tokens.get(index + 1), ':')) {
            break;
        }
        index += 2;
    }
    (path, index)
}
