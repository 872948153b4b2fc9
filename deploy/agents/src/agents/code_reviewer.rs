//! code-reviewer: reads a pasted snippet line by line against a list of known mistakes.

mod rules;

use std::fmt::Write as _;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::quotes::fenced;
use crate::reading::subject::split;
use crate::reading::words::{counted, excerpt};
use crate::server::Reporter;
use rules::{Finding, Language};

const PROFILE: Profile = Profile {
    id: "code-reviewer",
    name: "Code Reviewer",
    description: "Reviews a pasted snippet of Python, JavaScript, Rust, Java, Go, C, PHP or SQL against a list of known mistakes: injection, eval, hard-coded secrets, swallowed errors, unsafe C calls, long lines and functions. Each finding has its line and the reason. It runs no code and proves nothing correct.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "code_analysis",
            name: "Review a snippet",
            description: "Findings with line numbers and reasons, and the shape of the code.",
            tags: &["code review", "snippet", "python", "javascript", "rust", "quality"],
            examples: &[
                "Review this Python function: def f(x): return eval(x)",
                "What is wrong with the following JavaScript snippet?",
                "Kannst du diesen Codeausschnitt durchsehen?",
                "Relis ce code Rust et dis-moi ce que tu changerais",
                "帮我审查一下这段代码",
            ],
        },
        Skill {
            id: "security_review",
            name: "Find unsafe code",
            description: "SQL built by concatenation, eval, innerHTML, shell calls, hard-coded keys, weak hashes, strcpy.",
            tags: &["sql injection", "eval", "secrets in code", "xss", "vulnerability"],
            examples: &[
                "Is this query safe: cursor.execute(\"SELECT * FROM users WHERE id = \" + uid)",
                "Any security holes in this handler code?",
                "¿Hay alguna vulnerabilidad en este código?",
                "このコードに脆弱性はありますか？",
                "هل يحتوي هذا الكود على ثغرات؟",
            ],
        },
        Skill {
            id: "bug_detection",
            name: "Find likely bugs",
            description: "Comparisons with None, bare except, mutable defaults, unwrap, loose equality, ignored errors.",
            tags: &["bugs", "unwrap", "bare except", "null"],
            examples: &[
                "Do you see a bug in this loop?",
                "Is it fine to use unwrap() like in this Rust code?",
                "Finde die Fehler in dieser Funktion: if x == None: pass",
                "Y a-t-il un bug dans ce try/except ?",
            ],
        },
    ],
};

const MOST_LINES: usize = 5_000;
const MOST_FINDINGS: usize = 60;

/// The agent.
pub(super) struct CodeReviewer;

#[async_trait]
impl Agent for CodeReviewer {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let Some(code) = code(&request.text) else {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack(
                    "Which code? Please paste the snippet, best between ``` lines.".to_owned(),
                ),
            };
        };
        let language = Language::of(code);
        reporter.progress(format!("Reading {} lines of {}.", code.lines().count(), language.name()));
        Outcome::Answered(report(code, language))
    }
}

/// The code in a fence, after a lead-in, or the whole text if it looks like code.
fn code(text: &str) -> Option<&str> {
    let candidates = [fenced(text), split(text).map(|(_, code)| code), Some(text)];
    candidates
        .into_iter()
        .flatten()
        .find(|part| !part.trim().is_empty() && (fenced(text) == Some(*part) || looks_like_code(part)))
}

fn looks_like_code(text: &str) -> bool {
    let marks = [
        "();",
        ");",
        "){",
        ") {",
        "=>",
        "->",
        "==",
        "!=",
        " = ",
        "::",
        "def ",
        "fn ",
        "function ",
        "import ",
        "#include",
        "return ",
        "class ",
        "const ",
        "let ",
        "var ",
        "public ",
        "func ",
        "SELECT ",
        "except",
        "== None",
        "is None",
        "catch",
        "print(",
        "eval(",
        ".unwrap()",
        "<?php",
        "+=",
        "if (",
    ];
    marks.iter().filter(|mark| text.contains(**mark)).count() >= 2
        || text.contains("eval(")
        || text.contains("strcpy(")
        || text.contains(".unwrap()")
}

fn report(code: &str, language: Language) -> String {
    let lines: Vec<&str> = code.lines().take(MOST_LINES).collect();
    let mut findings = rules::findings(&lines, language);
    findings.sort_by_key(|finding| (finding.line, finding.why));
    let mut text = format!(
        "Reviewed {} of {}: {}.\n\n",
        counted(lines.len(), "line"),
        language.name(),
        counted(findings.len(), "finding")
    );
    for Finding { line, severity, why } in findings.iter().take(MOST_FINDINGS) {
        let shown = excerpt(lines.get(line - 1).map_or("", |line| line.trim()), 80);
        writeln!(text, "- line {line} ({severity}): {why}\n  `{shown}`").ok();
    }
    if findings.len() > MOST_FINDINGS {
        writeln!(text, "- and {} more", findings.len() - MOST_FINDINGS).ok();
    }
    if findings.is_empty() {
        text.push_str("Nothing on my list of known mistakes was found.\n");
    }
    text.push_str("\nI check known patterns only and have not run the code.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{code, report};
    use crate::agents::code_reviewer::rules::Language;

    #[test]
    fn known_mistakes_are_found_at_their_lines() {
        let python = "def f(x, y=[]):\n    try:\n        return eval(x)\n    except:\n        pass\n    if x == None:\n        q = \"SELECT * FROM t WHERE a = '\" + x\n";
        assert_eq!(Language::of(python), Language::Python);
        let text = report(python, Language::Python);
        for expected in ["line 1 ", "line 3 ", "line 4 ", "line 6 ", "line 7 "] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    #[test]
    fn a_question_is_no_code() {
        assert_eq!(code("Can you review my code?"), None);
        assert_eq!(code("Review: def f(x): return eval(x)"), Some("def f(x): return eval(x)"));
    }
}
