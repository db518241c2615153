//! Many chats at once: nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use snapengage::bot::{self, Reply};
use snapengage::integration::{self, SupportRequest};
use snapengage::simulator::{
    Fault, IntegrationForm, LineAuthor, SimulatedWidget, Simulator, VisitState, VisitView,
};
use snapengage::{Api, CaseId, Receiver, Token, conversation};
use tokio::task::JoinSet;

use crate::ask::*;
use crate::stage::*;

const CHATS: usize = 1000;
const TURNS: usize = 10;

/// What the receiver was sent.
#[derive(Clone, Default)]
struct Taken {
    cases: Arc<Mutex<Vec<SupportRequest>>>,
    ends: Arc<Mutex<BTreeMap<CaseId, usize>>>,
}

impl Taken {
    fn receiver(&self) -> Receiver {
        let token = || Token::new(MY_TOKEN);
        let bot =
            bot::from_fn(
                |message| async move { Ok(Reply::say(format!("You said {}", message.text))) },
            );
        let (cases, ends) = (Arc::clone(&self.cases), Arc::clone(&self.ends));
        let cases = integration::from_fn(move |case| {
            cases.lock().expect("no panic").push(case);
            async { Ok(()) }
        });
        let events = conversation::from_fn(move |event: conversation::Event| {
            *ends.lock().expect("no panic").entry(event.case_id).or_default() += 1;
            async { Ok(()) }
        });
        Receiver::builder()
            .bot("/bot", token(), bot)
            .integration("/cases", token(), cases)
            .conversation("/events", token(), events)
            .build()
            .expect("no mistakes")
    }

    fn simulator(&self) -> Simulator {
        let widget = SimulatedWidget::new("sales")
            .bot("/bot", MY_TOKEN)
            .integration("/cases", MY_TOKEN, IntegrationForm::Json)
            .conversation_events("/events", MY_TOKEN);
        let simulator = Simulator::builder().widget(widget).agent(JANE);
        simulator.deliver_to(self.receiver()).build().expect("no mistakes")
    }
}

fn said(chat: usize, turn: usize) -> String {
    format!("chat {chat}, turn {turn}")
}

/// A chat whose first turn opens it.
async fn chat(simulator: Simulator, chat: usize) -> VisitView {
    let visit = simulator.visit("sales").start(said(chat, 0)).await;
    for turn in 1..TURNS {
        visit.says(said(chat, turn)).await.sees(&format!("You said {}", said(chat, turn)));
    }
    visit.leaves().await.assert_state(VisitState::Closed);
    visit.view()
}

/// The lines that a chat of this number has to have.
fn expected(chat: usize) -> Vec<(LineAuthor, String)> {
    let turn = |turn| {
        let said = said(chat, turn);
        let answer = format!("You said {said}");
        [(LineAuthor::Visitor, said), (LineAuthor::Bot, answer)]
    };
    (0..TURNS).flat_map(turn).collect()
}

#[expect(clippy::print_stdout, reason = "the time is to be seen")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_chats_of_ten_turns_lose_nothing() {
    let taken = Taken::default();
    let simulator = taken.simulator();
    let started = Instant::now();
    let mut chats = JoinSet::new();
    for number in 0..CHATS {
        let simulator = simulator.clone();
        chats.spawn(async move { (number, chat(simulator, number).await) });
    }
    let views: BTreeMap<_, _> = chats.join_all().await.into_iter().collect();
    println!("{CHATS} chats of {TURNS} turns: {:?}", started.elapsed());
    assert_eq!(views.len(), CHATS);

    let cases = taken.cases.lock().expect("no panic");
    let by_id: BTreeMap<_, _> = cases.iter().map(|case| (&case.id, case)).collect();
    assert_eq!((cases.len(), by_id.len()), (CHATS, CHATS), "one request a case");
    for (number, view) in &views {
        let expected = expected(*number);
        let shown =
            view.lines.iter().map(|line| (line.from, line.text.clone().unwrap_or_default()));
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        let written = by_id[&view.case_id].transcripts.iter().map(|line| &line.message);
        assert!(written.eq(expected.iter().map(|(_, text)| text)), "{:?}", by_id[&view.case_id]);
    }
    let ends = taken.ends.lock().expect("no panic");
    assert!(ends.len() == CHATS && ends.values().all(|count| *count == 1), "caseClosed, once each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_at_once_are_handed_in_once_each_whatever_is_lost() {
    let taken = Taken::default();
    let simulator = taken.simulator();
    let lost = |fault: &str| {
        let fault = format!(r#"{{"feed":"integration",{fault}}}"#);
        simulator.fault(serde_json::from_str::<Fault>(&fault).expect("a fault"));
    };
    lost(r#""p":0.3,"seed":1,"do":"drop""#);
    lost(r#""p":0.3,"seed":2,"do":"refuse""#);
    let mut chats = JoinSet::new();
    for number in 0..100 {
        let simulator = simulator.clone();
        chats.spawn(async move { chat(simulator, number).await.case_id });
    }
    let ids: BTreeSet<_> = chats.join_all().await.into_iter().collect();
    assert!(taken.cases.lock().expect("no panic").len() < 100, "some were lost");
    simulator.advance(std::time::Duration::from_secs(2 * 3600)).await;
    let cases = taken.cases.lock().expect("no panic");
    let handed_in: BTreeSet<_> = cases.iter().map(|case| case.id.clone()).collect();
    assert_eq!((cases.len(), handed_in), (100, ids));
    let records = simulator.delivered(Api::Integration);
    let accepted = records.records().iter().filter(|record| record.is_accepted());
    assert_eq!(accepted.count(), 100);
}
