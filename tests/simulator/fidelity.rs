//! Each documented sample is something that the simulator sends, and it sends nothing else.
//!
//! A sample is played: what it says of the visitor is given to a visit, its lines are said, its
//! labels set. What is sent then is read as plain JSON or XML and compared with it, field by field.
//! What cannot be the same is named with the reason, and checked to be as it is named.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use snapengage::Api;
use snapengage::agent_status::Status;
use snapengage::integration::SupportRequest;
use snapengage::simulator::{
    IntegrationForm, LineAuthor, SimulatedAgent, SimulatedVisit, SimulatedVisitor, SimulatedWidget,
    Simulator, SimulatorBuilder, VisitLine,
};

use crate::ask::*;
use crate::plain::{Fields, fields_of_json, fields_of_xml, kind, without_indices};
use crate::stage::*;

/// A field that is not the same, and why.
#[derive(Debug, Clone, Copy)]
enum But {
    /// Another value of the same type, and if it is a date, in the same form.
    Other(&'static str),
    /// In the sample alone.
    Missing(&'static str),
    /// In what is sent alone.
    Added(&'static str),
}

use But::{Added, Missing, Other};

const ID: But = Other("an id");
const TIME: But = Other("a time");
const LOOKED_UP: But = Missing("the vendor looks visitors up elsewhere");
const FROM_IP: But = Missing("the vendor knows where addresses are");
const FROM_AGENT: But = Missing("the vendor knows browsers by their names");

/// Asserts that what is sent is the sample, but for these fields, each with all below it; `[]` stands
/// for any item.
#[track_caller]
fn assert_same(sample: &Fields, sent: &Fields, buts: &[(&str, But)]) {
    let but = |path: &str| {
        let path = without_indices(path);
        buts.iter().find(|(name, but)| match path.strip_prefix(name) {
            // The type of an element that is another one is the same.
            Some(rest) if rest.starts_with('@') => !matches!(but, Other(_)),
            Some(rest) => rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        })
    };
    let mut used = BTreeSet::new();
    for path in sample.keys().chain(sent.keys()).collect::<BTreeSet<_>>() {
        let (documented, sent) = (sample.get(path), sent.get(path));
        match (documented, sent, but(path)) {
            (documented, sent, None) => assert_eq!(documented, sent, "{path}"),
            (Some(documented), Some(sent), Some((name, Other(_)))) => {
                assert_eq!(kind(path, documented), kind(path, sent), "{path}: {documented} {sent}");
                used.insert(*name);
            }
            (Some(_), None, Some((name, Missing(_)))) => drop(used.insert(*name)),
            (None, Some(_), Some((name, Added(_)))) => drop(used.insert(*name)),
            (_, _, Some((_, Other(why) | Missing(why) | Added(why)))) => {
                panic!("it is said of {path}: {why}; documented {documented:?}, sent {sent:?}");
            }
        }
    }
    let named: BTreeSet<_> = buts.iter().map(|(name, _)| *name).collect();
    assert_eq!(used, named, "some of it is the same");
}

fn read(path: &str) -> String {
    let path = format!("{}/sample-payloads/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a sample")
}

fn documented(path: &str) -> Value {
    serde_json::from_str(&read(path)).expect("JSON")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// What was sent last to a feed, as plain JSON.
fn last(simulator: &Simulator, feed: Api) -> Fields {
    let deliveries = simulator.delivered(feed);
    fields_of_json(&deliveries.records().last().expect("a request").request.body)
}

/// The widget that a sample is about, and one agent.
fn office_of(widget: SimulatedWidget, agent: SimulatedAgent) -> SimulatorBuilder {
    let widget = widget.bot_name("Robbie").conversation_events("/events", MY_TOKEN);
    let widget = widget.get_contact("/contact/secret");
    let builder = Simulator::builder().widget(widget).agent(agent);
    builder.agent_status("/status", MY_TOKEN).deliver_to(receiver()).seed(1)
}

const PLAYED: [&str; 12] = [
    "agent-status/pause.json",
    "bot/chat-started.json",
    "bot/chat-started-verified.json",
    "bot/message.json",
    "bot/chat-closed.json",
    "bot/command-result.json",
    "conversation-events/case-labeled.json",
    "get-contact/known.txt",
    "integration/chat.json",
    "integration/chat-2018.json",
    "integration/chat.xml",
    "integration/chat-2010.xml",
];

#[test]
fn every_documented_request_is_played_here() {
    let readme = read("README.md");
    let table = readme.split("\n## ").find(|part| part.starts_with("Documented\n"));
    let rows = table.expect("a table").lines().filter_map(|line| line.strip_prefix("| `"));
    let files = rows.filter_map(|row| row.split('`').next());
    // What a bot answers is below, and a case of the logs is an answer: `samples.rs` has it.
    let is_sent =
        |file: &&str| !file.starts_with("bot/replies/") && !file.ends_with("logs-case.json");
    assert_eq!(files.filter(is_sent).collect::<Vec<_>>(), PLAYED);
}

/// A visitor who is as the first event of a chat says.
fn visitor_of(simulator: &Simulator, started: &Value) -> SimulatedVisitor {
    simulator
        .visit(text(started, "widget_id"))
        .user_agent(text(started, "user_agent"))
        .entry_url(text(started, "entry_url"))
        .page_url(text(started, "page_url"))
        .ip_address(text(started, "ip_address"))
}

fn office_with_bot(sample: &Value) -> SimulatedWidget {
    SimulatedWidget::new(text(sample, "widget_id")).bot("/bot", MY_TOKEN)
}

#[tokio::test(start_paused = true)]
async fn events_of_a_bot_are_as_documented() {
    let started = documented("bot/chat-started.json");
    let widget = office_with_bot(&started);
    let simulator = office_of(widget, JANE.into()).build().expect("no mistakes");
    let visit = visitor_of(&simulator, &started).start(text(&started, "text")).await;
    let ours = [("case_id", ID), ("timestamp", TIME)];
    let buts = [&ours[..], &[("geo", FROM_IP)]].concat();
    let same = |sample: &Value, buts: &[(&str, But)]| {
        assert_same(&fields_of_json(&sample.to_string()), &last(&simulator, Api::Bot), buts);
    };
    same(&started, &buts);
    let message = documented("bot/message.json");
    visit.says(text(&message, "text")).await;
    same(&message, &ours);
    visit.leaves().await;
    same(&documented("bot/chat-closed.json"), &ours);
}

#[tokio::test(start_paused = true)]
async fn verified_visitor_is_as_documented() {
    let started = documented("bot/chat-started-verified.json");
    let widget = office_with_bot(&started).identity_secret("a secret");
    let simulator = office_of(widget, JANE.into()).build().expect("no mistakes");
    let email = text(&started["hmacVerificationResult"], "content");
    let signed_at = simulator.now().as_millis().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a secret").expect("any key");
    mac.update(format!("{email}nonce{signed_at}").as_bytes());
    let signature = mac.finalize().into_bytes().into_iter().map(|byte| format!("{byte:02x}"));
    let visitor = visitor_of(&simulator, &started).email(email);
    let visitor = visitor.variable("__hmacSignature", signature.collect::<String>());
    let visitor = visitor.variable("__hmacNonce", "nonce").variable("__hmacTimestamp", signed_at);
    visitor.start(text(&started, "text")).await;
    let buts = [
        ("case_id", ID),
        ("timestamp", TIME),
        ("geo", FROM_IP),
        ("email", Added("it is known, and the vendor's table has it")),
    ];
    let sample = fields_of_json(&started.to_string());
    assert_same(&sample, &last(&simulator, Api::Bot), &buts);
}

#[tokio::test(start_paused = true)]
async fn failed_command_is_as_documented() {
    let result = documented("bot/command-result.json");
    let nobody = SimulatedAgent::new(JANE).status(Status::Offline);
    let simulator = office_of(office_with_bot(&result), nobody).build().expect("no mistakes");
    let visit = simulator.visit(text(&result, "widget_id")).start("Hello").await;
    let failed = &result["failedCommands"][0];
    bot_commands(&visit, text(failed, "operation"), &failed["params"].to_string()).await;
    let sample = fields_of_json(&result.to_string());
    let buts = [("case_id", ID), ("timestamp", TIME)];
    assert_same(&sample, &last(&simulator, Api::Bot), &buts);
}

#[tokio::test(start_paused = true)]
async fn every_documented_answer_of_a_bot_is_carried_out() {
    let folder = format!("{}/sample-payloads/bot/replies", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(folder).expect("samples").collect();
    assert!(files.len() >= 10);
    for file in files {
        let path = file.expect("a sample").path();
        let reply: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("a sample")).expect("JSON");
        let simulator = on_stage();
        let visit = simulator.visit("sales").start("Hello").await;
        let before = visit.view().lines.len();
        let content = reply["content"].as_array().cloned().unwrap_or_default();
        visit.says(json!({ "content": content }).to_string()).await;
        let lines = visit.view().lines;
        // A transfer to a widget that is not there has a line too, and was read.
        let is_unread = |line: &&VisitLine| {
            let text = line.text.as_deref().unwrap_or_default();
            line.from == LineAuthor::System && text.ends_with("cannot be read")
        };
        let unread = lines.iter().filter(is_unread).count();
        let is_unknown = path.ends_with("unknown-command.json");
        assert_eq!(unread, usize::from(is_unknown), "{}", visit.transcript());
        let shows = |item: &&Value| {
            item["type"] == "message" || ["GOTO", "CARDS"].contains(&text(item, "operation"))
        };
        let shown = content.iter().filter(shows).count();
        assert!(lines.len() > before + shown, "{}: {}", path.display(), visit.transcript());
    }
}

#[tokio::test(start_paused = true)]
async fn labeled_case_is_as_documented() {
    let labeled = documented("conversation-events/case-labeled.json");
    let widget = SimulatedWidget::new(text(&labeled, "widget_id"));
    let widget = widget.name(text(&labeled, "widget_name"));
    let agent = SimulatedAgent::new(text(&labeled, "agent_id"));
    let agent = agent.alias(text(&labeled, "agent_alias"));
    let simulator = office_of(widget, agent).build().expect("no mistakes");
    let visit = simulator.visit(text(&labeled, "widget_id")).start("Hello").await;
    let charlie = simulator.agent(text(&labeled, "agent_email"));
    charlie.takes(&visit).await.expect("a chat that waits");
    let label = &labeled["label"];
    charlie.labels(&visit, text(label, "name"), text(label, "value")).await.expect("his chat");
    let sample = fields_of_json(&labeled.to_string());
    let ours = [("case_id", ID), ("timestamp", TIME)];
    let own = |why| Missing(why);
    let survey = own("fields of `caseSurveyed`: the sample shows those of all events at once");
    let buts = [&ours[..], &[("survey_score", survey), ("survey_comment", survey)]].concat();
    assert_same(&sample, &last(&simulator, Api::Conversation), &buts);

    let score = labeled["survey_score"].as_u64().and_then(|score| u8::try_from(score).ok());
    visit.survey(score.expect("a score"), text(&labeled, "survey_comment")).await;
    let label = own("field of `caseLabeled`");
    let buts = [&ours[..], &[("label", label), ("event", Other("that of the survey"))]].concat();
    assert_same(&sample, &last(&simulator, Api::Conversation), &buts);
}

#[tokio::test(start_paused = true)]
async fn agent_who_pauses_is_as_documented() {
    let pause = documented("agent-status/pause.json");
    let agent = SimulatedAgent::new(text(&pause, "agent_id"));
    let org = pause["org"].as_u64().expect("a number");
    let simulator = office_of("w".into(), agent).org(org).build().expect("no mistakes");
    let note = Some(text(&pause, "sub_status").to_owned());
    let agent = simulator.agent(text(&pause, "agent_id"));
    agent.set_status(Status::Pause, note).await.expect("an agent");
    let sample = fields_of_json(&pause.to_string());
    assert_same(&sample, &last(&simulator, Api::AgentStatus), &[("timestamp", TIME)]);
}

/// The parameters of a query, in their order.
fn parameters(address: &str) -> Vec<(String, String)> {
    let query = address.trim().split_once('?').expect("a query").1;
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

#[tokio::test(start_paused = true)]
async fn contact_is_asked_for_as_documented() {
    let sample = read("get-contact/known.txt");
    let mut expected = parameters(&sample);
    let simulator = office_of("w".into(), JANE.into()).build().expect("no mistakes");
    let visitor = simulator.visit("w").email(&expected[0].1).ip_address(&expected[1].1);
    let visit = visitor.page_url(&expected[2].1).start("Hello").await;
    let deliveries = simulator.delivered(Api::Contact);
    let sent = &deliveries.assert_count(1).records()[0].url;
    visit.case_id().as_str().clone_into(&mut expected[3].1);
    assert_eq!(parameters(sent), expected);
    // The same escapes too: only the id is another one.
    let (address, _) = sample.rsplit_once('=').expect("an id");
    let query = address.split_once('?').expect("a query").1;
    assert!(sent.contains(&format!("?{query}=")), "{sent}");
}

/// Plays the chat that a sample of the Integration API is about.
async fn told_again(sample: &str, form: IntegrationForm) -> (Simulator, SimulatedVisit) {
    let case = SupportRequest::from_body(sample.as_bytes()).expect("a case");
    let case = serde_json::to_value(case).expect("JSON");
    let widget = Some(text(&case, "widget_id")).filter(|id| !id.is_empty()).unwrap_or("w");
    let lines = case["transcripts"].as_array().cloned().unwrap_or_default();
    let is_visitors = |line: &Value| text(line, "alias") == "visitor";
    let agents = lines.iter().find(|line| !is_visitors(line)).expect("a line of an agent");
    let email = text(agents, "id");
    let agent = SimulatedAgent::new(email).alias(text(agents, "alias"));
    let feed = SimulatedWidget::new(widget).integration("/cases", MY_TOKEN, form);
    let simulator = office_of(feed, agent).build().expect("no mistakes");

    let mut visitor = simulator
        .visit(widget)
        .email(text(&case, "requested_by"))
        .name(text(&case["requester_details"], "name"))
        .page_url(text(&case, "page_url"))
        .referrer_url(text(&case, "referrer_url"))
        .entry_url(text(&case, "entry_url"))
        .ip_address(text(&case, "ip_address"))
        .user_agent(text(&case, "user_agent"))
        .locale(text(&case, "language_code"));
    for variable in case["javascript_variables"].as_array().into_iter().flatten() {
        visitor = visitor.variable(text(variable, "name"), text(variable, "value"));
    }
    let (visit, mut rest) = match lines.split_first() {
        Some((first, rest)) if is_visitors(first) => {
            (visitor.start(text(first, "message")).await, rest)
        }
        _ => (visitor.open().await, &lines[..]),
    };
    let agent = simulator.agent(email);
    agent.takes(&visit).await.expect("a chat that waits");
    while let Some((line, after)) = rest.split_first() {
        match is_visitors(line) {
            true => drop(visit.says(text(line, "message")).await),
            false => agent.says(&visit, text(line, "message")).await.expect("the agent's chat"),
        }
        rest = after;
    }
    for label in case["operator_variables"].as_array().into_iter().flatten() {
        let (name, value) = (text(label, "name"), text(label, "value"));
        agent.labels(&visit, name, value).await.expect("the agent's chat");
    }
    agent.closes(&visit).await.expect("the agent's chat");
    (simulator, visit)
}

/// What is not the same in either form of the Integration API.
const OF_A_CASE: [(&str, But); 12] = [
    ("id", ID),
    ("url", ID),
    ("description", Other("the first message; that of the sample is not in its transcript")),
    ("browser", FROM_AGENT),
    ("os", FROM_AGENT),
    ("country_code", FROM_IP),
    ("country", FROM_IP),
    ("region", FROM_IP),
    ("city", FROM_IP),
    ("latitude", FROM_IP),
    ("longitude", FROM_IP),
    ("chat_duration", TIME),
];

/// The same in JSON.
fn of_json<'p>(more: &[(&'p str, But)]) -> Vec<(&'p str, But)> {
    let looked_up = [
        "requester_details.name_profile_link",
        "requester_details.phones",
        "requester_details.address",
        "requester_details.address_2",
        "requester_details.city",
        "requester_details.state",
        "requester_details.zip",
        "requester_details.country",
        "requester_details.company_name",
        "requester_details.company_profile_link",
        "requester_details.employees",
        "requester_details.revenue",
        "requester_details.title",
        "requester_details.website",
        "requester_details.social_profile_links",
        "requester_details.gender",
        "requester_details.age",
        "requester_details.influencer_score",
        "requester_details.notes",
        "requester_details.industry",
        "requester_details.avatars",
    ];
    let looked_up = looked_up.map(|path| (path, LOOKED_UP));
    let ours = [
        ("requester_details.emails", Other("the one that is known; the sample has two")),
        ("created_at_date", TIME),
        ("created_at_seconds", TIME),
        ("created_at_milliseconds", TIME),
        ("chat_waittime", TIME),
        ("transcripts[].date", TIME),
        ("transcripts[].date_seconds", TIME),
        ("transcripts[].date_milliseconds", TIME),
    ];
    OF_A_CASE.into_iter().chain(looked_up).chain(ours).chain(more.iter().copied()).collect()
}

/// Ids of agents with and without `wc:` are the same ids: the vendor's samples have both.
fn without_prefixes(mut fields: Fields) -> Fields {
    for value in fields.values_mut() {
        if let Some(id) = value.as_str().and_then(|text| text.strip_prefix("wc:")) {
            *value = id.into();
        }
    }
    fields
}

#[tokio::test(start_paused = true)]
async fn finished_chat_in_json_is_as_documented() {
    let sample = read("integration/chat.json");
    let (simulator, _) = told_again(&sample, IntegrationForm::Json).await;
    simulator.delivered(Api::Integration).assert_count(1).assert_accepted();
    let sent = without_prefixes(last(&simulator, Api::Integration));
    let translated = Missing("the vendor translates where that is bought");
    let buts = of_json(&[("transcripts[].translations", translated)]);
    assert_same(&fields_of_json(&sample), &sent, &buts);
}

#[tokio::test(start_paused = true)]
async fn form_of_2018_is_that_of_today_with_less_in_it() {
    let sample = read("integration/chat-2018.json");
    let (simulator, _) = told_again(&sample, IntegrationForm::Json).await;
    let sent = without_prefixes(last(&simulator, Api::Integration));
    let (gone, new) = (Missing("not sent any more"), Added("not sent then"));
    let buts = of_json(&[
        ("snapshot_image_url", gone),
        ("plugins", gone),
        ("chat_ended_by", new),
        ("labels", new),
        ("transcripts[].sender", new),
        ("transcripts[].id", Other("empty for a visitor today")),
    ]);
    assert_same(&fields_of_json(&sample), &sent, &buts);
}

/// The names in the case, in their order.
fn names(xml: &str) -> Vec<String> {
    let (_, order) = fields_of_xml(xml);
    order
}

#[tokio::test(start_paused = true)]
async fn finished_chat_in_xml_is_as_documented() {
    for path in ["integration/chat.xml", "integration/chat-2010.xml"] {
        let sample = read(path);
        let (simulator, _) = told_again(&sample, IntegrationForm::Xml).await;
        let deliveries = simulator.delivered(Api::Integration);
        let sent = &deliveries.assert_count(1).assert_accepted().records()[0].request.body;
        let is_of_2010 = path.contains("2010");
        let mut buts = OF_A_CASE.to_vec();
        buts.extend([
            ("created_at", TIME),
            ("chat_waittime", TIME),
            ("transcripts.transcript[].date", TIME),
            ("languages", Missing("a visit has their codes, and not their names")),
            ("plugins", Missing("not sent any more")),
        ]);
        if is_of_2010 {
            buts.push(("snapshot_image_url", Missing("not sent any more")));
            buts.push(("labels", Added("not sent then")));
        }
        let (fields, _) = fields_of_xml(sent);
        assert_same(&fields_of_xml(&sample).0, &without_prefixes(fields), &buts);
        let mut documented = names(&sample).into_iter();
        let sent = names(sent).into_iter().filter(|name| !is_of_2010 || name != "labels");
        for name in sent {
            assert!(documented.any(|other| other == name), "`{name}` is out of order");
        }
    }
}
