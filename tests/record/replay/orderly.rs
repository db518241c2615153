//! Order and gaps of a replay.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use snapengage::bot::{self, Reply};
use snapengage::record::Recording;
use snapengage::{Receiver, Token};
use tokio::time::{Instant, sleep};

use super::written::{Written, folder};

/// Texts, and the seconds after the start at which a bot got them.
type Seen = Arc<Mutex<Vec<(String, u64)>>>;

/// A bot that takes as many seconds as a text says.
fn slow() -> (Receiver, Seen) {
    let (seen, start) = (Seen::default(), Instant::now());
    let noted = Arc::clone(&seen);
    let bot = bot::from_fn(move |message: bot::Message| {
        let said = (message.text.clone(), start.elapsed().as_secs());
        noted.lock().expect("not poisoned").push(said);
        async move {
            let seconds = message.text.split(' ').next_back().and_then(|word| word.parse().ok());
            sleep(Duration::from_secs(seconds.unwrap_or_default())).await;
            Ok(Reply::say(message.text))
        }
    });
    let receiver = Receiver::builder().bot("/bot", Token::new("t"), bot).build();
    (receiver.expect("a receiver"), seen)
}

fn recorded() -> Vec<Written> {
    let said = |number, seconds, case_id: &str, text: &str| Written {
        seconds,
        ..Written::message(number, case_id, text).said(text)
    };
    vec![
        said(1, 0, "a", "a takes 4"),
        said(2, 1, "b", "b"),
        said(3, 2, "a", "a again"),
        said(4, 60, "b", "b again"),
    ]
}

async fn replay(speed: Option<f64>) -> Vec<(String, u64)> {
    let files = folder(&recorded());
    let recording = Recording::open(files.path()).expect("a recording");
    let (receiver, seen) = slow();
    let mut replay = recording.replay(&receiver).token("t");
    if let Some(speed) = speed {
        replay = replay.speed(speed);
    }
    replay.await.assert_same();
    seen.lock().expect("not poisoned").clone()
}

fn seen(expected: [(&str, u64); 4]) -> Vec<(String, u64)> {
    expected.map(|(text, seconds)| (text.to_owned(), seconds)).to_vec()
}

#[tokio::test(start_paused = true)]
async fn one_case_waits_for_its_answers_and_another_does_not() {
    let expected = seen([("a takes 4", 0), ("b", 1), ("a again", 4), ("b again", 60)]);
    assert_eq!(replay(None).await, expected);
}

/// A recorder numbers files by their answers.
#[tokio::test(start_paused = true)]
async fn requests_are_sent_in_the_order_in_which_they_came() {
    let mut exchanges = recorded();
    for (exchange, number) in exchanges.iter_mut().zip([3, 1, 4, 2]) {
        exchange.number = number;
    }
    let files = folder(&exchanges);
    let recording = Recording::open(files.path()).expect("a recording");
    let (receiver, seen) = slow();
    recording.replay(&receiver).token("t").await.assert_same();
    let seen: Vec<_> =
        seen.lock().expect("not poisoned").iter().map(|(text, _)| text.clone()).collect();
    assert_eq!(seen, ["a takes 4", "b", "a again", "b again"]);
}

#[tokio::test(start_paused = true)]
async fn gaps_are_divided_by_the_speed() {
    let expected = seen([("a takes 4", 0), ("b", 0), ("a again", 4), ("b again", 6)]);
    assert_eq!(replay(Some(10.0)).await, expected);
}

/// The gaps of this recording are more than a test may last.
#[tokio::test]
async fn a_running_clock_is_not_waited_for() {
    let mut exchanges = [1, 2].map(|n| Written::message(n, "a", "hi").said("hi"));
    exchanges[1].seconds = 3599;
    let files = folder(&exchanges);
    let recording = Recording::open(files.path()).expect("a recording");
    let (receiver, seen) = slow();
    recording.replay(&receiver).token("t").await.assert_same();
    assert_eq!(seen.lock().expect("not poisoned").len(), 2);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected a speed of more than zero")]
async fn a_speed_of_zero_is_a_mistake() {
    drop(Recording::samples().replay(&slow().0).speed(0.0));
}
