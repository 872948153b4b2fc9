//! crypto-trader: arithmetic of positions and portfolios from prices the user gives.

mod positions;

use std::fmt::Write as _;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::numbers::{self, percent, show};
use crate::server::Reporter;
use positions::{Position, fee, positions};

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

fn report(positions: &[Position], fee: f64) -> String {
    let value = |position: &Position| position.amount * position.now.unwrap_or(0.0);
    let total: f64 = positions.iter().map(value).sum();
    let mut text = String::from("With the prices you gave:\n\n");
    for position in positions {
        let (coin, now) = (&position.coin, position.now.unwrap_or(0.0));
        let weight = if positions.len() > 1 && total > 0.0 {
            format!(", {} % of the portfolio", percent(value(position) / total * 100.0))
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
                percent(gain / cost * 100.0)
            )
            .ok();
            writeln!(
                text,
                "  - break-even at {} ({} % from {})",
                show(even),
                percent((even / now - 1.0) * 100.0),
                show(now)
            )
            .ok();
        }
    }
    writeln!(text, "- total value: {}", show(total)).ok();
    if fee > 0.0 {
        writeln!(text, "- fee counted when buying and selling: {} %", percent(fee * 100.0)).ok();
    }
    text.push_str("\nI have no live prices and this is arithmetic, not advice.\n");
    text
}
