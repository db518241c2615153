//! Every call that the client makes is one of OpenAPI's, with its parameters, body and answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use form_urlencoded::parse;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use snapengage::client::{
    AccountType, Client, ConversationSchedule, Day, DayOfWeek, NewUser, NewWidget, Operation,
    Password, Presence, ResponseBody, Secret, TimeOfDay, Transport, TransportError, UserUpdate,
    WidgetAgent, WidgetUpdate,
};
use snapengage::contract::{Contract, ContractReading};
use snapengage::simulator::Simulator;

use crate::tools::root;
use crate::validators::validator;

const JANE: &str = "jane@example.com";
const OWNER: &str = "owner@example.com";

/// Request that was made, and its answer.
struct Exchange {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: http::HeaderMap,
    body: Bytes,
    status: u16,
    answer: Bytes,
}

/// Simulator whose exchanges are kept.
#[derive(Clone)]
struct Kept(Simulator, Arc<Mutex<Vec<Exchange>>>);

#[async_trait]
impl Transport for Kept {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let (method, body) = (request.method().to_string(), request.body().clone());
        let response = Transport::send(&self.0, request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        let query = parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let path = uri.path().to_owned();
        self.1.lock().expect("a lock").push(Exchange {
            method,
            path,
            query,
            headers,
            body,
            status: status.as_u16(),
            answer: answer.clone(),
        });
        let response = Response::builder().status(status).body(ResponseBody::from(answer));
        Ok(response.expect("a status"))
    }
}

/// Makes every call that has a documented path, with everything that it can have.
async fn exchanges() -> Vec<Exchange> {
    let simulator = Simulator::builder().widget("sales").agent(JANE).seed(7).build();
    let kept = Kept(simulator.expect("a simulator"), Arc::default());
    let client = Client::builder().transport(kept.clone()).build().expect("good settings");
    provision(&client).await;
    chat(&client, &kept.0).await;
    let account = client.account(Secret::new("local-api-token"), 5_406_213);
    account.set_agent_status(JANE, Presence::Pause).note("Lunch").await.expect("a success");
    let day = |text: &str| text.parse::<Day>().expect("a day");
    let logs = account.logs("sales").from(day("2026-01-01")).to(day("2026-01-31"));
    let mut cases = logs.time_zone("Europe/Berlin").cases();
    while cases.next().await.expect("an answer").is_some() {}
    client.availability("sales").await.expect("an answer");
    client.availability("nowhere").await.expect_err("an error with status 200");
    std::mem::take(&mut kept.1.lock().expect("a lock"))
}

async fn provision(client: &Client) {
    let admin = client.provisioning(Secret::new("local-provisioning-key"));
    let password = || Password::new("correct horse").expect("long enough");
    let owner = NewUser::new(OWNER, "Owner", AccountType::Business, password());
    admin.create_user(owner.phone("555").template_id("t")).await.expect("a user");
    let update = UserUpdate::new(OWNER, "Owner").account_type(AccountType::Premier);
    admin.update_user(update.password(password()).phone("556")).await.expect("a user");
    admin.user(OWNER).await.expect("an answer").expect("a user");
    let time = |hour| TimeOfDay::new(hour, 0).expect("a time of day");
    let schedule = ConversationSchedule::new("Europe/Berlin");
    let schedule = schedule.open(DayOfWeek::Monday, time(9), time(17));
    let jane = || WidgetAgent::webclient(JANE, "Jane", "https://example.com/jane.png");
    let widget = NewWidget::new(OWNER, [jane()]).name("Support").schedule(schedule);
    let widget = widget.destination_email(OWNER).enable_proactive_chat(true);
    let created = admin.create_widget(widget.enable_conversations(true)).await.expect("a widget");
    let uuid = created.uuid.expect("an id");
    let update = WidgetUpdate::new(uuid.clone(), OWNER, [jane()]).enable_proactive_chat(false);
    admin.update_widget(update).await.expect("a widget");
    admin.widget(uuid.clone(), OWNER).await.expect("an answer").expect("a widget");
    admin.delete_widget(uuid, OWNER).await.expect("a success");
    admin.delete_user(OWNER).await.expect("a success");
}

async fn chat(client: &Client, simulator: &Simulator) {
    let chats = client.visitor_chats(Secret::new("local-chat-key"));
    chats.availability("sales").await.expect("an answer");
    let start = chats.start("sales").email("v@example.com").phone("555").message("Hello");
    let start = start.user_agent("Mozilla").locale("en").app_version_name("app/1");
    let mut chat = start.await.expect("a chat");
    let jane = simulator.agent(JANE);
    jane.takes(chat.case_id()).await.expect("a chat");
    chat.typing(true);
    chat.next().await.expect("an answer").expect("a line");
    jane.says(chat.case_id(), "Hi").await.expect("a chat");
    // It was said after the first poll: the second one names an index.
    while chat.next().await.expect("an answer").expect("a line").trimmed() != "Hi" {}
    chat.say("Pricing").await.expect("an answer");
    chat.close().message("Bye").await.expect("a success");
    chats.start("sales").email("v@example.com").message("Hi").offline().await.expect("a case");
}

/// Returns the operation that a request is one of, and its path's template.
fn operation<'v>(openapi: &'v Value, method: &str, path: &str) -> Option<&'v Value> {
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        let fits = |(part, is): (&&str, &&str)| part.starts_with('{') || part == is;
        template.len() == path.len() && template.iter().zip(&path).all(fits)
    };
    let paths = openapi["paths"].as_object().expect("paths");
    // Templates come first in no case: `poll` is a part of its own.
    let mut found = paths.iter().filter(|(template, _)| fits(template));
    let exact = found.clone().find(|(template, _)| !template.contains('{'));
    exact.or_else(|| found.next())?.1.get(method.to_lowercase())
}

#[track_caller]
fn assert_valid(openapi: &Value, schema: &Value, body: &[u8]) {
    let mut alone = schema.clone();
    alone["components"] = openapi["components"].clone();
    let value: Value = serde_json::from_slice(body).expect("JSON");
    let errors: Vec<_> =
        validator(&alone).iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{value}: {errors:#?}");
}

fn names(operation: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let parameters = operation["parameters"].as_array().expect("a list").iter();
    let of_query = parameters.filter(|parameter| parameter["in"] == "query");
    let wanted = of_query.filter(|parameter| is_wanted(parameter));
    wanted.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect()
}

/// Asserts that a request has the credential that its operation names, and returns where in the
/// query it is, if it is there.
#[track_caller]
fn credential(openapi: &Value, operation: &Value, exchange: &Exchange) -> Option<String> {
    let scheme = operation["security"][0].as_object()?.keys().next()?;
    let scheme = &openapi["components"]["securitySchemes"][scheme];
    let name = scheme["name"].as_str().expect("a name");
    if scheme["in"] == "query" {
        assert!(exchange.query.contains_key(name), "{name}");
        return Some(name.to_owned());
    }
    assert!(exchange.headers.contains_key(name), "{name}");
    None
}

#[tokio::test(start_paused = true)]
async fn every_call_is_made_and_answered_as_described() {
    let openapi = Contract::new().openapi();
    let documented = Contract::new().reading(ContractReading::Documented).openapi();
    let (mut seen, mut used) = (BTreeSet::new(), BTreeSet::new());
    for exchange in exchanges().await {
        let Exchange { method, path, query, body, status, answer, .. } = &exchange;
        let of = |document| operation(document, method, path).expect("an operation");
        let operation = of(&openapi);
        let id = operation["operationId"].as_str().expect("an id");
        seen.insert(id.to_owned());
        let mut sent: BTreeSet<_> = query.keys().cloned().collect();
        if let Some(name) = credential(&openapi, operation, &exchange) {
            sent.remove(&name);
        }
        let known = names(operation, |_| true);
        assert!(sent.is_subset(&known), "{id}: {sent:?}, known are {known:?}");
        let required = names(operation, |parameter| parameter["required"] == true);
        assert!(sent.is_superset(&required), "{id}: {sent:?}, required are {required:?}");
        used.extend(sent.into_iter().map(|name| format!("{id} {name}")));
        assert_eq!(body.is_empty(), operation.get("requestBody").is_none(), "{id}");
        for document in [&openapi, &documented] {
            let operation = of(document);
            if !body.is_empty() {
                let content = &operation["requestBody"]["content"];
                assert_valid(document, &content["application/json"]["schema"], body);
            }
            let success = &operation["responses"][status.to_string()];
            assert!(success.is_object(), "{id}: {status}");
            if let Some(content) = success.get("content") {
                assert_valid(document, &content["application/json"]["schema"], answer);
            }
        }
    }
    assert_every_parameter_was_used(&openapi, &seen, &used);
}

/// A parameter that no call has would be a name without a use.
#[track_caller]
fn assert_every_parameter_was_used(
    openapi: &Value,
    seen: &BTreeSet<String>,
    used: &BTreeSet<String>,
) {
    let paths = openapi["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|path| path.as_object().expect("methods").values());
    let mut count = 0;
    for operation in operations {
        count += 1;
        let id = operation["operationId"].as_str().expect("an id");
        assert!(seen.contains(id), "{id} was not called");
        for name in names(operation, |_| true) {
            // It is in the addresses that SnapEngage writes, of more than one page.
            let is_the_vendors = (id, &*name) == ("logs", "next");
            assert!(is_the_vendors || used.contains(&format!("{id} {name}")), "{id}: {name}");
        }
    }
    // What says something closes a chat as well, and files have no documented path.
    assert_eq!(count, Operation::ALL.len() - 2);
}

#[test]
fn every_documented_request_is_described() {
    let openapi = Contract::new().openapi();
    let folder = root().join("sample-payloads/outbound");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let name = path.display().to_string();
        if !name.ends_with("-request.txt") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).expect("text");
        let (method, address) = text.lines().next().expect("a line").split_once(' ').expect("two");
        let address = address.split_whitespace().next().expect("an address");
        let (address, query) = address.split_once('?').unwrap_or((address, ""));
        let (_, path) = address.trim_start_matches("https://").split_once('/').expect("a path");
        let operation = operation(&openapi, method, &format!("/{path}"));
        let operation = operation.unwrap_or_else(|| panic!("{name}: {method} /{path}"));
        let mut known = names(operation, |_| true);
        known.insert("api_key".to_owned());
        for (parameter, _) in parse(query.as_bytes()) {
            assert!(known.contains(&*parameter), "{name}: {parameter}");
        }
    }
    assert_eq!(count, 11);
    assert!(operation(&openapi, "PATCH", "/api/v1/user.json").is_none());
    assert!(operation(&openapi, "GET", "/api/v3/user.json").is_none());
    assert_eq!(
        openapi["paths"]["/api/v1/user.json"]["put"]["security"],
        json!([{ "provisioningKey": [] }])
    );
}
