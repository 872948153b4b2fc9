//! The sixteen.

mod analytics_agent;
mod api_agent;
mod backup_agent;
mod code_reviewer;
mod crypto_trader;
mod data_processor;
mod database_agent;
mod file_manager;
mod image_processor;
mod ml_agent;
mod nlp_agent;
mod notification_agent;
mod scheduler_agent;
mod security_agent;
mod web_scraper;
mod workflow_agent;

use std::sync::Arc;

use crate::agent::Agent;
use crate::house::HouseError;
use crate::reading::fetch::Fetcher;
use crate::reading::guard::Reach;
use crate::reading::sandbox::Sandbox;
use crate::settings::Settings;

/// Makes all sixteen ready; `own` is the address at which they reach each other.
pub(crate) fn all(settings: &Settings, own: &str) -> Result<Vec<Arc<dyn Agent>>, HouseError> {
    let sandbox = |id: &str| {
        let path = settings.data.join(id);
        Sandbox::open(&path).map_err(|source| HouseError::Data { path, source })
    };
    let reach = if settings.allow_private_addresses { Reach::Everything } else { Reach::Public };
    let failed = |agent: &'static str| {
        move |error: reqwest::Error| HouseError::Agent { agent, reason: error.to_string() }
    };
    let fetcher = Fetcher::new(reach).map_err(failed("web-scraper"))?;
    let files = sandbox("file-manager")?;
    Ok(vec![
        Arc::new(data_processor::DataProcessor),
        Arc::new(nlp_agent::NlpAgent),
        Arc::new(crypto_trader::CryptoTrader),
        Arc::new(file_manager::FileManager::new(files.clone())?),
        Arc::new(web_scraper::WebScraper::new(fetcher.clone())),
        Arc::new(image_processor::ImageProcessor::new(fetcher.clone())),
        Arc::new(code_reviewer::CodeReviewer),
        Arc::new(database_agent::DatabaseAgent::open(&sandbox("database-agent")?)?),
        Arc::new(notification_agent::NotificationAgent::new(sandbox("notification-agent")?)),
        Arc::new(scheduler_agent::SchedulerAgent),
        Arc::new(security_agent::SecurityAgent),
        Arc::new(analytics_agent::AnalyticsAgent),
        Arc::new(workflow_agent::WorkflowAgent::new(own).map_err(failed("workflow-agent"))?),
        Arc::new(api_agent::ApiAgent::new(fetcher)),
        Arc::new(ml_agent::MlAgent),
        Arc::new(backup_agent::BackupAgent::new(files, sandbox("backup-agent")?)),
    ])
}
