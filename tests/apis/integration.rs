//! Integration API: JSON and legacy XML become one support request, and none is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use snapengage::integration::{
    self, ChatEndedBy, Date, Handler, Language, RequestKind, RequesterDetails, Sender, SourceId,
    SupportRequest, TranscriptLine, Variable,
};
use snapengage::{DecodeError, HandlerError, ReceiverBuilder, Timestamp, async_trait};

use crate::payloads::sample_json;
use crate::promises::{Feed, Json, Room, Takes, promises};
use crate::secrets::{SECRET, assert_tells_no_secret};
use crate::support::requests::text;
use crate::support::{
    Failing, Seen, assert_refused, assert_taken, auth, body, log, post, record_log, sample,
};

const ID: &str = "8b7c3b3b-f5d7-4e58-96d8";
const MINIMAL: &str = r#"{"id":"8b7c3b3b-f5d7-4e58-96d8"}"#;

#[async_trait]
impl Handler for Failing {
    async fn support_request(&self, _: SupportRequest) -> Result<(), HandlerError> {
        self.run().await
    }
}

#[async_trait]
impl Handler for Seen<SupportRequest> {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        self.push(request);
        Ok(())
    }
}

/// The room, as its promises see it.
struct Integration;

impl Room for Integration {
    type Event = SupportRequest;

    const PATH: &str = "/integration";
    const MINIMAL: &str = MINIMAL;
}

impl<H: Handler> Takes<H> for Integration {
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder {
        builder.integration(Self::PATH, auth(), handler)
    }
}

impl Json for Integration {
    const NAME: &str = "support request";
    const SAMPLES: &[&str] = &[
        "integration/chat.json",
        "integration/chat-2018.json",
        "integration/logs-case.json",
        "integration/offline.json",
        "integration/chat.xml",
        "integration/chat-2010.xml",
        "integration/requester-details.xml",
        "integration/unknown-elements.xml",
        "integration/language-text.xml",
        "integration/iso-8859-1.xml",
    ];

    fn minimal() -> SupportRequest {
        SupportRequest::new(ID)
    }

    fn read(body: &[u8]) -> Result<impl Serialize, DecodeError> {
        SupportRequest::from_body(body)
    }

    fn written(request: &SupportRequest) -> Value {
        serde_json::to_value(request).expect("JSON")
    }

    fn filled_with(value: &Value) -> Value {
        let mut request = sample_json("integration/chat.json");
        for (name, field) in request.as_object_mut().into_iter().flatten() {
            if name != "id" {
                *field = value.clone();
            }
        }
        request
    }

    fn odd() -> (Value, SupportRequest, &'static str) {
        let request = json!({
            "id": ID,
            "type": ["SECRET"],
            "requested_by": { "SECRET": "SECRET" },
            "requester_details": { "age": 0.5, "emails": "SECRET", "name": "Jim", "SECRET": 1 },
            "created_at_date": -1,
            "created_at_seconds": 1.5,
            "created_at_milliseconds": "SECRET",
            "proactive_chat": "SECRET",
            "latitude": "SECRET",
            "longitude": true,
            "source_id": "SECRET",
            "chat_waittime": u64::MAX,
            "chat_duration": 1e30,
            "survey_score": 25.6,
            "transcripts": [
                { "message": [5], "translations": { "en": [5], "de": "SECRET" }, "alias": "A" },
            ],
            "labels": "SECRET",
            "city": "Boulder",
        });
        let mut details = RequesterDetails::new();
        details.name = some("Jim");
        details.extra = all_but(&request["requester_details"], &["name"]);
        let mut line = TranscriptLine::new();
        line.alias = some("A");
        line.extra = all_but(&request["transcripts"][0], &["alias"]);
        let mut expected = SupportRequest::new(ID);
        expected.city = some("Boulder");
        expected.requester_details = Some(Box::new(details));
        expected.transcripts = vec![line];
        expected.extra = all_but(&request, &["id", "requester_details", "transcripts", "city"]);
        let names = "type, requested_by, created_at_date, created_at_seconds, \
            created_at_milliseconds, proactive_chat, latitude, longitude, source_id, \
            chat_waittime, chat_duration, survey_score, labels, emails, age, message, translations";
        (request, expected, names)
    }
}

impl Feed for Integration {
    const REQUIRED: &[&str] = &["id"];
    const OPTIONAL: &[&str] = &["type", "widget_id"];

    fn extra(request: &mut SupportRequest) -> &mut BTreeMap<String, Value> {
        &mut request.extra
    }

    fn logged(request: &SupportRequest) -> Vec<&str> {
        vec![request.id.as_str(), request.kind.as_ref().map_or("", RequestKind::as_str)]
    }

    fn twice() -> (&'static str, SupportRequest, &'static str) {
        let request = r#"{"id":"a","id":"8b7c3b3b-f5d7-4e58-96d8","city":5,"city":"Boulder",
            "country":"US","country":{},"os":"A","os":"","os":["B"],"os":"C",
            "new":{"a":1,"a":2},"new":null,
            "transcripts":[{"message":"a","message":"b","translations":{"en":"a","de":"b","en":"c"}}],
            "labels":[{"name":"a"}],"labels":[]}"#;
        let mut line = TranscriptLine::new();
        line.message = "b".to_owned();
        line.extra = [
            ("message (others)".to_owned(), json!(["a"])),
            ("translations".to_owned(), json!({ "en": ["a", "c"], "de": "b" })),
        ]
        .into();
        let mut label = Variable::new();
        label.name = some("a");
        let mut expected = SupportRequest::new(ID);
        expected.city = some("Boulder");
        expected.os = some("C");
        expected.transcripts = vec![line];
        expected.labels = vec![label];
        expected.extra = [
            ("city (others)".to_owned(), json!(["5"])),
            ("country".to_owned(), json!({})),
            ("country (others)".to_owned(), json!(["US"])),
            ("id (others)".to_owned(), json!(["a"])),
            ("new".to_owned(), json!([{ "a": [1, 2] }, null])),
            ("os (others)".to_owned(), json!(["A", ["B"]])),
        ]
        .into();
        (request, expected, "id, os, country, city, message, translations")
    }

    fn confidential() -> Value {
        let mut short = sample_json("integration/chat.json");
        for field in ["requester_details", "javascript_variables", "operator_variables"] {
            short[field] = Value::Null;
        }
        short["transcripts"] = json!([short["transcripts"][0]]);
        short["labels"] = json!([short["labels"][0]]);
        short["requester_details"] = json!({ "emails": ["a"], "age": 1, "other_data": [1] });
        short
    }
}

promises! {
    Integration:
        handler_that_hangs_is_answered_for_after_its_deadline,
        failing_handler_is_answered_for,
        body_that_is_no_json_object_is_refused,
        value_that_is_no_json_is_refused,
        value_with_one_bad_character_is_read,
        something_after_the_object_is_refused,
        nesting_is_read_or_refused,
        body_cut_off_anywhere_is_never_read,
        null_and_empty_are_absent,
        odd_values_cost_their_field_only_and_are_warned_about_by_name,
        of_a_field_that_comes_twice_the_last_counts,
        ids_and_names_are_bounded,
        refusals_and_the_log_repeat_nothing_of_the_request,
}

fn all_but(object: &Value, names: &[&str]) -> BTreeMap<String, Value> {
    let fields = object.as_object().into_iter().flatten();
    let others = fields.filter(|(name, _)| !names.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[track_caller]
fn xml(content: &str) -> SupportRequest {
    match SupportRequest::from_xml(case(content).as_bytes()) {
        Ok(request) => request,
        Err(error) => panic!("{content}: {error}"),
    }
}

fn case(content: &str) -> String {
    format!("<case><id>{ID}</id>{content}</case>")
}

#[track_caller]
fn assert_xml_refused(document: impl AsRef<[u8]>, problem: &str) {
    let read = SupportRequest::from_body(document.as_ref());
    let error = read.map_err(|error| error.to_string());
    assert_eq!(error, Err(format!("support request: {problem}")));
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millis(millis)
}

fn variable(name: &str, value: &str) -> Variable {
    let mut variable = Variable::new();
    variable.name = some(name);
    variable.value = some(value);
    variable
}

fn language(name: &str, code: &str) -> Language {
    let mut language = Language::new();
    language.name = some(name);
    language.code = some(code);
    language
}

/// A line of the JSON samples.
fn line(id: &str, milliseconds: i64, alias: &str, message: &str) -> TranscriptLine {
    let mut line = TranscriptLine::new();
    line.id = some(id).filter(|id| !id.is_empty());
    line.date = Some(Date::Text("Oct 3, 2014 2:14:31 PM".to_owned()));
    line.date_seconds = Some(1_412_367_271);
    line.date_milliseconds = Some(milliseconds);
    line.alias = some(alias);
    line.message = message.to_owned();
    line
}

fn translated(
    line: TranscriptLine,
    sender: Sender,
    (language, message): (&str, &str),
) -> TranscriptLine {
    let mut line = line;
    line.sender = Some(sender);
    line.translations = [(language.to_owned(), message.to_owned())].into();
    line
}

/// A line of the XML samples.
fn xml_line(id: &str, second: i64, alias: &str, message: &str) -> TranscriptLine {
    let mut line = TranscriptLine::new();
    line.id = some(id).filter(|id| !id.is_empty());
    line.date = Some(Date::Text(format!("Mon Oct 18 01:48:{second} UTC 2010")));
    line.date_seconds = Some(1_287_366_480 + second);
    line.alias = some(alias);
    line.message = message.to_owned();
    line
}

fn requester_details() -> RequesterDetails {
    let mut details = RequesterDetails::new();
    details.name = some("Jim Tester");
    details.emails = vec!["test@example.com".to_owned()];
    details.name_profile_link = some("http://facebook.com/jimtester");
    details.phones = vec!["555-555-1010".to_owned()];
    details.address = some("111 2nd Ave.");
    details.address_2 = None;
    details.city = some("Boulder");
    details.state = some("CO");
    details.zip = some("80303");
    details.country = some("US");
    details.company_name = some("SnapEngage");
    details.company_profile_link = some("http://facebook.com/snapengage");
    details.employees = some("Abe,Betty,Charlie");
    details.revenue = some("100");
    details.title = some("CEO");
    details.website = some("www.snapengage.com");
    details.social_profile_links = vec![
        "www.facebook.com/jimatsnapengage".to_owned(),
        "www.twitter.com/jimtesteratsnap".to_owned(),
    ];
    details.gender = some("Male");
    details.age = Some(44);
    details.influencer_score = some("88.8");
    details.notes = some("This is just for testing");
    details.industry = some("Tech");
    details.avatars = vec!["http://www.avatars.com/jimtester".to_owned()];
    details.other_data = Vec::new();
    details
}

/// What both JSON samples have in common.
fn chat() -> SupportRequest {
    let mut chat = SupportRequest::new(ID);
    chat.widget_id = Some("e8175843-d381-4d7c-aa9f-0da1610ad1b".into());
    chat.url = some("https://www.snapengage.com/viewcase?c=8b7c3b3b-f5d7-4e58-96d8");
    chat.kind = Some(RequestKind::Chat);
    chat.requested_by = some("test@test.com");
    chat.requester_details = Some(Box::new(requester_details()));
    chat.created_at_date = Some(Date::Text("Oct 3, 2014 2:14:31 PM".to_owned()));
    chat.created_at_seconds = Some(1_412_367_271);
    chat.created_at_milliseconds = Some(268);
    chat.proactive_chat = Some(false);
    chat.referrer_url = some("http://www.comingfromurl.com");
    chat.entry_url = some("http://www.yoursite.com");
    chat.ip_address = some("67.174.108.196");
    chat.user_agent = some(
        "Mozilla/5.0 (Windows; U; Windows NT 6.0; en-US) AppleWebKit/532.0 (KHTML, like Gecko) \
         Chrome/3.0.195.27 Safari/532.0,gzip(gfe)",
    );
    chat.browser = some("Chrome (3.0.195.27)");
    chat.os = some("Microsoft Windows Vista");
    chat.country_code = some("US");
    chat.country = some("United States");
    chat.region = some("16");
    chat.city = some("Boulder");
    chat.latitude = Some(39.9147);
    chat.longitude = Some(-105.080_902);
    chat.source_id = Some(SourceId::Chat);
    chat.chat_waittime = Some(2);
    chat.chat_duration = Some(15);
    chat.language_code = some("en-US,en;q=0.8");
    chat.javascript_variables =
        vec![variable("variable1", "v1_1234"), variable("variable2", "v2_123456789")];
    chat.operator_variables = vec![
        variable("note", "this is a note entered by the agent"),
        variable("customerTemp", "Very Happy"),
    ];
    chat
}

/// What both XML samples have in common.
fn xml_chat() -> SupportRequest {
    let mut chat = SupportRequest::new(ID);
    chat.url = some("http://www.snapengage.com/viewcase?c=8b7c3b3b-f5d7-4e58-96d8");
    chat.requested_by = some("test@test.com");
    chat.created_at_seconds = Some(1_287_366_498);
    chat.created_at_milliseconds = Some(623);
    chat.ip_address = some("67.174.108.196");
    chat.browser = some("Chrome (6.0.472.63)");
    chat.os = some("Microsoft Windows 7");
    chat.country_code = some("US");
    chat.country = some("United States");
    chat.region = some("CO");
    chat.city = some("Boulder");
    chat.latitude = Some(39.9147);
    chat.longitude = Some(-105.080_902);
    chat.source_id = Some(SourceId::Chat);
    chat.languages = vec![language("English", "en-US"), language("German", "de-DE")];
    chat.plugins = vec![variable("Flash", "10.0.45"), variable("Java", "1.6")];
    chat.javascript_variables = vec![variable("userid", "ab123456789")];
    chat.operator_variables = vec![variable("note", "this is a note entered by the agent")];
    chat.transcripts = vec![
        xml_line("jerome@snapengage.com", 27, "test", "Hello, "),
        xml_line("", 32, "visitor", "Hi,"),
        xml_line("", 41, "visitor", "This is a test."),
        xml_line("jerome@snapengage.com", 49, "test", "ok. thank's for testing. "),
    ];
    chat.chat_waittime = Some(2);
    chat.chat_duration = Some(15);
    chat
}

#[tokio::test]
async fn documented_json_is_read() {
    let mut expected = chat();
    expected.description = some("Testing the Integration API...");
    expected.page_url = some("http://www.snapengage.com/demo/integrationapi.html");
    expected.chat_ended_by = Some(ChatEndedBy::Agent);
    let lines = [
        line("", 154, "visitor", "Hola, "),
        line("jerome@snapengage.com", 456, "test", "Good day"),
        line("", 835, "visitor", "Esto es una prueba."),
    ];
    let [first, second, third] = lines;
    expected.transcripts = vec![
        translated(first, Sender::Visitor, ("en", "Hello,")),
        translated(second, Sender::Agent, ("es", "Buen día")),
        translated(third, Sender::Visitor, ("en", "This is a test.")),
    ];
    expected.labels = expected.operator_variables.clone();

    let request = Integration::received(sample("integration/chat.json")).await;
    assert_eq!(request, expected);
    assert_eq!(request.created_at(), millis(1_412_367_271_268));
    assert_eq!(request.transcripts[1].sent_at(), millis(1_412_367_271_456));
}

#[tokio::test]
async fn json_of_2018_is_read() {
    let mut expected = chat();
    expected.snapshot_image_url =
        some("https://www.snapengage.com/snapabug/ServiceImage?c=8b7c3b3b-f5d7-4e58-96d8");
    expected.description = some("Testing the Open API...");
    expected.page_url = some("http://www.snapengage.com/demo/postapi.html");
    expected.transcripts = vec![
        line("visitor@test.com", 154, "visitor", "Hello, "),
        line("jerome@snapengage.com", 456, "test", "Hi, "),
        line("vistor@test.com", 835, "visitor", "This is a test."),
    ];
    expected.plugins = vec![variable("Java", "1.2.3"), variable("Flash", "3.4.5")];
    assert_eq!(Integration::received(sample("integration/chat-2018.json")).await, expected);
}

#[tokio::test]
async fn documented_xml_is_read() {
    let mut expected = xml_chat();
    expected.description = some("Testing the Integration API...");
    expected.page_url = some("http://www.snapengage.com/demo/integrationapi.html>");
    expected.labels = vec![variable("note", "this is a note entered by the agent")];
    expected.referrer_url = some("http://refering.url/");
    expected.entry_url = some("http://entry.url/");

    let request = Integration::received(sample("integration/chat.xml")).await;
    assert_eq!(request, expected);
    assert_eq!(request.created_at(), millis(1_287_366_498_623));
    assert_eq!(request.transcripts[0].sent_at(), millis(1_287_366_507_000));
}

#[tokio::test]
async fn xml_of_2010_is_read() {
    let mut expected = xml_chat();
    expected.snapshot_image_url =
        some("http://www.snapengage.com/snapabug/ServiceImage?c=8b7c3b3b-f5d7-4e58-96d8");
    expected.description = some("Testing the Open API...");
    expected.page_url = some("http://www.snapengage.com/demo/postapi.html>");
    assert_eq!(Integration::received(sample("integration/chat-2010.xml")).await, expected);
}

#[tokio::test]
async fn offline_message_is_read() {
    let mut expected = SupportRequest::new(ID);
    expected.widget_id = Some("e8175843-d381-4d7c-aa9f-0da1610ad1b".into());
    expected.url = some("https://www.snapengage.com/viewcase?c=8b7c3b3b-f5d7-4e58-96d8");
    expected.kind = Some(RequestKind::Offline);
    expected.requested_by = some("unknown@example.com");
    let mut details = RequesterDetails::new();
    details.age = Some(0);
    expected.requester_details = Some(Box::new(details));
    expected.description = some("Please call me back.");
    expected.created_at_date = Some(Date::Text("Oct 3, 2014 2:14:31 PM".to_owned()));
    expected.created_at_seconds = Some(1_412_367_271);
    expected.created_at_milliseconds = Some(268);
    expected.proactive_chat = Some(false);
    expected.page_url = some("unknown");
    expected.entry_url = some("http://www.yoursite.com");
    expected.ip_address = some("67.174.108.196");
    expected.country_code = some("US");
    expected.country = some("United States");
    expected.region = some("16");
    expected.source_id = Some(SourceId::Offline);
    expected.chat_waittime = Some(0);
    expected.chat_duration = Some(0);
    assert_eq!(Integration::received(sample("integration/offline.json")).await, expected);
}

#[tokio::test]
async fn proactive_chat_is_read() {
    let at = |line: TranscriptLine, sender, seconds: i64, text: &str| {
        let mut line = line;
        line.alias = line.alias.filter(|alias| !alias.is_empty());
        line.sender = Some(sender);
        line.date_seconds = Some(1_412_367_271 + seconds);
        line.date = Some(Date::Text(text.to_owned()));
        line
    };
    let yes = line("", 0, "", "Yes, please");
    let may = line("bot@example.com", 268, "Robbie", "May I help you?");
    let over = line("", 5, "", "The chat timed out.");
    let mut expected = SupportRequest::new(ID);
    expected.widget_id = Some("e8175843-d381-4d7c-aa9f-0da1610ad1b".into());
    expected.url = some("https://www.snapengage.com/viewcase?c=8b7c3b3b-f5d7-4e58-96d8");
    expected.kind = Some(RequestKind::Chat);
    expected.requested_by = some("unknown");
    expected.description = some("May I help you?");
    expected.created_at_date = Some(Date::Text("Oct 3, 2014 2:14:31 PM".to_owned()));
    expected.created_at_seconds = Some(1_412_367_271);
    expected.created_at_milliseconds = Some(268);
    expected.proactive_chat = Some(true);
    expected.page_url = some("http://www.yoursite.com/pricing");
    expected.source_id = Some(SourceId::Proactive);
    expected.chat_waittime = Some(2);
    expected.chat_duration = Some(40);
    expected.chat_ended_by = Some(ChatEndedBy::TimedOut);
    expected.language_code = some("de");
    expected.transcripts = vec![
        at(yes, Sender::Visitor, 9, "Oct 3, 2014 2:14:40 PM"),
        at(may, Sender::Bot, 0, "Oct 3, 2014 2:14:31 PM"),
        at(over, Sender::System, 40, "Oct 3, 2014 2:15:11 PM"),
    ];
    assert_eq!(Integration::received(sample("integration/proactive.json")).await, expected);
}

fn logs_line(milliseconds: i64, message: &str) -> TranscriptLine {
    let mut line = TranscriptLine::new();
    line.date = millis(milliseconds).map(Date::Time);
    line.date_seconds = Some(milliseconds / 1000);
    line.date_milliseconds = Some(milliseconds % 1000);
    line.message = message.to_owned();
    line
}

#[tokio::test]
async fn case_in_the_form_of_the_logs_is_read() {
    let mut details = RequesterDetails::new();
    details.name = some("George");
    details.emails = vec!["visitor@example.com".to_owned()];
    details.social_profile_links =
        vec!["twitter,bloooppppppp,425240992,https://twitter.com/bloooppppppp".to_owned()];
    details.age = Some(0);
    let mut answer = logs_line(1_493_286_280_821, "hi");
    answer.id = some("wc:agent@example.com");
    answer.alias = some("Michael Cera!");
    let mut expected = SupportRequest::new("a7e91ae8-d4f4-4990-9da6-3b41fe072cc9");
    expected.url =
        some("https://www.snapengage.com/viewcase?c=a7e91ae8-d4f4-4990-9da6-3b41fe072cc9");
    expected.kind = Some(RequestKind::Chat);
    expected.requested_by = some("visitor@example.com");
    expected.requester_details = Some(Box::new(details));
    expected.description = some("hey");
    expected.created_at_date = millis(1_493_286_277_463).map(Date::Time);
    expected.created_at_seconds = Some(1_493_286_277);
    expected.created_at_milliseconds = Some(463);
    expected.proactive_chat = Some(false);
    expected.page_url = some("http://localhost:2000/");
    expected.entry_url = some("http://localhost:2000/");
    expected.ip_address = some("93.219.34.218");
    expected.user_agent = some(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_5) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/57.0.2987.133 Safari/537.36",
    );
    expected.browser = some("Chrome (57.0.2987.133)");
    expected.os = some("Apple OS X 10.10.5");
    expected.country_code = some("DE");
    expected.country = some("Germany");
    expected.region = some("BE");
    expected.city = some("Berlin");
    expected.latitude = Some(52.520_008);
    expected.longitude = Some(13.404_954);
    expected.source_id = Some(SourceId::Chat);
    expected.chat_waittime = Some(2);
    expected.chat_duration = Some(3);
    expected.chat_responded = Some(true);
    expected.chat_agent_id = Some("wc:agent@example.com".into());
    expected.chat_agent_alias = some("Michael Cera!");
    expected.survey_score = Some(100);
    expected.survey_comments = some("He was a good guy.");
    expected.language_code = some("en,en-US;q=0.8,pt;q=0.6");
    expected.transcripts = vec![logs_line(1_493_286_278_592, "hey"), answer];
    expected.javascript_variables =
        vec![variable("productName", "Der Blahster"), variable("productPrice", "$3.99")];
    expected.operator_variables = vec![variable("Label", "Labellabellabel")];
    expected.labels = vec![variable("Label", "Labellabellabel")];
    expected.destination_url = some("mailto:destination@example.com");
    expected.visitor_transcript_email = some("visitor@example.com");
    assert_eq!(Integration::received(sample("integration/logs-case.json")).await, expected);
}

#[tokio::test]
async fn dates_are_kept_and_times_taken_from_numbers() {
    for (path, date) in [
        ("date-comma", "Oct 3, 2014, 2:14:31 PM"),
        ("date-narrow-space", "Oct 3, 2014, 2:14:31\u{202f}PM"),
    ] {
        let request = Integration::received(sample(&format!("integration/{path}.json"))).await;
        assert_eq!(request.created_at_date, Some(Date::Text(date.to_owned())));
        assert_eq!(request.created_at(), millis(1_412_367_271_268));
        assert_eq!(request.transcripts[0].date, Some(Date::Text(date.to_owned())));
        assert_eq!(request.transcripts[0].sent_at(), millis(1_412_367_271_154));
    }
}

#[tokio::test]
async fn time_of_creation_is_taken_from_what_there_is() {
    for (fields, expected) in [
        (json!({}), None),
        (json!({ "created_at_date": "Oct 3, 2014 2:14:31 PM" }), millis(1_412_345_671_000)),
        (json!({ "created_at_date": "yesterday" }), None),
        (json!({ "created_at_milliseconds": 268 }), None),
        (json!({ "created_at_seconds": 1 }), millis(1_000)),
        (json!({ "created_at_seconds": 1, "created_at_milliseconds": 268 }), millis(1_268)),
        (json!({ "created_at_seconds": "1", "created_at_milliseconds": "268" }), millis(1_268)),
        (json!({ "created_at_date": 1_268 }), millis(1_268)),
        (json!({ "created_at_date": 1_268, "created_at_seconds": 2 }), millis(2_000)),
        (json!({ "created_at_date": 1_268, "created_at_seconds": -1 }), millis(1_268)),
        (json!({ "created_at_seconds": i64::MAX }), None),
        (json!({ "created_at_seconds": 1, "created_at_milliseconds": i64::MAX }), None),
    ] {
        let mut request = fields.clone();
        request["id"] = ID.into();
        assert_eq!(
            Integration::received(request.to_string()).await.created_at(),
            expected,
            "{fields}"
        );
    }
}

#[test]
fn kind_is_told_in_both_forms() {
    let is = |body: &str| {
        let request = SupportRequest::from_body(body.as_bytes()).expect("a support request");
        (request.is_offline(), request.is_proactive())
    };
    for (json, xml, expected) in [
        (r#"{"id":"1","type":"chat","source_id":2}"#, "<source_id>2</source_id>", (false, false)),
        (r#"{"id":"1","type":"offline"}"#, "<source_id>1</source_id>", (true, false)),
        (r#"{"id":"1","proactive_chat":true}"#, "<source_id> 3 </source_id>", (false, true)),
        (r#"{"id":"1"}"#, "<source_id>4</source_id>", (false, false)),
        (r#"{"id":"1","type":"chat","source_id":1}"#, "", (false, false)),
        (r#"{"id":"1","type":"new","source_id":1}"#, "<source_id>1</source_id>", (true, false)),
        (r#"{"id":"1","proactive_chat":false,"source_id":3}"#, "", (false, false)),
    ] {
        assert_eq!(is(json), expected, "{json}");
        assert!(xml.is_empty() || is(&case(xml)) == expected, "{xml}");
    }
}

#[test]
fn side_of_a_line_is_told_in_every_form() {
    for path in ["chat.json", "chat-2018.json", "chat.xml", "chat-2010.xml"] {
        let body = sample(&format!("integration/{path}"));
        let request = SupportRequest::from_body(&body).expect("a support request");
        assert!(!request.transcripts.is_empty(), "{path}");
        for line in request.transcripts {
            let is_visitor = line.alias.as_deref() == Some("visitor");
            assert_eq!(
                (line.is_from_visitor(), line.is_from_agent()),
                (is_visitor, !is_visitor),
                "{path}"
            );
        }
    }
    for (line, expected) in [
        (json!({ "sender": "BOT", "id": "bot" }), (false, false)),
        (json!({ "sender": "SYSTEM" }), (false, false)),
        (json!({ "sender": "NEW" }), (false, false)),
        (json!({ "sender": ["VISITOR"] }), (false, false)),
        (json!({ "sender": "AGENT" }), (false, true)),
        (json!({ "sender": "VISITOR", "id": "test@test.com" }), (true, false)),
        (json!({ "message": "Hi" }), (true, false)),
        (json!({ "id": "agent@example.com" }), (false, true)),
        (json!({ "id": ["agent@example.com"] }), (false, false)),
    ] {
        let body = json!({ "id": ID, "transcripts": [line] }).to_string();
        let request = SupportRequest::from_json(body.as_bytes()).expect("a support request");
        let read = &request.transcripts[0];
        assert_eq!((read.is_from_visitor(), read.is_from_agent()), expected, "{line}");
    }
}

#[tokio::test]
async fn escapes_of_gson_are_read() {
    let mut expected = SupportRequest::new(ID);
    expected.kind = Some(RequestKind::Chat);
    expected.description = some("What's the price of <Plan A> & <Plan B>?");
    expected.created_at_seconds = Some(1_412_367_271);
    expected.page_url = some("http://www.yoursite.com/plans?seats=5&term=year");
    expected.language_code = some("en-US,en;q=0.8");
    assert_eq!(Integration::received(sample("integration/chat-gson-escapes.json")).await, expected);
}

/// What all the XML made by us starts with.
fn xml_start() -> SupportRequest {
    let mut request = SupportRequest::new(ID);
    request.created_at_seconds = Some(1_287_366_498);
    request.created_at_milliseconds = Some(623);
    request
}

#[tokio::test]
async fn requester_details_are_read_from_xml() {
    let mut details = RequesterDetails::new();
    details.name = some("Jim Tester");
    details.emails = vec!["test@example.com".to_owned(), "jim@example.com".to_owned()];
    details.phones = vec!["555-555-1010".to_owned()];
    details.social_profile_links = vec!["www.facebook.com/jimatsnapengage".to_owned()];
    details.age = Some(44);
    let mut expected = xml_start();
    expected.requested_by = some("test@test.com");
    expected.requester_details = Some(Box::new(details));
    assert_eq!(Integration::received(sample("integration/requester-details.xml")).await, expected);
}

#[tokio::test]
async fn latin_1_is_read_where_it_is_declared() {
    let mut expected = xml_start();
    expected.description = some("Grüße aus Köln, ça va ?");
    expected.city = some("Köln");
    assert_eq!(Integration::received(sample("integration/iso-8859-1.xml")).await, expected);
}

#[tokio::test]
async fn code_of_a_language_is_found_wherever_it_may_be() {
    let mut expected = xml_start();
    expected.languages = vec![language("English", "en-US"), language("German", "de-DE")];
    for path in ["language-value", "language-text"] {
        assert_eq!(
            Integration::received(sample(&format!("integration/{path}.xml"))).await,
            expected,
            "{path}"
        );
    }
}

#[test]
fn empty_code_of_a_language_is_absent() {
    for content in ["<value></value>", "<value/>", "<code></code>", "<value></value><value/>"] {
        let language =
            format!("<languages><language><name>English</name>{content}</language></languages>");
        let read = xml(&language);
        assert_eq!(read.languages[0].code, None, "{content}");
        let written = serde_json::to_vec(&read).expect("JSON");
        assert_eq!(SupportRequest::from_json(&written).expect("a request"), read, "{content}");
    }
}

#[tokio::test]
async fn unknown_elements_are_kept() {
    let mut line = xml_line("", 32, "visitor", "Hi,");
    line.extra = [("mood".to_owned(), json!("calm"))].into();
    let mut expected = xml_start();
    expected.transcripts = vec![line];
    expected.extra = [
        ("priority".to_owned(), json!("3")),
        ("survey".to_owned(), json!({ "score": "80", "comment": "Quick & kind" })),
        ("tags".to_owned(), json!(["sales", "vip"])),
    ]
    .into();
    assert_eq!(Integration::received(sample("integration/unknown-elements.xml")).await, expected);
}

#[tokio::test]
async fn every_documented_value_is_known_and_others_are_kept() {
    async fn with(field: &str, value: Value) -> SupportRequest {
        Integration::received(json!({ "id": ID, field: value }).to_string()).await
    }
    for (text, kind) in [
        ("chat", RequestKind::Chat),
        ("offline", RequestKind::Offline),
        ("call", RequestKind::from("call")),
    ] {
        assert_eq!(with("type", json!(text)).await.kind, Some(kind));
    }
    for (text, ended_by) in [
        ("agent", ChatEndedBy::Agent),
        ("visitor", ChatEndedBy::Visitor),
        ("timed_out", ChatEndedBy::TimedOut),
        ("no_agents_found", ChatEndedBy::NoAgentsFound),
        ("Agent", ChatEndedBy::from("Agent")),
    ] {
        assert_eq!(with("chat_ended_by", json!(text)).await.chat_ended_by, Some(ended_by));
    }
    for (text, sender) in [
        ("SYSTEM", Sender::System),
        ("AGENT", Sender::Agent),
        ("BOT", Sender::Bot),
        ("VISITOR", Sender::Visitor),
        ("OWL", Sender::from("OWL")),
    ] {
        let request = with("transcripts", json!([{ "sender": text }])).await;
        assert_eq!(request.transcripts[0].sender, Some(sender));
    }
    for (number, source_id) in [
        (1, SourceId::Offline),
        (2, SourceId::Chat),
        (3, SourceId::Proactive),
        (0, SourceId::from(0)),
        (-4, SourceId::from(-4)),
    ] {
        assert_eq!(with("source_id", json!(number)).await.source_id, Some(source_id));
        let text = number.to_string();
        assert_eq!(with("source_id", json!(text)).await.source_id, Some(source_id));
        assert_eq!(source_id.as_i64(), number);
    }
}

#[tokio::test]
async fn request_is_handed_to_a_shared_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(seen.clone());
    assert_taken(Integration::answer(Arc::clone(&shared), MINIMAL).await);
    assert_eq!(seen.one(), SupportRequest::new(ID));
}

#[tokio::test]
async fn the_form_is_told_by_the_first_byte() {
    for (content_type, body) in [
        ("application/xml", MINIMAL.to_owned()),
        ("application/x-www-form-urlencoded", format!("\u{feff} \r\n\t{MINIMAL}")),
        ("application/json", case("")),
        ("application/json", format!("\u{feff}{}", case(""))),
        ("application/json", format!("\u{feff} \n<?xml version='1.0'?>\n{}", case(""))),
    ] {
        let seen = Seen::new();
        let mut request = post("/integration", body);
        let content_type = http::HeaderValue::from_static(content_type);
        request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        assert_taken(Integration::receiver(seen.clone()).handle(request).await);
        assert_eq!(seen.one(), SupportRequest::new(ID));
    }
}

#[tokio::test]
async fn log_names_the_case_and_nothing_said_in_it() {
    record_log();
    for path in ["integration/chat.json", "integration/chat.xml"] {
        Integration::received(sample(path)).await;
        let log = log();
        assert!(log.contains(r#"api="integration""#), "{log}");
        assert!(log.contains(ID), "{log}");
        for said in ["test@test.com", "Testing", "testing", "67.174", "jerome", "note entered"] {
            assert!(!log.contains(said), "{said}: {log}");
        }
    }
}

#[tokio::test]
async fn request_without_id_is_refused() {
    for (body, message) in [
        ("{}", "missing field `id` at line 1 column 2"),
        (r#"{"id":""}"#, "missing field `id` at line 1 column 9"),
        (r#"{"id":null,"type":"chat"}"#, "missing field `id` at line 1 column 25"),
        (r#"{"id":{"SECRET":1}}"#, "field `id` is not of the documented type at line 1 column 19"),
        ("<case/>", "missing field `id` at line 1 column 7"),
        ("<case></case>", "missing field `id` at line 1 column 13"),
        ("<case>\n<id></id>\n<id/></case>", "missing field `id` at line 3 column 12"),
        ("<case><ID>SECRET</ID></case>", "missing field `id` at line 1 column 28"),
        (
            "<case><id><SECRET>1</SECRET></id></case>",
            "field `id` is not of the documented type at line 1 column 33",
        ),
    ] {
        let response = Integration::answer(Seen::new(), body).await;
        assert_refused(response, 400, &format!("support request: {message}"));
    }
}

#[tokio::test]
async fn id_in_xml_is_bounded() {
    let request = format!("<case><id>{}</id></case>", "x".repeat(257));
    let response = Integration::answer(Seen::new(), request).await;
    assert_eq!(response.status(), 400);
    assert!(body(response).contains("field `id` is longer than 256 bytes"));
}

#[tokio::test]
async fn long_texts_are_read_and_long_names_kept() {
    let longer = "x".repeat(257);
    let request = json!({ "id": ID, "type": longer, "widget_id": longer, "city": longer });
    let read = Integration::received(request.to_string()).await;
    assert_eq!((&read.kind, &read.widget_id, read.city.as_ref()), (&None, &None, Some(&longer)));
    assert_eq!(serde_json::to_value(read).ok(), Some(request));
}

#[tokio::test]
async fn numeric_ids_are_read() {
    let request =
        Integration::received(r#"{"id":9223372036854775807,"widget_id":-1,"chat_agent_id":7}"#)
            .await;
    let mut expected = SupportRequest::new("9223372036854775807");
    expected.widget_id = Some("-1".into());
    expected.chat_agent_id = Some("7".into());
    assert_eq!(request, expected);
}

#[test]
fn largest_numbers_are_read_as_their_text_is() {
    let (id, long) = (u64::MAX, i64::MAX);
    let as_text = json!({ "id": id.to_string(), "chat_duration": long.to_string() });
    let as_number = json!({ "id": id, "chat_duration": long });
    let read = SupportRequest::from_json(as_text.to_string().as_bytes());
    assert_eq!(SupportRequest::from_json(as_number.to_string().as_bytes()), read);
    let mut expected = SupportRequest::new("18446744073709551615");
    expected.chat_duration = Some(long);
    assert_eq!(read, Ok(expected));

    let longer = r#"{"id":123456789012345678901234567890,"chat_duration":9223372036854775808}"#;
    let read = SupportRequest::from_json(longer.as_bytes()).expect("a support request");
    assert_eq!(read.id, "123456789012345678901234567890");
    assert_eq!(
        read.extra,
        [("chat_duration".to_owned(), json!(9_223_372_036_854_775_808_u64))].into()
    );
}

#[tokio::test]
async fn numbers_and_booleans_may_come_as_text() {
    let request = json!({
        "id": ID,
        "created_at_seconds": "1412367271",
        "created_at_milliseconds": "268",
        "proactive_chat": "true",
        "chat_responded": " false ",
        "latitude": "39.914700",
        "longitude": "-105",
        "chat_waittime": "2",
        "chat_duration": 15.0,
        "survey_score": "75",
        "requester_details": { "age": "44" },
        "transcripts": [{ "date_seconds": "1412367271", "date_milliseconds": "5" }],
    });
    let request = Integration::received(request.to_string()).await;
    assert_eq!(request.created_at(), millis(1_412_367_271_268));
    assert_eq!(request.proactive_chat, Some(true));
    assert_eq!(request.chat_responded, Some(false));
    assert_eq!((request.latitude, request.longitude), (Some(39.9147), Some(-105.0)));
    assert_eq!((request.chat_waittime, request.chat_duration), (Some(2), Some(15)));
    assert_eq!(request.survey_score, Some(75));
    assert_eq!(request.requester_details.and_then(|details| details.age), Some(44));
    assert_eq!(request.transcripts[0].sent_at(), millis(1_412_367_271_005));
    assert!(request.extra.is_empty());
}

#[tokio::test]
async fn empty_lists_are_absent() {
    let empty = r#"{"id":"8b7c3b3b-f5d7-4e58-96d8","transcripts":[],"labels":[null]}"#;
    assert_eq!(Integration::received(empty).await, SupportRequest::new(ID));
}

#[tokio::test]
async fn one_odd_line_keeps_the_whole_transcript_unread() {
    let transcripts = json!([{ "message": "Hi", "sender": "VISITOR" }, "SECRET", { "message": 1 }]);
    let request = json!({ "id": ID, "transcripts": transcripts, "city": "Boulder" });
    let read = Integration::received(request.to_string()).await;
    assert_eq!(read.transcripts, []);
    assert_eq!(serde_json::to_value(read).ok(), Some(request));
}

#[test]
fn of_an_element_that_comes_twice_the_last_counts() {
    let request = xml(
        "<city>A</city><transcripts><transcript><message>a</message></transcript></transcripts>\
        <city>B</city><transcripts><transcript><message>b</message></transcript></transcripts>",
    );
    assert_eq!(request.city, some("B"));
    assert_eq!(request.transcripts[0].message, "b");
    let expected = [
        ("city (others)".to_owned(), json!(["A"])),
        ("transcripts (others)".to_owned(), json!([[{ "message": "a" }]])),
    ];
    assert_eq!(request.extra, expected.into());
}

#[tokio::test]
async fn other_data_may_be_anything() {
    let other_data = json!([{ "a": [1, null] }, ["b"], "c", 4, 0.5, true, u64::MAX]);
    let request = json!({ "id": ID, "requester_details": { "other_data": other_data } });
    let details =
        Integration::received(request.to_string()).await.requester_details.expect("details");
    assert_eq!(Value::from(details.other_data), other_data);
}

#[tokio::test]
async fn code_of_a_language_wins_over_what_stands_beside_it() {
    let code = "<name>German</name><code>de-DE</code>";
    let languages = |content: &str| {
        xml(&format!("<languages><language>{content}</language></languages>")).languages
    };
    for beside in ["<value>1</value>", "Deutsch"] {
        let after = languages(&format!("{code}{beside}"));
        assert_eq!(after[0].code, some("de-DE"), "{beside} after the code");
        let before = languages(&format!("{beside}{code}"));
        assert_eq!(before[0].code, some("de-DE"), "{beside} before the code");
    }
    let json = json!({ "id": ID, "languages": [{ "code": "de-DE", "value": "1" }] });
    let read = Integration::received(json.to_string()).await;
    assert_eq!(serde_json::to_value(read).ok(), Some(json), "nothing of the JSON may be lost");
}

#[test]
fn white_space_is_layout_around_cdata_alone() {
    for (content, expected) in [
        ("\n <![CDATA[ a ]]>\n ", " a "),
        ("\n<![CDATA[a]]>\n<![CDATA[b]]>\n", "ab"),
        ("\n<![CDATA[a]]]]>\n<![CDATA[>b]]>\n", "a]]>b"),
        (" <![CDATA[a]]> b ", "a b "),
        (" a <![CDATA[ b]]> ", " a  b"),
        ("<![CDATA[a]]> &amp; <![CDATA[b]]>", "a & b"),
        ("&#32;<![CDATA[a]]>&#32;", " a "),
        (" <!-- --> <![CDATA[a]]>", "a"),
        (" <![CDATA[ ]]> ", " "),
        (" a ", " a "),
        (" &lt; ", " < "),
    ] {
        let description = xml(&format!("<description>{content}</description>")).description;
        assert_eq!(description.as_deref(), Some(expected), "{content}");
    }
    let empty = xml("<description>\n <![CDATA[]]>\n </description>");
    assert_eq!(empty.description, None);
}

#[test]
fn white_space_around_ids_and_addresses_is_layout() {
    let document = "<case><id>\n 1&amp; </id><requested_by> a@b.c\n</requested_by><type> chat </type>\
        <transcripts><transcript><id> a </id><alias>\tAnn Lee </alias><message> hi </message>\
        <other> a </other></transcript></transcripts></case>";
    let request = SupportRequest::from_body(document.as_bytes()).expect("a support request");
    assert_eq!(request.id, "1&");
    assert_eq!(request.requested_by, some("a@b.c"));
    assert_eq!(request.kind, Some(RequestKind::Chat));
    let line = &request.transcripts[0];
    assert_eq!((line.id.as_deref(), line.alias.as_deref()), (Some("a"), Some("Ann Lee")));
    assert_eq!(line.message, " hi ");
    assert_eq!(line.extra["other"], " a ");
}

#[test]
fn text_in_xml_is_what_it_stands_for() {
    for (content, expected) in [
        ("a &lt;b&gt; &amp; &quot;c&apos;", "a <b> & \"c'"),
        ("&#72;&#x69;&#x1F600;", "Hi\u{1f600}"),
        ("<![CDATA[<b>&amp;]]>", "<b>&amp;"),
        ("<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b"),
        ("a<![CDATA[ b ]]>c", "a b c"),
        ("a<!-- <b>SECRET</b> -->b", "ab"),
        ("a<?php SECRET > ?>b", "ab"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("<![CDATA[a\r\nb]]>", "a\nb"),
        (" a ", " a "),
        ("a > b", "a > b"),
        ("ü\u{202f}\u{1f600}", "ü\u{202f}\u{1f600}"),
        ("&amp;lt;", "&lt;"),
    ] {
        let read = xml(&format!("<description>{content}</description>")).description;
        assert_eq!(read, some(expected), "{content}");
    }
}

#[test]
fn elements_without_content_are_absent() {
    for content in [
        "<description></description><plugins type=\"array\"></plugins>",
        "<description/><plugins type=\"array\"/><chat_waittime type=\"integer\"/>",
        "<description><![CDATA[]]></description><transcripts/>",
        "<description><!-- SECRET --></description><requester_details/>",
    ] {
        assert_eq!(xml(content), SupportRequest::new(ID), "{content}");
    }
}

#[test]
fn white_space_where_elements_or_numbers_should_be_is_absent() {
    for content in [
        "<plugins type=\"array\">\n  </plugins>",
        "<transcripts type=\"array\"> <!-- none --> </transcripts>",
        "<requester_details>\n  </requester_details>",
        "<chat_waittime type=\"integer\"> </chat_waittime>",
    ] {
        assert_eq!(xml(content), SupportRequest::new(ID), "{content}");
    }
}

#[test]
fn numbers_and_booleans_are_read_from_xml() {
    let request = xml("<latitude>\n39.914700\n</latitude><proactive_chat>true</proactive_chat>\
                       <chat_duration type=\"integer\"><![CDATA[ 15 ]]></chat_duration>");
    let mut expected = SupportRequest::new(ID);
    expected.latitude = Some(39.9147);
    expected.proactive_chat = Some(true);
    expected.chat_duration = Some(15);
    assert_eq!(request, expected);
}

#[tokio::test]
async fn odd_values_in_xml_are_kept_and_warned_about_by_name() {
    record_log();
    let document = case(
        "<latitude>SECRET</latitude><source_id type=\"integer\">2.5</source_id>\
         <survey_score>101st</survey_score><city><name>SECRET</name></city>\
         <labels>SECRET</labels><created_at type=\"datetime\">SECRET</created_at>\
         <transcripts><transcript><date_seconds>SECRET</date_seconds></transcript></transcripts>",
    );
    let read = Integration::received(document).await;
    let mut line = TranscriptLine::new();
    line.extra = [("date_seconds".to_owned(), json!("SECRET"))].into();
    let mut expected = SupportRequest::new(ID);
    expected.transcripts = vec![line];
    expected.extra = [
        ("latitude".to_owned(), json!("SECRET")),
        ("source_id".to_owned(), json!("2.5")),
        ("survey_score".to_owned(), json!("101st")),
        ("city".to_owned(), json!({ "name": "SECRET" })),
        ("labels".to_owned(), json!("SECRET")),
        ("created_at".to_owned(), json!("SECRET")),
    ]
    .into();
    assert_eq!(read, expected);

    let log = log();
    let fields = r#"fields="city, latitude, source_id, survey_score, labels, date_seconds""#;
    assert!(log.contains(fields), "{log}");
    assert_tells_no_secret("log", &log);
}

#[test]
fn repeated_and_mixed_unknown_elements_are_kept() {
    let request = xml("<a>1</a><a><b>2</b><b/></a> and so on <c type='array'> <d>3</d> more</c>");
    let expected = [
        ("a".to_owned(), json!(["1", { "b": ["2", ""] }])),
        ("c".to_owned(), json!(["3", "more"])),
        ("$text".to_owned(), json!("and so on")),
    ];
    assert_eq!(request.extra, expected.into());
}

#[test]
fn only_comments_and_the_like_may_stand_around_the_case() {
    let case = case("");
    for (before, after) in [
        ("<?xml version=\"1.0\"?>", ""),
        ("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n", "\r\n"),
        ("<!-- SECRET --><?SECRET?>\n", "\n<!-- </case> --> <?SECRET?>"),
        ("\n\t <?xml version='1.0' encoding='US-ASCII'?>", ""),
    ] {
        let document = format!("{before}{case}{after}");
        assert_eq!(
            SupportRequest::from_body(document.as_bytes()),
            Ok(SupportRequest::new(ID)),
            "{document}"
        );
    }
}

#[test]
fn anything_else_around_the_case_is_refused() {
    let case = case("");
    let nothing_after = "expected nothing after the element `case`";
    let nothing_before = "expected the element `case` and nothing before it";
    let text_outside = "text outside the element `case`";
    for (before, after, problem) in [
        ("", "<case/>", nothing_after),
        ("", "<case><id>SECRET</id></case>", nothing_after),
        ("", "<SECRET>", nothing_after),
        ("", "SECRET", nothing_after),
        ("", "\n \u{a0}", nothing_after),
        ("", "<![CDATA[SECRET]]>", text_outside),
        ("", "<![CDATA[]]>", text_outside),
        ("", "&#32;", text_outside),
        ("", "&SECRET;", text_outside),
        ("", "</case>", "end tag without its start tag"),
        ("", "</SECRET>", "end tag without its start tag"),
        ("", "<!DOCTYPE case>", "DOCTYPE is not accepted"),
        ("", "<?xml version=\"1.0\"?>", "XML declaration in the middle"),
        ("", "{}", nothing_after),
        ("<SECRET/>", "", nothing_before),
        ("<SECRET>", "</SECRET>", nothing_before),
        ("<CASE>", "</CASE>", nothing_before),
        ("<!-- --> SECRET", "", nothing_before),
        ("<?SECRET?>\u{a0}", "", nothing_before),
        ("<![CDATA[SECRET]]>", "", text_outside),
        ("<!-- -->&lt;", "", text_outside),
        ("<!-- --><?xml version=\"1.0\"?>", "", "XML declaration in the middle"),
        ("<!DOCTYPE case>", "", "DOCTYPE is not accepted"),
    ] {
        let document = format!("{before}{case}{after}");
        let read =
            SupportRequest::from_body(document.as_bytes()).map_err(|error| error.to_string());
        let expected = format!("support request: {problem} at line ");
        assert!(
            read.as_ref().is_err_and(|error| error.starts_with(&expected)),
            "{document}: {read:?}"
        );
    }
}

#[test]
fn document_type_is_refused_before_anything_of_it_is_used() {
    let case = case("&SECRET;");
    for doctype in [
        "<!DOCTYPE case SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE case PUBLIC \"-//SECRET\" \"http://example.com/case.dtd\">",
        "<!DOCTYPE case [<!ENTITY SECRET \"SECRET\">]>",
        "<!DOCTYPE case [<!ENTITY a \"aa\"><!ENTITY SECRET \"&a;&a;\"> ]>",
        "<!doctype case>",
    ] {
        let document = format!("<?xml version=\"1.0\"?>{doctype}{case}");
        let error =
            SupportRequest::from_body(document.as_bytes()).map_err(|error| error.to_string());
        let error = error.expect_err("a document type");
        assert_eq!(
            error,
            format!(
                "support request: DOCTYPE is not accepted at line 1 column {}",
                21 + doctype.len()
            )
        );
    }
}

#[test]
fn xml_that_is_not_well_formed_is_refused() {
    for (content, problem) in [
        ("<SECRET>", "end tag without its start tag"),
        ("<SECRET></secret>", "end tag without its start tag"),
        ("</SECRET>", "end tag without its start tag"),
        ("<a><b></a></b>", "end tag without its start tag"),
        ("&SECRET;", "unknown entity"),
        ("<a>&nbsp;</a>", "unknown entity"),
        ("&SECRET", "`&` without `;`"),
        ("a & b", "`&` without `;`"),
        ("&#SECRET;", "malformed character reference"),
        ("&#xD800;", "malformed character reference"),
        ("&#0;", "malformed character reference"),
        ("&#x110000;", "malformed character reference"),
        ("&;", "unknown entity"),
        ("<a SECRET>1</a>", "malformed attribute"),
        ("<a b=SECRET>1</a>", "malformed attribute"),
        ("<a b='SECRET' b='1'>1</a>", "malformed attribute"),
        ("<a b='1'c>1</a>", "malformed attribute"),
        ("<>1</>", "element without a name"),
        ("< a>1</ a>", "malformed attribute"),
        ("<!-- SECRET -- -->", "`--` in a comment"),
        ("<?xml version='1.0'?>", "XML declaration in the middle"),
        ("<!DOCTYPE case>", "DOCTYPE is not accepted"),
    ] {
        let document = case(content);
        let read =
            SupportRequest::from_body(document.as_bytes()).map_err(|error| error.to_string());
        let expected = format!("support request: {problem} at line 1 column ");
        assert!(
            read.as_ref().is_err_and(|error| error.starts_with(&expected)),
            "{content}: {read:?}"
        );
    }
}

#[test]
fn place_of_a_mistake_in_xml_is_told() {
    assert_xml_refused(
        "<case>\n  <id>1</di>\n</case>",
        "end tag without its start tag at line 2 column 12",
    );
    assert_xml_refused(
        "\u{feff}\n<case>\n<id>&x;</id></case>",
        "unknown entity at line 3 column 7",
    );
    assert_xml_refused("<case>\n<id>1</id>\n", "the XML ends too early at line 3 column 0");
    assert_xml_refused("<", "the XML ends too early, or is malformed at line 1 column 0");
    assert_xml_refused("<!-- -->", "expected the element `case`, found nothing at line 1 column 8");
}

#[test]
fn nesting_of_xml_is_bounded() {
    let deep = |levels: usize| case(&format!("{}1{}", "<a>".repeat(levels), "</a>".repeat(levels)));
    for levels in [1, 126, 127] {
        let mut value = &xml_value(&deep(levels));
        for _ in 0..levels {
            value = &value["a"];
        }
        assert_eq!(value, "1");
    }
    for levels in [128, 129, 200, 100_000] {
        assert_xml_refused(deep(levels), "nested deeper than 128 at line 1 column 422");
    }
    assert_xml_refused(
        "<a>".repeat(100_000),
        "expected the element `case` and nothing before it at line 1 column 3",
    );
    assert_xml_refused("<case>".repeat(100_000), "nested deeper than 128 at line 1 column 774");
    let empty = case(&format!("{}<a/>{}", "<a>".repeat(127), "</a>".repeat(127)));
    assert_xml_refused(empty, "nested deeper than 128 at line 1 column 423");
}

#[track_caller]
fn xml_value(document: &str) -> Value {
    let request = SupportRequest::from_xml(document.as_bytes()).expect("a support request");
    serde_json::to_value(request).expect("a model that is written")
}

#[test]
fn deep_xml_can_be_written_and_read_back_as_json() -> Result<(), DecodeError> {
    let document = case(&format!("{}1{}", "<a>".repeat(126), "</a>".repeat(126)));
    let request = SupportRequest::from_xml(document.as_bytes())?;
    let json = serde_json::to_vec(&request).expect("a model that is written");
    assert_eq!(SupportRequest::from_json(&json)?, request);
    Ok(())
}

#[test]
fn declared_encoding_is_believed_where_it_is_known() {
    let declared = |encoding: &str, city: &[u8]| {
        let start = format!("<?xml version=\"1.0\" encoding={encoding}?><case><id>1</id><city>");
        let document = [start.as_bytes(), city, b"</city></case>"].concat();
        SupportRequest::from_body(&document).expect("a support request").city
    };
    for encoding in ["\"ISO-8859-1\"", "'iso-8859-1'", "\"Latin1\"", "\"windows-1252\""] {
        assert_eq!(declared(encoding, b"K\xf6ln \x80"), some("Köln €"), "{encoding}");
    }
    for encoding in ["\"UTF-8\"", "'utf-8'", "\"UTF8\"", "\"UTF-16\"", "\"SECRET\"", "\"\""] {
        assert_eq!(declared(encoding, "Köln".as_bytes()), some("Köln"), "{encoding}");
        assert_eq!(declared(encoding, b"K\xf6ln"), some("K\u{fffd}ln"), "{encoding}");
    }
}

#[test]
fn byte_order_mark_overrules_the_declaration() {
    let document = "\u{feff}<?xml version='1.0' encoding='ISO-8859-1'?><case><id>1</id><city>Köln</city></case>";
    let request = SupportRequest::from_body(document.as_bytes()).expect("a support request");
    assert_eq!(request.city, some("Köln"));
}

#[test]
fn mistake_is_placed_in_the_body_sent() {
    let problem = "unknown entity at line 2 column 8";
    assert_xml_refused(b"<case>\n\xf6\xf6\xf6&SEC;", problem);
    let declared = b"<?xml version='1.0' encoding='latin1'?><case>\n\xf6\xf6\xf6&SEC;";
    assert_xml_refused(declared, "unknown entity at line 2 column 8");
}

#[test]
fn utf_16_is_refused() {
    for marked in ["", "\u{feff}"] {
        for document in [case(""), json!({ "id": ID }).to_string()] {
            let units: Vec<u16> = format!("{marked}{document}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().copied().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units.iter().copied().flat_map(u16::to_be_bytes).collect();
            assert_xml_refused(little, "expected UTF-8, found UTF-16");
            assert_xml_refused(big, "expected UTF-8, found UTF-16");
        }
    }
}

#[test]
fn halves_in_xml_are_a_character_only_together() {
    for content in ["&#55357;&#56832;", "&#xD83D;&#xde00;", "a&#55357;&#xDE00;b"] {
        let city = xml(&format!("<city>{content}</city>")).city.expect("a city");
        assert_eq!(city.trim_matches(['a', 'b']), "\u{1f600}", "{content}");
    }
    for content in [
        "&#55357;",
        "&#56832;",
        "&#56832;&#55357;",
        "&#55357; &#56832;",
        "&#55357;&#55357;&#56832;",
        "&#55357;&amp;",
        "&#55357;<![CDATA[&#56832;]]>",
        "&#55357;&#+56832;",
    ] {
        let document = case(&format!("<city>{content}</city>"));
        let read = SupportRequest::from_body(document.as_bytes());
        let error = read.expect_err("half a pair").to_string();
        assert!(error.contains("malformed character reference at line 1"), "{content}: {error}");
    }
}

#[test]
fn xml_with_any_one_byte_changed_is_read_or_refused() {
    let document = sample("integration/requester-details.xml").to_vec();
    for position in 0..document.len() {
        for byte in *b"<>&\"'/ !?[]-\0\xff\xc3" {
            let mut changed = document.clone();
            changed[position] = byte;
            if let Err(error) = SupportRequest::from_body(&changed) {
                assert!(error.to_string().len() <= 256, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn refusals_and_the_log_repeat_nothing_of_xml() {
    record_log();
    let receiver = Integration::receiver(integration::from_fn(|_| async { Ok(()) }));
    let document = sample("integration/requester-details.xml");
    let document = text(&document);
    let inserted = [
        "SECRET",
        "<SECRET>",
        "</SECRET>",
        "<SECRET/>",
        "<SECRET SECRET='SECRET'>SECRET</SECRET>",
        " SECRET='SECRET' ",
        "&SECRET;",
        "&#SECRET;",
        "&SECRET",
        "<![CDATA[SECRET]]>",
        "<![CDATA[SECRET",
        "<!-- SECRET -->",
        "<!-- SECRET -- -->",
        "<!-- SECRET",
        "<?SECRET SECRET?>",
        "<?SECRET",
        "<!DOCTYPE SECRET>",
        "<!SECRET>",
        "<?xml version='SECRET' encoding='SECRET'?>",
    ];
    let places = document.match_indices(['<', '>', '\n']).map(|(place, _)| place);
    for (place, inserted) in places.flat_map(|place| inserted.map(|inserted| (place, inserted))) {
        for place in [place, place + 1] {
            let (start, end) = document.split_at(place);
            let request = format!("{start}{inserted}{end}");
            let id = SupportRequest::from_body(request.as_bytes()).map(|request| request.id);
            let response = receiver.handle(post("/integration", request.clone())).await;
            let logged = log();
            assert_eq!(response.status(), if id.is_ok() { 200 } else { 400 }, "{request}");
            assert_tells_no_secret(&request, &body(response));
            if id.is_err() || id.is_ok_and(|id| !id.as_str().contains(SECRET)) {
                assert_tells_no_secret(&request, &logged);
            }
        }
    }
}

#[test]
fn messages_of_refusals_are_short() {
    let long = "x".repeat(100_000);
    for document in [
        format!("<case><{long}></case>"),
        format!("<{long}/>"),
        format!("<case>&{long};</case>"),
        format!("<case {long}></case>"),
        format!("{{\"{long}\":{long}}}"),
        format!("{{\"id\":[\"{long}\"]}}"),
    ] {
        let error = SupportRequest::from_body(document.as_bytes()).expect_err("a refusal");
        assert!(error.to_string().len() <= 256, "{error}");
    }
}
