//! Whole chats with the examples: a simulator that sends to them over real sockets.

use snapengage::Api;
use snapengage::simulator::{
    DeliveryFilter, IntegrationForm, SimulatedAgent, SimulatedVisit, SimulatedWidget,
    SimulatorBuilder, VisitState,
};

use super::*;

const JANE: &str = "jane@example.com";
const BOB: &str = "bob@example.com";
const TOKEN: &str = "my-token";
const MINUTE: Duration = Duration::from_secs(60);

/// A widget with agents of whom Jane alone is there.
fn office(widget: SimulatedWidget) -> SimulatorBuilder {
    let bob = SimulatedAgent::new(BOB).alias("Bob").status(Status::Offline);
    let jane = SimulatedAgent::new(JANE).alias("Jane");
    Simulator::builder().widget(widget).agent(jane).agent(bob).seed(1)
}

/// The same, with a bot.
fn with_bot(bot: &Example) -> Simulator {
    let widget = SimulatedWidget::new("sales").bot(bot.url("/bot"), TOKEN);
    office(widget).build().expect("a simulator")
}

fn labels(visit: &SimulatedVisit) -> Vec<(String, String)> {
    visit.view().labels.into_iter().map(|label| (label.name, label.value)).collect()
}

/// Jane takes a chat that waits, and answers.
async fn jane_answers(simulator: &Simulator, visit: &SimulatedVisit) {
    visit.assert_state(VisitState::Queued);
    let jane = simulator.agent(JANE);
    jane.takes(visit).await.expect("a chat that waits");
    jane.says(visit, "Jane here").await.expect("her chat");
    visit.sees("Jane here").assert_state(VisitState::Agent);
}

#[tokio::test]
async fn hello_bot_is_chatted_with_and_hands_over() {
    let bot = Example::start("hello_bot");
    let simulator = with_bot(&bot);
    let visit = simulator.visit("sales").start("Hi").await;
    visit.sees("You said: Hi").says("<b>'=&").await.sees("You said: <b>'=&");
    visit.says("human").await.sees("One moment");
    jane_answers(&simulator, &visit).await;
    visit.says("Bye").await.sees_nothing().leaves().await.assert_state(VisitState::Closed);
    let deliveries = simulator.delivered(Api::Bot);
    deliveries.assert_accepted();
    deliveries.assert_events(["chatStarted", "message", "message", "chatClosed"]);
    bot.stop();
}

#[tokio::test]
async fn bot_that_refuses_the_token_hands_over() {
    let bot = Example::start("hello_bot");
    let widget = SimulatedWidget::new("sales").bot(bot.url("/bot"), "wrong-token");
    let simulator = office(widget).build().expect("a simulator");
    let visit = simulator.visit("sales").start("Hi").await;
    jane_answers(&simulator, &visit).await;
    simulator.delivered(Api::Bot).assert_statuses([401]);
    bot.stop();
}

#[tokio::test]
async fn bot_that_has_stopped_hands_over() {
    let bot = Example::start("hello_bot");
    let simulator = with_bot(&bot);
    let visit = simulator.visit("sales").start("Hi").await;
    visit.sees("You said: Hi");
    bot.stop();
    visit.says("Still there?").await;
    jane_answers(&simulator, &visit).await;
    visit.leaves().await;
    simulator.delivered(Api::Bot).assert_statuses([200, 0, 0]);
}

#[tokio::test]
async fn faq_bot_shows_its_menu_and_waits_for_its_accountant() {
    const MENU: [&str; 3] = ["Our plans", "My invoice", "Talk to a human"];
    const ACCOUNTANT: &str = "accountant@example.com";
    let bot = Example::start("faq_bot");
    let accountant = SimulatedAgent::new(ACCOUNTANT).status(Status::Pause);
    let widget = SimulatedWidget::new("sales").bot(bot.url("/bot"), TOKEN);
    let simulator = office(widget).agent(accountant).build().expect("a simulator");
    let visit = simulator.visit("sales").open().await;
    visit.sees("Hello! What is it about?").sees_buttons(MENU);
    visit.click("Our plans").await.sees("There are two:");
    let view = visit.view();
    let cards = view.lines.iter().find_map(|line| line.cards.clone()).expect("cards");
    assert_eq!(cards.layout, "HORIZONTAL");
    assert_eq!(cards.cards[1].link.as_deref(), Some("https://example.com/plans/team"));
    assert_eq!(labels(&visit), [("topic".into(), "plans".into())]);

    visit.says("Anything else").await.sees_buttons(MENU);
    visit.click("My invoice").await.assert_state(VisitState::Bot).sees_buttons(MENU);
    visit.sees("Nobody is in right now. Write to help@example.com, or choose:");
    simulator.agent(ACCOUNTANT).online().await.expect("the accountant");
    visit.click("My invoice").await.assert_state(VisitState::Queued);
    simulator.agent(ACCOUNTANT).takes(&visit).await.expect("a chat that waits");
    simulator.agent(ACCOUNTANT).closes(&visit).await.expect("a chat of the accountant's");
    visit.assert_state(VisitState::Closed);
    let expected =
        ["chatStarted", "message", "message", "message", "commandResult", "message", "chatClosed"];
    simulator.delivered(Api::Bot).assert_accepted().assert_events(expected);
    bot.stop();
}

#[cfg(feature = "dialogue")]
#[tokio::test]
async fn booking_bot_books_and_a_second_delivery_books_nothing_more() {
    use snapengage::simulator::Fault;

    let bot = Example::start("booking_bot");
    let simulator = with_bot(&bot);
    simulator.agent(JANE).pause().await.expect("Jane");
    simulator.fault(Fault::every(1).on(Api::Bot).duplicate());
    let visit = simulator.visit("sales").open().await;
    visit.sees("Hello! I book you in.").sees("What shall it be?");
    visit.sees_buttons(["A haircut", "A shave", "Talk to somebody"]).click("A shave").await;
    visit.sees("A shave. On which day? Like 2026-05-29.");
    visit.says("tomorrow").await.sees("I cannot read that.");
    visit.says("Can I talk to a human?").await.sees("One moment, please.");
    visit.sees("Nobody is free right now, sorry.").assert_state(VisitState::Bot);
    visit.says("2030-06-03").await.sees("2030-06-03 it is. Your email address?");
    visit.says("jane@example.com").await.click("Yes").await.sees("Anything else?");
    let expected = [("service".into(), "shave".into()), ("day".into(), "2030-06-03".into())];
    assert_eq!(labels(&visit), expected);
    visit.click("No, thanks").await.sees("See you!").assert_state(VisitState::Closed);
    let deliveries = simulator.delivered(Api::Bot);
    deliveries.assert_accepted();
    // Each came twice, and was answered the same both times.
    for pair in deliveries.records().chunks(2) {
        assert_eq!(pair[0].request.body, pair[1].request.body);
        let body = |at: usize| pair[at].response.as_ref().map(|response| response.body.clone());
        assert_eq!(body(0), body(1), "{}", pair[0].request.body);
    }
    bot.stop();
}

#[cfg(feature = "dialogue")]
#[tokio::test]
async fn booking_bot_hands_over_when_somebody_is_there() {
    let bot = Example::start("booking_bot");
    let simulator = with_bot(&bot);
    let visit = simulator.visit("sales").email("v@example.com").start("I need a haircut").await;
    visit.sees("A haircut. On which day? Like 2026-05-29.");
    visit.says("May I talk to a human?").await.sees("One moment, please.");
    jane_answers(&simulator, &visit).await;
    visit.leaves().await;
    simulator.delivered(Api::Bot).assert_accepted();
    bot.stop();
}

#[tokio::test]
async fn contact_lookup_knows_a_visitor_who_comes_back() {
    let book = Example::start("contact_lookup");
    let widget = SimulatedWidget::new("sales")
        .integration(book.url("/integration"), TOKEN, IntegrationForm::Json)
        .get_contact(book.url("/get-contact/kT4mZ0qvW8"));
    let simulator = office(widget).build().expect("a simulator");
    let visitor = || simulator.visit("sales").email("jim+tester@example.com");
    visitor()
        .page_url("https://example.com/?a=b c")
        .start("Where is my parcel?")
        .await
        .leaves()
        .await;
    let visit = visitor().start("Where is it now?").await;
    visit.leaves().await;
    let stranger = simulator.visit("sales").start("Hello").await;
    stranger.gives_email("other@example.com").await.leaves().await;

    let lookups = simulator.delivered(Api::Contact);
    lookups.assert_count(3).assert_accepted();
    let answers = lookups.records().iter().map(|record| record.response.clone());
    let answers: Vec<_> = answers.map(|response| response.expect("an answer").body).collect();
    assert_eq!(answers, ["", "Asked before:\nWhere is my parcel?", ""]);
    simulator.delivered(Api::Integration).assert_count(3).assert_accepted();
    book.stop();
}

#[tokio::test]
async fn support_requests_prints_simulated_chats_in_either_form() {
    for form in [IntegrationForm::Json, IntegrationForm::Xml] {
        let printer = Example::start("support_requests");
        let widget = SimulatedWidget::new("sales");
        let widget = widget.integration(printer.url("/integration"), TOKEN, form);
        let simulator = office(widget).build().expect("a simulator");
        let visit = simulator.visit("sales").email("v@example.com").start("Hello <&>").await;
        jane_answers(&simulator, &visit).await;
        simulator.agent(JANE).labels(&visit, "mood", "fine").await.expect("her chat");
        simulator.agent(JANE).closes(&visit).await.expect("her chat");
        let sent = simulator.delivered(Api::Integration);
        sent.assert_count(1).assert_accepted();
        let kind = if form == IntegrationForm::Json { "chat" } else { "request" };
        let expected = [
            format!("{kind} {} from v@example.com", visit.case_id()),
            "  on 2026-01-05T09:00:01.000Z".to_owned(),
            "  about: Hello <&>".to_owned(),
            "  visitor: Hello <&>".to_owned(),
            "  Jane: Jane here".to_owned(),
            "  mood = fine".to_owned(),
        ];
        assert_eq!(printer.stop().stdout, expected);
    }
}

/// The two commands of the README, on other ports.
#[cfg(feature = "cli")]
#[tokio::test]
async fn commands_of_the_readme_lead_to_a_whole_chat() {
    use tokio::io::AsyncBufReadExt;

    let readme = include_str!("../../../README.md").replace("\\\n", "");
    let (_, commands) = readme.split_once("## Chat with it").expect("a section");
    let (_, commands) = commands.split_once("```sh\n").expect("commands");
    let [example, simulate] = commands.lines().take(2).collect::<Vec<_>>()[..] else {
        panic!("two commands: {commands}");
    };
    assert_eq!(example, "SNAPENGAGE_TOKEN=my-token cargo run --example receiver &");
    let receiver = Example::start("receiver");
    let program = "cargo run --features cli --bin snapengage -- ";
    let options = simulate.strip_prefix(program).expect("the program");
    let options =
        options.replace("--open ", "").replace("http://127.0.0.1:8080", &receiver.url(""));
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_snapengage"));
    command.args(options.split_whitespace()).args(["--listen", ANY_PORT]);
    let mut program = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("run");
    let mut out = tokio::io::BufReader::new(program.stdout.take().expect("piped")).lines();
    let first = out.next_line().await.expect("text").expect("a line");
    let address = first.strip_prefix("listening on http://").expect("an address");

    let post = |path: &str, body: Value| {
        let body = Some(body.to_string().into_bytes());
        let answer = Curl { body, ..Curl::get(path) }.send(address);
        assert_eq!(answer.status, 200, "{}", answer.body);
        parsed(&answer.body)
    };
    let visit = post("/_/visits", json!({"text": "Hello"}));
    assert_eq!(visit["lines"][1]["text"], "Hello", "{visit}");
    let case = &visit["case_id"];
    let path = format!("/_/visits/{}", case.as_str().expect("an id"));
    assert_eq!(post(&format!("{path}/say"), json!({"text": "human"}))["state"], "queued");
    post("/_/agents/jane@example.com/take", json!({"case_id": case}));
    post("/_/agents/jane@example.com/close", json!({"case_id": case}));
    let left = receiver.stop();
    assert_eq!(printed(&left.stdout, Api::Integration)[0]["id"], *case);
}

/// The widget of the example that has all feeds.
fn with_all_feeds(receiver: &Example) -> Simulator {
    let widget = SimulatedWidget::new("sales")
        .name("Sales")
        .bot(receiver.url("/bot"), TOKEN)
        .integration(receiver.url("/integration"), TOKEN, IntegrationForm::Json)
        .conversation_events(receiver.url("/conversation-events"), TOKEN)
        .get_contact(receiver.url("/get-contact"));
    let office = office(widget).agent_status(receiver.url("/agent-status"), TOKEN);
    office.build().expect("a simulator")
}

/// The same without empty texts: absent ones mean the same.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| *value != "");
            fields.map(|(name, value)| (name, without_empty(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_empty).collect(),
        other => other,
    }
}

/// What the receiver printed of a feed.
fn printed(lines: &[String], feed: Api) -> Vec<Value> {
    let lines = lines.iter().map(|line| parsed(line));
    let lines = lines.filter(|line| line["api"] == feed.as_str());
    lines.map(|mut line| without_empty(line["event"].take())).collect()
}

#[tokio::test]
async fn receiver_hears_a_whole_chat_on_all_feeds() {
    let receiver = Example::start("receiver");
    let simulator = with_all_feeds(&receiver);
    let visit = simulator.visit("sales").email("test@test.com").name("Jim").open().await;
    visit.sees("Hello! Choose, or type something.").sees_buttons(["cards", "human"]);
    visit.click("cards").await;
    let shown = visit.view().lines.pop().and_then(|line| line.cards).expect("cards");
    assert_eq!(shown.cards[0].title, "Cats");
    visit.says("goto https://example.com/pricing").await;
    let goto = visit.view().lines.pop().and_then(|line| line.goto);
    assert_eq!(goto.as_deref(), Some("https://example.com/pricing"));
    visit.says("label topic a b").await.says("transfer bob@example.com").await;
    visit.sees("That did not work, and I am still here.").assert_state(VisitState::Bot);
    visit.says("human").await;
    jane_answers(&simulator, &visit).await;
    simulator.agent(BOB).online().await.expect("Bob");
    let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
    jane.transfers_to_agent(&visit, BOB).await.expect("Bob is there");
    bob.takes(&visit).await.expect("a chat that waits");
    bob.transfers_to_agent(&visit, JANE).await.expect("Jane is there");
    jane_answers(&simulator, &visit).await;
    jane.transfers_to_widget(&visit, "sales").await.expect("a widget with a bot");
    visit.assert_state(VisitState::Bot).sees("Hello! Choose, or type something.");
    visit.says("I am back").await.sees("I am back").says("human").await;
    jane_answers(&simulator, &visit).await;
    visit.survey(75, "really helpful").await;
    simulator.agent(JANE).closes(&visit).await.expect("her chat");
    visit.assert_state(VisitState::Closed);
    simulator.agent(BOB).pause().await.expect("Bob");

    let all = simulator.deliveries(&DeliveryFilter::default());
    let refused: Vec<_> = all.iter().filter(|record| !record.is_accepted()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let left = receiver.stop();
    // It is warned of its bot, which labels and says nothing.
    assert_eq!(
        left.stderr.iter().filter(|line| line.contains("WARN")).count(),
        1,
        "{:?}",
        left.stderr
    );
    assert_eq!(left.stdout.len(), all.len());
    for feed in [Api::Bot, Api::Conversation, Api::AgentStatus, Api::Integration] {
        let sent: Vec<_> =
            simulator.delivered(feed).bodies().into_iter().map(without_empty).collect();
        assert!(!sent.is_empty());
        assert_eq!(printed(&left.stdout, feed), sent, "{feed}");
    }
    let case = visit.case_id().as_str();
    let query = json!({"email": "test@test.com", "ip": "198.18.0.1", "caseId": case});
    assert_eq!(printed(&left.stdout, Api::Contact), [query]);
    let known = simulator.delivered(Api::Contact).records()[0].response.clone();
    assert_eq!(known.expect("an answer").body, "Jim Tester, customer since 2014");
    simulator.delivered(Api::Conversation).assert_events([
        "caseLabeled",
        "caseLabeled",
        "caseTransferred",
        "caseAssigned",
        "caseResponded",
        "caseTransferred",
        "caseAssigned",
        "caseTransferred",
        "caseAssigned",
        "caseTransferred",
        "caseTransferred",
        "caseAssigned",
        "caseSurveyed",
        "caseClosed",
    ]);
}

#[tokio::test]
async fn receiver_is_told_of_the_end_a_bot_makes() {
    let receiver = Example::start("receiver");
    let simulator = with_all_feeds(&receiver);
    for end in ["bye", "ban", "ban-ip"] {
        let visitor = simulator.visit("sales").cookie(end).ip_address("203.0.113.7");
        let visit = visitor.start(end).await;
        visit.assert_state(VisitState::Closed);
        simulator.delivered(Api::Integration).of(&visit).assert_count(1).assert_accepted();
        let events = simulator.delivered(Api::Bot).of(&visit);
        events.assert_events(["chatStarted", "chatClosed"]).assert_accepted();
    }
    for broken in ["fail", "panic"] {
        let visit = simulator.visit("sales").start("Hello").await;
        visit.says(broken).await;
        jane_answers(&simulator, &visit).await;
        visit.leaves().await;
    }
    receiver.stop();
}

#[tokio::test]
async fn receiver_that_is_down_gets_the_chat_later() {
    let receiver = Example::start("receiver");
    let address = receiver.address.clone();
    let simulator = with_all_feeds(&receiver);
    let visit = simulator.visit("sales").start("Hello").await;
    visit.sees("Hello");
    receiver.stop();
    visit.leaves().await.assert_state(VisitState::Closed);
    simulator.advance(MINUTE * 11).await;
    simulator.delivered(Api::Integration).assert_statuses([0, 0, 0]);

    let mut again = example("receiver");
    let again = again.args(["--listen", &address]).env("SNAPENGAGE_TOKEN", TOKEN);
    let receiver = Example::start_with(again);
    simulator.advance(MINUTE * 120).await;
    let sent = simulator.delivered(Api::Integration);
    sent.assert_statuses([0, 0, 0, 200]).assert_same_body();
    // Other feeds are sent once.
    let left = receiver.stop();
    assert_eq!(left.stdout.len(), 1);
    assert_eq!(printed(&left.stdout, Api::Integration)[0]["id"], visit.case_id().as_str());
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
#[tokio::test]
async fn crm_sync_writes_what_it_was_sent_once() {
    use snapengage::simulator::Fault;

    use super::crm_sync::{Crm, await_counts};

    let crm = Crm::down();
    let file = crm.file("inbox.db");
    let sync = crm.sync(&["--inbox".as_ref(), file.as_ref()]);
    let widget = SimulatedWidget::new("sales")
        .integration(sync.url("/integration"), TOKEN, IntegrationForm::Json)
        .conversation_events(sync.url("/conversation-events"), TOKEN);
    let simulator = office(widget).build().expect("a simulator");
    simulator.fault(Fault::nth(1).on(Api::Integration).drop());
    simulator.fault(Fault::nth(2).on(Api::Integration).reset());
    simulator.fault(Fault::every(2).on(Api::Conversation).duplicate());
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    jane_answers(&simulator, &visit).await;
    simulator.agent(JANE).labels(&visit, "mood", "fine").await.expect("her chat");
    visit.leaves().await;
    simulator.advance(MINUTE * 60).await;
    // The second one arrived, and its answer did not.
    simulator.delivered(Api::Integration).assert_statuses([0, 0, 200]).assert_same_body();
    simulator.delivered(Api::Conversation).assert_count(5 + 2).assert_accepted();
    await_counts(&sync, 6, 0);
    crm.up();
    await_counts(&sync, 0, 6);
    assert_eq!(crm.rows(), (1, 5));
    sync.stop();
}
