//! What a text says of somebody's coins.

use std::sync::LazyLock;

use regex::Regex;

use crate::reading::numbers;
use crate::reading::words::has_any;

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
pub(super) struct Position {
    pub(super) coin: String,
    pub(super) amount: f64,
    pub(super) bought: Option<f64>,
    pub(super) now: Option<f64>,
}

/// Reads each "amount coin" and the prices that stand before the next one; a coin named again without an amount
/// brings further prices of the same position.
pub(super) fn positions(plain: &str) -> Vec<Position> {
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
    !between.contains('\n')
        && matches!(
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

pub(super) fn fee(plain: &str) -> f64 {
    let percent =
        numbers::find(plain).into_iter().find(|number| plain[number.end..].trim_start().starts_with('%'));
    let about_fees =
        has_any(plain, &["fee*", "commission*", "gebühr*", "frais", "comisión", "手续费", "手数料", "رسوم"]);
    percent.filter(|_| about_fees).map_or(0.0, |number| (number.value / 100.0).clamp(0.0, 0.5))
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
