//! Agents on the official SDK, each asked over the interfaces that its card has.

use super::{
    a2a::{Wire, state},
    interop::foreign,
};
use serde_json::json;
use switchboard_tests::House;

#[tokio::test]
async fn agents_on_the_official_sdk_are_asked_over_the_interfaces_that_they_have() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_child, urls) = foreign("bindings.py").await?;
    let ann = Wire::of(&house, "ann")?;
    for (id, kind, streaming) in
        [("rest", "HTTP+JSON 1.0", true), ("before", "JSONRPC 0.3", true), ("fallen", "fallback", false)]
    {
        let url = urls[kind].as_str().unwrap_or_default();
        let view = house.register_url(id, url, &[]).await?;
        assert_eq!(view.streaming, streaming, "{kind}");
        let begun = ann.send(&format!("{id}-1"), &format!("@{id} turn words around"), json!({})).await?;
        assert_eq!(state(&begun), "INPUT_REQUIRED", "{kind}: {begun}");
        let reply = json!({"taskId": begun["id"]});
        let turned = ann.send(&format!("{id}-2"), "these words turn", reply).await?;
        assert_eq!(state(&turned), "COMPLETED", "{kind}: {turned}");
        assert_eq!(turned["artifacts"][0]["parts"][0]["text"], "turn words these", "{kind}: {turned}");
    }
    house.stop().await
}
