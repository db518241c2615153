//! The payloads of every API: as documented, and the same at 200 KB.

use serde_json::Value;

const LONG: usize = 200_000;

pub fn messages() -> [String; 2] {
    let message = include_str!("../../sample-payloads/bot/message.json");
    [message.to_owned(), with_long(message, "text")]
}

pub fn replies() -> [String; 2] {
    let reply = include_str!("../../sample-payloads/bot/replies/messages.json");
    let mut long: Value = serde_json::from_str(reply).expect("a sample is JSON");
    repeat(&mut long["content"]);
    [reply.to_owned(), long.to_string()]
}

pub fn chats() -> [String; 2] {
    let chat = include_str!("../../sample-payloads/integration/chat.json");
    let mut long: Value = serde_json::from_str(chat).expect("a sample is JSON");
    repeat(&mut long["transcripts"]);
    [chat.to_owned(), long.to_string()]
}

pub fn xml_chats() -> [String; 2] {
    const START: &str = "<transcripts type=\"array\">";
    const END: &str = "</transcripts>";

    let chat = include_str!("../../sample-payloads/integration/chat.xml");
    let (before, rest) = chat.split_once(START).expect("a chat has a transcript");
    let (transcript, after) = rest.split_once(END).expect("a transcript ends");
    let long = transcript.repeat(LONG / transcript.len());
    [chat.to_owned(), format!("{before}{START}{long}{END}{after}")]
}

pub fn events() -> [String; 2] {
    let event = include_str!("../../sample-payloads/conversation-events/case-labeled.json");
    [event.to_owned(), with_long(event, "survey_comment")]
}

pub fn statuses() -> [String; 2] {
    let status = include_str!("../../sample-payloads/agent-status/pause.json");
    [status.to_owned(), with_long(status, "sub_status")]
}

pub fn queries() -> [String; 2] {
    let request = include_str!("../../sample-payloads/get-contact/known.txt");
    let (_, query) = request.trim().split_once('?').expect("a sample has a query");
    [query.to_owned(), query.replace("%2Fchat", &"%2Fchat".repeat(LONG / "%2Fchat".len()))]
}

/// A payload whose field is as long as it takes.
fn with_long(payload: &str, field: &str) -> String {
    let mut payload: Value = serde_json::from_str(payload).expect("a sample is JSON");
    let text = payload[field].as_str().expect("the field is text").to_owned() + " ";
    payload[field] = text.repeat(LONG / text.len()).into();
    payload.to_string()
}

/// Repeats the elements of an array until it is long.
fn repeat(array: &mut Value) {
    let times = LONG / array.to_string().len();
    let elements = array.as_array_mut().expect("an array");
    *elements = std::iter::repeat_n(elements.clone(), times).flatten().collect();
}
