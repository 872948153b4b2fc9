//! What an agent or an LLM writes turns no text around but its own (UAX #9).

use std::time::Duration;
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, person::Heard};

/// An override, closed; an isolate that is closed and one that is not; an end of nobody's; an embedding to the end.
const SAID: &str =
    "Pay \u{202E}eno\u{202C} to \u{2067}שלום\u{2069} \u{2066}now\u{2029}\u{2069}or \u{200F}later\u{202B}.";
/// What stays of it: the marks, and what is closed in its line.
const KEPT: &str = "Pay eno to \u{2067}שלום\u{2069} now\nor \u{200F}later.";

const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];
const STOCKS: &[&str] = &["how is the stock of acme doing", "show my share prices"];

/// Whether every isolate is closed in its line, and nothing else turns around.
fn is_its_own(text: &str) -> bool {
    text.lines().all(|line| {
        let open = line.chars().try_fold(0_u32, |open, c| match c {
            '\u{2066}'..='\u{2068}' => Some(open + 1),
            '\u{2069}' => open.checked_sub(1),
            '\u{202A}'..='\u{202E}' => None,
            _ => Some(open),
        });
        open == Some(0)
    })
}

async fn ask(house: &House, text: &str) -> anyhow::Result<Heard> {
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, text).await
}

#[tokio::test]
async fn an_agent_turns_no_text_around_but_its_own() -> anyhow::Result<()> {
    let house = House::start().await?;
    let rogue = FakeAgent::start("rogue", WEATHER, Manner::Says(SAID.into())).await?;
    let other = FakeAgent::start("other", STOCKS, Manner::Says("Acme is up.".into())).await?;
    house.register("rogue", &rogue).await?;
    house.register("other", &other).await?;
    let alone = ask(&house, "@rogue what now?").await?;
    assert_eq!((alone.answer().as_str(), alone.streamed().as_str()), (KEPT, KEPT));
    let both = ask(&house, "@rogue @other what now?").await?;
    assert!(
        both.answer().contains("\u{2067}שלום\u{2069} now") && is_its_own(&both.answer()),
        "{:?}",
        both.answer()
    );
    assert_eq!(both.streamed(), both.answer());
    rogue.set(Manner::Slowly(SAID.into(), Duration::from_millis(20)));
    let slow = ask(&house, "@rogue what now?").await?;
    assert_eq!((slow.answer().as_str(), slow.streamed().as_str()), (KEPT, KEPT));
    house.stop().await
}

#[tokio::test]
async fn an_llm_turns_no_text_around_but_its_own() -> anyhow::Result<()> {
    let agents = vec!["weather".into(), "stocks".into()];
    let llm =
        FakeLlm::start(Mood::Good { agents, answer: format!("{SAID} [weather]. Sell nothing [stocks].") })
            .await?;
    let house = House::with_llm(&llm).await?;
    let weather = FakeAgent::start("weather", WEATHER, Manner::Says("It will rain.".into())).await?;
    let stocks = FakeAgent::start("stocks", STOCKS, Manner::Says("Acme is up.".into())).await?;
    house.register("weather", &weather).await?;
    house.register("stocks", &stocks).await?;
    let heard = ask(&house, "zzyzx quux frobnicate the blorp?").await?;
    assert!(heard.answer().starts_with("Pay eno to \u{2067}שלום\u{2069} now"), "{:?}", heard.answer());
    assert!(is_its_own(&heard.answer()), "{:?}", heard.answer());
    assert_eq!(heard.streamed(), heard.answer());
    let claims = heard.data("answer.finished")["claims"].clone();
    let part = |at: usize| {
        let place = |name: &str| usize::try_from(claims[at][name].as_u64().unwrap_or_default());
        let (start, end) = (place("start")?, place("end")?);
        anyhow::Ok(heard.answer().chars().skip(start).take(end - start).collect::<String>())
    };
    assert!(part(1)?.contains("Sell nothing"), "what is left out moves no claim: {claims}");
    house.stop().await
}
