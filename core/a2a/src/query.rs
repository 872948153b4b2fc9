//! The query of a request as the fields of its message (A2A 1.0, section 11.5). Pure.

use serde_json::{Map, Value};

/// Fields that are numbers.
const NUMBERS: [&str; 2] = ["historyLength", "pageSize"];
/// Fields that are true or false.
const FLAGS: [&str; 1] = ["includeArtifacts"];

/// What the query says, in the types of JSON; what is of another type stays a text, and is refused with its name.
pub(crate) fn fields(query: Option<&str>) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let typed = |name: &str, text: String| {
        let number = || text.parse::<i64>().ok().map(Value::from);
        let flag = || text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from);
        let known = match name {
            _ if NUMBERS.contains(&name) => number(),
            _ if FLAGS.contains(&name) => flag(),
            _ => None,
        };
        known.unwrap_or(Value::String(text))
    };
    pairs.map(|(name, text)| (name.to_string(), typed(&name, text.into_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_has_the_types_of_its_fields() {
        let read = fields(Some(
            "pageSize=2&includeArtifacts=True&contextId=7&historyLength=x&status=TASK_STATE_WORKING",
        ));
        let expected = json!({"pageSize": 2, "includeArtifacts": true, "contextId": "7", "historyLength": "x",
            "status": "TASK_STATE_WORKING"});
        assert_eq!(Value::Object(read), expected);
        assert!(fields(None).is_empty());
    }
}
