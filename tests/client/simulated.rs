//! Calls against the simulator, which was written from the same pages and knows nothing of this.

use snapengage::agent_status::Status;
use snapengage::client::{
    AccountType, Client, ConversationSchedule, DayOfWeek, NewUser, NewWidget, Operation, Password,
    Presence, Provisioning, Secret, TimeOfDay, UserUpdate, WidgetAgent, WidgetUpdate,
};
use snapengage::simulator::Simulator;

const JANE: &str = "jane@example.com";

fn simulator() -> (Simulator, Client) {
    let simulator = Simulator::builder().widget("sales").agent(JANE).seed(7).build();
    let simulator = simulator.expect("a simulator");
    let client = Client::builder().transport(simulator.clone()).build();
    (simulator, client.expect("good settings"))
}

fn provisioning(client: &Client) -> Provisioning {
    client.provisioning(Secret::new("local-provisioning-key"))
}

#[tokio::test(start_paused = true)]
async fn an_agent_and_a_visitor_talk() {
    let (simulator, client) = simulator();
    let chats = client.visitor_chats(Secret::new("local-chat-key"));
    assert!(chats.availability("sales").await.expect("an answer").is_online());
    let start = chats.start("sales").email("visitor@example.com");
    let mut chat = start.message("Hello").await.expect("a chat");
    let jane = simulator.agent(JANE);
    jane.takes(chat.case_id()).await.expect("a chat to take");
    jane.says(chat.case_id(), "What is it about?").await.expect("a chat");
    let mut said = None;
    while let Some(line) = chat.next().await.expect("an answer") {
        if line.is_from_agent() {
            said = Some(line);
            break;
        }
    }
    assert_eq!(said.expect("a line of the agent").trimmed(), "What is it about?");
    chat.say("Pricing & 100% +").await.expect("an answer");
    assert_eq!(simulator.accepted_texts(Operation::Say), ["Pricing & 100% +"]);
    chat.close().await.expect("a success");
    while chat.next().await.expect("no error").is_some() {}
    assert!(chat.say("Still there?").await.expect_err("a closed chat").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_status_makes_a_widget_online_or_not() {
    let (simulator, client) = simulator();
    let account = client.account(Secret::new("local-api-token"), 5_406_213);
    account.set_agent_status(JANE, Presence::Pause).note("Lunch").await.expect("a success");
    let expected = Some((Status::Pause, Some("Lunch".to_owned())));
    assert_eq!(simulator.agent(JANE).status(), expected);
    assert!(!client.availability("sales").await.expect("an answer").is_online());
    account.set_agent_status(JANE, Presence::Online).await.expect("a success");
    assert!(client.availability("sales").await.expect("an answer").is_online());
    assert!(account.set_agent_status("nobody", Presence::Pause).await.is_err());
    let unknown = client.availability("support").await.expect_err("no such widget");
    assert!(unknown.code().is_some(), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn a_user_comes_changes_and_goes() {
    let (_, client) = simulator();
    let provisioning = provisioning(&client);
    let password = Password::new("correct horse").expect("13 characters");
    let bob = NewUser::new("Bob@Example.com", "Bob", AccountType::Enterprise, password);
    let created = provisioning.create_user(bob.phone("555")).await.expect("a user");
    assert_eq!(created.email.as_deref(), Some("bob@example.com"));
    let found = provisioning.user("bob@example.com").await.expect("an answer");
    assert_eq!(found, Some(created));
    let update = UserUpdate::new("bob@example.com", "Robert");
    let updated = provisioning.update_user(update).await.expect("a user");
    assert_eq!(updated.name.as_deref(), Some("Robert"));
    provisioning.delete_user("bob@example.com").await.expect("a success");
    assert_eq!(provisioning.user("bob@example.com").await.expect("an answer"), None);
}

#[tokio::test(start_paused = true)]
async fn a_widget_comes_changes_and_goes() {
    let (_, client) = simulator();
    let provisioning = provisioning(&client);
    let password = Password::new("correct horse").expect("13 characters");
    let owner = NewUser::new("owner@example.com", "Owner", AccountType::Business, password);
    provisioning.create_user(owner).await.expect("a user");
    let time = |hour| TimeOfDay::new(hour, 0).expect("a time of day");
    let schedule = ConversationSchedule::new("Europe/Berlin");
    let schedule = schedule.open(DayOfWeek::Monday, time(9), time(12));
    let jane = WidgetAgent::webclient(JANE, "Jane", "https://www.example.com/jane.png");
    let new = NewWidget::new("owner@example.com", [jane]).name("Sales").schedule(schedule);
    let created = provisioning.create_widget(new.enable_proactive_chat(true)).await;
    let created = created.expect("a widget");
    let uuid = created.uuid.clone().expect("an id");
    assert_eq!(created.agents[0].agent_id.as_ref().expect("an id"), &"wc:jane@example.com");
    assert_eq!(created.enable_proactive_chat, Some(true));
    let update = WidgetUpdate::new(uuid.clone(), "owner@example.com", created.agents);
    let updated = provisioning.update_widget(update.name("Support")).await.expect("a widget");
    assert_eq!(updated.name.as_deref(), Some("Support"));
    let found = provisioning.widget(uuid.clone(), "owner@example.com").await.expect("an answer");
    assert_eq!(found.expect("a widget").agents.len(), 1);
    provisioning.delete_widget(uuid.clone(), "owner@example.com").await.expect("a success");
    let gone = provisioning.widget(uuid, "owner@example.com").await.expect("an answer");
    assert_eq!(gone, None);
    assert!(provisioning.user("owner@example.com").await.expect("an answer").is_some());
}
