//! crypto-trader: arithmetic of positions and portfolios from prices the user gives.

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::numbers::{self, show};
use crate::reading::words::has_any;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "crypto-trader",
    name: "Crypto Position Agent",
    description: "Does the arithmetic of crypto positions and portfolios from the prices you give: profit and loss, percent, value, weights and break-even with fees. It has no live prices, places no trades and gives no advice.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "portfolio_management",
            name: "Value a portfolio",
            description: "Value and weight of each holding at given prices.",
            tags: &["portfolio", "weights", "holdings", "bitcoin", "ethereum"],
            examples: &[
                "I hold 2 BTC at 45000 and 10 ETH at 2500, what are the weights?",
                "What is my portfolio worth with 0.5 bitcoin at 60k and 300 SOL at 150?",
                "Mein Depot: 1 BTC zu 50.000 und 5 ETH zu 3.000 – wie ist die Verteilung?",
                "¿Cuánto vale mi cartera con 3 ETH a 2800 y 1 BTC a 52000?",
                "我有2个BTC，价格45000，还有10个ETH，价格2500，各占多少比例？",
            ],
        },
        Skill {
            id: "trading",
            name: "Profit and loss",
            description: "Profit or loss of a position from its buying price and a given price today.",
            tags: &["profit", "loss", "p/l", "percent", "position"],
            examples: &[
                "I bought 2 BTC at 30000 and the price is 45000 now, what is my profit?",
                "Bought 10 ETH for 2000 each, it trades at 1700, how much am I down?",
                "Ich habe 2 BTC bei 30.000 gekauft, jetzt steht er bei 45.000. Wie viel Gewinn?",
                "J'ai acheté 4 ETH à 1800, le prix est 2400, quel est mon gain ?",
                "ビットコインを0.5枚、400万円で買って今は600万円です。利益は？",
                "اشتريت 2 بيتكوين بسعر 30000 والسعر الآن 45000، كم الربح؟",
            ],
        },
        Skill {
            id: "risk_assessment",
            name: "Break-even",
            description: "The price at which a position breaks even, with fees, and how far it is away.",
            tags: &["break-even", "fees", "drawdown"],
            examples: &[
                "Where is my break-even for 1 BTC bought at 40000 with 0.5% fee if it trades at 38000?",
                "How far does ETH have to rise until I am even: bought at 3200, now 2500, 4 ETH?",
                "Ab welchem Kurs bin ich bei 3 ETH zu 2.000 mit 1 % Gebühr im Plus, aktuell 2.100?",
                "¿A qué precio recupero mi compra de 2 BTC a 35000 si ahora está a 33000?",
            ],
        },
    ],
};

const COINS: &[(&str, &str)] = &[
    ("bitcoins?", "BTC"),
    ("比特币", "BTC"),
    ("ビットコイン", "BTC"),
    ("بيتكوين", "BTC"),
    ("ethereum|ether", "ETH"),
    ("以太坊", "ETH"),
    ("イーサリアム", "ETH"),
    ("إيثريوم", "ETH"),
    ("solana", "SOL"),
    ("cardano", "ADA"),
    ("dogecoin", "DOGE"),
    ("litecoin", "LTC"),
    ("ripple", "XRP"),
    ("polkadot", "DOT"),
];

static COIN: LazyLock<Regex> = LazyLock::new(|| {
    let named: Vec<&str> = COINS.iter().map(|(name, _)| *name).collect();
    let known = "BTC|ETH|SOL|ADA|XRP|DOGE|LTC|DOT|BNB|AVAX|MATIC|LINK|USDT|USDC|ATOM|TRX|XLM|UNI|XMR";
    Regex::new(&format!(r"(?i)(?:{known})\b|{}", named.join("|"))).expect("a constant pattern")
});

/// What the text says of one coin.
#[derive(Debug, Default, PartialEq)]
struct Position {
    coin: String,
    amount: f64,
    bought: Option<f64>,
    now: Option<f64>,
}

/// The agent.
pub(super) struct CryptoTrader;

#[async_trait]
impl Agent for CryptoTrader {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, _: &Reporter) -> Outcome {
        let plain = numbers::plain(&request.text);
        let positions = positions(&plain);
        if positions.is_empty() {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack("Which position? Please give amount, coin, and the prices to calculate with, for example: 2 BTC bought at 30000, now 45000. I have no live prices.".to_owned()),
            };
        }
        if let Some(open) = positions.iter().find(|position| position.now.is_none()) {
            return Outcome::AskedBack(format!(
                "What is the price of {} to calculate with? I have no live prices; please write for example: {} is now 45000.",
                open.coin, open.coin
            ));
        }
        Outcome::Answered(report(&positions, fee(&plain)))
    }
}

/// Reads each "amount coin" and the prices that stand before the next one; a coin named again without an amount
/// brings further prices of the same position.
fn positions(plain: &str) -> Vec<Position> {
    let found = numbers::find(plain);
    let coins: Vec<regex::Match<'_>> = COIN.find_iter(plain).collect();
    let amount_of = |coin: &regex::Match<'_>| {
        found
            .iter()
            .find(|number| number.end <= coin.start() && joins(&plain[number.end..coin.start()]))
            .or_else(|| {
                // Japanese and others count after the name: ビットコインを0.5枚
                found.iter().find(|number| {
                    number.start >= coin.end()
                        && counts(&plain[coin.end()..number.start], &plain[number.end..])
                })
            })
    };
    let mut positions: Vec<Position> = Vec::new();
    for (place, coin) in coins.iter().enumerate() {
        let amount = amount_of(coin);
        let next = coins.get(place + 1);
        let end = next.map_or(plain.len(), |next| {
            amount_of(next).map_or(next.start(), |number| number.start.min(next.start()))
        });
        let start = coin.end();
        let name = symbol(coin.as_str());
        let prices: Vec<(f64, bool, bool)> = found
            .iter()
            .filter(|number| {
                number.start >= start && number.end <= end && Some(number.start) != amount.map(|a| a.start)
            })
            .filter(|number| !plain[number.end..].trim_start().starts_with('%'))
            .map(|number| {
                let from = found
                    .iter()
                    .filter(|other| other.end <= number.start)
                    .map(|other| other.end)
                    .max()
                    .unwrap_or(0)
                    .max(start);
                let before = &plain[from..number.start];
                let after = phrase(&plain[number.end..end]);
                // "2 BTC 45000 now, …"; but words that lead to the next number belong to that one.
                let now = says_now(before) || (after.1 && says_now(after.0) && !says_bought(after.0));
                (number.value, now, says_bought(before) || says_bought(after.0))
            })
            .collect();
        let known = positions.iter().position(|position| position.coin == name);
        let known = known.unwrap_or_else(|| {
            positions.push(Position { coin: name, ..Position::default() });
            positions.len() - 1
        });
        let position = &mut positions[known];
        if let Some(amount) = amount.filter(|_| position.amount == 0.0) {
            position.amount = amount.value;
        }
        match prices.as_slice() {
            // "I bought 2 BTC at 30000": the word stands before the coin.
            [(price, false, false)] if amount.is_some() && says_bought(&plain[..coin.start()]) => {
                position.bought = Some(*price)
            }
            prices => place_prices(position, prices),
        }
    }
    // A coin that was only talked about is no position.
    positions.retain(|position| position.amount > 0.0);
    positions
}

fn place_prices(position: &mut Position, prices: &[(f64, bool, bool)]) {
    for (price, now, bought) in prices {
        match (now, bought) {
            (true, _) => position.now = Some(*price),
            (false, true) => position.bought = Some(*price),
            (false, false) if prices.len() > 1 && position.bought.is_none() && position.now.is_none() => {
                position.bought = Some(*price);
            }
            (false, false) if position.now.is_none() => position.now = Some(*price),
            (false, false) => {}
        }
    }
}

fn joins(between: &str) -> bool {
    matches!(
        between.trim().to_lowercase().as_str(),
        "" | "x" | "个" | "枚" | "枚の" | "個の" | "×" | "of" | "عملة"
    )
}

fn counts(between: &str, after: &str) -> bool {
    between.chars().count() <= 2
        && !between.contains([',', '.', ':'])
        && after.starts_with(['枚', '個', '个'])
}

/// What follows a number up to the next comma or number, and whether no number ended it: "400万円で買って".
fn phrase(after: &str) -> (&str, bool) {
    let clause = after.split([',', '.', ';', '\n']).next().unwrap_or_default();
    match clause.find(|letter: char| letter.is_ascii_digit()) {
        Some(digit) => (&clause[..digit], false),
        None => (clause, true),
    }
}

fn says_now(text: &str) -> bool {
    has_any(
        text,
        &[
            "now",
            "current*",
            "today",
            "trades",
            "trading",
            "price is",
            "worth",
            "jetzt",
            "aktuell*",
            "heute",
            "steht",
            "maintenant",
            "actuel*",
            "prix est",
            "ahora",
            "actual*",
            "hoy",
            "现在",
            "目前",
            "今",
            "الآن",
            "اليوم",
        ],
    )
}

fn says_bought(text: &str) -> bool {
    has_any(
        text,
        &[
            "bought",
            "buy",
            "purchased",
            "paid",
            "cost",
            "entry",
            "gekauft",
            "kauf*",
            "acheté",
            "achat",
            "compré",
            "compra",
            "买",
            "買",
            "اشتريت",
        ],
    )
}

fn symbol(name: &str) -> String {
    let lower = name.to_lowercase();
    let named = COINS.iter().find(|(pattern, _)| {
        pattern.split('|').any(|word| lower == word.trim_end_matches("s?") || lower == word.replace('?', ""))
    });
    named.map_or_else(|| name.to_uppercase(), |(_, symbol)| (*symbol).to_owned())
}

fn fee(plain: &str) -> f64 {
    let percent =
        numbers::find(plain).into_iter().find(|number| plain[number.end..].trim_start().starts_with('%'));
    let about_fees =
        has_any(plain, &["fee*", "commission*", "gebühr*", "frais", "comisión", "手续费", "手数料", "رسوم"]);
    percent.filter(|_| about_fees).map_or(0.0, |number| (number.value / 100.0).clamp(0.0, 0.5))
}

fn report(positions: &[Position], fee: f64) -> String {
    let value = |position: &Position| position.amount * position.now.unwrap_or(0.0);
    let total: f64 = positions.iter().map(value).sum();
    let mut text = String::from("With the prices you gave:\n\n");
    for position in positions {
        let (coin, now) = (&position.coin, position.now.unwrap_or(0.0));
        let weight = if positions.len() > 1 && total > 0.0 {
            format!(", {} % of the portfolio", show(value(position) / total * 100.0))
        } else {
            String::new()
        };
        writeln!(
            text,
            "- {} {coin} at {}: value {}{weight}",
            show(position.amount),
            show(now),
            show(value(position))
        )
        .ok();
        if let Some(bought) = position.bought.filter(|bought| *bought > 0.0) {
            let cost = position.amount * bought * (1.0 + fee);
            let gain = value(position) * (1.0 - fee) - cost;
            let word = if gain >= 0.0 { "profit" } else { "loss" };
            let even = bought * (1.0 + fee) / (1.0 - fee);
            writeln!(
                text,
                "  - bought at {} for {}: {word} {} ({} %)",
                show(bought),
                show(cost),
                show(gain.abs()),
                show(gain / cost * 100.0)
            )
            .ok();
            writeln!(
                text,
                "  - break-even at {} ({} % from {})",
                show(even),
                show((even / now - 1.0) * 100.0),
                show(now)
            )
            .ok();
        }
    }
    writeln!(text, "- total value: {}", show(total)).ok();
    if fee > 0.0 {
        writeln!(text, "- fee counted when buying and selling: {} %", show(fee * 100.0)).ok();
    }
    text.push_str("\nI have no live prices and this is arithmetic, not advice.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{Position, positions};
    use crate::reading::numbers::plain;

    fn one(text: &str) -> Position {
        positions(&plain(text)).remove(0)
    }

    #[test]
    fn positions_are_read_in_many_wordings() {
        let expected =
            || Position { coin: "BTC".into(), amount: 2.0, bought: Some(30000.0), now: Some(45000.0) };
        assert_eq!(one("I bought 2 BTC at 30000, price is 45000"), expected());
        assert_eq!(one("The price is what? 2 bitcoin bought at 30k, now 45k"), expected());
        assert_eq!(one("Ich habe 2 BTC bei 30.000 gekauft, jetzt steht er bei 45.000"), expected());
        assert_eq!(one("اشتريت 2 بيتكوين بسعر 30000 والسعر الآن 45000، كم الربح؟"), expected());
        assert_eq!(one("I bought 2 BTC at 30000\nBTC is now 45000"), expected());
        assert_eq!(one("ビットコインを0.5枚、400万円で買って今は600万円です").now, Some(6_000_000.0));
    }

    #[test]
    fn a_portfolio_has_one_price_each() {
        let found = positions("I hold 2 BTC at 45000 and 10 ETH at 2500");
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].amount, found[1].now), (10.0, Some(2500.0)));
        assert_eq!(one("I bought 2 BTC at 30000").now, None);
    }
}
