//! Payloads that were not recorded, as requests.

use super::about;
use super::exchange::{Exchange, RecordedMessage};
use crate::api::Api;
use crate::testing::Sample;

/// Returns the request of a sample, for the path that is named after its API.
pub(super) fn of_sample(sample: &Sample, number: u64) -> Exchange {
    let exchange = match sample.query() {
        Some(query) => look_up(query),
        None => post(sample.body()),
    };
    Exchange { number, ..to_path(exchange, Some(sample.api())) }
}

/// Returns the request of a payload: a body, or a line `GET address?query`. Its API is told by its
/// form.
pub(super) fn exchange(payload: &[u8]) -> Exchange {
    let line = payload.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let exchange = match line.strip_prefix(b"GET ").map(<[u8]>::trim_ascii_end) {
        Some(address) => {
            let address = String::from_utf8_lossy(address);
            look_up(address.split_once('?').map_or("", |(_, query)| query))
        }
        None => post(payload),
    };
    let api = exchange.api;
    to_path(exchange, api)
}

fn look_up(query: &str) -> Exchange {
    request(RecordedMessage { start_line: format!("GET /?{query} HTTP/1.1"), ..Default::default() })
}

fn post(body: &[u8]) -> Exchange {
    request(RecordedMessage {
        start_line: "POST / HTTP/1.1".to_owned(),
        headers: vec![("Authorization".to_owned(), "<redacted:right>".to_owned())],
        body: body.to_vec().into(),
    })
}

fn request(request: RecordedMessage) -> Exchange {
    let mut exchange = Exchange::of(request);
    about::complete(&mut exchange);
    exchange
}

/// Returns the request for the path that is named after the API; `/` for none.
fn to_path(mut exchange: Exchange, api: Option<Api>) -> Exchange {
    if let Some(api) = api {
        exchange.request.start_line =
            exchange.request.start_line.replacen('/', &format!("/{api}"), 1);
    }
    Exchange { api, ..exchange }
}
