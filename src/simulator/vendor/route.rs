//! Addresses of the APIs.

use http::Method;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use crate::client::Operation;

/// Call that an address stands for.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) operation: Operation,
    pub(super) subject: String,
}

type Methods = &'static [(Method, Operation)];

/// Placeholder of a subject in a path.
const SUBJECT: &str = "{}";

const ROUTES: &[(&str, Methods)] = &[
    ("/api/v2/agentstatus", &[(Method::POST, Operation::SetAgentStatus)]),
    ("/api/v2/{}/logs", &[(Method::GET, Operation::Logs)]),
    (
        "/api/v1/user.json",
        &[
            (Method::PUT, Operation::CreateUser),
            (Method::GET, Operation::GetUser),
            (Method::POST, Operation::UpdateUser),
            (Method::DELETE, Operation::DeleteUser),
        ],
    ),
    (
        "/api/v1/widget.json",
        &[
            (Method::PUT, Operation::CreateWidget),
            (Method::GET, Operation::GetWidget),
            (Method::POST, Operation::UpdateWidget),
            (Method::DELETE, Operation::DeleteWidget),
        ],
    ),
    ("/api/v1/chat", &[(Method::POST, Operation::StartChat), (Method::PUT, Operation::Say)]),
    ("/api/v1/chat/poll/{}", &[(Method::GET, Operation::Poll)]),
    ("/api/v1/chat/{}", &[(Method::GET, Operation::ChatAvailability)]),
    ("/public/api/v2/chat/{}", &[(Method::GET, Operation::Availability)]),
    ("/files/{}", &[(Method::GET, Operation::File)]),
];

pub(super) fn find(method: &Method, path: &str) -> Result<Route, Refusal> {
    let found = ROUTES.iter().find_map(|(form, methods)| Some((methods, subject(form, path)?)));
    let (methods, subject) = found.ok_or_else(|| Refusal::not_found("page"))?;
    let Some((_, operation)) = methods.iter().find(|(allowed, _)| allowed == method) else {
        let allowed: Vec<_> = methods.iter().map(|(method, _)| method.as_str()).collect();
        return Err(Refusal::method_not_allowed(&allowed.join(", ")));
    };
    Ok(Route { operation: *operation, subject })
}

/// Returns what stands in a path of this form for something; nothing in one of another form.
fn subject(form: &str, path: &str) -> Option<String> {
    let mut subject = String::new();
    let (mut forms, mut segments) = (form.split('/'), path.split('/'));
    loop {
        match (forms.next(), segments.next()) {
            (None, None) => return Some(subject),
            (Some(SUBJECT), Some(segment)) if !segment.is_empty() => {
                subject = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
            }
            (Some(form), Some(segment)) if form == segment => {}
            _ => return None,
        }
    }
}
