//! What a configuration may say, and what is refused.

use super::*;
use switchboard_shared::config::parse;

const NEEDED: &str =
    "identity_key = \"0123456789abcdef0123456789abcdef\"\n[postgres]\nurls = [\"postgres://h/d\"]\n";

#[test]
fn the_defaults_are_complete_and_lack_only_the_key_and_the_database() {
    let error = parse::<Config>(DEFAULTS, "d", "").unwrap_err();
    let keys: Vec<_> = error.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["identity_key", "postgres.urls"]);
    assert!(parse::<Config>(DEFAULTS, "d", NEEDED).is_ok());
}

#[test]
fn an_admin_port_for_all_the_world_is_refused() {
    let text = format!("admin_listen = \"0.0.0.0:9080\"\n{NEEDED}");
    let error = parse::<Config>(DEFAULTS, "d", &text).unwrap_err();
    assert_eq!((error.faults[0].line, error.faults[0].key.as_str()), (Some(1), "admin_listen"));
}

#[test]
fn the_base_of_an_llm_is_not_the_place_of_its_completions() {
    let faults = |url: &str| {
        let text = format!("{NEEDED}[[llm]]\nbase_url = \"{url}\"\nmodel = \"m\"\n");
        parse::<Config>(DEFAULTS, "d", &text).err().map(|error| error.faults[0].key.clone())
    };
    assert_eq!(faults("http://m/v1"), None);
    assert_eq!(faults("http://m/v1/chat/completions/?v=1"), Some("llm.base_url".to_owned()));
}

#[test]
fn there_is_one_embedder_and_all_that_it_needs() {
    let faults = |text: &str| {
        let text = format!("{NEEDED}[route.embedder]\n{text}");
        let error = parse::<Config>(DEFAULTS, "d", &text).err();
        error.map(|error| error.faults[0].key.replace("route.embedder.", "")).unwrap_or_default()
    };
    let (model, url) =
        ("model = \"a.onnx\"\ntokenizer = \"a.json\"\n", "url = \"http://a/v1\"\nurl_model = \"a\"\n");
    assert_eq!((faults(model), faults(url)), (String::new(), String::new()));
    let folder = "folder = \"a\"\n";
    assert_eq!(faults(folder), "");
    assert_eq!(
        (faults(&format!("{folder}{model}")), faults(&format!("{folder}{url}"))),
        ("model".into(), "url".into())
    );
    assert_eq!(faults(&format!("{model}{url}")), "url");
    assert_eq!(faults("model = \"a.onnx\""), "tokenizer");
    assert_eq!(faults("url = \"http://a/v1\""), "url_model");
    assert_eq!(faults("url = \"ftp://a\"\nurl_model = \"a\""), "url");
    assert_eq!(faults("max_tokens = 1"), "max_tokens");
}

#[test]
fn ceilings_are_read_from_what_a_plan_printed_and_models_have_prices() {
    let path = std::env::temp_dir().join(format!("switchboard-plan-{}.json", std::process::id()));
    let text =
        |file: &str| format!("{NEEDED}[analytics.ceilings]\nfile = \"{file}\"\nsockets_per_edge = 7.0\n");
    let read = || parse::<Config>(DEFAULTS, "d", &text(&path.display().to_string()));
    let plan = "{\"ceilings\": {\"sockets_per_edge\": 9000.0, \"turns_per_s_per_core\": 250.0}}\n{\"off_percent\": 1}";
    std::fs::write(&path, plan).unwrap();
    let ceilings = read().unwrap().analytics.ceilings;
    assert_eq!((ceilings.sockets(), ceilings.turns()), (Some(7.0), Some(250.0)), "what is said goes first");
    std::fs::write(&path, "{\"turns\": []}").unwrap();
    let wrong = read().unwrap_err().to_string();
    assert!(wrong.contains("analytics.ceilings.file") && wrong.contains("plan --json"), "{wrong}");
    std::fs::remove_file(&path).unwrap();
    assert!(read().unwrap_err().to_string().contains("there is no such file"));
    let price = |text: &str| {
        let config = parse::<Config>(DEFAULTS, "d", &format!("{NEEDED}[analytics.price]\n{text}"));
        config.map(|config| config.analytics.price)
    };
    let of_a =
        "[[analytics.price.models]]\nmodel = \"a-1.5\"\ninput_per_million = 0.5\noutput_per_million = 2\n";
    let both = price(&format!("currency = \"EUR\"\n{of_a}")).unwrap();
    assert_eq!(both.of("a-1.5"), Some((0.5, 2.0)));
    assert_eq!(both.of("b"), None);
    assert!(price(of_a).unwrap_err().to_string().contains("analytics.price.currency"));
}
