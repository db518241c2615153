//! What was sent to the feeds, by HTTP.

use serde_json::{Value, json};

use super::office::{BOT_TOKEN, chat, shop};

fn numbers(deliveries: &Value) -> Vec<u64> {
    let all = deliveries.as_array().expect("a list").iter();
    all.map(|each| each["n"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn deliveries_are_the_wire_without_tokens() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let answered = served.get("/_/deliveries").await;
    assert!(!String::from_utf8_lossy(&answered.body).contains(BOT_TOKEN));
    let delivery = &answered.ok()[0];
    assert_eq!((&delivery["feed"], &delivery["case_id"]), (&json!("bot"), &json!(case)));
    assert_eq!(delivery["request"]["headers"]["authorization"], "<redacted>");
    assert!(delivery["request"]["body"].as_str().expect("text").contains("chatStarted"));
    assert_eq!(delivery["response"]["status"], 200);
    assert!(delivery["response"]["body"].as_str().expect("text").contains("You said Hello."));
    served.post("/_/deliveries", &json!({})).await.refused(405, "GET");
}

#[tokio::test]
async fn deliveries_are_chosen_by_feed_case_and_number() {
    let served = shop().await;
    let (one, two) = (chat(&served, "one").await, chat(&served, "two").await);
    let of = async |query: &str| numbers(&served.get(&format!("/_/deliveries{query}")).await.ok());
    let all = of("").await;
    assert_eq!(of("?feed=bot").await, all);
    assert_eq!(of("?feed=integration").await, [0; 0]);
    assert_eq!(
        [of(&format!("?case={one}")).await, of(&format!("?case={two}")).await].concat(),
        all
    );
    assert_eq!(of(&format!("?after={}", all[0])).await, all[1..]);
    assert_eq!(of("?after=18446744073709551615").await, [0; 0]);
    served.get("/_/deliveries?feed=dance").await.refused(400, "`feed`");
    served.get("/_/deliveries?after=-1").await.refused(400, "`after`");
    served.get("/_/deliveries?wait=x").await.refused(400, "`wait`");
}

#[tokio::test]
async fn wait_ends_with_a_delivery_that_is_answered() {
    let served = shop().await;
    let new = json!({ "widget": "sales", "text": "Hello" });
    let (waited, _) = tokio::join!(
        served.get("/_/deliveries?feed=bot&wait=300"),
        served.post("/_/visits", &new),
    );
    assert_eq!(waited.ok()[0]["response"]["status"], 200);
    let nothing = served.get("/_/deliveries?feed=integration&wait=0.01").await.ok();
    assert_eq!(nothing, json!([]));
}
