//! Everything that is sent is read without a warning, and has no field that is not documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use snapengage::Api;
use snapengage::agent_status::Status;
use snapengage::bot::CommandError;
use snapengage::simulator::{
    DeliveryFilter, IntegrationForm, OfflineMessage, SimulatedAgent, SimulatedVisit, Simulator,
};

use crate::ask::*;
use crate::log::{log, record_log};
use crate::plain::{fields_of_json, fields_of_xml, kind, without_indices};
use crate::stage::*;

/// Texts that are hard to write, with what no XML may have.
const HARD: [&str; 6] = [
    "<b>&amp;</b> ]]> 'quoted' \"twice\" a=b \\ /",
    "\u{0}\u{1}\u{b}\u{1f} \t \r\n line \u{7f}\u{85}\u{2028}\u{2029}",
    "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{feff}\u{fffe}\u{ffff}",
    "\u{1f469}\u{200d}\u{1f52c} e\u{301} \u{1d11e}",
    "https://example.com/?a=1&b=%20+c#d",
    "   ",
];

async fn visit(simulator: &Simulator, is_known: bool) -> SimulatedVisit {
    let visitor = simulator.visit("sales");
    if !is_known {
        return visitor.open().await;
    }
    let visitor = visitor.email("v+x@example.com").name(HARD[0]).locale("en-US,en;q=0.8");
    let visitor = visitor.page_url(HARD[4]).entry_url(HARD[4]).referrer_url(HARD[2]);
    let visitor = visitor.user_agent(HARD[3]).proactive_message(HARD[1]).ip_address("2001:db8::1");
    let visitor =
        visitor.variable("a=b,c", HARD[0]).variable("seats", 5).variable("gone", Value::Null);
    visitor.variable("__hmacSignature", "wrong").start(HARD[0]).await
}

/// A chat with all that a bot, an agent and a visitor can do.
async fn whole(simulator: &Simulator, is_known: bool) {
    let visit = visit(simulator, is_known).await;
    for text in HARD {
        visit.says(text).await;
    }
    for (operation, parameters) in [
        ("GOTO", json!(HARD[4])),
        ("CARDS", json!({"layout": "VERTICAL", "cards": [{"title": HARD[0], "link": HARD[4]}]})),
        ("LABEL", json!(json!([{ "a": [HARD[0], HARD[1]] }]).to_string())),
        ("DANCE", json!([HARD[1]])),
        ("WIDGET_TRANSFER", json!("nowhere")),
        ("TAG_TRANSFER", json!("support [\"beards\"]")),
        ("TRANSFER", json!({ "odd": 7 })),
    ] {
        bot_commands(&visit, operation, &parameters.to_string()).await;
    }
    let buttons = json!({"type": "message", "text": "?", "display_responses": [
        {"text": HARD[0], "id": HARD[1]}, {"text": HARD[3]},
    ]});
    visit.says(json!({"context_id": HARD[0], "content": [buttons]}).to_string()).await;
    visit.click(HARD[0]).await;
    visit.gives_email("w@example.com").await;
    simulator.fail_next_transfer(&visit, CommandError::TransferNotAllowed).expect("an open chat");
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;

    let (jane, carl) = (simulator.agent(JANE), simulator.agent("carl@example.com"));
    jane.takes(&visit).await.expect("a chat that waits");
    for text in HARD {
        jane.says(&visit, text).await.expect("her chat");
    }
    jane.labels(&visit, HARD[0], HARD[1]).await.expect("her chat");
    jane.transfers_to_agent(&visit, "carl@example.com").await.expect("Carl is there");
    carl.takes(&visit).await.expect("a chat that waits");
    visit.survey(75, HARD[0]).await;
    carl.closes(&visit).await.expect("his chat");
    visit.survey(80, "").await;
}

/// Chats of all kinds, and statuses: all that is sent with this form of the Integration API.
async fn everything(form: IntegrationForm) -> Simulator {
    let carl = SimulatedAgent::new("carl@example.com").alias(HARD[0]).widgets(["sales"]);
    let widget = sales(form).name(HARD[0]).identity_secret("a secret");
    let simulator = stage(widget).agent(carl).build().expect("no mistakes");
    for is_known in [true, false] {
        whole(&simulator, is_known).await;
    }
    for end in ["BYE", "BAN", "BAN_IP"] {
        let visit = simulator.visit("sales").cookie(end).start("Hello").await;
        bot_commands(&visit, end, "").await;
    }
    let message = json!({"widget": "sales", "email": "v@example.com", "text": HARD[1],
        "variables": {"plan": HARD[0]}});
    let message: OfflineMessage = serde_json::from_value(message).expect("a message");
    simulator.offline_message(message).await.expect("a widget");
    simulator.visit("sales").start("Hello").await;
    simulator.advance(Duration::from_secs(3600)).await;
    for (status, note) in
        [(Status::Pause, Some(HARD[0])), (Status::Offline, None), (Status::Online, Some(""))]
    {
        let note = note.map(str::to_owned);
        simulator.agent(JANE).set_status(status, note).await.expect("Jane");
    }

    let alone = stage(human(form)).build().expect("no mistakes");
    let visit = alone.visit("sales").email("v@example.com").start("Hello").await;
    alone.agent(JANE).takes(&visit).await.expect("a chat that waits");
    visit.leaves().await;
    simulator
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_sent_is_odd_to_its_receiver() {
    record_log();
    for form in [IntegrationForm::Json, IntegrationForm::Xml] {
        let simulator = everything(form).await;
        let sent = simulator.deliveries(&DeliveryFilter::default());
        let refused: Vec<_> = sent.iter().filter(|record| !record.is_accepted()).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        let feeds: BTreeSet<_> = sent.iter().map(|record| record.feed.as_str()).collect();
        assert_eq!(feeds.len(), 5);
    }
    let log = log();
    assert!(log.contains("TRACE") || log.contains("INFO"), "the log is recorded: {log}");
    // A bot that only labels is warned of, for its answer and not for what it was sent.
    let is_odd = |line: &&str| line.contains(" WARN ") && !line.contains("has nothing to say");
    let odd: Vec<_> = log.lines().filter(is_odd).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[tokio::test(start_paused = true)]
async fn field_that_is_odd_is_in_the_log() {
    record_log();
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let odd = Map::from_iter([("text".to_owned(), json!({ "not": "a text" }))]);
    simulator.send_event(&visit, "message", odd).await.expect("a chat with a bot");
    let log = log();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("text")), "{log}");
}

/// The fields of the samples of a feed, with their types.
fn documented(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads").join(folder);
    let mut documented = BTreeSet::new();
    for file in fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a sample").path();
        // What is not documented, for receivers that do not mind.
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".json") && !name.starts_with("unknown") && !name.starts_with("logs") {
            documented.extend(described(&fs::read_to_string(path).expect("a sample")));
        }
    }
    documented
}

fn described(json: &str) -> BTreeSet<String> {
    let fields = fields_of_json(json).into_iter();
    fields
        .map(|(path, value)| format!("{}: {}", without_indices(&path), kind(&path, &value)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn no_field_in_json_is_undocumented() {
    let simulator = everything(IntegrationForm::Json).await;
    let params = |field: &String| field.starts_with("failedCommands[].params");
    for (feed, folder, more) in [
        (Api::Bot, "bot", &[][..]),
        (Api::Conversation, "conversation-events", &[]),
        (Api::AgentStatus, "agent-status", &[]),
        // The table of the logs has them, which share the form.
        (Api::Integration, "integration", &["survey_score: number", "survey_comments: text"]),
    ] {
        let mut documented = documented(folder);
        documented.extend(more.iter().map(|field| (*field).to_owned()));
        for record in simulator.delivered(feed).records() {
            let sent = described(&record.request.body);
            // What a bot has sent comes back, whatever it is.
            let odd = sent.difference(&documented).filter(|field| !params(field));
            let odd: Vec<_> = odd.collect();
            assert!(odd.is_empty(), "{odd:?} in {}", record.request.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_element_in_xml_is_undocumented() {
    let sample = include_str!("../../sample-payloads/integration/chat.xml");
    let elements = |xml: &str| -> BTreeSet<String> {
        fields_of_xml(xml).0.keys().map(|path| without_indices(path)).collect()
    };
    let documented = elements(sample);
    let simulator = everything(IntegrationForm::Xml).await;
    let deliveries = simulator.delivered(Api::Integration);
    assert!(deliveries.records().len() >= 6);
    for record in deliveries.records() {
        let sent = elements(&record.request.body);
        let odd: Vec<_> = sent.difference(&documented).collect();
        assert!(odd.is_empty(), "{odd:?} in {}", record.request.body);
    }
}
