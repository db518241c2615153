//! The recording in `tests/recordings/`, as the README and the page of the module have it.

use snapengage::bot::{self, Reply};
use snapengage::record::Recording;
use snapengage::{Receiver, Token, integration};

fn answering(greeting: &'static str) -> Receiver {
    let bot =
        bot::from_fn(
            |message| async move { Ok(Reply::say(format!("You said: {}", message.text))) },
        );
    Receiver::builder()
        .bot("/bot", Token::new("my-token"), bot.greeting(greeting))
        .integration(
            "/integration",
            Token::new("my-token"),
            integration::from_fn(|_| async { Ok(()) }),
        )
        .build()
        .expect("a receiver")
}

fn receiver() -> Receiver {
    answering("Hello!")
}

include!("../readme/replay.rs");

#[test]
fn the_test_in_the_readme_is_the_one_above() {
    assert!(include_str!("../../README.md").contains(include_str!("../readme/replay.rs")));
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_shown_as_on_the_page() {
    let recording = Recording::open("tests/recordings").expect("a recording");
    let report = recording.replay(&answering("Welcome!")).token("my-token").await;
    let page = include_str!("../../src/record/mod.rs").lines();
    let page: Vec<_> =
        page.map(|line| line.trim_start_matches("//!").get(1..).unwrap_or("")).collect();
    assert!(page.join("\n").contains(report.to_string().trim_end()), "{report}");
}

#[test]
fn its_files_are_in_the_form_of_a_recording_to_the_byte() {
    let recording = Recording::open("tests/recordings").expect("a recording");
    for exchange in recording.exchanges() {
        let exchange = exchange.expect("a file");
        let file = std::path::Path::new("tests/recordings").join(exchange.file_name());
        assert_eq!(std::fs::read(file).expect("a file"), exchange.to_file());
    }
}
