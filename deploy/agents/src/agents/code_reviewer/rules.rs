//! The list of known mistakes.

use std::sync::LazyLock;

use regex::Regex;

/// A language told from its marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    JavaScript,
    Rust,
    Java,
    Go,
    C,
    Php,
    Sql,
    Unknown,
}

/// A mistake and its place, lines counted from 1.
pub(super) struct Finding {
    pub(super) line: usize,
    pub(super) severity: &'static str,
    pub(super) why: &'static str,
}

struct Rule {
    pattern: Regex,
    /// Empty means every language.
    languages: &'static [Language],
    severity: &'static str,
    why: &'static str,
}

const LONG_LINE: usize = 120;
const LONG_FUNCTION: usize = 60;
const DEEP: usize = 6;

use Language::{C, Go, Java, JavaScript, Php, Python, Rust, Sql};

type Entry = (&'static str, &'static [Language], &'static str, &'static str);

const LIST: &[Entry] = &[
    (
        r"\beval\s*\(",
        &[Python, JavaScript, Php],
        "high",
        "eval runs whatever the text says; parse the input instead",
    ),
    (r"\bexec\s*\(", &[Python], "high", "exec runs text as code; call a function instead"),
    (r"\bnew Function\s*\(", &[JavaScript], "high", "this builds code out of text, like eval"),
    (
        r#"(?i)["'`](?:\s*)(?:select|insert into|update|delete from)\b[^;]*["'`]\s*(?:\+|\.|%|\|\|)\s*[\w$(]"#,
        &[],
        "high",
        "SQL is built by joining text, which lets input change the statement; use parameters",
    ),
    (
        r#"(?i)\bf["'](?:select|insert into|update|delete from)\b[^"']*\{|`\s*(?:select|insert into|update|delete from)\b[^`]*\$\{|format!\(\s*"(?:select|insert into|update|delete from)\b"#,
        &[],
        "high",
        "SQL is built by formatting text, which lets input change the statement; use parameters",
    ),
    (
        r#"(?i)\b(?:password|passwd|secret|api_?key|token|private_?key)\b\s*[:=]\s*["'][^"'\s]{6,}["']"#,
        &[],
        "high",
        "a secret is written into the code; read it from the environment or a vault",
    ),
    (
        r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY",
        &[],
        "high",
        "this is a credential; revoke it and take it out of the code",
    ),
    (
        r"\.innerHTML\s*\+?=|document\.write\s*\(|dangerouslySetInnerHTML",
        &[JavaScript],
        "high",
        "text put into the page as HTML runs scripts in it; use textContent or sanitise",
    ),
    (
        r"\b(?:strcpy|strcat|sprintf|gets)\s*\(",
        &[C],
        "high",
        "this call does not know the size of its target; use the bounded form",
    ),
    (
        r"\bos\.system\s*\(|shell\s*=\s*True|\bchild_process\.exec\s*\(|\bshell_exec\s*\(|Runtime\.getRuntime\(\)\.exec",
        &[],
        "high",
        "input that reaches a shell can run commands; pass arguments as a list",
    ),
    (
        r"\bpickle\.loads?\s*\(|\byaml\.load\s*\((?:[^,)]*)\)|\bunserialize\s*\(|ObjectInputStream",
        &[],
        "high",
        "reading untrusted data this way can run code; use a data-only format",
    ),
    (
        r"verify\s*=\s*False|InsecureSkipVerify:\s*true|danger_accept_invalid_certs|rejectUnauthorized:\s*false",
        &[],
        "high",
        "certificates are not checked, so anyone can stand in between",
    ),
    (
        r"(?i)\b(?:md5|sha1)\s*\(|hashlib\.(?:md5|sha1)|getInstance\(\s*.(?:MD5|SHA-?1)",
        &[],
        "medium",
        "MD5 and SHA-1 are broken for security; use SHA-256, and argon2 for passwords",
    ),
    (
        r"^\s*except\s*:|except (?:Base)?Exception\s*:\s*(?:pass)?\s*$",
        &[Python],
        "medium",
        "this catches everything and hides mistakes; name the exception you expect",
    ),
    (
        r"catch\s*(?:\([^)]*\))?\s*\{\s*\}",
        &[JavaScript, Java, Php],
        "medium",
        "the error is swallowed; handle it or let it pass on",
    ),
    (r"[=!]=\s*None\b", &[Python], "low", "compare with None by `is` or `is not`: == can be overridden"),
    (
        r"def\s+\w+\s*\([^)]*=\s*(?:\[\]|\{\}|set\(\))",
        &[Python],
        "medium",
        "a mutable default is shared by all calls; use None and make it inside",
    ),
    (r"^\s*(?:from\s+\S+\s+)?import\s+\*", &[Python], "low", "a star import hides where names come from"),
    (r"[^=!<>]==[^=]|!=[^=]", &[JavaScript], "low", "loose equality converts types; use === or !=="),
    (r"^\s*var\s+\w", &[JavaScript], "low", "var ignores blocks; use let or const"),
    (
        r"\.unwrap\(\)|\.expect\(\s*\x22\x22\s*\)",
        &[Rust],
        "medium",
        "unwrap stops the program on an error; pass it on with `?` or say why it cannot happen",
    ),
    (r"\bunsafe\s*\{", &[Rust], "medium", "unsafe needs a comment that says why it is sound"),
    (
        r"\btodo!\(|\bunimplemented!\(|\bdbg!\(",
        &[Rust],
        "medium",
        "this is a placeholder and stops or clutters the program",
    ),
    (r"_\s*(?:,\s*_)?\s*:?=\s*\w+[\w.]*\(", &[Go], "medium", "the error is thrown away; look at it"),
    (r"\bpanic\(", &[Go], "medium", "panic stops the program; return an error"),
    (
        r"System\.out\.print|\.printStackTrace\(\)",
        &[Java],
        "low",
        "use a logger, which can be filtered and kept",
    ),
    (r#"[=!]=\s*"[^"]*""#, &[Java], "medium", "== compares identity of strings; use equals"),
    (
        r"\bmysql_query\s*\(|\$_(?:GET|POST|REQUEST)\[[^\]]+\]\s*\.",
        &[Php],
        "high",
        "request input is used directly; use prepared statements and escape output",
    ),
    (r"(?i)\bselect\s+\*", &[Sql], "low", "name the columns: * breaks when the table changes"),
    (
        r"(?i)^\s*(?:delete\s+from|update)\s+\w+(?:\s+set\s+[^;]*?)?\s*;?\s*$",
        &[Sql],
        "high",
        "without WHERE this changes every row",
    ),
    (r"\bmalloc\s*\([^)]*\)\s*;\s*$", &[C], "medium", "the result of malloc can be null; check it"),
    (r"(?:\bconsole\.log|\bdebugger\b)", &[JavaScript], "low", "left-over debugging"),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", &[], "note", "an open end the author left"),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |(pattern, languages, severity, why): &Entry| Rule {
        pattern: Regex::new(pattern).expect("a constant pattern"),
        languages,
        severity,
        why,
    };
    LIST.iter().map(rule).collect()
});

impl Language {
    /// The language with the most marks in the code.
    pub(super) fn of(code: &str) -> Self {
        let marks: [(Self, &[&str]); 8] = [
            (
                Python,
                &[
                    "def ",
                    "import ",
                    "elif ",
                    "cursor",
                    ".execute(",
                    "None",
                    "self.",
                    "except",
                    "print(",
                    "):\n",
                ],
            ),
            (
                JavaScript,
                &["function ", "const ", "let ", "=>", "===", "document.", "console.", "var ", "innerHTML"],
            ),
            (Rust, &["fn ", "let ", "mut ", "::", ".unwrap()", "impl ", "match ", "&str", "println!"]),
            (Java, &["public ", "private ", "class ", "System.out", "void ", "new ", "String "]),
            (Go, &["func ", ":=", "package ", "fmt.", "err != nil"]),
            (C, &["#include", "char ", "int ", "printf(", "strcpy(", "malloc(", "->"]),
            (Php, &["<?php", "$_", "echo ", "->", "$this"]),
            (Sql, &["SELECT ", "FROM ", "WHERE ", "select ", "UPDATE ", "DELETE FROM", "INSERT INTO"]),
        ];
        let score =
            |words: &[&str]| words.iter().map(|word| code.matches(word).count().min(5)).sum::<usize>();
        let best = marks.iter().map(|(language, words)| (score(words), *language));
        best.reduce(|best, next| if next.0 > best.0 { next } else { best })
            .filter(|(score, _)| *score > 0)
            .map_or(Self::Unknown, |(_, language)| language)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Python => "Python",
            JavaScript => "JavaScript",
            Rust => "Rust",
            Java => "Java",
            Go => "Go",
            C => "C",
            Php => "PHP",
            Sql => "SQL",
            Self::Unknown => "an unknown language",
        }
    }
}

/// Everything found, in the order of the rules.
pub(super) fn findings(lines: &[&str], language: Language) -> Vec<Finding> {
    let applies = |rule: &&Rule| {
        rule.languages.is_empty() || language == Language::Unknown || rule.languages.contains(&language)
    };
    let mut found = Vec::new();
    for rule in RULES.iter().filter(applies) {
        let hits = lines.iter().enumerate().filter(|(_, line)| rule.pattern.is_match(line));
        found.extend(hits.map(|(place, _)| Finding {
            line: place + 1,
            severity: rule.severity,
            why: rule.why,
        }));
    }
    found.extend(shape(lines));
    found
}

/// What is long or deep.
fn shape(lines: &[&str]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let indent = line.chars().take_while(|letter| *letter == ' ').count()
            + 4 * line.chars().take_while(|letter| *letter == '\t').count();
        if line.chars().count() > LONG_LINE {
            found.push(Finding {
                line: place + 1,
                severity: "low",
                why: "the line is longer than 120 characters",
            });
        }
        if indent >= 4 * DEEP && !line.trim().is_empty() {
            found.push(Finding {
                line: place + 1,
                severity: "low",
                why: "six or more levels deep; move the inside into a function",
            });
        }
    }
    let starts: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| FUNCTION.is_match(line))
        .map(|(place, _)| place)
        .collect();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(lines.len());
        if end - start > LONG_FUNCTION {
            found.push(Finding {
                line: start + 1,
                severity: "low",
                why: "the function is longer than 60 lines; look for a second idea inside",
            });
        }
    }
    found
}

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:pub(?:\([a-z]+\))?\s+)?(?:async\s+)?(?:def|fn|func|function)\s|^\s*(?:public|private|protected)\s.*\(.*\)\s*\{").expect("a constant pattern")
});
