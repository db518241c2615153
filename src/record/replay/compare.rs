//! Comparison of an answer with the recorded one.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::stand_ins::StandIns;
use crate::record::exchange::Exchange;
use crate::testing::failure;

/// NewAnswer to a request that was sent again.
#[derive(Debug, Clone)]
pub(super) struct NewAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// Reason why a handler did not answer; only known in process.
    pub(super) reason: Option<String>,
}

/// Returns the difference between an answer and the recorded one; `None` if there is none.
///
/// Where no answer was recorded, a success is expected; where the body was cut as well, anything
/// that is no failure of the receiver's.
pub(super) fn difference(
    exchange: &Exchange,
    answer: &NewAnswer,
    stand_ins: &mut StandIns,
) -> Option<String> {
    let Some(recorded) = &exchange.response else {
        let is_met = match exchange.cut {
            None => answer.status.is_success(),
            Some(_) => !answer.status.is_server_error(),
        };
        return (!is_met).then(|| unmet(exchange, answer));
    };
    let expected = &recorded.message;
    let actual = match expected.is_in_part() {
        true => answer.body.slice(..expected.body.len().min(answer.body.len())),
        false => answer.body.clone(),
    };
    let (expected, actual) = bodies(&expected.body, &actual, stand_ins);
    if recorded.status == answer.status && expected == actual {
        return None;
    }
    let expected = shown(recorded.status, &expected);
    Some(described(exchange, answer, &expected, &shown(answer.status, &actual)))
}

/// Describes an answer that is no success, where none was recorded.
fn unmet(exchange: &Exchange, answer: &NewAnswer) -> String {
    let notes = notes(exchange, answer);
    let body = ComparedBody::of(&answer.body).text();
    let (body, _) = excerpts(&body, "");
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("answered {}\n{notes}{body}", answer.status)
}

fn described(exchange: &Exchange, answer: &NewAnswer, expected: &str, actual: &str) -> String {
    let problem = format!("the answer: not as recorded\n{}", notes(exchange, answer));
    let (expected, actual) = excerpts(expected, actual);
    failure::differing(&problem, &expected, &actual)
}

/// Returns the error that a dead letter died of, and the one now.
fn notes(exchange: &Exchange, answer: &NewAnswer) -> String {
    let died_of = exchange.error().map(|error| format!("# it died of: {error}\n"));
    let now = answer.reason.as_ref();
    let now = now.map(|reason| format!("# now: {}\n", reason.replace('\n', " ")));
    died_of.into_iter().chain(now).collect()
}

fn shown(status: StatusCode, body: &ComparedBody) -> String {
    format!("{status}\n{}", body.text())
}

/// Returns both bodies in the form in which they are compared: of the recorded one, each pseudonym
/// is replaced by what stands for it in the other.
fn bodies(
    recorded: &[u8],
    answered: &[u8],
    stand_ins: &mut StandIns,
) -> (ComparedBody, ComparedBody) {
    if recorded == answered {
        stand_ins.sent(&String::from_utf8_lossy(recorded));
        let same = || ComparedBody::Other("(the body as recorded)".into());
        return (same(), same());
    }
    match (ComparedBody::of(recorded), ComparedBody::of(answered)) {
        (ComparedBody::Json(mut recorded), ComparedBody::Json(answered)) => {
            reveal(&mut recorded, &answered, stand_ins);
            (ComparedBody::Json(recorded), ComparedBody::Json(answered))
        }
        (ComparedBody::Text(recorded), ComparedBody::Text(answered))
            if stand_ins.matches(&recorded, &answered) =>
        {
            (ComparedBody::Text(answered.clone()), ComparedBody::Text(answered))
        }
        (ComparedBody::Bytes(_), ComparedBody::Bytes(_)) => (
            ComparedBody::Other("(as recorded, no text)".into()),
            ComparedBody::Bytes(answered.len()),
        ),
        (ComparedBody::Json(_), answered) => {
            (ComparedBody::Text(String::from_utf8_lossy(recorded).into_owned()), answered)
        }
        (recorded, ComparedBody::Json(_)) => {
            (recorded, ComparedBody::Text(String::from_utf8_lossy(answered).into_owned()))
        }
        forms => forms,
    }
}

/// Replaces pseudonyms by what stands at the same place in another document.
fn reveal(recorded: &mut Value, answered: &Value, stand_ins: &mut StandIns) {
    match (recorded, answered) {
        (Value::Object(recorded), Value::Object(answered)) => {
            for (name, value) in recorded {
                if let Some(answered) = answered.get(name) {
                    reveal(value, answered, stand_ins);
                }
            }
        }
        (Value::Array(recorded), Value::Array(answered)) => {
            for (value, answered) in recorded.iter_mut().zip(answered) {
                reveal(value, answered, stand_ins);
            }
        }
        (Value::String(text), Value::String(answered)) if stand_ins.matches(text, answered) => {
            text.clone_from(answered);
        }
        (number @ Value::Number(_), Value::Number(answered))
            if stand_ins.matches(&number.to_string(), &answered.to_string()) =>
        {
            *number = Value::Number(answered.clone());
        }
        _ => {}
    }
}

/// Body in the form in which it is compared.
#[derive(Debug, PartialEq)]
enum ComparedBody {
    Json(Value),
    Text(String),
    /// No text, of this length.
    Bytes(usize),
    Other(String),
}

impl ComparedBody {
    fn of(body: &[u8]) -> Self {
        match (serde_json::from_slice(body), str::from_utf8(body)) {
            (Ok(json @ (Value::Object(_) | Value::Array(_))), _) => Self::Json(json),
            (_, Ok(text)) => Self::Text(text.to_owned()),
            _ => Self::Bytes(body.len()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Json(json) => format!("{json:#}"),
            Self::Text(text) | Self::Other(text) => text.clone(),
            Self::Bytes(length) => format!("({length} bytes that are no text)"),
        }
    }
}

/// Number of lines that are shown around a difference.
const AROUND: usize = 3;

/// Number of lines of a difference that are shown at most, and of characters in each.
const LINES: usize = 60;
const WIDTH: usize = 400;

/// Cuts two texts down to where they differ: a comparison of long ones takes long, and nobody
/// reads it.
fn excerpts(expected: &str, actual: &str) -> (String, String) {
    let [expected, actual] = [expected, actual].map(|text| text.lines().collect::<Vec<_>>());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    // The status is the first line.
    let from = if same <= AROUND + 2 { 0 } else { same - AROUND };
    (excerpt(&expected, from), excerpt(&actual, from))
}

fn excerpt(lines: &[&str], from: usize) -> String {
    let mut shown = Vec::new();
    if from > 0 {
        shown.push(lines[0].to_owned());
        shown.push("…".to_owned());
    }
    let rest = &lines[from..];
    for line in rest.iter().take(LINES) {
        shown.push(match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => (*line).to_owned(),
        });
    }
    if rest.len() > LINES {
        shown.push(format!("… {} more lines", rest.len() - LINES));
    }
    shown.join("\n")
}
