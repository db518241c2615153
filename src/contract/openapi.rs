//! OpenAPI 3.1.

use serde_json::{Map, Value, json};

use super::api::ContractApi;
use super::calls::{CALLS, CallForm, CallParameter, Credential};
use super::webhooks::{WEBHOOKS, Webhook, WebhookAnswer};
use super::{Contract, DOCS, HOST, xml};
use crate::wire::described::Definitions;

pub(super) fn document(contract: &Contract) -> Value {
    let mut definitions = Definitions::new(contract.reading, "#/components/schemas/");
    let webhooks: Map<_, _> = WEBHOOKS
        .iter()
        .filter(|webhook| contract.has(webhook.api))
        .map(|webhook| (webhook.api.to_string(), webhook_item(webhook, &mut definitions)))
        .collect();
    let paths = paths(contract, &mut definitions);
    let mut schemas = definitions.into_schemas();
    if !webhooks.is_empty() {
        schemas.insert(REFUSAL.to_owned(), refusal_schema());
    }
    xml::name(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": info(contract),
        "externalDocs": { "url": DOCS },
        "servers": [{ "url": format!("https://{HOST}") }],
        "webhooks": webhooks,
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes(contract) },
    })
}

fn info(contract: &Contract) -> Value {
    let mut info = contract.info();
    if contract.has(ContractApi::Hub) {
        let left_out = "The Hub has no requests: its messages are in JSON Schema and AsyncAPI.";
        info["description"] = json!(format!("{} {left_out}", contract.description()));
    }
    info
}

const REFUSAL: &str = "Refusal";

fn refusal_schema() -> Value {
    json!({
        "description": "Refusal of a request.",
        "type": "object",
        "properties": {
            "code": { "description": "Status of the answer.", "type": "integer" },
            "message": { "description": "Reason, for people.", "type": "string" },
        },
        "required": ["code", "message"],
        "additionalProperties": true,
    })
}

fn webhook_item(webhook: &Webhook, definitions: &mut Definitions) -> Value {
    let payload = (webhook.payload)(definitions);
    let mut operation = json!({
        "operationId": webhook.api.as_str(),
        "summary": webhook.summary,
        "tags": [webhook.api.as_str()],
        "responses": {
            "200": accepted(webhook, definitions),
            "default": refused(definitions),
        },
        "security": if webhook.has_token() { json!([{ RECEIVER: [] }, {}]) } else { json!([]) },
    });
    if webhook.method == "get" {
        operation["parameters"] = query_of(&payload, definitions);
    } else {
        operation["requestBody"] = body_of(webhook, &payload);
    }
    json!({ webhook.method: operation })
}

fn accepted(webhook: &Webhook, definitions: &mut Definitions) -> Value {
    match webhook.answer {
        WebhookAnswer::Nothing => json!({ "description": "Received. Any status 2xx is the same." }),
        WebhookAnswer::Json(schema) => json!({
            "description": "Reply.",
            "content": { "application/json": { "schema": schema(definitions) } },
        }),
        WebhookAnswer::Text(description) => json!({
            "description": description,
            "content": { "text/plain": { "schema": { "type": "string" } } },
        }),
    }
}

fn refused(definitions: &Definitions) -> Value {
    json!({
        "description": "Refused, or failed.",
        "content": { "application/json": { "schema": definitions.refer(REFUSAL) } },
    })
}

fn body_of(webhook: &Webhook, payload: &Value) -> Value {
    let mut content = json!({ "application/json": { "schema": payload } });
    if webhook.may_be_xml {
        content["application/xml"] = json!({ "schema": payload });
    }
    json!({ "required": true, "content": content })
}

/// Returns the fields of an object as parameters of a query.
fn query_of(payload: &Value, definitions: &Definitions) -> Value {
    let schema = definitions.get(payload);
    let is_required = |name: &str| {
        let required = schema["required"].as_array();
        required.is_some_and(|required| required.contains(&name.into()))
    };
    let parameters = schema["properties"].as_object().into_iter().flatten();
    let parameters = parameters.map(|(name, property)| {
        let mut property = property.clone();
        let description = property.as_object_mut().and_then(|fields| fields.remove("description"));
        json!({
            "name": name,
            "in": "query",
            "description": description,
            "required": is_required(name),
            "schema": property,
        })
    });
    parameters.collect()
}

fn paths(contract: &Contract, definitions: &mut Definitions) -> Value {
    let mut paths = json!({});
    for call in CALLS.iter().filter(|call| contract.has(call.api)) {
        paths[call.path][call.method()] = call_item(call, definitions);
    }
    paths
}

fn call_item(call: &CallForm, definitions: &mut Definitions) -> Value {
    let parameters = |place: &'static str, parameters: &'static [CallParameter]| {
        parameters.iter().map(move |parameter| {
            json!({
                "name": parameter.name,
                "in": place,
                "description": parameter.description,
                "required": parameter.is_required,
                "schema": parameter.schema(),
            })
        })
    };
    let in_path = parameters("path", call.path_parameters);
    let parameters: Vec<_> = in_path.chain(parameters("query", call.query)).collect();
    let mut success = json!({ "description": "Success." });
    if let Some(answer) = call.answer {
        success["content"] = json!({ "application/json": { "schema": answer(definitions) } });
    }
    let mut operation = json!({
        "operationId": call.name(),
        "summary": call.summary,
        "tags": [call.api.as_str()],
        "parameters": parameters,
        "responses": {
            call.status: success,
            "default": { "description": "Failure. Its body is not documented." },
        },
        "security": security(call.credential),
    });
    if let Some(body) = call.body {
        let content = json!({ "application/json": { "schema": body(definitions) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn security(credential: Credential) -> Value {
    credential.scheme().map_or(json!([]), |(scheme, ..)| json!([{ scheme: [] }]))
}

/// Name of the security scheme of webhooks.
const RECEIVER: &str = "receiverToken";

fn security_schemes(contract: &Contract) -> Value {
    let mut schemes = json!({});
    if WEBHOOKS.iter().any(|webhook| contract.has(webhook.api) && webhook.has_token()) {
        schemes[RECEIVER] = json!({
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Token as it was typed into the dashboard, without a scheme. Without \
                one there, SnapEngage sends no header.",
        });
    }
    for call in CALLS.iter().filter(|call| contract.has(call.api)) {
        if let Some((scheme, place, name)) = call.credential.scheme() {
            schemes[scheme] = json!({ "type": "apiKey", "in": place, "name": name });
        }
    }
    schemes
}
