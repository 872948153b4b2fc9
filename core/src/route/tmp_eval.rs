use super::*;
use super::tests::{local_for_eval, question_for_eval};
#[tokio::test]
async fn tmp_eval() {
    let mut agents = vec![];
    let mut files: Vec<_> = std::fs::read_dir("/tmp/ra/cards").unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for f in files {
        let card = serde_json::from_slice(&std::fs::read(&f).unwrap()).unwrap();
        let id = f.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        agents.push(Arc::new(Agent::from_card(Some(id), "http://a.example".parse().unwrap(), card, vec![]).unwrap()));
    }
    let t = Instant::now();
    let roster = Roster::new(1, agents);
    println!("train {:?} temperature {}", t.elapsed(), roster.model.temperature_for_eval());
    let t = Instant::now();
    for _ in 0..100 { roster.model.score("Could you please work out the average and the median of 5, 7, 9 and 12 for me?"); }
    println!("score {:?}", t.elapsed() / 100);
    let (mut right, mut wrong, mut left) = (0, 0, 0);
    for line in std::fs::read_to_string("/tmp/ra/messages.tsv").unwrap().lines() {
        let Some((want, text)) = line.split_once('\t') else { continue };
        let text = text.replace("\\n", "\n");
        let d = local_for_eval().plan(&roster, &question_for_eval(&text)).await;
        let got: Vec<_> = d.plan.steps.iter().map(|s| s.agent.to_string()).collect();
        let got = got.join("+");
        let decided = d.plan.degraded.is_none();
        let ok = got == want || (want == "none" && got.is_empty());
        if decided { if ok { right += 1 } else { wrong += 1 } } else { left += 1 }
        let shares = roster.model.score(&text);
        println!("{} {} want={want} got={got} {:?} conf={:.2} best={}:{:.2} {}:{:.2} none={:.2} known={:.2} | {}", if ok {"ok "} else {"BAD"}, if decided {"sure"} else {"left"}, d.plan.mode, d.plan.confidence, d.scores[0].agent, d.scores[0].score, d.scores[1].agent, d.scores[1].score, shares.none, shares.known, text.chars().take(90).collect::<String>().replace('\n', "⏎"));
        if d.plan.steps.len() > 1 { for s in &d.plan.steps { println!("        {}: {:?} {:?} {:.2}", s.agent, s.question.chars().take(120).collect::<String>(), s.depends_on, s.confidence); } }
    }
    println!("sure and right {right}, sure and wrong {wrong}, left to the LLM {left}");
}
