//! What was sent to the feeds, by HTTP.

use serde_json::{Value, json};

use super::office::{BOT_TOKEN, chat, shop};
use super::served::Served;
use crate::stage::on_stage;

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
async fn last_attempt_of_all_is_mailed() {
    let served = Served::new(on_stage()).await;
    let unavailable = json!({ "feed": "integration", "every": 1, "do": "status", "status": 503 });
    served.post("/_/faults", &unavailable).await.ok();
    let message = json!({ "widget": "sales", "email": "v@example.com", "text": "Hello" });
    served.post("/_/offline", &message).await.ok();
    served.post("/_/time/advance", &json!({ "seconds": 3 * 3600 })).await.ok();
    let attempts = served.get("/_/deliveries?feed=integration").await.ok();
    let attempts = attempts.as_array().expect("a list").clone();
    let numbers: Vec<_> = attempts.iter().map(|each| each["attempt"].clone()).collect();
    assert_eq!(json!(numbers), json!((1..=25).collect::<Vec<_>>()));
    let (last, others) = attempts.split_last().expect("some");
    assert_eq!((&last["mailed"], &last["response"]["status"]), (&json!(true), &json!(503)));
    assert!(others.iter().all(|each| each.get("mailed").is_none()), "{others:?}");
    assert_eq!(numbers_of(&served).await, (1..=25).collect::<Vec<_>>(), "nothing else was sent");
}

async fn numbers_of(served: &Served) -> Vec<u64> {
    numbers(&served.get("/_/deliveries").await.ok())
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
