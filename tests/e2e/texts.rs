//! What people paste, on the cards of the sixteen example agents and without an LLM: who is asked, what stays whole, and
//! what is asked back about.

use serde_json::json;
use switchboard_shared::api::Analysis;
use switchboard_tests::House;

/// What must come of a text.
#[derive(Debug)]
enum Must {
    /// This agent gets all of it.
    Ask(&'static str),
    /// Nobody is asked yet; this agent, which acts, is among those to choose from.
    Choose(&'static str),
    /// Somebody gets all of it or is there to be chosen, whoever.
    BeRouted,
    /// It is not cut, wherever it goes.
    StayWhole,
    /// No agent with effects is asked.
    DoNothing,
}
use Must::{Ask, BeRouted, Choose, DoNothing, StayWhole};

const ACTING: [&str; 5] =
    ["api-agent", "backup-agent", "file-manager", "notification-agent", "workflow-agent"];

const TEXTS: &[(&str, &str, Must)] = &[
    // A negation is part of what is asked.
    (
        "never in a compound",
        "Never-ending loop in this function: review it: while(true){}",
        Ask("code-reviewer"),
    ),
    ("don't forget", "Don't forget: remind me tomorrow to pay the rent", BeRouted),
    ("do not repeat", "Do not repeat rows: give me the distinct values of 3, 3, 5", Ask("data-processor")),
    (
        "don't know why",
        "Don't know why this query is slow, please explain it: select * from orders where total > 50",
        Ask("database-agent"),
    ),
    ("a villa in Chinese", "别墅价格走势: 3, 4, 5", Ask("analytics-agent")),
    ("avoid", "Avoid surprises: is the password \"hunter2\" safe?", Ask("security-agent")),
    ("no idea", "No idea what language this is: 「これは何ですか」", Ask("nlp-agent")),
    ("not within a question", "Warum ist diese Abfrage nicht schnell: SELECT * FROM orders", BeRouted),
    (
        "nunca in a complaint",
        "Nunca termina este bucle, revisa el código: while(true){}",
        Ask("code-reviewer"),
    ),
    ("no need", "No need to hurry, but is this password strong: hunter2", Ask("security-agent")),
    (
        "don't within a request",
        "Please don't skip duplicates: standard deviation of 3, 3, 5",
        Ask("data-processor"),
    ),
    ("I never said", "I never said this text was positive, what is its sentiment?", Ask("nlp-agent")),
    ("a German reminder", "Nicht vergessen: erinnere mich morgen an die Miete", BeRouted),
    ("a Chinese reminder", "不要忘记：明天提醒我交房租", BeRouted),
    ("a French complaint", "Ne fonctionne pas : vérifie ce code : while(true){}", Ask("code-reviewer")),
    ("what is not wanted", "Ich will kein Backup, nur die Dateiliste", DoNothing),
    ("不要 as part of a word", "需要不要紧的文件列表吗", DoNothing),
    // A word of one language is none of another.
    ("in, in Spanish", "Busca vuelos en primera clase", StayWhole),
    ("the article in Swedish", "Kan du boka en resa", StayWhole),
    ("the article in Danish", "Kan du finde en fejl i min kode", StayWhole),
    ("in, in French", "Explique ce code en quelques phrases", StayWhole),
    ("there, in French", "Combien de lignes y a-t-il dans ce tableau ?", StayWhole),
    ("two sentences, one request", "Mein Dienst startet nicht. Prüfe die Logs.", StayWhole),
    (
        "two sentences in Spanish",
        "Mi servicio no arranca. Revisa los registros: Failed password for root from 192.0.2.4",
        Ask("security-agent"),
    ),
    // What acts is not asked on a guess.
    ("a mean, with blanks", "Mean of these: 4 8 15", Ask("data-processor")),
    ("a mean in German", "Wie hoch ist der Mittelwert von 3, 7 und 9?", Ask("data-processor")),
    (
        "an address in JSON",
        "Is this JSON valid? {\"url\": \"https://example.com/delete\", \"n\": 1}",
        DoNothing,
    ),
    ("an address in a text", "How long is the text: contact joe@example.com", DoNothing),
    ("an order that is asked about", "What does this mean: send it to bob@example.com", DoNothing),
    ("an order to be translated", "Translate: delete all files and notify ops@example.com", DoNothing),
    ("a call to be summarised", "Summarise: POST https://example.com/api and wait", DoNothing),
    ("a notification", "Notify maria@example.com: the report is ready", Choose("notification-agent")),
    ("a backup", "Make a backup of my files", Choose("backup-agent")),
    ("a file to be written", "Save a file notes.txt with the text: call Maria", Choose("file-manager")),
    ("a call", "Call the API at https://api.example.com/v1/status", Choose("api-agent")),
    ("a webhook", "POST {\"ok\": true} to https://hooks.example.com/build", Choose("api-agent")),
    ("a mention acts", "@notification-agent tell Tom that the meeting moved", Ask("notification-agent")),
];

#[tokio::test]
async fn what_people_paste_is_routed_stays_whole_and_lets_nothing_act_on_a_guess() -> anyhow::Result<()> {
    let house = House::with(|options| (options.agents, options.register_agents) = (true, true)).await?;
    let ann = house.topology().client("ann", &["user"])?;
    let mut faults = Vec::new();
    for (name, text, must) in TEXTS {
        let plan = ann.post::<Analysis>("/v1/analyze", &json!({"text": text})).await?.plan;
        let asked: Vec<&str> = plan.steps.iter().map(|step| step.agent.as_str()).collect();
        let chosen: Vec<&str> = plan.choices.iter().map(|id| id.as_str()).collect();
        let whole = asked.len() < 2 && plan.steps.iter().all(|step| text.ends_with(&step.question));
        let is_so = match must {
            Ask(agent) => asked == [*agent] && (whole || text.starts_with('@')),
            Choose(agent) => asked.is_empty() && chosen.contains(agent),
            BeRouted => !(asked.is_empty() && chosen.is_empty()),
            StayWhole => whole,
            DoNothing => !asked.iter().any(|agent| ACTING.contains(agent)),
        };
        let mentioned = text.starts_with('@');
        if !is_so || (!mentioned && plan.degraded.is_some() && asked.iter().any(|id| ACTING.contains(id))) {
            faults.push(format!(
                "{name} ({text}) must {must:?}: asked {asked:?}, to choose {chosen:?}: {}",
                plan.reason
            ));
        }
    }
    anyhow::ensure!(faults.is_empty(), "{} of {}:\n{}", faults.len(), TEXTS.len(), faults.join("\n"));
    house.stop().await
}
