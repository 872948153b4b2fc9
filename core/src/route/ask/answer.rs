//! What the LLM wrote, read leniently: an endpoint without schemas lets a small model write a plan in its own manner. What
//! it meant counts, what it cannot have meant does not; nothing is believed that the check of the steps does not allow.

use super::steps::Named;
use serde_json::Value;

/// The names under which a plan comes in something else: a field of its own, or the arguments of a tool.
const WRAPPERS: [&str; 4] = ["plan", "arguments", "parameters", "input"];
/// A text that says that there is nothing.
const NOTHING: [&str; 8] = ["null", "none", "nil", "no", "false", "n/a", "na", "-"];
/// From these shares on a number is called high or medium.
const HIGH: f64 = 0.8;
const MEDIUM: f64 = 0.5;

pub(super) struct Answer {
    pub(super) steps: Vec<Named>,
    pub(super) in_scope: bool,
    pub(super) needs_clarification: Option<String>,
    pub(super) confidence: Confidence,
    pub(super) reason: String,
    /// Whether it depends on what was said before.
    pub(super) follow_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confidence {
    Low,
    Medium,
    High,
}

impl Answer {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let plan = unwrapped(value);
        let Some(fields) = plan.as_object() else { return Err("it is no object".to_owned()) };
        let steps = match fields.get("steps") {
            Some(Value::Array(steps)) => Named::read_all(steps)?,
            Some(step @ Value::Object(_)) => Named::read_all(std::slice::from_ref(step))?,
            _ => Vec::new(),
        };
        let needs_clarification = fields.get("needs_clarification").and_then(question);
        let in_scope = fields.get("in_scope").and_then(truth);
        if steps.is_empty() && needs_clarification.is_none() && in_scope != Some(false) {
            return Err("it has no steps".to_owned());
        }
        Ok(Self {
            in_scope: in_scope.unwrap_or(!steps.is_empty()),
            steps,
            needs_clarification,
            confidence: fields.get("confidence").map_or(Confidence::Low, Confidence::read),
            reason: fields.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
            follow_up: fields.get("follow_up").and_then(truth).unwrap_or(true),
        })
    }
}

impl Confidence {
    /// A word, or a share of one or of a hundred; what is neither says nothing.
    fn read(value: &Value) -> Self {
        let word = value.as_str().map(|word| word.trim().to_ascii_lowercase()).unwrap_or_default();
        let number = value.as_f64().or_else(|| word.trim_end_matches('%').parse().ok());
        let share = number.map(|number| if number > 1.0 { number / 100.0 } else { number });
        let share = share.filter(|share| *share <= 1.0);
        match (word.as_str(), share) {
            ("high", _) => Self::High,
            ("medium", _) => Self::Medium,
            (_, Some(share)) if share >= HIGH => Self::High,
            (_, Some(share)) if share >= MEDIUM => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// A plan that is the only one of a list, or stands in something else.
fn unwrapped(value: &Value) -> &Value {
    if let Some([only]) = value.as_array().map(Vec::as_slice) {
        return unwrapped(only);
    }
    if value.get("steps").is_some() {
        return value;
    }
    let inside = WRAPPERS.iter().find_map(|name| value.get(*name)).filter(|inside| inside.is_object());
    inside.unwrap_or(value)
}

/// A question, and not a word for that there is none.
fn question(value: &Value) -> Option<String> {
    let asks = value.as_str()?.trim();
    let bare = asks.trim_end_matches('.').to_ascii_lowercase();
    (!asks.is_empty() && !NOTHING.contains(&bare.as_str())).then(|| asks.to_owned())
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()?.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan() -> Value {
        json!({"steps": [{"agent": "weather", "sub_question": "q", "depends_on": []}],
            "in_scope": true, "needs_clarification": null, "confidence": "high", "reason": "r"})
    }

    fn with(field: &str, value: Value) -> Answer {
        let mut plan = plan();
        plan[field] = value;
        Answer::read(&plan).unwrap()
    }

    #[test]
    fn a_plan_is_read_in_the_manner_of_its_model() {
        for (said, confidence) in [
            (json!("High"), Confidence::High),
            (json!(0.9), Confidence::High),
            (json!("85%"), Confidence::High),
            (json!(60), Confidence::Medium),
            (json!(0.1), Confidence::Low),
            (json!(1_000), Confidence::Low),
            (json!(null), Confidence::Low),
        ] {
            assert_eq!(with("confidence", said.clone()).confidence, confidence, "{said}");
        }
        for none in [json!("null"), json!("None."), json!(false), json!(""), json!([])] {
            assert_eq!(with("needs_clarification", none).needs_clarification, None);
        }
        assert_eq!(
            with("needs_clarification", json!("Which?")).needs_clarification.as_deref(),
            Some("Which?")
        );
        assert!(with("in_scope", json!("true")).in_scope && !with("in_scope", json!("False")).in_scope);
        assert_eq!(with("reason", json!(null)).reason, "");
    }

    #[test]
    fn a_plan_is_found_in_what_it_comes_in() {
        let mut bare = plan();
        bare.as_object_mut().unwrap().retain(|name, _| name == "steps");
        for whole in [
            bare.clone(),
            json!([plan()]),
            json!({"plan": plan()}),
            json!({"name": "plan", "arguments": bare}),
        ] {
            let answer = Answer::read(&whole).unwrap();
            assert!(answer.in_scope && answer.steps.len() == 1, "{whole}");
        }
        for none in
            [json!(7), json!({}), json!({"steps": []}), json!([plan(), plan()]), json!({"agent": "weather"})]
        {
            assert!(Answer::read(&none).is_err(), "{none}");
        }
        assert!(!Answer::read(&json!({"in_scope": false})).unwrap().in_scope);
    }
}
