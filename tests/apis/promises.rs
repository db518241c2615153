//! Promises that the rooms keep alike, each with the texts of its own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Value, json};
use snapengage::{Body, DecodeError, Receiver, ReceiverBuilder};
use tokio::time::Instant;

use crate::answers::{FAILINGS, assert_feed_failed};
use crate::malformed::{MALFORMED, MALFORMED_VALUES, MENDED_VALUES, nested, with_value};
use crate::payloads::parse;
use crate::secrets::{SECRET, assert_tells_no_secret, with_secrets};
use crate::support::{
    Failing, Seen, assert_refused, assert_taken, body, log, post, record_log, sample,
};

/// A room, and the requests that it takes. The defaults are those of a feed.
pub(crate) trait Room {
    /// The arguments of a handler's call.
    type Event: PartialEq + Debug;

    const PATH: &str;

    /// The smallest body, or query.
    const MINIMAL: &str;

    /// The deadline of a handler, in seconds.
    const DEADLINE: u64 = 30;

    /// The builder with another deadline of this room's handlers.
    fn with_deadline(builder: ReceiverBuilder, deadline: Duration) -> ReceiverBuilder {
        builder.feed_deadline(deadline)
    }

    fn request(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        post(Self::PATH, body)
    }

    /// Asserts the answer where a handler [`Seen`] succeeds.
    #[track_caller]
    fn assert_done(response: Response<Body>) {
        assert_taken(response);
    }

    /// The only event that the handler got.
    async fn received(body: impl Into<Bytes>) -> Self::Event
    where
        Self: Takes<Seen<<Self as Room>::Event>>,
    {
        let seen = Seen::new();
        Self::assert_done(Self::answer(seen.clone(), body).await);
        seen.one()
    }
}

/// A room that takes handlers `H`.
pub(crate) trait Takes<H>: Room {
    /// The builder with the room behind this handler.
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder;

    #[track_caller]
    fn receiver(handler: H) -> Receiver {
        Self::add(Receiver::builder(), handler).build().expect("no mistakes")
    }

    async fn answer(handler: H, body: impl Into<Bytes>) -> Response<Body> {
        Self::receiver(handler).handle(Self::request(body)).await
    }
}

/// A room whose requests are JSON.
pub(crate) trait Json: Takes<Failing> + Takes<Seen<<Self as Room>::Event>> {
    /// The start of its refusals.
    const NAME: &str;

    /// Whole requests in `sample-payloads/`.
    const SAMPLES: &[&str];

    /// The event of [`Room::MINIMAL`].
    fn minimal() -> Self::Event;

    fn read(body: &[u8]) -> Result<impl Serialize, DecodeError>;

    /// The event as JSON.
    fn written(event: &Self::Event) -> Value;

    /// [`Room::MINIMAL`] with `value` in every other documented field.
    fn filled_with(value: &Value) -> Value;

    /// A request with values of other types than documented, its event, and the names of the
    /// fields in the log.
    fn odd() -> (Value, Self::Event, &'static str);
}

/// A room of events that are taken and not answered.
pub(crate) trait Feed: Json {
    /// Ids and names without which nothing is read.
    const REQUIRED: &[&str];

    /// Ids and names that may be absent.
    const OPTIONAL: &[&str];

    fn extra(event: &mut Self::Event) -> &mut BTreeMap<String, Value>;

    /// The texts of an event that the log names.
    fn logged(event: &Self::Event) -> Vec<&str>;

    /// A request with fields that come twice, its event, and the names of the fields in the log.
    fn twice() -> (&'static str, Self::Event, &'static str);

    /// A request of which every value and name may be a secret.
    fn confidential() -> Value;
}

/// Makes each promise a test of the room.
macro_rules! promises {
    ($room:ident: $($promise:ident),+ $(,)?) => {
        mod promises {
            $(#[tokio::test]
            async fn $promise() {
                $crate::promises::$promise::<super::$room>().await;
            })+
        }
    };
}
pub(crate) use promises;

async fn taken<R: Json>(body: impl Into<Bytes>) -> Response<Body> {
    let seen: Seen<R::Event> = Seen::new();
    R::answer(seen, body).await
}

pub(crate) async fn handler_that_hangs_is_answered_for_after_its_deadline<R: Takes<Failing>>() {
    tokio::time::pause();
    let started = Instant::now();
    R::answer(Failing::Hanging, R::MINIMAL).await;
    assert_eq!(started.elapsed().as_secs(), R::DEADLINE);

    let builder = R::with_deadline(Receiver::builder(), Duration::from_secs(3));
    let receiver = R::add(builder, Failing::Hanging).build().expect("no mistakes");
    let started = Instant::now();
    receiver.handle(R::request(R::MINIMAL)).await;
    assert_eq!(started.elapsed().as_secs(), 3);
}

pub(crate) async fn failing_handler_is_answered_for<R: Feed>() {
    tokio::time::pause();
    for failing in FAILINGS {
        for path in R::SAMPLES {
            assert_feed_failed(R::answer(failing, sample(path)).await, failing);
        }
    }
}

pub(crate) async fn body_that_is_no_json_object_is_refused<R: Json>() {
    for (body, problem) in MALFORMED {
        assert_refused(taken::<R>(*body).await, 400, &format!("{}: {problem}", R::NAME));
    }
}

pub(crate) async fn value_that_is_no_json_is_refused<R: Json>() {
    for (value, problem) in MALFORMED_VALUES {
        let response = taken::<R>(with_value(R::MINIMAL, value)).await;
        assert_eq!(response.status(), 400, "{problem}");
        let message = body(response);
        let expected = format!(r#"{{"code":400,"message":"{}: {problem} at line 1"#, R::NAME);
        assert!(message.starts_with(&expected), "{message}");
        assert_tells_no_secret(problem, &message);
    }
}

pub(crate) async fn value_with_one_bad_character_is_read<R: Json>() {
    for (value, expected) in MENDED_VALUES {
        let request = with_value(R::MINIMAL, value);
        let read = R::read(&request).expect("a value that is mended");
        let written = serde_json::to_value(read).expect("a model that is written");
        assert_eq!(written[SECRET], parse(expected.as_bytes()), "{expected}");
    }
}

pub(crate) async fn something_after_the_object_is_refused<R: Json>() {
    for rest in ["}", "{}", "SECRET", " SECRET", "\0", "\u{feff}", "<case/>"] {
        let response = taken::<R>(format!("{}{rest}", R::MINIMAL)).await;
        let column = R::MINIMAL.len() + 1 + usize::from(rest.starts_with(' '));
        let message = format!("{}: trailing characters at line 1 column {column}", R::NAME);
        assert_refused(response, 400, &message);
    }
}

pub(crate) async fn byte_order_mark_and_white_space_are_skipped<R: Json>() {
    for (start, end) in [("\u{feff}", ""), ("\u{feff}\r\n\t ", " \r\n"), (" \n", "\n")] {
        assert_eq!(R::received(format!("{start}{}{end}", R::MINIMAL)).await, R::minimal());
    }
}

pub(crate) async fn nesting_is_read_or_refused<R: Json>() {
    for (depth, is_read) in [(1, true), (126, true), (127, false), (128, false), (200, false)] {
        let response = taken::<R>(nested(R::MINIMAL, depth)).await;
        assert_eq!(response.status(), if is_read { 200 } else { 400 }, "{depth}");
    }
    let deep = nested(R::MINIMAL, 126);
    let received = R::received(deep.clone()).await;
    assert_eq!(R::written(&received)["nested"], parse(deep.as_bytes())["nested"]);
}

pub(crate) async fn body_cut_off_anywhere_is_never_read<R: Json>() {
    for path in R::SAMPLES {
        let whole = sample(path);
        let end = whole.trim_ascii_end().len();
        for length in 0..end {
            assert!(R::read(&whole[..length]).is_err(), "{path} cut at {length}");
        }
        assert!(R::read(&whole[..end]).is_ok(), "{path}");
    }
}

pub(crate) async fn null_and_empty_are_absent<R: Json>() {
    for empty in [json!(null), json!("")] {
        let request = R::filled_with(&empty);
        assert_eq!(R::received(request.to_string()).await, R::minimal());
    }
}

pub(crate) async fn odd_values_cost_their_field_only_and_are_warned_about_by_name<R: Json>() {
    record_log();
    let (request, expected, names) = R::odd();
    let received = R::received(request.to_string()).await;
    assert_eq!(received, expected);
    assert_eq!(R::written(&received), request);

    let log = log();
    assert!(log.contains(&format!(r#"fields="{names}""#)), "{log}");
    assert!(log.contains("WARN"), "{log}");
    assert_tells_no_secret("log", &log);
}

pub(crate) async fn of_a_field_that_comes_twice_the_last_counts<R: Feed>() {
    record_log();
    let (request, expected, names) = R::twice();
    assert_eq!(R::received(request).await, expected);
    let log = log();
    assert!(log.contains(&format!(r#"fields="{names}""#)), "{log}");
    assert_eq!(R::received(R::written(&expected).to_string()).await, expected);
}

pub(crate) async fn ids_and_names_are_bounded<R: Feed>() {
    let long = "x".repeat(256);
    for field in R::REQUIRED.iter().chain(R::OPTIONAL) {
        let mut read = R::received(minimal_with::<R>(field, &long)).await;
        assert_eq!(*R::extra(&mut read), BTreeMap::new(), "{field}");
        assert_eq!(R::written(&read)[field], long, "{field}");
    }
    for longer in ["x".repeat(257), "x".repeat(1_000_000)] {
        for field in R::REQUIRED {
            let response = taken::<R>(minimal_with::<R>(field, &longer)).await;
            assert_eq!(response.status(), 400, "{field}");
            let problem = format!("{}: field `{field}` is longer than 256 bytes", R::NAME);
            assert!(body(response).contains(&problem), "{field}");
        }
        for field in R::OPTIONAL {
            let read = R::received(minimal_with::<R>(field, &longer)).await;
            let mut expected = R::minimal();
            R::extra(&mut expected).insert((*field).to_owned(), json!(longer));
            assert_eq!(read, expected, "{field}");
            assert_eq!(R::written(&read)[field], longer, "{field}");
        }
    }
}

fn minimal_with<R: Room>(field: &str, value: &str) -> String {
    let mut request = parse(R::MINIMAL.as_bytes());
    request[field] = json!(value);
    request.to_string()
}

pub(crate) async fn refusals_and_the_log_repeat_nothing_of_the_request<R: Feed>() {
    record_log();
    let seen = Seen::new();
    let receiver = R::receiver(seen.clone());
    for request in with_secrets(&R::confidential()) {
        let is_read = R::read(&request).is_ok();
        let response = receiver.handle(R::request(request.clone())).await;
        let logged = log();
        let events = seen.take();
        let request = String::from_utf8_lossy(&request);
        assert_eq!(response.status(), if is_read { 200 } else { 400 }, "{request}");
        assert_eq!(events.len(), usize::from(is_read), "{request}");
        assert_tells_no_secret(&request, &body(response));
        if !events.iter().flat_map(R::logged).any(|text| text.starts_with(['S', '9'])) {
            assert_tells_no_secret(&request, &logged);
        }
    }
}
