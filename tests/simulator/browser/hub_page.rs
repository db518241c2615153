//! The crate's own Hub page, in a frame of the agent's pane: what the Hub posts arrives typed, and
//! what the handler answers is carried out.

use serde_json::{Value, json};
use snapengage::hub::{self, Action, ActionDetail, Event, EventDetail, HubPage, Session};
use snapengage::{Auth, HandlerError, Receiver, Token, async_trait, serve};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::chromium::Chromium;
use super::page::Page;
use super::simulated::{JANE, Simulated, serve_bot};
use super::site::serve_site;
use super::{assert_quiet, barber, say, start, tab, visit};

const SECRET: &str = "kT4mZ0qvW8";

/// Keeps what it is told, and does what a visitor writes: an action's name, and its data.
struct Told(mpsc::UnboundedSender<(Event, Session)>);

#[async_trait]
impl hub::Handler for Told {
    async fn event(
        &self,
        event: Event,
        session: Session,
    ) -> Result<Vec<ActionDetail>, HandlerError> {
        let details = match &event.detail {
            EventDetail::ConversationStarted(_) => vec![ActionDetail::say("Said by the handler")],
            EventDetail::VisitorMessageReceived(data) => {
                let text = data.message().text.unwrap_or_default();
                written(&text).into_iter().collect()
            }
            _ => vec![],
        };
        self.0.send((event, session))?;
        Ok(details)
    }
}

fn written(text: &str) -> Option<ActionDetail> {
    let (name, data) = text.split_once(' ').unwrap_or((text, "null"));
    let data: Value = serde_json::from_str(data).ok()?;
    let action = json!({"type": name, "conversationId": "c", "agent": JANE, "data": data});
    let detail = Action::from_json(action.to_string().as_bytes()).ok()?.detail;
    (!matches!(detail, ActionDetail::Unknown { .. })).then_some(detail)
}

/// A served page, which `localhost` is the origin of: another site than the simulator's.
struct HubServer {
    address: String,
    events: mpsc::UnboundedReceiver<(Event, Session)>,
    handler: mpsc::UnboundedSender<(Event, Session)>,
    listener: Option<TcpListener>,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl HubServer {
    async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (handler, events) = mpsc::unbounded_channel();
        let address = format!("http://localhost:{port}/hub/{SECRET}");
        let listener = Some(listener);
        Self { address, events, handler, listener, port, stop: None, served: None }
    }

    /// Serves it to the page of a simulator.
    fn serve(&mut self, origin: &str) {
        let page = HubPage::new(Told(self.handler.clone())).allow_origin(origin);
        let auth = Auth::secret_path(Token::new(SECRET));
        let receiver = Receiver::builder().hub("/hub", auth, page).build().expect("no mistakes");
        let listener = self.listener.take().expect("one that is bound");
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        self.served = Some(tokio::spawn(serve(listener, receiver, async { _ = stopped.await })));
    }

    /// Stops, in order, and starts again on the same port.
    async fn restart(&mut self, origin: &str) {
        self.stop.take().expect("served").send(()).expect("served");
        self.served.take().expect("served").await.expect("no panic");
        self.listener = Some(TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port"));
        self.serve(origin);
    }

    /// Waits for the next event of a name.
    async fn event(&mut self, name: &str) -> (Event, Session) {
        loop {
            let (event, session) = self.events.recv().await.expect("the handler");
            if event.detail.name() == name {
                return (event, session);
            }
        }
    }
}

async fn with_page() -> (HubServer, Simulated, Chromium, Page) {
    let mut hub = HubServer::bind().await;
    let bot = serve_bot(barber).await;
    let options = ["--bot", &bot, "--token", "my-token", "--hub", &hub.address, "--agent", JANE];
    let simulated = Simulated::start(&options).await;
    hub.serve(&simulated.address);
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    start(&page, "Hello", "What is it about?").await;
    page.click("#hub summary", "Hub page").await;
    page.until("document.querySelector('#hub iframe')").await;
    (hub, simulated, browser, page)
}

/// A chat with the agent whose page it is.
async fn take(page: &Page) {
    say(page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.sees_in("#log", "Said by the handler").await;
}

/// Data whose numbers are temperatures: 21 is 21.0.
fn in_floats(data: &Value) -> Value {
    let data = data.as_object().expect("an object").iter();
    let data = data.map(|(name, value)| match value.as_f64() {
        Some(number) => (name.clone(), json!(number)),
        None => (name.clone(), value.clone()),
    });
    Value::Object(data.collect())
}

async fn is_in_state(page: &Page, state: &str) {
    let shown = format!("document.getElementById('visit-state').textContent === '{state}'");
    page.until(&shown).await;
}

#[tokio::test]
async fn every_event_arrives_typed_at_the_handler() {
    let (mut hub, _simulated, _browser, page) = with_page().await;
    let types = page
        .eval("[...document.getElementById('hub-type').options].map(({ value }) => value)")
        .await;
    let types = types.as_array().expect("a list");
    assert_eq!(types.len(), 22);
    for each in types {
        let name = each.as_str().expect("a text");
        page.choose("hub-type", name).await;
        let data = page.eval("document.getElementById('hub-data').value").await;
        page.click("#hub-event button", "").await;
        let (event, _) = hub.event(name).await;
        assert!(!matches!(event.detail, EventDetail::Unknown { .. }), "{event:?}");
        assert!(event.extra.is_empty(), "{event:?}");
        // As it was posted, and with nothing that its type does not have.
        let arrived = serde_json::to_value(&event).expect("JSON");
        let data = data.as_str().filter(|data| !data.is_empty());
        let posted = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
        assert_eq!(arrived.get("data").map(in_floats), posted.as_ref().map(in_floats));
        let is_agents = name != "conversation_closed_by_visitor";
        assert_eq!(arrived.get("agentEmail"), is_agents.then(|| json!(JANE)).as_ref());
        let case_id = visit(&page).await["case_id"].clone();
        assert_eq!(arrived["conversationId"], case_id);
    }
    assert_quiet(&page);
}

#[tokio::test]
async fn every_action_of_the_handler_is_carried_out() {
    let (_hub, _simulated, _browser, page) = with_page().await;
    // agent_message_received
    take(&page).await;
    let label = r#"{"labelName":"topic","freeForm":true,"value":"hub"}"#;
    say(&page, &format!("label_added {label}"), "label_added").await;
    page.sees_in("#facts", "topic: hub").await;
    say(&page, &format!("label_removed {label}"), "label_removed").await;
    page.until("!document.getElementById('facts').textContent.includes('topic')").await;
    say(&page, r#"populate_text {"message":"Typed_by_the_handler"}"#, "populate_text").await;
    page.until("document.getElementById('agent-text').value === 'Typed_by_the_handler'").await;
    say(&page, "request_file", "asks for").await;
    page.sees_in("#hub-log", r#"→ {"type":"request_file""#).await;
    say(&page, r#"request_secure_data {"secure_data_type":"SSN"}"#, "SSN").await;
    page.sees_in("#hub-log", r#"→ {"type":"request_secure_data""#).await;
    say(&page, r#"transfer_request {"widgetId":"local"}"#, "transfer_request").await;
    is_in_state(&page, "with the bot").await;
    say(&page, "Talk to somebody", "One moment").await;
    say(&page, "reclaim_transfer_request", "reclaim_transfer_request").await;
    is_in_state(&page, "with an agent").await;
    say(&page, r#"ban_user {"type":"cookie"}"#, "ban_user").await;
    is_in_state(&page, "closed").await;
    assert_eq!(visit(&page).await["banned"], "visitor");
    page.click("#new-chat", "").await;
    start(&page, "Hello", "What is it about?").await;
    take(&page).await;
    say(&page, "conversation_closed_by_agent", "conversation_closed_by_agent").await;
    is_in_state(&page, "closed").await;
    assert_eq!(visit(&page).await["ended_by"], "agent");
    assert_quiet(&page);
}

#[tokio::test]
async fn page_goes_on_when_the_server_is_restarted() {
    let (mut hub, simulated, _browser, page) = with_page().await;
    take(&page).await;
    let (event, session) = hub.event("conversation_started").await;
    session.act(event.conversation_id.clone(), ActionDetail::say("Said later")).expect("taken");
    page.sees_in("#log", "Said later").await;
    // Its stream holds the shutdown up no longer than it takes to end it.
    hub.restart(&simulated.address).await;
    assert!(!session.is_open());
    say(&page, "Still there?", "Still there?").await;
    let (event, session) = hub.event("visitor_message_received").await;
    session.act(event.conversation_id, ActionDetail::say("Said after it all")).expect("taken");
    page.sees_in("#log", "Said after it all").await;
}

/// A page that frames another and a stranger, which posts an event to that.
fn framing(hub: &str, stranger: &str) -> String {
    format!(
        "<!doctype html><title>Frames</title>
         <iframe id=hub src='{hub}'></iframe><iframe src='{stranger}'></iframe>
         <script>addEventListener('message', ({{ data }}) => {{ window.told = data; }});</script>"
    )
}

/// Posts to the other frame once it is told to, and tells that it has.
const STRANGER: &str = "<!doctype html><script>addEventListener('message', ({ data }) => {
    for (let n = 0; n < 100; n++) parent.frames[0].postMessage(data, '*');
    parent.postMessage('posted', '*');
});</script>";

fn posted(to: u32, name: &str) -> String {
    let event = json!({"type": name, "conversationId": "c", "agentEmail": JANE});
    format!("frames[{to}].postMessage({event}, '*')")
}

#[tokio::test]
async fn what_a_foreign_origin_says_is_ignored() {
    let mut hub = HubServer::bind().await;
    let stranger = serve_site(STRANGER.to_owned()).await;
    // By another name than the Hub page, to be another site.
    let site = serve_site(framing(&hub.address, &stranger)).await.replace("localhost", "127.0.0.1");
    hub.serve(&site);
    let browser = Chromium::launch();
    let page = browser.page().await;
    page.open(&site).await;
    page.eval(&posted(0, "record")).await;
    hub.event("record").await;

    page.eval(&posted(1, "ban_user")).await;
    page.until("window.told === 'posted'").await;
    let forged = json!({"type": "ban_user", "conversationId": "c"}).to_string();
    let query = "?session=0&n=1";
    let post = format!(
        "fetch('{}{query}', {{ method: 'POST', mode: 'no-cors', body: {} }}).then(() => 0)",
        hub.address,
        json!(forged)
    );
    page.eval(&post).await;
    // Neither of JSON alone, nor of the right origin alone, is an event.
    page.eval("frames[0].postMessage({ type: 'ban_user' }, '*')").await;
    page.eval("frames[0].postMessage('ban_user', '*')").await;
    page.eval(&posted(0, "ignore")).await;
    let (event, _) = hub.events.recv().await.expect("the handler");
    assert_eq!(event.detail, EventDetail::Ignore);
    assert!(hub.events.try_recv().is_err());
}

#[tokio::test]
async fn page_is_not_shown_in_a_foreign_frame() {
    let mut hub = HubServer::bind().await;
    let stranger = serve_site(STRANGER.to_owned()).await;
    let site = serve_site(framing(&hub.address, &stranger)).await.replace("localhost", "127.0.0.1");
    hub.serve("http://127.0.0.1:1");
    let browser = Chromium::launch();
    let page = browser.page().await;
    page.open(&site).await;
    let complaints = serde_json::to_string(&page.complaints()).expect("JSON");
    assert!(complaints.contains("frame-ancestors"), "{complaints}");
    assert!(hub.events.try_recv().is_err());
}
