//! Whatever text a field holds, the request reads back to it.

use std::future::IntoFuture;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use snapengage::client::{
    ConversationSchedule, DayOfWeek, NewUser, NewWidget, Password, Presence, TimeOfDay, UserUpdate,
    WidgetAgent, WidgetUpdate,
};

use crate::vendor::{KEY, Sent, Vendor};

/// Any text, control characters and what escapes are made of among it.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        any::<char>(),
        prop::sample::select(Vec::from_iter("%+&=?#/\\\"';,:@ \t\r\n\0.{}<>%2B\u{2028}é".chars())),
    ];
    vec(c, 0..20).prop_map(String::from_iter)
}

fn texts<const N: usize>() -> impl Strategy<Value = [String; N]> {
    vec(text(), N).prop_map(|texts| texts.try_into().expect("as many as asked for"))
}

/// Makes a call, and returns its request.
fn sent<F: IntoFuture>(call: impl FnOnce(Vendor) -> F) -> Sent {
    let vendor = Vendor::answering(200, r#"{"caseId": "c", "messageList": [{"index": 1}]}"#);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let call = call(vendor.clone());
    drop(runtime.expect("a runtime").block_on(call.into_future()));
    vendor.request()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The widget of both requests, in JSON.
fn widget_json([email, name, to, agent, alias, avatar, kind, zone, day]: [&str; 9]) -> Value {
    let agent = agent.strip_prefix("wc:").unwrap_or(agent);
    json!({
        "email": email, "name": name, "destinationEmail": to,
        "agents": [
            {"agentId": agent, "agentAlias": alias, "agentAvatar": avatar, "agentType": kind}
        ],
        "conversationSchedule": {"timeZone": zone, "schedules": [
            {"dayOfWeek": day, "enabled": true, "scheduleList": ["12:00 AM", "12:00 AM"]}
        ]},
    })
}

fn agent([id, alias, avatar, kind]: [&str; 4]) -> WidgetAgent {
    let mut agent = WidgetAgent::webclient(id, alias, avatar);
    agent.agent_type = Some(kind.into());
    agent
}

fn schedule(zone: &str, day: &str) -> ConversationSchedule {
    let midnight = TimeOfDay::new(0, 0).expect("a time of day");
    ConversationSchedule::new(zone).open(DayOfWeek::from(day), midnight, midnight)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_text_of_an_agent_status_reads_back([agent, note] in texts()) {
        let request = sent(|vendor| {
            vendor.account().set_agent_status(agent.as_str(), Presence::Pause).note(note.as_str())
        });
        let agent = agent.strip_prefix("wc:").unwrap_or(&agent);
        let expected = json!({"agent_id": agent, "status": "pause", "sub_status": note});
        prop_assert_eq!(request.json(), expected);
    }

    #[test]
    fn every_text_of_a_user_reads_back(
        [email, name, kind, phone, template] in texts(),
        password in vec(any::<char>(), 5..100).prop_map(String::from_iter),
    ) {
        let secret = Password::new(password.clone()).expect("5 to 99 characters");
        let user = NewUser::new(email.clone(), name.clone(), kind.as_str(), secret.clone());
        let user = user.phone(phone.clone()).template_id(template.clone());
        let update = UserUpdate::new(email.clone(), name.clone()).account_type(kind.as_str());
        let update = update.phone(phone.clone()).password(secret);
        let mut expected = json!({
            "email": email, "name": name, "accountType": kind, "password": password,
            "phone": phone,
        });
        let updated = sent(|vendor| async move { vendor.provisioning().update_user(update).await });
        prop_assert_eq!(updated.json(), expected.clone());
        expected["templateId"] = json!(template);
        let created = sent(|vendor| async move { vendor.provisioning().create_user(user).await });
        prop_assert_eq!(created.json(), expected);
        prop_assert_eq!(created.query(), pairs(&[("api_key", KEY)]));
    }

    #[test]
    fn every_text_of_a_widget_reads_back(texts in texts::<9>(), uuid in text()) {
        let texts = texts.each_ref().map(String::as_str);
        let [email, name, to, id, alias, avatar, kind, zone, day] = texts;
        let agents = [agent([id, alias, avatar, kind])];
        let widget = NewWidget::new(email, agents.clone()).name(name).destination_email(to);
        let widget = widget.schedule(schedule(zone, day));
        let update = WidgetUpdate::new(uuid.as_str(), email, agents).name(name);
        let update = update.destination_email(to).schedule(schedule(zone, day));
        let mut expected = widget_json(texts);
        let created =
            sent(|vendor| async move { vendor.provisioning().create_widget(widget).await });
        prop_assert_eq!(created.json(), expected.clone());
        expected["uuid"] = json!(uuid);
        let updated =
            sent(|vendor| async move { vendor.provisioning().update_widget(update).await });
        prop_assert_eq!(updated.json(), expected);
    }

    #[test]
    fn every_text_of_a_query_reads_back([email, uuid] in texts()) {
        let with_email = pairs(&[("api_key", KEY), ("email", &email)]);
        let with_uuid = pairs(&[("api_key", KEY), ("uuid", &uuid), ("email", &email)]);
        let [email, uuid] = [&email, &uuid].map(String::as_str);
        let request = sent(|vendor| async move { vendor.provisioning().user(email).await });
        prop_assert_eq!(request.query(), with_email.clone());
        let request = sent(|vendor| async move { vendor.provisioning().delete_user(email).await });
        prop_assert_eq!(request.query(), with_email);
        let request = sent(|vendor| async move { vendor.provisioning().widget(uuid, email).await });
        prop_assert_eq!(request.query(), with_uuid.clone());
        let request =
            sent(|vendor| async move { vendor.provisioning().delete_widget(uuid, email).await });
        prop_assert_eq!(request.query(), with_uuid);
    }

    #[test]
    fn every_text_of_a_chat_reads_back(
        [widget, email, phone, agent, locale, app, message] in texts(),
    ) {
        let request = sent(|vendor| {
            let start = vendor.visitor_chats().start(widget.as_str()).email(email.as_str());
            let start = start.phone(phone.as_str()).user_agent(agent.as_str());
            let start = start.locale(locale.as_str()).app_version_name(app.as_str());
            start.message(message.as_str())
        });
        let expected = pairs(&[
            ("widgetId", &widget),
            ("email", &email),
            ("phone", &phone),
            ("userAgent", &agent),
            ("locale", &locale),
            ("isOffline", "false"),
            ("appVersionName", &app),
            ("visitorMessage", &message),
        ]);
        prop_assert_eq!(request.query(), expected);
        prop_assert!(request.body.is_empty());
    }

    #[test]
    fn every_text_of_a_message_reads_back([case, text] in texts()) {
        let [case, text] = [&case, &text].map(String::as_str);
        let said = sent(|vendor| async move { vendor.visitor_chats().resume(case).say(text).await });
        let expected = [("caseId", case), ("messageType", "1"), ("messageBody", text)];
        prop_assert_eq!(said.query(), pairs(&expected));
        let closed = sent(|vendor| async move {
            vendor.visitor_chats().resume(case).close().message(text).await
        });
        let expected = [("caseId", case), ("messageType", "2"), ("messageBody", text)];
        prop_assert_eq!(closed.query(), pairs(&expected));
    }

    #[test]
    fn every_id_in_a_path_is_one_segment(id in text()) {
        prop_assume!(!["", ".", ".."].contains(&&*id));
        let id = id.as_str();
        let open = sent(|vendor| async move { vendor.client().availability(id).await });
        prop_assert_eq!(open.path(), ["public", "api", "v2", "chat", id]);
        let with_key =
            sent(|vendor| async move { vendor.visitor_chats().availability(id).await });
        prop_assert_eq!(with_key.path(), ["api", "v1", "chat", id]);
        let polled =
            sent(|vendor| async move { vendor.visitor_chats().resume(id).next().await });
        prop_assert_eq!(polled.path(), ["api", "v1", "chat", "poll", id]);
    }
}
