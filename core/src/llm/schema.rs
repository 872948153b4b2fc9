//! The schema of an answer, whose properties stay in their order.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A JSON schema. Most models write an answer's properties in the order of its schema, and each builds on what stands
/// before it: a reason that comes after the rating explains nothing. Hence no `Value`, whose keys are sorted.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Schema {
    /// What has no properties.
    Plain(Value),
    List(List),
    Object(Object),
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct List {
    r#type: &'static str,
    items: Box<Schema>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    r#type: &'static str,
    additional_properties: bool,
    required: Vec<&'static str>,
    #[serde(serialize_with = "in_order")]
    properties: Vec<(&'static str, Schema)>,
}

impl Schema {
    pub(crate) fn list(items: Self) -> Self {
        Self::List(List { r#type: "array", items: Box::new(items) })
    }

    /// An object with all of these properties, and no other.
    pub(crate) fn object(properties: Vec<(&'static str, Self)>) -> Self {
        let required = properties.iter().map(|(name, _)| *name).collect();
        Self::Object(Object { r#type: "object", additional_properties: false, required, properties })
    }
}

impl From<Value> for Schema {
    fn from(plain: Value) -> Self {
        Self::Plain(plain)
    }
}

/// As a model reads it.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

fn in_order<S: Serializer>(properties: &[(&'static str, Schema)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(properties.iter().map(|(name, schema)| (name, schema)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_stay_in_their_order_and_all_are_required() {
        let step = Schema::object(vec![("z", json!({"type": "string"}).into())]);
        let schema =
            Schema::object(vec![("b", Schema::list(step)), ("a", json!({"type": "boolean"}).into())]);
        assert_eq!(
            schema.to_string(),
            r#"{"type":"object","additionalProperties":false,"required":["b","a"],"properties":{"b":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["z"],"properties":{"z":{"type":"string"}}}},"a":{"type":"boolean"}}}"#
        );
    }
}
