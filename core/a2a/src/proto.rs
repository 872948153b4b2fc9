//! The protocol's messages as protocol buffers, by their description in `proto/`: from JSON and back. Nothing is generated,
//! so that the types of the wire are the same for every binding.

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};
use serde_json::{Number, Value};
use std::sync::LazyLock;

/// The full name of the service (A2A 1.0, section 10.3).
const SERVICE: &str = "lf.a2a.v1.A2AService";
/// Whole numbers up to here are the same in JSON and in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

static DESCRIPTION: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/proto.bin"));
    DescriptorPool::decode(bytes.as_slice()).expect("build.rs has read what it is made of")
});

/// An operation by its name.
pub(crate) fn method(name: &str) -> Option<MethodDescriptor> {
    let service: ServiceDescriptor = DESCRIPTION.get_service_by_name(SERVICE)?;
    service.methods().find(|method| method.name() == name)
}

/// The description of a message.
pub(crate) fn message(full_name: &str) -> Option<MessageDescriptor> {
    DESCRIPTION.get_message_by_name(full_name)
}

/// Reads JSON; what the description does not know is left out.
pub(crate) fn from_json(kind: MessageDescriptor, value: &Value) -> serde_json::Result<DynamicMessage> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(kind, value, &options)
}

/// Writes JSON, without what is not said. A number is a double in a protocol buffer; a whole one stays one.
pub(crate) fn to_json(message: &DynamicMessage) -> serde_json::Result<Value> {
    serde_json::to_value(message).map(whole)
}

fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(match number.as_f64() {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
            Some(double) if double.fract() == 0.0 && double.abs() < EXACT => Number::from(double as i64),
            _ => number,
        }),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, whole(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_the_same_after_it_was_a_protocol_buffer() {
        let task = json!({"id": "t", "contextId": "c",
            "status": {"state": "TASK_STATE_INPUT_REQUIRED", "timestamp": "2026-11-30T01:02:03.004Z"},
            "artifacts": [{"artifactId": "a", "parts": [
                {"text": "x"}, {"raw": "AAE=", "mediaType": "image/png"}, {"data": {"n": [1, 2.5, null, true]}}]}],
            "history": [{"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "?"}]}],
            "metadata": {"deep": {"er": "é"}}});
        let kind = message("lf.a2a.v1.Task").unwrap();
        assert_eq!(to_json(&from_json(kind.clone(), &task).unwrap()).unwrap(), task);
        let more = json!({"id": "t", "unheard": 1, "artifacts": [], "contextId": ""});
        assert_eq!(to_json(&from_json(kind, &more).unwrap()).unwrap(), json!({"id": "t"}));
    }

    #[test]
    fn every_operation_has_a_method() {
        for name in ["SendMessage", "SubscribeToTask", "GetExtendedAgentCard"] {
            assert!(method(name).is_some(), "{name}");
        }
        assert!(method("Destroy").is_none());
    }
}
