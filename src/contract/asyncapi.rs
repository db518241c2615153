//! AsyncAPI 3.0.

use serde_json::{Map, Value, json};

use super::api::ContractApi;
use super::calls::{CALLS, CallForm, CallParameter};
use super::webhooks::{WEBHOOKS, Webhook, WebhookAnswer};
use super::{Contract, DOCS, HOST};
use crate::hub;
use crate::wire::described::{Definitions, Described};

pub(super) fn document(contract: &Contract) -> Value {
    let mut document = AsyncDocument {
        definitions: Definitions::new(contract.reading, "#/components/schemas/"),
        channels: Map::new(),
        operations: Map::new(),
        messages: Map::new(),
        security_schemes: Map::new(),
    };
    for webhook in WEBHOOKS.iter().filter(|webhook| contract.has(webhook.api)) {
        document.add_webhook(webhook);
    }
    for call in CALLS.iter().filter(|call| contract.has(call.api)) {
        document.add_call(call);
    }
    if contract.has(ContractApi::Hub) {
        document.add_hub();
    }
    let mut info = contract.info();
    info["externalDocs"] = json!({ "url": DOCS });
    json!({
        "asyncapi": "3.0.0",
        "id": format!("urn:snapengage:contract:{}:{}", contract.name(), contract.reading_name()),
        "info": info,
        "defaultContentType": JSON,
        "servers": {
            SNAPENGAGE: { "host": HOST, "protocol": "https", "description": "SnapEngage." },
            RECEIVER: {
                "host": "receiver.example.com",
                "protocol": "https",
                "description": "Service that SnapEngage calls, at addresses of your choice.",
            },
        },
        "channels": document.channels,
        "operations": document.operations,
        "components": {
            "messages": document.messages,
            "schemas": document.definitions.into_schemas(),
            "securitySchemes": document.security_schemes,
        },
    })
}

const JSON: &str = "application/json";
const SNAPENGAGE: &str = "snapengage";
const RECEIVER: &str = "receiver";
const TOKEN: &str = "receiverToken";

struct AsyncDocument {
    definitions: Definitions,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    security_schemes: Map<String, Value>,
}

impl AsyncDocument {
    fn add_webhook(&mut self, webhook: &Webhook) {
        let api = webhook.api;
        self.add_channel(api, RECEIVER, None);
        let payload = (webhook.payload)(&mut self.definitions);
        let binding = if webhook.method == "get" {
            let query = self.definitions.get(&payload).clone();
            http(webhook.method, Some(&query))
        } else {
            http(webhook.method, None)
        };
        let request = self.add_message(api, api.as_str(), webhook.summary, Some((JSON, payload)));
        let mut operation = json!({
            "action": "receive",
            "summary": webhook.summary,
            "channel": channel(api),
            "messages": [request],
            "bindings": binding,
        });
        let answer = match webhook.answer {
            WebhookAnswer::Nothing => None,
            WebhookAnswer::Json(schema) => Some(("Reply.", (JSON, schema(&mut self.definitions)))),
            WebhookAnswer::Text(summary) => {
                Some((summary, ("text/plain", json!({ "type": "string" }))))
            }
        };
        if let Some((summary, answer)) = answer {
            let name = format!("{api}-reply");
            let reply = self.add_message(api, &name, summary, Some(answer));
            operation["reply"] = json!({ "channel": channel(api), "messages": [reply] });
        }
        if webhook.has_token() {
            let scheme = api_key("header", "Authorization");
            self.security_schemes.insert(TOKEN.to_owned(), scheme);
            operation["security"] = json!([security(TOKEN)]);
        }
        self.operations.insert(api.to_string(), operation);
    }

    fn add_call(&mut self, call: &CallForm) {
        let (api, name) = (call.api, call.name());
        self.add_channel(api, SNAPENGAGE, Some(call));
        let body = call.body.map(|schema| (JSON, schema(&mut self.definitions)));
        let request = self.add_message(api, name, call.summary, body);
        let answer = call.answer.map(|schema| (JSON, schema(&mut self.definitions)));
        let reply = self.add_message(api, &format!("{name}-answer"), "Answer of success.", answer);
        let query = query_of(call);
        let mut operation = json!({
            "action": "send",
            "title": format!("{} {}", call.operation.method(), call.path),
            "summary": call.summary,
            "channel": channel(api),
            "messages": [request],
            "reply": { "channel": channel(api), "messages": [reply] },
            "bindings": http(&call.method(), query.as_ref()),
        });
        if let Some((scheme, place, parameter)) = call.credential.scheme() {
            self.security_schemes.insert(scheme.to_owned(), api_key(place, parameter));
            operation["security"] = json!([security(scheme)]);
        }
        self.operations.insert(name.to_owned(), operation);
    }

    fn add_hub(&mut self) {
        let api = ContractApi::Hub;
        self.channels.insert(
            api.to_string(),
            json!({
                "address": null,
                "title": api.title(),
                "description": "Messages between the Hub and the page of an agent link, by \
                    `postMessage` in the browser.",
                "messages": {},
            }),
        );
        for (name, action, summary, schema) in [
            (
                "hub-event",
                "receive",
                "Event that the Hub tells the page.",
                hub::Event::schema as fn(&mut Definitions) -> Value,
            ),
            ("hub-action", "send", "Action that the page has the Hub do.", hub::Action::schema),
        ] {
            let payload = schema(&mut self.definitions);
            let message = self.add_message(api, name, summary, Some((JSON, payload)));
            let operation = json!({
                "action": action,
                "summary": summary,
                "channel": channel(api),
                "messages": [message],
            });
            self.operations.insert(name.to_owned(), operation);
        }
    }

    /// Adds a channel. Its address is that of its calls, if they have but one.
    fn add_channel(&mut self, api: ContractApi, server: &str, call: Option<&CallForm>) {
        let is_one = |call: &&CallForm| {
            let mut calls = CALLS.iter().filter(|other| other.api == api);
            calls.all(|other| other.path == call.path)
        };
        let call = call.filter(is_one);
        let new = || {
            let mut channel = json!({
                "address": call.map(|call| call.path),
                "title": api.title(),
                "servers": [{ "$ref": format!("#/servers/{server}") }],
                "messages": {},
            });
            for parameter in call.into_iter().flat_map(|call| call.path_parameters) {
                let described = json!({ "description": parameter.description });
                channel["parameters"][parameter.name] = described;
            }
            channel
        };
        self.channels.entry(api.as_str()).or_insert_with(new);
    }

    /// Adds a message to a channel, and returns a reference to it there.
    fn add_message(
        &mut self,
        api: ContractApi,
        name: &str,
        summary: &str,
        payload: Option<(&str, Value)>,
    ) -> Value {
        let mut message = json!({ "name": name, "summary": summary });
        if let Some((content_type, payload)) = payload {
            message["contentType"] = content_type.into();
            message["payload"] = payload;
        }
        self.messages.insert(name.to_owned(), message);
        let reference = json!({ "$ref": format!("#/components/messages/{name}") });
        self.channels[api.as_str()]["messages"][name] = reference;
        json!({ "$ref": format!("#/channels/{api}/messages/{name}") })
    }
}

fn channel(api: ContractApi) -> Value {
    json!({ "$ref": format!("#/channels/{api}") })
}

fn security(scheme: &str) -> Value {
    json!({ "$ref": format!("#/components/securitySchemes/{scheme}") })
}

fn api_key(place: &str, name: &str) -> Value {
    json!({ "type": "httpApiKey", "in": place, "name": name })
}

fn http(method: &str, query: Option<&Value>) -> Value {
    let mut binding = json!({ "method": method.to_uppercase(), "bindingVersion": "0.3.0" });
    if let Some(query) = query {
        binding["query"] = query.clone();
    }
    json!({ "http": binding })
}

/// Returns the parameters of a call's query as an object.
fn query_of(call: &CallForm) -> Option<Value> {
    let property = |parameter: &CallParameter| {
        let mut schema = parameter.schema();
        schema["description"] = parameter.description.into();
        (parameter.name.to_owned(), schema)
    };
    let required = call.query.iter().filter(|parameter| parameter.is_required);
    let required: Vec<_> = required.map(|parameter| parameter.name).collect();
    let properties: Map<_, _> = call.query.iter().map(property).collect();
    (!properties.is_empty()).then(|| {
        let mut query = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            query["required"] = required.into();
        }
        query
    })
}
