//! database-agent: read-only SQL over a small sample shop.

mod shop;

use std::sync::Arc;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::house::HouseError;
use crate::reading::colleagues;
use crate::reading::quotes::fenced;
use crate::reading::sandbox::Sandbox;
use crate::reading::words::has_any;
use crate::server::Reporter;
use shop::Shop;

const PROFILE: Profile = Profile {
    id: "database-agent",
    name: "Database Agent",
    description: "Answers SQL over its own small SQLite sample shop (customers, products, orders): runs a SELECT you paste, explains its query plan, shows the schema, and knows a few prepared questions. Read-only; it reaches no other database and turns no free question into SQL.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "sql",
            name: "Run a SELECT",
            description: "Runs a pasted read-only SQL statement and shows up to fifty rows.",
            tags: &["sql", "select", "query", "sqlite"],
            examples: &[
                "SELECT name, city FROM customers ORDER BY name LIMIT 5",
                "Run this query for me: select count(*) from orders where total > 100",
                "Führe dieses SQL aus: SELECT * FROM products WHERE price < 20",
                "Exécute cette requête : SELECT city, COUNT(*) FROM customers GROUP BY city",
                "执行这条SQL：SELECT * FROM orders LIMIT 3",
            ],
        },
        Skill {
            id: "database",
            name: "Ask the sample shop",
            description: "Schema, counts of customers, orders and products, top customers, best sellers, revenue by month.",
            tags: &["schema", "tables", "customers", "orders", "products", "revenue"],
            examples: &[
                "Which tables does the database have?",
                "How many customers and orders are there?",
                "Who are our top customers by revenue?",
                "Welche Produkte verkaufen sich am besten?",
                "¿Cuántos clientes hay en la base de datos?",
                "売上の多い顧客は誰ですか？",
                "كم عدد الطلبات في قاعدة البيانات؟",
            ],
        },
        Skill {
            id: "optimization",
            name: "Explain a query plan",
            description: "Shows how SQLite would run a statement, and whether it scans a whole table.",
            tags: &["explain", "query plan", "index", "slow query"],
            examples: &[
                "Explain the query plan of SELECT * FROM orders WHERE customer_id = 7",
                "Why would this query be slow: select * from orders where total > 50",
                "Zeig mir den Ausführungsplan für diese Abfrage",
                "¿Usa un índice esta consulta? SELECT * FROM customers WHERE email = 'a@b.c'",
            ],
        },
    ],
};

static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)\b(?:explain\s+(?:query\s+plan\s+)?)?(?:select\s+.+|with\s+\w+(?:\s*\([^)]*\))?\s+as\s*\(.+|values\s*\(.+)$").expect("a constant pattern")
});
static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:insert\s+into|update\s+\w+\s+set|delete\s+from|drop\s+(?:table|index|view)|alter\s+table|create\s+(?:table|index|view)|truncate\s+table|attach\s+database|pragma\s+\w+|vacuum)\b").expect("a constant pattern")
});

/// The agent.
pub(super) struct DatabaseAgent {
    shop: Arc<Shop>,
}

impl DatabaseAgent {
    /// Opens the sample shop, making it when it is missing.
    pub(super) fn open(sandbox: &Sandbox) -> Result<Self, HouseError> {
        let shop = Shop::open(&sandbox.root().join("shop.db"))
            .map_err(|error| HouseError::Agent { agent: PROFILE.id, reason: error.to_string() })?;
        Ok(Self { shop: Arc::new(shop) })
    }
}

#[async_trait]
impl Agent for DatabaseAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let text = request.text.clone();
        if STATEMENT.find(&text).is_none() && CHANGE.is_match(&text) {
            return Outcome::Refused(
                "I only read: SELECT, WITH … SELECT and EXPLAIN QUERY PLAN. I change nothing.".to_owned(),
            );
        }
        if STATEMENT.find(&text).is_none()
            && !is_about_the_shop(&text)
            && let Some(referral) = colleagues::referral(PROFILE.id, &text)
        {
            return Outcome::Refused(referral);
        }
        reporter.progress("Asking the sample database.");
        let shop = Arc::clone(&self.shop);
        match tokio::task::spawn_blocking(move || answer(&shop, &text)).await {
            Ok(Ok(text)) => Outcome::Answered(text),
            Ok(Err(error)) => Outcome::Failed(format!("SQLite refused: {error}.")),
            Err(_) => Outcome::Failed("Something went wrong while asking the database.".to_owned()),
        }
    }
}

fn answer(shop: &Shop, text: &str) -> rusqlite::Result<String> {
    let source = fenced(text).unwrap_or(text);
    if let Some(statement) = STATEMENT.find(source) {
        let statement = statement.as_str().trim().trim_end_matches(['?', '`', '"', '。', '？']).trim();
        let statement = statement.split_once(';').map_or(statement, |(first, _)| first);
        let explain = has_any(
            text,
            &[
                "explain",
                "plan",
                "slow",
                "index",
                "ausführungsplan",
                "langsam",
                "índice",
                "lent*",
                "lente",
                "执行计划",
                "実行計画",
            ],
        );
        return if explain { plan(shop, statement) } else { shop.query(statement) };
    }
    let asked: Vec<&Prepared> = PREPARED.iter().filter(|prepared| has_any(text, prepared.asked_by)).collect();
    if !asked.is_empty() && !has_any(text, SCHEMA) {
        let answers: rusqlite::Result<Vec<String>> =
            asked.iter().take(3).map(|prepared| prepared.answer(shop)).collect();
        return Ok(answers?.join("\n"));
    }
    let counts = Prepared::answer(&PREPARED[0], shop)?;
    Ok(format!(
        "The sample shop has these tables:\n\n```sql\n{}\n```\n\n{counts}\nPaste a SELECT and I run it; free questions I know only a few: counts, top customers, best-selling products, revenue by month.\n",
        shop.schema()?
    ))
}

fn plan(shop: &Shop, statement: &str) -> rusqlite::Result<String> {
    let bare = statement.trim_start();
    let already = bare.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("explain"));
    let plan = shop.query(&if already { bare.to_owned() } else { format!("EXPLAIN QUERY PLAN {bare}") })?;
    let advice = if plan.contains("SCAN") {
        "SCAN means that a whole table is read; an index on the columns in WHERE would help when the table grows."
    } else {
        "It finds its rows by an index."
    };
    Ok(format!("{plan}\n{advice}\n"))
}

const SCHEMA: &[&str] =
    &["schema", "tables", "tabellen", "tablas", "structure", "表结构", "哪些表", "テーブル", "جداول"];

fn is_about_the_shop(text: &str) -> bool {
    has_any(text, SCHEMA) || PREPARED.iter().any(|prepared| has_any(text, prepared.asked_by))
}

/// A question known beforehand.
struct Prepared {
    title: &'static str,
    asked_by: &'static [&'static str],
    sql: &'static str,
}

impl Prepared {
    fn answer(&self, shop: &Shop) -> rusqlite::Result<String> {
        Ok(format!("{}:\n\n{}\n`{}`\n", self.title, shop.query(self.sql)?, self.sql))
    }
}

const PREPARED: &[Prepared] = &[
    Prepared {
        title: "How many there are",
        asked_by: &[
            "how many",
            "count",
            "wie viele",
            "combien",
            "cuántos",
            "cuántas",
            "多少",
            "何人",
            "いくつ",
            "كم",
        ],
        sql: "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM orders) AS orders, (SELECT COUNT(*) FROM products) AS products",
    },
    Prepared {
        title: "Top customers by revenue",
        asked_by: &[
            "top customer*",
            "best customer*",
            "biggest customer*",
            "customers by revenue",
            "beste kunden",
            "besten kunden",
            "top-kunden",
            "meilleurs clients",
            "mejores clientes",
            "最好的客户",
            "大客户",
            "顧客",
            "أفضل العملاء",
        ],
        sql: "SELECT c.name, c.city, COUNT(*) AS orders, ROUND(SUM(o.total), 2) AS revenue FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.id ORDER BY revenue DESC LIMIT 5",
    },
    Prepared {
        title: "Best-selling products",
        asked_by: &[
            "best sell*",
            "best-sell*",
            "bestsell*",
            "top product*",
            "popular product*",
            "verkaufen sich",
            "produits les plus",
            "más vendidos",
            "畅销",
            "売れ筋",
            "الأكثر مبيعا",
        ],
        sql: "SELECT p.name, SUM(o.quantity) AS sold, ROUND(SUM(o.total), 2) AS revenue FROM orders o JOIN products p ON p.id = o.product_id GROUP BY p.id ORDER BY sold DESC LIMIT 5",
    },
    Prepared {
        title: "Revenue by month",
        asked_by: &[
            "revenue by month",
            "monthly revenue",
            "sales by month",
            "revenue per month",
            "umsatz",
            "chiffre d'affaires",
            "ingresos",
            "每月",
            "月別",
            "الإيرادات",
        ],
        sql: "SELECT substr(ordered_on, 1, 7) AS month, COUNT(*) AS orders, ROUND(SUM(total), 2) AS revenue FROM orders GROUP BY month ORDER BY month",
    },
];
