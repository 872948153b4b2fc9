//! workflow-agent: runs steps on other agents of the sixteen, over A2A, one after the other.

mod caller;
mod plan;

use async_trait::async_trait;

use crate::agent::{Agent, Outcome, Profile, READS_DATA, Request, Skill};
use crate::server::Reporter;
use caller::Caller;
use plan::Step;

const PROFILE: Profile = Profile {
    id: "workflow-agent",
    name: "Workflow Agent",
    description: "Runs a workflow of two to four steps, each done by another specialist agent (for example first statistics, then a forecast), passing the data or the result along and reporting after every step. It does none of the work itself and keeps no workflows.",
    reads: READS_DATA,
    skills: &[
        Skill {
            id: "orchestration",
            name: "First this, then that",
            description: "Splits a request into steps, asks one specialist per step, in order.",
            tags: &["effect", "multi-step", "pipeline", "first", "then", "chain"],
            examples: &[
                "First compute the statistics, then forecast the next 3 values: 12, 15, 19, 24, 30",
                "Save a file todo.txt with the text \"buy milk\" and then make a backup",
                "Erst die Kennzahlen berechnen, danach die Prognose erstellen: 210, 220, 215, 240",
                "D'abord les statistiques, ensuite la tendance : 4, 6, 9, 13",
                "先统计，然后预测：10、12、15、19",
                "Primero calcula la media, luego el pronóstico: 30, 34, 39, 41",
            ],
        },
        Skill {
            id: "workflow",
            name: "Name the agents yourself",
            description: "Runs the steps on the agents named in the request.",
            tags: &["effect", "agents", "workflow", "sequence", "hand over"],
            examples: &[
                "Run data-processor then analytics-agent on 5, 8, 13, 21",
                "Let file-manager list the files, then have backup-agent make a backup",
                "Lass data-processor rechnen und dann analytics-agent vorhersagen: 7, 9, 12, 14",
                "まずfile-managerでファイル一覧、それからbackup-agentでバックアップして",
            ],
        },
    ],
};

/// The agent.
pub(super) struct WorkflowAgent {
    caller: Caller,
}

impl WorkflowAgent {
    /// Reaches its colleagues at `base`.
    pub(super) fn new(base: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { caller: Caller::new(base)? })
    }
}

#[async_trait]
impl Agent for WorkflowAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let (steps, material) = match plan::plan(&request.text) {
            Ok(plan) => plan,
            Err(question) => return Outcome::AskedBack(question),
        };
        let chain: Vec<&str> = steps.iter().map(|step| step.agent).collect();
        reporter.write(&format!("Workflow of {} steps: {}.\n", steps.len(), chain.join(" → ")));
        let mut carried = material.map(str::to_owned);
        for (place, step) in steps.iter().enumerate() {
            let number = place + 1;
            reporter.progress(format!("Step {number} of {}: asking {}.", steps.len(), step.agent));
            match self.step(step, carried.as_deref(), request, reporter).await {
                Ok(result) => {
                    reporter.write(&format!("\n**Step {number}, {}:**\n{}\n", step.agent, result.trim()));
                    if material.is_none() {
                        carried = Some(result);
                    }
                }
                Err(why) => {
                    reporter.write(&format!("\n**Step {number}, {}:** {why}\n", step.agent));
                    return Outcome::Failed(format!(
                        "Step {number} ({}) did not succeed, so I stopped there: {why}",
                        step.agent
                    ));
                }
            }
        }
        Outcome::Answered("\nAll steps are done.\n".to_owned())
    }
}

impl WorkflowAgent {
    async fn step(
        &self,
        step: &Step<'_>,
        carried: Option<&str>,
        request: &Request,
        reporter: &Reporter,
    ) -> Result<String, String> {
        let text = match carried {
            Some(carried) => format!("{}:\n{carried}", step.words.trim_end_matches([':', '：', ',', ' '])),
            None => step.words.to_owned(),
        };
        let progress = |words: &str| reporter.progress(format!("{}: {words}", step.agent));
        self.caller.ask(step.agent, &text, request.traceparent.as_deref(), progress).await
    }
}
