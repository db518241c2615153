//! The documented answers are read as a whole, and written back without loss.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snapengage::client::{
    AccountType, Availability, AvailabilityAnswer, ChatLine, LineKind, LogPage, PolledLines,
    SaidMessage, StartedChat, User, Widget,
};

use crate::golden::{
    POLLED, SAID, UUID, WIDGET, a_new_agent, is_answer, new_user, new_widget, sample, sample_json,
    samples, user_update, widget_update,
};
use crate::vendor::Vendor;

/// A sample as it is written again after it was read.
#[track_caller]
fn written_back(name: &str) -> Value {
    fn again<T: DeserializeOwned + Serialize>(sample: &[u8]) -> Value {
        let read: T = serde_json::from_slice(sample).expect("a sample that is read");
        serde_json::to_value(read).expect("a model that is written")
    }

    let sample = sample(name);
    match name {
        _ if name.starts_with("provisioning-user-") => again::<User>(&sample),
        _ if name.starts_with("provisioning-widget-") => again::<Widget>(&sample),
        _ if name.starts_with("widget-availability-") => again::<AvailabilityAnswer>(&sample),
        "visitor-chat-availability-response.json" => again::<Availability>(&sample),
        "visitor-chat-start-response.json" => again::<StartedChat>(&sample),
        "visitor-chat-send-response.json" => again::<SaidMessage>(&sample),
        "visitor-chat-poll-response.json" => again::<PolledLines>(&sample),
        "logs-response.json" => again::<LogPage>(&sample),
        _ => panic!("{name}: no test knows what this is"),
    }
}

/// An empty value and an absent one are the same.
fn without_empties(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => object.retain(|_, value| {
            *value = without_empties(value.take());
            *value != json!(null) && *value != json!("") && *value != json!([])
        }),
        Value::Array(array) => {
            array.iter_mut().for_each(|value| *value = without_empties(value.take()));
        }
        _ => {}
    }
    value
}

#[test]
fn every_documented_answer_is_written_back_without_loss() {
    for name in samples().iter().filter(|name| is_answer(name)) {
        let expected = without_empties(sample_json(name));
        assert_eq!(without_empties(written_back(name)), expected, "{name}");
    }
}

fn jimbo() -> User {
    let mut user = User::new();
    user.email = Some("user@example.com".to_owned());
    user.name = Some("Jimbo Something".to_owned());
    user.phone = Some("555-617-8980".to_owned());
    user.account_type = Some(AccountType::Enterprise);
    user
}

#[tokio::test]
async fn the_users_of_the_documentation_are_read() {
    let vendor = Vendor::answering(201, sample("provisioning-user-create-response.json"))
        .then(200, sample("provisioning-user-get-response.json"))
        .then(200, sample("provisioning-user-update-response.json"));
    let provisioning = vendor.provisioning();
    let email = "user@example.com";
    assert_eq!(provisioning.create_user(new_user(email)).await.expect("a user"), jimbo());
    assert_eq!(provisioning.user(email).await.expect("an answer"), Some(jimbo()));
    assert_eq!(provisioning.update_user(user_update(email)).await.expect("a user"), jimbo());
}

fn widget(name: &str, is_proactive: bool, has_conversations: Option<bool>) -> Widget {
    let mut agent = a_new_agent();
    agent.agent_id = Some("wc:agent@example.com".into());
    let mut widget = Widget::new();
    widget.uuid = Some(UUID.into());
    widget.email = Some("user@example.com".to_owned());
    widget.name = Some(name.to_owned());
    widget.destination_email = Some("transcripts@example.com".to_owned());
    widget.agents = vec![agent];
    widget.enable_proactive_chat = Some(is_proactive);
    widget.enable_conversations = has_conversations;
    widget
}

#[tokio::test]
async fn the_widgets_of_the_documentation_are_read() {
    let vendor = Vendor::answering(201, sample("provisioning-widget-create-response.json"))
        .then(200, sample("provisioning-widget-get-response.json"))
        .then(200, sample("provisioning-widget-update-response.json"));
    let provisioning = vendor.provisioning();
    let created = provisioning.create_widget(new_widget("Widget #1", a_new_agent())).await;
    assert_eq!(created.expect("a widget"), widget("Widget #1", true, Some(true)));
    let found = provisioning.widget(UUID, "user@example.com").await.expect("an answer");
    assert_eq!(found, Some(widget("Widget #1", true, None)));
    let name = "Widget #1 - Sales Widget";
    let updated = provisioning.update_widget(widget_update(name)).await;
    assert_eq!(updated.expect("a widget"), widget(name, false, Some(true)));
}

fn availability(widget: &str, is_online: bool, requires: bool) -> Availability {
    let mut availability = Availability::new();
    availability.widget_id = Some(widget.into());
    availability.online = Some(is_online);
    availability.email_required = Some(requires);
    availability.message_required = Some(requires);
    availability.screenshot_required = Some(false);
    availability
}

#[tokio::test]
async fn the_availabilities_of_the_documentation_are_read() {
    let vendor = Vendor::answering(200, sample("visitor-chat-availability-response.json"))
        .then(200, sample("widget-availability-response.json"))
        .then(200, sample("widget-availability-error-reconstructed.json"));
    let with_key = vendor.visitor_chats().availability(WIDGET).await.expect("an answer");
    assert_eq!(with_key, availability(WIDGET, true, false));
    let client = vendor.client();
    let without_key = client.availability("{widgetId}").await.expect("an answer");
    assert_eq!(without_key, availability("{widgetId}", false, true));
    let error = client.availability("{widgetId}").await.expect_err("an error inside a 200");
    assert_eq!((error.code(), error.excerpt()), (Some(404), Some("Widget not found")));
}

#[tokio::test]
async fn the_start_of_the_documentation_is_read() {
    let vendor = Vendor::answering(200, sample("visitor-chat-start-response.json"));
    let chat = vendor.visitor_chats().start(WIDGET).await.expect("a chat");
    assert_eq!(chat.case_id(), &"ca5e3eca-8659-44a7-89fd-2f0b4dd71fa6");
    let mut started = StartedChat::new("ca5e3eca-8659-44a7-89fd-2f0b4dd71fa6");
    started.widget_id = Some(WIDGET.into());
    let read: StartedChat =
        serde_json::from_slice(&sample("visitor-chat-start-response.json")).expect("an answer");
    assert_eq!(read, started);
}

#[tokio::test]
async fn the_message_of_the_documentation_is_read() {
    let vendor = Vendor::answering(200, sample("visitor-chat-send-response.json"));
    let text = "I need help finding shoes!";
    let mut said = SaidMessage::new();
    said.case_id = Some(SAID.into());
    said.message_type = Some(1);
    said.message_body = Some(text.to_owned());
    let answer = vendor.visitor_chats().resume(SAID).say(text).await;
    assert_eq!(answer.expect("an answer"), said);
}

const LINES: [(i64, LineKind, &str, &str); 11] = [
    (2, LineKind::System, "Sam", "/NIC Sam "),
    (3, LineKind::System, "Sam", "/CAL 1 "),
    (4, LineKind::System, "", "/NFO Just a moment...<br> "),
    (6, LineKind::System, "Sam", "/SYS EMTR false "),
    (7, LineKind::System, "Sam", "/SYS GRCP -1 "),
    (
        8,
        LineKind::System,
        "Sam",
        "/SYS WAGT 6%2CSorry%2520for%2520the%2520delay.%2520We%27re%2520working%2520on%2520getting\
         %2520to%2520you%2520as%2520quickly%2520as%2520possible.%2520If%2520you%2520need%2520to\
         %2520run%2C%2520please%2520feel%2520free%2520to%2520%5Bleave%2520us%2520a%2520message%5D ",
    ),
    (9, LineKind::System, "Sam", "/SYS REAS 16 "),
    (10, LineKind::System, "Sam", "/NIC Sam "),
    (11, LineKind::System, "Sam", "/CAL 1 "),
    (12, LineKind::Agent, "Sam", "hi "),
    (14, LineKind::Agent, "Sam", "Ok, I can help you with that! "),
];

#[tokio::test]
async fn the_lines_of_the_documentation_are_read() {
    let vendor = Vendor::answering(200, sample("visitor-chat-poll-response.json"));
    let mut chat = vendor.visitor_chats().resume(POLLED);
    let mut lines = Vec::new();
    for (index, kind, author, text) in LINES {
        let mut line = ChatLine::new(index);
        (line.kind, line.author, line.text) = (Some(kind), author.to_owned(), text.to_owned());
        assert_eq!(chat.next().await.expect("an answer").as_ref(), Some(&line));
        lines.push(line);
    }
    let mut polled = PolledLines::new();
    polled.case_id = Some(POLLED.into());
    polled.message_list = lines;
    polled.agent_typing = Some(false);
    let read: PolledLines =
        serde_json::from_slice(&sample("visitor-chat-poll-response.json")).expect("an answer");
    assert_eq!(read, polled);
    assert_eq!(polled.message_list[10].trimmed(), "Ok, I can help you with that!");
}
