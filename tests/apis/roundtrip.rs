//! What is read is written back without loss, whatever it was.
//!
//! Documents are generated from tables of the vendor's fields: of the documented type, of another
//! one, absent, empty, with numbers as text, and with fields that nobody documented.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Number, Value};
use snapengage::agent_status::StatusChange;
use snapengage::bot::{self, Button, Card, Cards, Command, Content, Label, Layout, Reply};
use snapengage::contact::Query;
use snapengage::integration::SupportRequest;
use snapengage::{DecodeError, conversation};

/// What the vendor says of a field.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Id,
    Integer,
    Float,
    Bool,
    /// Text, or epoch milliseconds.
    Date,
    Anything,
    /// An object of texts.
    Texts,
    Object(&'static [Field]),
    List(&'static Kind),
}

type Field = (&'static str, Kind);

/// One API: how it is read, what has to be there and what may be.
struct Api {
    read: fn(&[u8]) -> Result<Value, DecodeError>,
    event: Option<&'static str>,
    required: &'static [Field],
    optional: &'static [Field],
}

use Kind::{Anything, Bool, Date, Float, Id, Integer, List, Object, Text, Texts};

const IDS: &[Field] = &[("widget_id", Id), ("case_id", Id)];

const VARIABLES: Kind = List(&Object(&[("name", Text), ("value", Text)]));

const APIS: &[Api] = &[
    Api {
        read: |body| bot::Event::from_json(body).map(written_again),
        event: Some("chatStarted"),
        required: IDS,
        optional: &[
            ("timestamp", Integer),
            ("email", Text),
            ("proactive_message", Text),
            ("description", Text),
            ("text", Text),
            ("tags", Text),
            ("geo", Object(&[("city", Text), ("region", Text), ("country_code", Text)])),
            ("user_agent", Text),
            ("entry_url", Text),
            ("referrer_url", Text),
            ("page_url", Text),
            ("ip_address", Text),
            ("jsVariables", Text),
            (
                "hmacVerificationResult",
                Object(&[
                    ("verificationProperty", Object(&[("property", Text)])),
                    ("content", Text),
                    ("status", Text),
                ]),
            ),
            ("context_id", Text),
        ],
    },
    Api {
        read: |body| bot::Event::from_json(body).map(written_again),
        event: Some("message"),
        required: IDS,
        optional: &[
            ("timestamp", Integer),
            ("from", Text),
            ("text", Text),
            ("id", Text),
            ("context_id", Text),
        ],
    },
    Api {
        read: |body| bot::Event::from_json(body).map(written_again),
        event: Some("commandResult"),
        required: IDS,
        optional: &[
            ("timestamp", Integer),
            (
                "failedCommands",
                List(&Object(&[("operation", Text), ("params", Anything), ("error", Text)])),
            ),
            ("context_id", Text),
        ],
    },
    Api {
        read: |body| bot::Event::from_json(body).map(written_again),
        event: Some("chatClosed"),
        required: IDS,
        optional: &[("timestamp", Integer), ("context_id", Text)],
    },
    Api {
        read: |body| bot::Event::from_json(body).map(written_again),
        event: Some("chatPaused"),
        required: &[],
        optional: &[("widget_id", Id), ("case_id", Id), ("timestamp", Integer)],
    },
    Api {
        read: |body| conversation::Event::from_json(body).map(written_again),
        event: Some("caseLabeled"),
        required: IDS,
        optional: &[
            ("widget_name", Text),
            ("agent_id", Id),
            ("agent_email", Text),
            ("agent_alias", Text),
            ("timestamp", Integer),
            ("label", Object(&[("name", Text), ("value", Text)])),
            ("survey_score", Integer),
            ("survey_comment", Text),
        ],
    },
    Api {
        read: |body| StatusChange::from_json(body).map(written_again),
        event: None,
        required: &[("agent_id", Id), ("status", Text)],
        optional: &[("org", Integer), ("sub_status", Text), ("timestamp", Integer)],
    },
    Api {
        read: |body| SupportRequest::from_body(body).map(written_again),
        event: None,
        required: &[("id", Id)],
        optional: &[
            ("widget_id", Id),
            ("url", Text),
            ("snapshot_image_url", Text),
            ("type", Text),
            ("requested_by", Text),
            (
                "requester_details",
                Object(&[
                    ("name", Text),
                    ("emails", List(&Text)),
                    ("name_profile_link", Text),
                    ("phones", List(&Text)),
                    ("address", Text),
                    ("address_2", Text),
                    ("city", Text),
                    ("state", Text),
                    ("zip", Text),
                    ("country", Text),
                    ("company_name", Text),
                    ("company_profile_link", Text),
                    ("employees", Text),
                    ("revenue", Text),
                    ("title", Text),
                    ("website", Text),
                    ("social_profile_links", List(&Text)),
                    ("gender", Text),
                    ("age", Integer),
                    ("influencer_score", Text),
                    ("notes", Text),
                    ("industry", Text),
                    ("avatars", List(&Text)),
                    ("other_data", List(&Anything)),
                ]),
            ),
            ("description", Text),
            ("created_at_date", Date),
            ("created_at_seconds", Integer),
            ("created_at_milliseconds", Integer),
            ("proactive_chat", Bool),
            ("page_url", Text),
            ("referrer_url", Text),
            ("entry_url", Text),
            ("ip_address", Text),
            ("user_agent", Text),
            ("browser", Text),
            ("os", Text),
            ("country_code", Text),
            ("country", Text),
            ("region", Text),
            ("city", Text),
            ("latitude", Float),
            ("longitude", Float),
            ("source_id", Integer),
            ("chat_waittime", Integer),
            ("chat_duration", Integer),
            ("chat_ended_by", Text),
            ("chat_responded", Bool),
            ("chat_agent_id", Id),
            ("chat_agent_alias", Text),
            ("survey_score", Integer),
            ("survey_comments", Text),
            ("language_code", Text),
            ("languages", List(&Object(&[("name", Text), ("code", Text)]))),
            (
                "transcripts",
                List(&Object(&[
                    ("id", Text),
                    ("date", Date),
                    ("date_seconds", Integer),
                    ("date_milliseconds", Integer),
                    ("alias", Text),
                    ("message", Text),
                    ("translations", Texts),
                    ("sender", Text),
                ])),
            ),
            ("plugins", VARIABLES),
            ("javascript_variables", VARIABLES),
            ("operator_variables", VARIABLES),
            ("labels", VARIABLES),
            ("destination_url", Text),
            ("visitor_transcript_email", Text),
        ],
    },
];

#[track_caller]
fn written_again(model: impl serde::Serialize) -> Value {
    serde_json::to_value(model).expect("a model that is written")
}

/// Text as it may come: with what has to be escaped, what JSON could take for something else, and
/// anything at all.
fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        2 => select(vec!["Boulder", "chat", "VISITOR", "a \"b\" \\ </script> ' & =", " ", "\u{202f}"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
    .boxed()
}

fn any_number() -> BoxedStrategy<Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-3_i64..300).prop_map(Value::from),
        (0_i64..=253_402_300_799_999).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter_map("JSON has finite numbers only", Number::from_f64)
            .prop_map(Value::Number),
        (-1000_i32..1000).prop_map(|number| Value::from(f64::from(number) / 4.0)),
    ]
    .boxed()
}

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any_number(),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any_text(), inner, 0..4)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A value of the documented type.
fn documented(kind: Kind) -> BoxedStrategy<Value> {
    let as_text = |value: Value| Value::from(value.to_string());
    match kind {
        Text => any_text().prop_map(Value::from).boxed(),
        Id => prop_oneof!["[a-z0-9-]{1,12}", "wc:[a-z]{1,5}@example\\.com"]
            .prop_map(Value::from)
            .boxed(),
        Integer | Float => prop_oneof![any_number(), any_number().prop_map(as_text)].boxed(),
        Bool => {
            let bools = any::<bool>().prop_map(Value::from);
            prop_oneof![bools.clone(), bools.prop_map(as_text)].boxed()
        }
        Date => prop_oneof![any_text().prop_map(Value::from), any_number()].boxed(),
        Anything => any_json(),
        Texts => btree_map("[a-z]{2}", any_text(), 0..3)
            .prop_map(|texts| texts.into_iter().map(|(name, text)| (name, text.into())).collect())
            .prop_map(Value::Object)
            .boxed(),
        Object(fields) => object(fields).prop_map(Value::Object).boxed(),
        List(kind) => vec(documented(*kind), 0..4).prop_map(Value::from).boxed(),
    }
}

/// A value as it may come for a field.
fn sent(kind: Kind) -> BoxedStrategy<Value> {
    let elements = if let List(kind) = kind { *kind } else { kind };
    prop_oneof![
        8 => documented(kind),
        1 => any_json(),
        1 => vec(prop_oneof![3 => documented(elements), 1 => any_json()], 0..4).prop_map(Value::from),
        1 => select(vec![Value::Null, "".into(), " \n".into(), Value::Array(vec![])]),
    ]
    .boxed()
}

/// An object with about half of the fields, and one or two that nobody documented.
fn object(fields: &'static [Field]) -> BoxedStrategy<Map<String, Value>> {
    let known = fields.iter().map(|(name, kind)| {
        option::of(sent(*kind)).prop_map(move |value| Some(((*name).to_owned(), value?)))
    });
    let unknown = btree_map("x_[a-z]{0,2}|\\PC", any_json(), 0..3);
    (known.collect::<Vec<_>>(), unknown)
        .prop_map(|(known, unknown)| known.into_iter().flatten().chain(unknown).collect())
        .boxed()
}

fn document(api: &'static Api) -> BoxedStrategy<Value> {
    let required = api.required.iter().map(|(name, kind)| {
        let id = if matches!(kind, Id) {
            prop_oneof![3 => documented(Id), 1 => any::<i64>().prop_map(Value::from)].boxed()
        } else {
            "[a-z]{1,8}".prop_map(Value::from).boxed()
        };
        id.prop_map(move |value| ((*name).to_owned(), value))
    });
    (required.collect::<Vec<_>>(), object(api.optional))
        .prop_map(|(required, mut document)| {
            document.extend(required);
            document.extend(api.event.map(|event| ("event".to_owned(), event.into())));
            Value::Object(document)
        })
        .boxed()
}

/// The one form of what means the same: absent, `null` and empty; `5`, `5.0` and `"5"`.
fn canonical(kind: Kind, value: Value) -> Option<Value> {
    if value.is_null() || value.as_str().is_some_and(|text| is_empty(kind, text)) {
        return None;
    }
    Some(match (kind, value) {
        (Id, Value::Number(number)) => match whole(&number) {
            Some(whole) => whole.to_string().into(),
            None if number.is_u64() => number.to_string().into(),
            None => Value::Number(number),
        },
        (Text, Value::Number(number)) => number.to_string().into(),
        (Text, Value::Bool(value)) => value.to_string().into(),
        (Bool, Value::Number(number)) => match whole(&number) {
            Some(value @ (0 | 1)) => (value == 1).into(),
            _ => number.into(),
        },
        (Integer, Value::Number(number)) => canonical_number(number),
        (Date, Value::Number(number)) => canonical_number(number),
        (Float, Value::Number(number)) => number.as_f64().into(),
        (Integer, Value::String(text)) => {
            text.trim().parse::<i64>().map_or(Value::String(text), Value::from)
        }
        (Float, Value::String(text)) => match text.trim().parse::<f64>() {
            Ok(float) if float.is_finite() => float.into(),
            _ => text.into(),
        },
        (Bool, Value::String(text)) => text.trim().parse::<bool>().map_or(text.into(), Value::from),
        (Texts, Value::Object(texts)) => {
            let texts = canonical_object(texts, |_| Some(Text));
            if texts.is_empty() {
                return None;
            }
            texts.into()
        }
        (Object(fields), Value::Object(object)) => {
            let kind =
                |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1);
            canonical_object(object, kind).into()
        }
        (List(kind), Value::Array(list)) => {
            let list: Vec<_> =
                list.into_iter().filter_map(|value| canonical(*kind, value)).collect();
            if list.is_empty() {
                return None;
            }
            list.into()
        }
        (_, value) => value,
    })
}

/// White space is something in a text, and nothing anywhere else.
fn is_empty(kind: Kind, text: &str) -> bool {
    text.is_empty() || !matches!(kind, Text | Id | Date | Anything) && text.trim().is_empty()
}

fn canonical_object(
    object: Map<String, Value>,
    kind: impl Fn(&str) -> Option<Kind>,
) -> Map<String, Value> {
    let fields = object.into_iter().filter_map(|(name, value)| match kind(&name) {
        Some(kind) => Some((name, canonical(kind, value)?)),
        None => Some((name, value)),
    });
    fields.collect()
}

fn canonical_number(number: Number) -> Value {
    whole(&number).map_or(Value::Number(number), Value::from)
}

fn whole(number: &Number) -> Option<i64> {
    let exact = |float: f64| float.fract() == 0.0 && float.abs() <= 2_f64.powi(53);
    let from_float = || number.as_f64().filter(|_| number.is_f64()).filter(|float| exact(*float));
    number.as_i64().or_else(|| format!("{:.0}", from_float()? + 0.0).parse().ok())
}

fn canonical_document(api: &Api, document: Value) -> Value {
    let Value::Object(object) = document else { return document };
    let fields = [api.required, api.optional].concat();
    let kind = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1);
    canonical_object(object, kind).into()
}

#[derive(Debug, Clone)]
enum Step {
    Say(String),
    Button(String, Option<String>),
    Command(Command),
    Label(String, Vec<String>),
    Other(Value),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_text().prop_map(Step::Say),
        (any_text(), option::of(any_text())).prop_map(|(text, id)| Step::Button(text, id)),
        command().prop_map(Step::Command),
        (any_text(), vec(any_text(), 0..3)).prop_map(|(name, values)| Step::Label(name, values)),
        any_json().prop_map(Step::Other),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let tags = ("[^ ]{0,8}", vec(any_text(), 0..3));
    let labels = vec((any_text(), vec(any_text(), 0..3)), 0..3);
    let not_null = any_json().prop_filter("null is absent", |value| !value.is_null());
    prop_oneof![
        select(vec![Command::Ban, Command::BanIp, Command::Bye, Command::HumanTransfer]),
        any_text().prop_map(Command::Goto),
        any_text().prop_map(Command::Transfer),
        any_text().prop_map(|widget_id| Command::WidgetTransfer(widget_id.into())),
        any_text().prop_map(|widget_id| Command::WidgetHumanTransfer(widget_id.into())),
        tags.prop_map(|(id, tags)| Command::TagTransfer { widget_id: id.into(), tags }),
        labels.prop_map(|labels| Command::Label(
            labels.into_iter().map(|(name, values)| Label::new(name, values)).collect()
        )),
        cards().prop_map(Command::Cards),
        ("x[A-Z]{0,5}", option::of(not_null))
            .prop_map(|(operation, parameters)| Command::Other { operation, parameters }),
    ]
}

fn cards() -> impl Strategy<Value = Cards> {
    let card = (any_text(), option::of(any_text()), option::of(any_text()));
    let card = card.prop_map(|(title, excerpt, link)| {
        let mut card = Card::new(title);
        card.excerpt = excerpt;
        card.link = link;
        card
    });
    ("VERTICAL|HORIZONTAL|GRID|", vec(card, 0..3)).prop_map(|(layout, cards)| {
        let mut all = cards.into_iter().fold(Cards::vertical(), Cards::card);
        all.layout = Layout::from(layout.as_str());
        all
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    (vec(step(), 0..6), option::of(any_text())).prop_map(|(steps, context_id)| {
        let reply = steps.into_iter().fold(Reply::new(), |reply, step| match step {
            Step::Say(text) => reply.and_say(text),
            Step::Button(text, None) => reply.button(text),
            Step::Button(text, Some(id)) => reply.button(Button::new(text).id(id)),
            Step::Command(command) => reply.and(command),
            Step::Label(name, values) => reply.label(name, values),
            Step::Other(value) => reply.and(Content::Other(value)),
        });
        match context_id {
            Some(context_id) => reply.context_id(context_id),
            None => reply,
        }
    })
}

fn query() -> impl Strategy<Value = Query> {
    let some_text = || any_text().prop_filter("empty is absent", |text| !text.is_empty());
    let name = prop_oneof![any_text(), "email|ip|url|caseId"];
    let extra = vec((name, any_text()), 0..4);
    let optional = || option::of(some_text());
    (some_text(), optional(), optional(), optional(), extra).prop_map(
        |(email, ip, url, case_id, extra)| {
            let mut query = Query::new(email);
            let is_second = |(name, value): &(String, String)| {
                let is_set = match name.as_str() {
                    "email" => true,
                    "ip" => ip.is_some(),
                    "url" => url.is_some(),
                    "caseId" => case_id.is_some(),
                    _ => return true,
                };
                is_set && !value.is_empty()
            };
            query.extra = extra.into_iter().filter(is_second).collect();
            query.ip = ip;
            query.url = url;
            query.case_id = case_id.map(Into::into);
            query
        },
    )
}

/// Bytes that are nearly JSON or XML.
fn nearly() -> BoxedStrategy<Vec<u8>> {
    let json =
        vec!["{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "d800", "1", "-", ".", "e9", "null"];
    let names = vec![
        "\"event\":\"message\",",
        "\"event\":",
        "\"widget_id\":\"w\",",
        "\"case_id\":\"c\",",
        "\"id\":\"1\",",
        "\"transcripts\":[{",
        "\"agent_id\":\"a\",",
        "\"status\":\"online\"",
    ];
    let xml = vec![
        "<",
        ">",
        "/",
        "</",
        "<case>",
        "</case>",
        "<id>1</id>",
        "<a b='c'>",
        "</a>",
        "&",
        ";",
        "&amp;",
        "&#",
        "x",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?",
        "?>",
        "<!DOCTYPE",
        "=",
        "'",
        " ",
        "<transcripts type=\"array\">",
        "</transcripts>",
        "<transcript>",
        "</transcript>",
        "<?xml version='1.0' encoding='ISO-8859-1'?>",
    ];
    let soup = |tokens: Vec<&'static str>| {
        vec(select(tokens), 0..24).prop_map(|tokens| tokens.concat().into_bytes()).boxed()
    };
    let in_json = soup([json, names].concat());
    let in_xml = soup(xml);
    prop_oneof![
        vec(any::<u8>(), 0..64).boxed(),
        in_json.clone(),
        in_xml.clone(),
        in_json.prop_map(|inner| [b"{", &inner[..], b"}"].concat()).boxed(),
        in_xml.prop_map(|inner| [b"<case><id>1</id>", &inner[..], b"</case>"].concat()).boxed(),
    ]
    .boxed()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn any_document() -> impl Strategy<Value = (usize, Value)> {
    (0..APIS.len()).prop_flat_map(|api| (Just(api), document(&APIS[api])))
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn documents_are_written_back_without_loss((api, document) in any_document()) {
        let api = &APIS[api];
        let written = (api.read)(document.to_string().as_bytes())?;
        prop_assert_eq!(canonical_document(api, written), canonical_document(api, document));
    }

    #[test]
    fn what_was_written_is_read_as_the_same((api, document) in any_document()) {
        let body = document.to_string();
        let body = body.as_bytes();
        match api {
            0..=4 => {
                let event = bot::Event::from_json(body)?;
                prop_assert_eq!(bot::Event::from_json(&to_vec(&event))?, event);
            }
            5 => {
                let event = conversation::Event::from_json(body)?;
                prop_assert_eq!(conversation::Event::from_json(&to_vec(&event))?, event);
            }
            6 => {
                let change = StatusChange::from_json(body)?;
                prop_assert_eq!(StatusChange::from_json(&to_vec(&change))?, change);
            }
            _ => {
                let request = SupportRequest::from_body(body)?;
                prop_assert_eq!(SupportRequest::from_body(&to_vec(&request))?, request);
            }
        }
    }

    #[test]
    fn replies_are_read_back_as_they_were_built(reply in reply(), widget_id in any_text(), case_id in any_text()) {
        let json = reply.to_json(&widget_id.as_str().into(), &case_id.as_str().into());
        let document: Value = serde_json::from_slice(&json)?;
        prop_assert_eq!(document["widget_id"].as_str(), Some(&*widget_id));
        prop_assert_eq!(document["case_id"].as_str(), Some(&*case_id));
        prop_assert_eq!(serde_json::from_slice::<Reply>(&json)?, reply.clone());
        prop_assert_eq!(serde_json::from_value::<Reply>(serde_json::to_value(&reply)?)?, reply);
    }

    #[test]
    fn queries_are_read_back_as_they_were_built(query in query()) {
        prop_assert_eq!(Query::from_query(&query.to_query())?, query);
    }

    #[test]
    fn queries_of_any_kind_are_written_back_without_loss(
        query in "((email|ip|url|key|%65mail|caseId)?[=?&+%a40é]{0,4}){0,8}"
    ) {
        if let Ok(read) = Query::from_query(&query) {
            prop_assert_eq!(Query::from_query(&read.to_query())?, read);
        }
    }

    #[test]
    fn text_is_the_same_in_xml_and_json(
        texts in vec("[^\\x00-\\x1f\\ufffe\\uffff]*", 3),
        extra in "[a-z]{1,8}"
    ) {
        let [escaped, cdata, mixed] = &texts[..] else { unreachable!("three texts") };
        // White space alone beside CDATA is layout, and not of the text.
        let half = Some(mixed.floor_char_boundary(mixed.len() / 2))
            .filter(|half| !mixed[..*half].trim_ascii().is_empty())
            .unwrap_or(0);
        let xml = format!(
            "<case><id>1</id><description>{}</description><city>{}</city>\
             <transcripts><transcript><message>{}{}</message><x_{extra}>{}</x_{extra}></transcript></transcripts></case>",
            escape(escaped), in_cdata(cdata), escape(&mixed[..half]), in_cdata(&mixed[half..]), escape(escaped),
        );
        let json = serde_json::json!({
            "id": "1",
            "description": escaped,
            "city": cdata,
            "transcripts": [{ "message": mixed, format!("x_{extra}"): escaped }],
        });
        let from_xml = SupportRequest::from_body(xml.as_bytes())?;
        prop_assert_eq!(from_xml, SupportRequest::from_body(json.to_string().as_bytes())?);
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn whatever_comes_is_read_or_refused(body in nearly()) {
        let text = String::from_utf8_lossy(&body);
        refused(bot::Event::from_json(&body));
        refused(conversation::Event::from_json(&body));
        refused(StatusChange::from_json(&body));
        refused(SupportRequest::from_json(&body));
        refused(Query::from_query(&text));
        refused(SupportRequest::from_xml(&body));
        if let Ok(request) = SupportRequest::from_body(&body) {
            prop_assert_eq!(SupportRequest::from_json(&to_vec(&request))?, request);
        }
    }
}

#[track_caller]
fn refused<T>(read: Result<T, DecodeError>) {
    if let Err(error) = read {
        assert!(error.to_string().len() <= 256, "{error}");
    }
}

#[track_caller]
fn to_vec(model: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(model).expect("a model that is written")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#x3E;")
}

fn in_cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}
