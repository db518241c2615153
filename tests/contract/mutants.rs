//! Samples with a value changed: the validators agree, and the contract says what is read.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snapengage::agent_status::StatusChange;
use snapengage::client::{
    Availability, AvailabilityAnswer, LogPage, PolledLines, SaidMessage, StartedChat, User, Widget,
};
use snapengage::contract::ContractReading;
use snapengage::integration::SupportRequest;
use snapengage::{DecodeError, bot, conversation, hub};

use crate::payloads::*;
use crate::validators::{Cases, Payload, validator};

const MUTANTS: usize = 2000;

/// Sample with a value changed.
struct Mutant {
    name: String,
    payload: Payload,
    json: Value,
}

/// Returns the same mutants at every run.
fn mutants() -> Vec<Mutant> {
    let values = [
        json!(null),
        json!(""),
        json!(" "),
        json!("x"),
        json!("12"),
        json!("-3"),
        json!("1.5"),
        json!("TRUE"),
        json!("0"),
        json!(true),
        json!(0),
        json!(1),
        json!(7),
        json!(-1),
        json!(1.5),
        json!([]),
        json!({}),
        json!(["x"]),
        json!([null, 3]),
        json!([[]]),
        json!({ "x": 1 }),
    ];
    let mut samples = all();
    samples.retain(|sample| ![QUERY, REPLY].contains(&sample.payload) && !is_request(sample));
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    let mut dice = 7_u64;
    let mut roll = move |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).expect("31 bits") % sides
    };
    let mutant = |_| {
        let sample = &samples[roll(samples.len())];
        let mut json = sample.json.clone();
        let places = places(&json, "");
        let place = &places[roll(places.len())];
        let value = values[roll(values.len())].clone();
        let name = format!("{} with {value} in {place}", sample.name);
        *json.pointer_mut(place).expect("a place") = value;
        Mutant { name, payload: sample.payload.clone(), json }
    };
    (0..MUTANTS).map(mutant).collect()
}

/// Requests to SnapEngage are written, and read by no one but a program.
fn is_request(sample: &SamplePayload) -> bool {
    [UPDATE, NEW_USER, USER_UPDATE, NEW_WIDGET, WIDGET_UPDATE].contains(&sample.payload)
}

fn places(value: &Value, at: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = format!("{at}/{name}");
        places.extend(self::places(value, &place));
        places.push(place);
    }
    for (n, value) in value.as_array().into_iter().flatten().enumerate() {
        places.extend(self::places(value, &format!("{at}/{n}")));
    }
    places
}

#[test]
fn both_validators_agree_on_2000_mutants() {
    let mut cases = Cases::default();
    let mut validators = Validators::default();
    for Mutant { name, payload, json } in mutants() {
        let is_valid = validators.is_valid(&payload, ContractReading::Accepted, &json);
        cases.add(name, (&payload, ContractReading::Accepted), json, is_valid);
    }
    let valid = cases.in_rust().into_iter().filter(|is_valid| *is_valid).count();
    assert!((300..MUTANTS - 300).contains(&valid), "{valid}");
    cases.assert_both();
}

/// What is read whole, every field in its place, is written as documented.
#[test]
fn what_is_accepted_is_read_and_written_as_documented() {
    let mut wrong = Vec::new();
    let mut validators = Validators::default();
    for Mutant { name, payload, json } in mutants() {
        let is_accepted = validators.is_valid(&payload, ContractReading::Accepted, &json);
        let written = written(&payload, &json);
        let is_documented =
            |written: &Value| validators.is_valid(&payload, ContractReading::Documented, written);
        let is_read = written.as_ref().is_some_and(is_documented);
        if is_accepted != is_read {
            wrong.push(format!("{name}: accepted {is_accepted}, read {is_read}: {written:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {MUTANTS}: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn an_id_or_a_name_longer_than_256_is_not_accepted() {
    let mut cases = Cases::default();
    let long = "x".repeat(257);
    for (payload, body) in [
        (&BOT_EVENT, json!({ "event": long, "case_id": "c", "widget_id": "w" })),
        (&BOT_EVENT, json!({ "event": "message", "case_id": long, "widget_id": "w" })),
        (&CHANGE, json!({ "agent_id": "a", "status": long })),
        (&REQUEST, json!({ "id": long })),
        (&HUB_EVENT, json!({ "type": long, "conversationId": "c" })),
    ] {
        assert_eq!(written(payload, &body), None, "{body}");
        let shorter = body.to_string().replace(&long, &long[1..]);
        let shorter: Value = serde_json::from_str(&shorter).expect("JSON");
        assert!(written(payload, &shorter).is_some(), "{shorter}");
        cases.add("257 bytes", (payload, ContractReading::Accepted), body, false);
        cases.add("256 bytes", (payload, ContractReading::Accepted), shorter, true);
    }
    cases.assert_both();
}

/// Validators of payloads, each made once.
#[derive(Default)]
struct Validators(BTreeMap<(Payload, bool), Validator>);

impl Validators {
    fn is_valid(&mut self, payload: &Payload, reading: ContractReading, value: &Value) -> bool {
        let key = (payload.clone(), reading == ContractReading::Accepted);
        let new = || validator(&payload.schema(reading));
        self.0.entry(key).or_insert_with(new).is_valid(value)
    }
}

/// Returns what this crate writes of what it reads.
fn written(payload: &Payload, json: &Value) -> Option<Value> {
    fn read<T: Serialize>(read: Result<T, DecodeError>) -> Option<Value> {
        read.ok().map(|read| serde_json::to_value(read).expect("JSON"))
    }
    fn plainly<T: Serialize + DeserializeOwned>(json: &Value) -> Option<Value> {
        let read = serde_json::from_value::<T>(json.clone()).ok()?;
        Some(serde_json::to_value(read).expect("JSON"))
    }
    let body = json.to_string();
    let body = body.as_bytes();
    match payload.definition {
        "BotEvent" => read(bot::Event::from_json(body)),
        "ConversationEvent" => read(conversation::Event::from_json(body)),
        "StatusChange" => read(StatusChange::from_json(body)),
        "SupportRequest" => read(SupportRequest::from_json(body)),
        "HubEvent" => read(hub::Event::from_json(body)),
        "HubAction" => read(hub::Action::from_json(body)),
        "LogPage" => plainly::<LogPage>(json),
        "User" => plainly::<User>(json),
        "Widget" => plainly::<Widget>(json),
        "Availability" => plainly::<Availability>(json),
        "StartedChat" => plainly::<StartedChat>(json),
        "SaidMessage" => plainly::<SaidMessage>(json),
        "PolledLines" => plainly::<PolledLines>(json),
        "AvailabilityAnswer" => plainly::<AvailabilityAnswer>(json),
        other => panic!("{other}: not read here"),
    }
}
