//! The client, joined to the simulator in one process: each call once, and what it refuses.

use std::time::Duration;

use snapengage::agent_status::Status;
use snapengage::client::{
    AccountType, Client, NewUser, NewWidget, Operation, Password, Presence, Provisioning, Secret,
    UserUpdate, VisitorChats, WidgetAgent, WidgetUpdate,
};
use snapengage::simulator::{Fault, Simulator};

use crate::ask::*;

fn client(simulator: &Simulator) -> Client {
    Client::builder().transport(simulator.clone()).build().expect("no mistakes")
}

fn admin(simulator: &Simulator) -> Provisioning {
    client(simulator).provisioning(Secret::new("local-provisioning-key"))
}

fn chats(simulator: &Simulator) -> VisitorChats {
    client(simulator).visitor_chats(Secret::new("local-chat-key"))
}

fn ann() -> NewUser {
    let password = Password::new("12345").expect("long enough");
    NewUser::new("Ann@example.com", "Ann", AccountType::Enterprise, password)
}

fn agent() -> WidgetAgent {
    WidgetAgent::webclient(JANE, "Jane", "https://example.com/jane.png")
}

#[tokio::test(start_paused = true)]
async fn user_is_created_read_updated_and_deleted() {
    let simulator = open_office();
    let admin = admin(&simulator);
    let created = admin.create_user(ann()).await.expect("a user");
    assert_eq!(admin.user("ANN@example.com").await.expect("an answer"), Some(created.clone()));
    assert!(simulator.users().contains(&created));
    let update = UserUpdate::new("ann@example.com", "Anna").phone("555");
    let updated = admin.update_user(update).await.expect("a user");
    assert_eq!((updated.name.as_deref(), updated.phone.as_deref()), (Some("Anna"), Some("555")));
    admin.delete_user("ann@example.com").await.expect("a user");
    assert_eq!(admin.user("ann@example.com").await.expect("an answer"), None);
    let error = admin.delete_user("ann@example.com").await.expect_err("nobody");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn widget_is_created_read_updated_and_deleted() {
    let simulator = open_office();
    let admin = admin(&simulator);
    let widget = NewWidget::new("user@example.com", [agent()]).name("Support");
    let created = admin.create_widget(widget).await.expect("a widget");
    assert!(simulator.widgets().contains(&created));
    let id = created.uuid.clone().expect("an id");
    let got = admin.widget(id.as_str(), "user@example.com").await.expect("an answer");
    assert_eq!(got, Some(created));
    let update = WidgetUpdate::new(id.clone(), "user@example.com", [agent()]).name("Help");
    let updated = admin.update_widget(update).await.expect("a widget");
    assert_eq!(updated.name.as_deref(), Some("Help"));
    admin.delete_widget(id.as_str(), "user@example.com").await.expect("a widget");
    let got = admin.widget(id.as_str(), "user@example.com").await.expect("an answer");
    assert_eq!(got, None);
    assert!(admin.user("user@example.com").await.expect("an answer").is_some());
}

#[tokio::test(start_paused = true)]
async fn visitor_and_agent_talk() {
    let simulator = open_office();
    let mut visit = chats(&simulator)
        .start("sales")
        .email("v@example.com")
        .message("50% off, ü & you?")
        .await
        .expect("a chat");
    let case = visit.case_id().clone();
    let jane = simulator.agent(JANE);
    jane.takes(&case).await.expect("a chat that waits");
    jane.says(&case, "Yes").await.expect("a chat of Jane's");
    let mut said = Vec::new();
    while said.is_empty() {
        let line = visit.next().await.expect("an answer").expect("a line");
        if line.author == "Jane" && !line.text.starts_with('/') {
            said.push(line.text.trim_end().to_owned());
        }
    }
    assert_eq!(said, ["Yes"]);
    visit.say("Thank you").await.expect("a chat");
    jane.closes(&case).await.expect("a chat of Jane's");
    assert_eq!(visit.next().await.expect("an answer"), None);
    let transcript = simulator.case(&case).expect("a case").transcripts;
    let messages: Vec<_> = transcript.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(messages, ["50% off, ü & you?", "Yes", "Thank you"]);
}

#[tokio::test(start_paused = true)]
async fn visitor_closes_the_chat() {
    let simulator = open_office();
    let mut visit = chats(&simulator).start("sales").await.expect("a chat");
    visit.close().message("Bye").await.expect("a chat");
    assert_eq!(simulator.accepted_texts(Operation::CloseChat), [visit.case_id().as_str()]);
    let case = simulator.case(visit.case_id()).expect("a case");
    let last = case.transcripts.last().expect("a line");
    assert_eq!(last.message.as_str(), "Bye");
}

#[tokio::test(start_paused = true)]
async fn availability_is_told_with_a_key_and_without() {
    let simulator = open_office();
    assert!(client(&simulator).availability("sales").await.expect("a widget").is_online());
    simulator.agent(JANE).offline().await.expect("Jane");
    assert!(!chats(&simulator).availability("sales").await.expect("a widget").is_online());
    client(&simulator).availability("other").await.expect_err("an error in 200");
    let error = chats(&simulator).availability("other").await.expect_err("404");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn agent_status_is_set() {
    let simulator = open_office();
    let account = client(&simulator).account(Secret::new("local-api-token"), 5_406_213);
    account.set_agent_status(JANE, Presence::Pause).note("Lunch").await.expect("an agent");
    let status = simulator.agent(JANE).status();
    assert_eq!(status, Some((Status::Pause, Some("Lunch".to_owned()))));
    let error = account.set_agent_status("bob@example.com", Presence::Online).await;
    assert!(error.expect_err("nobody").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn wrong_credential_is_told() {
    let simulator = open_office();
    let chats = client(&simulator).visitor_chats(Secret::new("local-provisioning-key"));
    let error = chats.start("sales").await.expect_err("a wrong key");
    assert!(error.is_rejected_credential(), "{error}");
    assert_eq!(simulator.accepted(Operation::StartChat), 0);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_of_a_create_is_not_asked_for_twice() {
    let simulator = open_office();
    simulator.fault(Fault::nth(1).on(Operation::CreateUser).half());
    let error = admin(&simulator).create_user(ann()).await.expect_err("half an answer");
    assert!(error.may_have_been_done(), "{error}");
    assert_eq!(simulator.received(Operation::CreateUser), 1);
    assert_eq!(simulator.accepted(Operation::CreateUser), 1);
}

#[tokio::test(start_paused = true)]
async fn connection_that_was_not_made_is_tried_again() {
    let simulator = open_office();
    simulator.fault(Fault::nth(1).on(Operation::StartChat).refuse());
    simulator.fault(Fault::nth(2).stall(Duration::from_secs(1)));
    chats(&simulator).start("sales").await.expect("a chat");
    assert_eq!(simulator.accepted(Operation::StartChat), 1);
}
