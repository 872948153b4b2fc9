//! The web page in a real browser: each test is one of the scenarios in `tests/browser`, on a house of its own.

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Stdio, time::Duration};
use switchboard_tests::{FakeAgent, House, Manner, guest::node};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};

/// A whole scenario, on a machine that is busy with others.
const WITHIN: Duration = Duration::from_secs(300);
/// An answer of some seconds.
const WORDS: &str = "a b c d e f g h i j k l m n o p q r s t";
/// A picture of one dot.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const HOSTILE: &str = include_str!("../browser/hostile.txt");
const RICH: &str = include_str!("../browser/rich.md");

/// Runs a scenario, and does to the house what it asks for.
async fn scenario(house: &House, name: &str) -> anyhow::Result<()> {
    let topology = house.topology();
    let edges: Vec<_> =
        topology.edges().iter().map(|edge| edge.url().as_str().trim_end_matches('/').to_owned()).collect();
    let pictures = option_env!("SWITCHBOARD_PICTURES");
    let told = json!({"edges": edges, "pictures": pictures});
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("browser").join(name);
    let mut browser = node(&script.to_string_lossy())
        .arg(told.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = browser.stdin.take().context("it is piped")?;
    let mut lines = BufReader::new(browser.stdout.take().context("it is piped")?).lines();
    let run = async {
        while let Some(line) = lines.next_line().await? {
            let Ok(wanted) = serde_json::from_str::<Value>(&line) else {
                tell(&line);
                continue;
            };
            let (edges, cores) = (topology.edges(), topology.cores());
            let parts = if wanted["part"] == "edge" { edges } else { cores };
            let number = usize::try_from(wanted["n"].as_u64().context("which one")?)?;
            let part = parts.into_iter().nth(number).context("there are fewer")?;
            match wanted["do"].as_str() {
                Some("kill") => part.kill9().await,
                Some("restart") => part.restart().await?,
                other => bail!("{name} wants {other:?}"),
            }
            input.write_all(b"done\n").await?;
        }
        anyhow::Ok(browser.wait().await?)
    };
    let status = timeout(WITHIN, run).await.with_context(|| format!("{name} took too long"))??;
    ensure!(status.success(), "{name} failed: what it expected stands above");
    Ok(())
}

/// What a scenario has measured, for whoever reads the test's output.
#[allow(clippy::print_stdout, reason = "a figure that nobody sees is none")]
fn tell(line: &str) {
    println!("{line}");
}

/// Agents by their names, each known by its examples and behaving in its manner.
async fn agents(house: &House, all: &[(&str, &[&str], Manner)]) -> anyhow::Result<Vec<FakeAgent>> {
    let mut started = Vec::new();
    for (name, examples, manner) in all {
        let agent = FakeAgent::start(name, examples, manner.clone()).await?;
        house.register(name, &agent).await?;
        started.push(agent);
    }
    Ok(started)
}

fn rain() -> (&'static str, &'static [&'static str], Manner) {
    ("weather", &["will it rain tomorrow", "how is the weather"], Manner::Says("It will rain.".into()))
}

fn slow() -> (&'static str, &'static [&'static str], Manner) {
    ("slow", &["tell me slowly"], Manner::Slowly(WORDS.into(), Duration::from_millis(300)))
}

/// Runs a program of Node to its end.
async fn succeeds(program: &[&str]) -> anyhow::Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = node(&root.join(program[0]).to_string_lossy());
    let output = timeout(WITHIN, command.args(&program[1..]).current_dir(&root).output()).await??;
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(output.status.success(), "{}: {said}", program[0]);
    Ok(())
}

#[tokio::test]
async fn every_file_of_the_page_says_what_it_takes_and_gives() -> anyhow::Result<()> {
    succeeds(&[".tools/js/node_modules/typescript/bin/tsc", "-p", "core/ui"]).await
}

#[tokio::test]
async fn what_others_made_for_the_page_is_what_their_packages_give() -> anyhow::Result<()> {
    succeeds(&["core/ui/vendor/make.mjs", "--check"]).await
}

#[tokio::test]
async fn an_answer_is_divided_alike_however_it_comes() -> anyhow::Result<()> {
    succeeds(&["tests/browser/blocks.mjs"]).await
}

#[tokio::test]
async fn somebody_asks_in_the_page_and_sees_whom_the_house_asked_and_why() -> anyhow::Result<()> {
    let house = House::start().await?;
    let sums = ("sums", &["what is the sum of 3 and 4"][..], Manner::Says("It is seven.".into()));
    let _agents = agents(&house, &[rain(), sums, slow()]).await?;
    scenario(&house, "ask.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn what_is_written_in_the_page_is_not_lost_and_goes_nowhere_else() -> anyhow::Result<()> {
    let house = House::start().await?;
    let _agents = agents(&house, &[rain()]).await?;
    scenario(&house, "written.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn a_wrong_clock_and_a_house_that_is_away_sign_nobody_out_of_the_page() -> anyhow::Result<()> {
    let house = House::start().await?;
    let _agents = agents(&house, &[rain(), slow()]).await?;
    scenario(&house, "clocks.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn a_house_without_agents_says_so_in_the_page() -> anyhow::Result<()> {
    let house = House::start().await?;
    scenario(&house, "empty.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn in_the_page_a_death_in_mid_answer_is_a_pause_and_no_more() -> anyhow::Result<()> {
    let house = House::with(|options| (options.edges, options.cores) = (2, 2)).await?;
    let _agents = agents(&house, &[slow()]).await?;
    crate::clients::know_each_other(&house).await?;
    // What was killed is not there to be ended in order.
    scenario(&house, "failover.mjs").await
}

#[tokio::test]
async fn two_people_in_one_room_see_each_other_in_the_page() -> anyhow::Result<()> {
    let house = House::start().await?;
    let _agents = agents(&house, &[rain()]).await?;
    scenario(&house, "rooms.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn nothing_that_an_agent_says_does_anything_in_the_page() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides.insert("synthesis".into(), toml::toml! { max_answer_chars = 400_000 }.into());
    })
    .await?;
    let rows: String = (0..10_000).map(|row| format!("| {row} | {} |\n", row * 7)).collect();
    let says = |text: String| Manner::Says(text);
    let endless = "endless".repeat(3_000);
    let all = [
        ("hostile", &["be hostile"][..], says(HOSTILE.into())),
        ("wide", &["a wide table"][..], says(format!("Rows:\n\n| n | seven |\n| - | - |\n{rows}"))),
        ("endless", &["an endless word"][..], says(format!("{endless}\n\n    {endless}\n\n`{endless}`"))),
    ];
    let _agents = agents(&house, &all).await?;
    scenario(&house, "hostile.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn files_of_agents_are_seen_and_saved_in_the_page() -> anyhow::Result<()> {
    let house = House::start().await?;
    let file = |name: &str, media_type: &str, bytes: &[u8]| json!({"raw": STANDARD.encode(bytes), "filename": name, "mediaType": media_type});
    let parts = vec![
        json!({"text": "Here they are."}),
        file("chart.png", "image/png", &STANDARD.decode(DOT)?),
        file("table.csv", "text/csv", b"a,b\n1,2\n"),
        file("liar.png", "image/png", b"<script>window.pwned = 1</script>"),
        file(&format!("{}\u{202E}gnp.exe", "long".repeat(40)), "text/html", b"<p>"),
    ];
    let _agents = agents(&house, &[("maker", &["make me a chart"], Manner::Gives(parts))]).await?;
    scenario(&house, "files.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn every_view_of_the_page_is_for_everybody() -> anyhow::Result<()> {
    let house = House::start().await?;
    let _agents = agents(&house, &[rain(), ("rich", &["a rich answer"], Manner::Says(RICH.into()))]).await?;
    scenario(&house, "views.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn the_figures_of_the_page_move_with_what_happens_and_are_those_of_the_json() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let soon = toml::toml! { write_ms = 200 stream_ms = 500 };
        options.core_overrides.insert("analytics".into(), soon.into());
    })
    .await?;
    let _agents = agents(&house, &[rain()]).await?;
    scenario(&house, "analytics.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn whoever_looks_after_the_house_does_so_in_the_page() -> anyhow::Result<()> {
    let house = House::start().await?;
    let sums = ("sums", &["what is the sum of 3 and 4"][..], Manner::Says("It is seven.".into()));
    let _agents = agents(&house, &[rain(), sums]).await?;
    scenario(&house, "administration.mjs").await?;
    house.stop().await
}

#[tokio::test]
async fn the_page_is_small_and_keeps_up_with_who_writes_fast() -> anyhow::Result<()> {
    let house = House::start().await?;
    // 200 tokens a second: a word of some four letters each 5 ms, 20,000 characters in all.
    let text: String = (0..3_600)
        .map(|word| if word % 60 == 59 { "end.\n\n".into() } else { format!("w{word:04} ") })
        .collect();
    let writer = ("writer", &["write a lot"][..], Manner::Slowly(text, Duration::from_millis(5)));
    let _agents = agents(&house, &[writer]).await?;
    scenario(&house, "figures.mjs").await?;
    house.stop().await
}
