//! Chats by chance: what holds for all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use snapengage::bot::CommandError;
use snapengage::integration::SupportRequest;
use snapengage::simulator::{DeliveryRecord, Fault, NewVisit, Simulator, VisitState, VisitView};
use snapengage::{Api, CaseId, bot, conversation};

use crate::ask::*;
use crate::stage::*;

/// Something that somebody does; what cannot be done is refused, and nothing happens.
#[derive(Debug, Clone)]
enum Step {
    Start { email: bool },
    Says(usize, String),
    BotDoes(usize, &'static str),
    Email(usize),
    Survey(usize),
    Leaves(usize),
    Takes(usize),
    AgentSays(usize, String),
    Labels(usize),
    Transfers(usize),
    Closes(usize),
    Goes(bool),
    FailTransfer(usize),
    Wait(u64),
    Fault(&'static str),
}

const CONTENTS: &[&str] = &[
    r#"{"type":"message","text":"Which?","display_responses":[{"text":"A","id":"1"}]}"#,
    r#"{"type":"command","operation":"GOTO","parameters":"https://example.com/?a=1"}"#,
    r#"{"type":"command","operation":"CARDS","parameters":
        {"type":"cards","layout":"VERTICAL","cards":[{"title":"T"}]}}"#,
    r#"{"type":"command","operation":"LABEL","parameters":"[{\"a\": [\"1\"]}]"}"#,
    r#"{"type":"command","operation":"LABEL","parameters":"?"}"#,
    r#"{"type":"message","text":"Now"},{"type":"command","operation":"HUMAN_TRANSFER"}"#,
    r#"{"type":"command","operation":"TRANSFER","parameters":"bob@example.com"}"#,
    r#"{"type":"command","operation":"TAG_TRANSFER","parameters":"support [\"cuts\"]"}"#,
    r#"{"type":"command","operation":"WIDGET_TRANSFER","parameters":"support"}"#,
    r#"{"type":"command","operation":"WIDGET_HUMAN_TRANSFER","parameters":"nowhere"}"#,
    r#"{"type":"command","operation":"BYE"},{"type":"message","text":"Too late"}"#,
    r#"{"type":"command","operation":"BAN"}"#,
    r#"{"type":"command","operation":"BAN_IP"}"#,
    r#"{"type":"command","operation":"DANCE"}"#,
    r"7",
];

const FAULTS: &[&str] = &[
    r#"{"feed":"bot","nth":1,"do":"status","status":500}"#,
    r#"{"feed":"bot","nth":1,"do":"stall"}"#,
    r#"{"feed":"bot","nth":1,"do":"half"}"#,
    r#"{"feed":"bot","nth":1,"do":"drop"}"#,
    r#"{"feed":"integration","nth":1,"do":"reset"}"#,
    r#"{"feed":"integration","nth":1,"do":"status","status":503}"#,
    r#"{"feed":"conversation-events","nth":1,"do":"refuse"}"#,
    r#"{"feed":"get-contact","every":2,"do":"status","status":404}"#,
];

fn step() -> impl Strategy<Value = Step> {
    let visit = 0..4_usize;
    let text = "[a-zA-Z<>&='\"\\\\\u{e9}\u{1f600}\u{202e} \n]{0,12}";
    prop_oneof![
        3 => any::<bool>().prop_map(|email| Step::Start { email }),
        4 => (visit.clone(), text).prop_map(|(visit, text)| Step::Says(visit, text)),
        6 => (visit.clone(), 0..CONTENTS.len()).prop_map(|(visit, at)| Step::BotDoes(visit, CONTENTS[at])),
        1 => visit.clone().prop_map(Step::Email),
        1 => visit.clone().prop_map(Step::Survey),
        1 => visit.clone().prop_map(Step::Leaves),
        4 => visit.clone().prop_map(Step::Takes),
        4 => (visit.clone(), text).prop_map(|(visit, text)| Step::AgentSays(visit, text)),
        1 => visit.clone().prop_map(Step::Labels),
        1 => visit.clone().prop_map(Step::Transfers),
        1 => visit.clone().prop_map(Step::Closes),
        2 => any::<bool>().prop_map(Step::Goes),
        1 => visit.prop_map(Step::FailTransfer),
        1 => (0..4000_u64).prop_map(Step::Wait),
        1 => (0..FAULTS.len()).prop_map(|at| Step::Fault(FAULTS[at])),
    ]
}

async fn take(simulator: &Simulator, cases: &mut Vec<CaseId>, step: &Step) {
    let case = |at: &usize| cases.get(*at).map_or("none", |case| case.as_str()).to_owned();
    let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
    // Who cannot do so is refused; this is about what happens then.
    match step {
        Step::Start { email } => {
            let email = if *email { r#","email":"v@example.com""# } else { "" };
            let visit = format!(r#"{{"widget":"sales","text":"Hello","visitor":"me"{email}}}"#);
            let visit: NewVisit = serde_json::from_str(&visit).expect("a visit");
            cases.extend(simulator.start_visit(visit).await);
        }
        Step::Says(at, text) => drop(simulator.say(case(at), text).await),
        Step::BotDoes(at, content) => {
            let reply = format!(r#"{{"context_id":"c","content":[{content}]}}"#);
            drop(simulator.say(case(at), reply).await);
            drop(simulator.click(case(at), "A").await);
        }
        Step::Email(at) => drop(simulator.email(case(at), "w@example.com").await),
        Step::Survey(at) => drop(simulator.survey(case(at), 50, None).await),
        Step::Leaves(at) => drop(simulator.leave(case(at)).await),
        Step::Takes(at) => {
            drop(jane.takes(case(at)).await);
            drop(bob.takes(case(at)).await);
        }
        Step::AgentSays(at, text) => {
            drop(jane.says(case(at), text).await);
            drop(bob.says(case(at), text).await);
        }
        Step::Labels(at) => drop(jane.labels(case(at), "mood", "fine").await),
        Step::Transfers(at) => drop(jane.transfers_to_agent(case(at), BOB).await),
        Step::Closes(at) => drop(jane.closes(case(at)).await),
        Step::Goes(online) => {
            let status = if *online { bob.online().await } else { bob.offline().await };
            status.expect("Bob");
        }
        Step::FailTransfer(at) => {
            drop(simulator.fail_next_transfer(case(at), CommandError::MissingParam));
        }
        Step::Wait(seconds) => simulator.advance(Duration::from_secs(*seconds)).await,
        Step::Fault(fault) => simulator.fault(serde_json::from_str(fault).expect("a fault")),
    }
}

/// What holds for each chat, when all is over.
fn check(simulator: &Simulator, view: &VisitView) -> Result<(), TestCaseError> {
    let case = view.case_id.as_str();
    prop_assert_eq!(view.state, VisitState::Closed);

    let bot = simulator.delivered(Api::Bot).of(case);
    let events = bot.events();
    prop_assert_eq!(events.first().map(String::as_str), Some("chatStarted"));
    prop_assert_eq!(events.last().map(String::as_str), Some("chatClosed"));
    prop_assert_eq!(events.iter().filter(|event| *event == "chatClosed").count(), 1);
    prop_assert_eq!(events.iter().filter(|event| *event == "chatStarted").count(), 1);
    let mut last = 0;
    for (record, body) in bot.records().iter().zip(bot.bodies()) {
        let event = bot::Event::from_json(record.request.body.as_bytes()).expect("an event");
        prop_assert!(!matches!(event, bot::Event::Unknown(_)));
        prop_assert_eq!(
            &without_empty(serde_json::to_value(&event).expect("JSON")),
            &without_empty(body.clone())
        );
        let at = body["timestamp"].as_i64().expect("a time");
        prop_assert!(at >= last);
        last = at;
    }

    let told = simulator.delivered(Api::Conversation).of(case);
    let events = told.events();
    prop_assert_eq!(events.iter().filter(|event| *event == "caseClosed").count(), 1);
    prop_assert!(events.iter().filter(|event| *event == "caseResponded").count() <= 1);
    let after: Vec<_> = events.iter().skip_while(|event| *event != "caseClosed").skip(1).collect();
    prop_assert!(after.iter().all(|event| *event == "caseSurveyed"), "{:?}", events);
    let labels = events.iter().filter(|event| *event == "caseLabeled").count();
    prop_assert!(labels >= view.labels.len());
    for (record, body) in told.records().iter().zip(told.bodies()) {
        let event =
            conversation::Event::from_json(record.request.body.as_bytes()).expect("an event");
        prop_assert!(event.extra.is_empty());
        prop_assert_eq!(serde_json::to_value(&event).expect("JSON"), body);
    }

    let handed_in = simulator.delivered(Api::Integration).of(case);
    handed_in.assert_same_body();
    prop_assert_eq!(handed_in.records().iter().filter(|record| record.is_accepted()).count(), 1);
    prop_assert!(handed_in.records().last().is_some_and(DeliveryRecord::is_accepted));
    let written = SupportRequest::from_json(handed_in.records()[0].request.body.as_bytes());
    let written = written.expect("a case");
    prop_assert!(written.extra.is_empty());
    prop_assert_eq!(&written.chat_ended_by, &view.ended_by);
    prop_assert_eq!(written.transcripts.len(), view.lines.len());
    for (line, shown) in written.transcripts.iter().zip(&view.lines) {
        prop_assert_eq!(line.sent_at(), Some(shown.at));
        let text = shown.text.as_deref().or(shown.goto.as_deref()).unwrap_or("T");
        prop_assert_eq!(line.message.as_str(), text);
        prop_assert_ne!(text, "Too late");
    }
    Ok(())
}

fn without_empty(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| *value != "");
    }
    value
}

async fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let simulator = on_stage();
    let mut cases = Vec::new();
    for step in steps {
        take(&simulator, &mut cases, step).await;
    }
    simulator.clear_faults();
    for case in &cases {
        // Those that have ended stay as they are.
        drop(simulator.leave(case).await);
    }
    simulator.advance(Duration::from_secs(3600)).await;
    let views = simulator.visits();
    prop_assert_eq!(views.len(), cases.len());
    for view in &views {
        check(&simulator, view)?;
    }
    let ids: BTreeSet<_> = views.iter().map(|view| view.case_id.clone()).collect();
    prop_assert_eq!(ids.len(), cases.len());
    let all = simulator.deliveries(&Default::default());
    prop_assert!(all.iter().all(DeliveryRecord::is_finished));
    prop_assert!(all.windows(2).all(|pair| pair[0].n + 1 == pair[1].n));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn chats_by_chance_are_told_in_order_and_as_they_were(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(play(&steps))?;
    }
}

#[tokio::test(start_paused = true)]
async fn many_chats_at_once_lose_nothing() {
    let simulator = on_stage();
    simulator.fault(Fault::every(7).on(Api::Integration).status(http::StatusCode::BAD_GATEWAY));
    let chats = (0..1000).map(|chat| {
        let simulator = simulator.clone();
        tokio::spawn(async move {
            let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
            for turn in 0..10 {
                let text = format!("{chat} {turn}");
                visit.says(&text).await.sees(&format!("You said {text}"));
            }
            visit.leaves().await;
        })
    });
    for chat in chats.collect::<Vec<_>>() {
        chat.await.expect("a chat that is as it should be");
    }
    simulator.advance(Duration::from_secs(7200)).await;
    simulator.delivered(Api::Bot).assert_count(1000 * 12).assert_accepted();
    let handed_in = simulator.delivered(Api::Integration);
    assert_eq!(handed_in.records().iter().filter(|record| record.is_accepted()).count(), 1000);
}
