//! One test per agent for the main thing it does.

use serde_json::json;

use crate::house::{House, answer, said, site, state};

macro_rules! assert_has {
    ($text:expr, $($part:expr),+) => {{
        let text = &$text;
        $(assert!(text.contains($part), "{:?} is missing in: {text}", $part);)+
    }};
}

#[tokio::test]
async fn data_processor_describes_numbers_and_tables() {
    let house = House::start().await;
    assert_has!(
        house.ask("data-processor", "What are the mean and the median of 12, 15, 19, 22 and 31?").await,
        "mean: 19.8",
        "median: 19"
    );
    assert_has!(
        house.ask("data-processor", "Berechne Mittelwert und Standardabweichung von 3,5 4,2 5,1 2,8").await,
        "mean: 3.9"
    );
    let table = house.ask("data-processor", "Describe this:\nitem,price\npen,2\nlamp,\npen,2\n").await;
    assert_has!(table, "3 rows and 2 columns", "| price | 2 | 1 | 4 |", "Duplicate rows: 1");
    let given = house.send("data-processor", said("Describe this:\nitem,price\npen,2\ncup,4\n")).await;
    let part = &given["artifacts"][1]["parts"][0];
    assert_eq!(
        (part["filename"].as_str(), part["mediaType"].as_str()),
        (Some("columns.csv"), Some("text/csv; charset=utf-8")),
        "{given}"
    );
    let (state, words) = house.status("data-processor", "What is the sentiment of this review?").await;
    assert_eq!(state, "TASK_STATE_REJECTED");
    assert_has!(words, "nlp-agent");
}

#[tokio::test]
async fn nlp_agent_tells_language_mood_and_keywords() {
    let house = House::start().await;
    let text = house
        .ask("nlp-agent", "Translate and judge: \"The hotel was wonderful, the hotel staff were friendly\"")
        .await;
    assert_has!(text, "English", "mood: positive", "hotel (2)", "I do not translate");
}

#[tokio::test]
async fn crypto_trader_calculates_and_asks_for_a_missing_price() {
    let house = House::start().await;
    let text = house.ask("crypto-trader", "I bought 2 BTC at 30000, the price is 45000").await;
    assert_has!(text, "profit 30000 (50 %)", "no live prices");
    let weights =
        house.ask("crypto-trader", "I hold 2 BTC at 45000 and 4 ETH at 2500, what are the weights?").await;
    assert_has!(weights, "90 % of the portfolio", "total value: 100000");
    let task = house.send("crypto-trader", said("I bought 2 BTC at 30000. How am I doing?")).await;
    assert_eq!(state(&task), "TASK_STATE_INPUT_REQUIRED");
    let mut next = said("BTC is now 45000");
    next["taskId"] = task["id"].clone();
    assert_has!(answer(&house.send("crypto-trader", next).await), "profit 30000");
}

#[tokio::test]
async fn file_manager_writes_reads_lists_and_compresses() {
    let house = House::start().await;
    assert_has!(
        house.ask("file-manager", "Save a file notes.txt with the text: call Maria").await,
        "Saved notes.txt"
    );
    assert_has!(house.ask("file-manager", "Open notes.txt").await, "call Maria");
    assert_has!(house.ask("file-manager", "Compress notes.txt").await, "notes.txt.gz");
    assert_has!(house.ask("file-manager", "列出所有文件").await, "notes.txt", "welcome.txt", "notes.txt.gz");
}

#[tokio::test]
async fn file_manager_refuses_to_leave_its_folder() {
    let house = House::start().await;
    std::os::unix::fs::symlink("/etc", house.data.join("file-manager/link")).unwrap();
    for text in [
        "read ../../secret.txt",
        "show me /etc/passwd",
        "save ../x.txt with the text: hello",
        "read link/passwd",
    ] {
        assert_eq!(house.status("file-manager", text).await.0, "TASK_STATE_REJECTED", "{text}");
    }
    assert!(!house.data.join("x.txt").exists());
}

#[tokio::test]
async fn web_scraper_extracts_a_page_and_refuses_private_addresses() {
    let (open, closed, site) = (House::start_with(true).await, House::start().await, site().await);
    let text = open.ask("web-scraper", &format!("What does {site}/away say?")).await;
    assert_has!(text, "Shop news", "Autumn sale", "half price", "/more");
    for address in [site.as_str(), "http://localhost:1/", "http://169.254.169.254/latest", "http://[::1]/"] {
        let (state, words) = closed.status("web-scraper", &format!("read {address}")).await;
        assert_eq!(state, "TASK_STATE_REJECTED", "{address}: {words}");
    }
}

#[tokio::test]
async fn api_agent_calls_and_posts() {
    let (house, site) = (House::start_with(true).await, site().await);
    assert_has!(
        house.ask("api-agent", &format!("Call the API {site}/status")).await,
        "200 OK",
        "\"status\": \"green\""
    );
    assert_has!(
        house.ask("api-agent", &format!("POST to {site}/echo with body {{\"name\": \"Ada\"}}")).await,
        "\"name\": \"Ada\""
    );
    assert_eq!(house.status("api-agent", &format!("DELETE {site}/status")).await.0, "TASK_STATE_REJECTED");
    assert_eq!(
        House::start().await.status("api-agent", &format!("GET {site}/status")).await.0,
        "TASK_STATE_REJECTED"
    );
}

#[tokio::test]
async fn image_processor_describes_a_picture_and_asks_for_one() {
    let house = House::start().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 4, image::Rgb([255, 0, 0]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let task = house.send("image-processor", said("How large is this picture?")).await;
    assert_eq!(state(&task), "TASK_STATE_INPUT_REQUIRED");
    let mut message = said("here it is");
    message["taskId"] = task["id"].clone();
    let raw = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png.into_inner());
    message["parts"] = json!([{"raw": raw, "mediaType": "image/png", "filename": "red.png"}]);
    let text = answer(&house.send("image-processor", message).await);
    assert_has!(text, "red.png: PNG, 8 × 4 pixels", "| red | 255.0 |", "| blue | 0.0 |");
}

#[tokio::test]
async fn code_reviewer_finds_mistakes_with_lines() {
    let house = House::start().await;
    let text =
        house.ask("code-reviewer", "Review this:\n```python\ndef f(x):\n    return eval(x)\n```").await;
    assert_has!(text, "line 2 (high)", "eval");
}

#[tokio::test]
async fn database_agent_reads_sql_and_refuses_to_write() {
    let house = House::start().await;
    assert_has!(house.ask("database-agent", "SELECT COUNT(*) AS n FROM customers").await, "| 10 |");
    assert_has!(
        house
            .ask("database-agent", "Explain the query plan of SELECT * FROM orders WHERE customer_id = 7")
            .await,
        "orders_by_customer"
    );
    assert_has!(house.ask("database-agent", "Who are our top customers?").await, "revenue");
    assert_has!(house.ask("database-agent", "Which tables are there?").await, "CREATE TABLE customers");
    assert_eq!(house.status("database-agent", "DROP TABLE customers").await.0, "TASK_STATE_REJECTED");
}

#[tokio::test]
async fn notification_agent_keeps_an_outbox() {
    let house = House::start().await;
    assert_has!(
        house.ask("notification-agent", "Notify maria@example.com: the report is ready").await,
        "channel: email",
        "deliver nothing"
    );
    assert_has!(
        house.ask("notification-agent", "What is in the outbox?").await,
        "maria@example.com",
        "the report is ready"
    );
    assert_eq!(house.status("notification-agent", "notify Tom").await.0, "TASK_STATE_INPUT_REQUIRED");
}

#[tokio::test]
async fn scheduler_agent_reads_cron_and_words() {
    let house = House::start().await;
    assert_has!(
        house.ask("scheduler-agent", "Give me a cron line for every weekday at 9:00").await,
        "0 9 * * 1-5",
        "09:00:00"
    );
    assert_eq!(
        house.ask("scheduler-agent", "When does 0 0 1 1 * run?").await.matches("-01-01 00:00:00").count(),
        5
    );
}

#[tokio::test]
async fn security_agent_judges_a_password_without_repeating_it() {
    let house = House::start().await;
    let task = house.send("security-agent", said("How strong is the password \"qwerty2020\"?")).await;
    assert_has!(answer(&task), "weak");
    assert!(!answer(&task).contains("qwerty"));
    assert_has!(
        house.ask("security-agent", "SHA-256 of \"abc\"").await,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_has!(
        house.ask("security-agent", "Any secrets in this?\nkey = AKIAABCDEFGHIJKLMNOP").await,
        "AWS access key"
    );
}

#[tokio::test]
async fn analytics_agent_finds_trend_and_forecast() {
    let house = House::start().await;
    let text = house.ask("analytics-agent", "Forecast the next 2 months from 10, 20, 30, 40").await;
    assert_has!(text, "rising", "+10 per period", "forecast for the next 2: 50, 60", "▁");
}

#[tokio::test]
async fn ml_agent_fits_and_clusters() {
    let house = House::start().await;
    assert_has!(house.ask("ml-agent", "Predict y for x=6 from (1,2), (2,4), (3,6)").await, "R² 1", "12");
    assert_has!(
        house.ask("ml-agent", "Cluster into 2 groups: (1,1), (1,2), (9,9), (9,8)").await,
        "inertia 1"
    );
}

#[tokio::test]
async fn backup_agent_makes_verifies_and_restores() {
    let house = House::start().await;
    house.ask("file-manager", "Save a file keep.txt with the text: precious").await;
    assert_has!(house.ask("backup-agent", "Back up my files now").await, "2 files", "SHA-256");
    assert_has!(house.ask("backup-agent", "Verify the backups").await, "intact");
    let text = house.ask("backup-agent", "Restore the latest backup").await;
    let folder = text.split_whitespace().find(|word| word.starts_with("restored-")).unwrap();
    assert_has!(house.ask("file-manager", &format!("read {folder}keep.txt")).await, "precious");
    let archive = std::fs::read_dir(house.data.join("backup-agent"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "gz"))
        .unwrap();
    std::fs::write(archive, b"garbage").unwrap();
    assert_has!(house.ask("backup-agent", "Verify the backups").await, "DAMAGED");
}

#[tokio::test]
async fn workflow_agent_asks_two_others_and_reports_each_step() {
    let house = House::start().await;
    let text = "First compute the statistics, then forecast the next 2 values: 10, 20, 30";
    let events = house.stream("workflow-agent", "SendStreamingMessage", json!({"message": said(text)})).await;
    let progress: Vec<&str> = events
        .iter()
        .filter_map(|event| event["statusUpdate"]["status"]["message"]["parts"][0]["text"].as_str())
        .collect();
    assert!(
        progress.iter().any(|words| words.starts_with("Step 1 of 2: asking data-processor")),
        "{progress:?}"
    );
    assert!(
        progress.iter().any(|words| words.starts_with("Step 2 of 2: asking analytics-agent")),
        "{progress:?}"
    );
    let task =
        &house.call("workflow-agent", "GetTask", json!({"id": events[0]["task"]["id"]})).await["result"];
    assert_has!(answer(task), "mean: 20", "forecast for the next 2: 40, 50", "All steps are done");
    let saved = house
        .ask("workflow-agent", "Save a file todo.txt with the text \"buy milk\" and then make a backup")
        .await;
    assert_has!(saved, "Saved todo.txt", "Made backup-");
}

#[tokio::test]
async fn agents_read_what_people_write() {
    let house = House::start().await;
    for (name, agent, text, part) in [
        ("thousands by blanks", "data-processor", "mean of 1 000, 2 000 and 6 000", "mean: 3000"),
        ("by no-break spaces", "data-processor", "mean of 1\u{a0}000 and 3\u{202f}000", "mean: 2000"),
        ("by apostrophes", "data-processor", "mean of 1'000 and 2’000", "mean: 1500"),
        ("a Chinese list of two", "data-processor", "平均值：3、5", "mean: 4"),
        ("a trend by blanks", "analytics-agent", "Trend: 1 100, 1 200, 1 300", "rising"),
        (
            "a price by blanks",
            "crypto-trader",
            "I bought 2 BTC at 30 000, the price is 45 000",
            "profit 30000",
        ),
        ("a password in backticks", "security-agent", "How strong is the password `hunter2`?", "length: 7"),
        ("a password in guillemets", "security-agent", "Mot de passe « hunter2 » ?", "length: 7"),
        ("rows by blanks", "ml-agent", "Fit a line: 50 150; 80 240; 100 300", "over 3 rows"),
    ] {
        let answer = house.ask(agent, text).await;
        assert!(answer.contains(part), "{name}: {part:?} is missing in: {answer}");
    }
}

#[tokio::test]
async fn what_is_only_spoken_of_is_neither_written_to_nor_called() {
    let house = House::start().await;
    let about = "How long is the text: contact joe@example.com";
    let (state, _) = house.status("notification-agent", about).await;
    assert_eq!(state, "TASK_STATE_INPUT_REQUIRED");
    assert_has!(house.ask("notification-agent", "What is in the outbox?").await, "holds 0 notifications");
    let json = r#"Is this JSON valid? {"url": "https://example.com/delete-all", "n": 1}"#;
    let (state, said) = house.status("api-agent", json).await;
    assert_eq!(state, "TASK_STATE_INPUT_REQUIRED");
    assert_has!(said, "Which endpoint?");
}
