//! Promises that every room keeps, each with the texts of its own.

use std::fmt::Debug;

use http::Response;
use serde::Serialize;
use snapengage::{Body, DecodeError};

use crate::support::{
    MALFORMED, MALFORMED_VALUES, assert_refused, assert_tells_no_secret, assert_values_are_mended,
    body, nested, parse, sample, with_value,
};

/// A room whose requests are JSON.
pub(crate) trait Room {
    type Event: Serialize + PartialEq + Debug;

    /// The start of its refusals.
    const NAME: &str;
    const MINIMAL: &str;

    /// The event of [`Self::MINIMAL`].
    fn minimal() -> Self::Event;

    fn read(body: &[u8]) -> Result<Self::Event, DecodeError>;

    /// The answer where the handler succeeds.
    async fn answer(body: Vec<u8>) -> Response<Body>;

    /// The only event that the handler got.
    async fn received(body: String) -> Self::Event;
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

pub(crate) async fn body_that_is_no_json_object_is_refused<R: Room>() {
    for (body, problem) in MALFORMED {
        let response = R::answer(body.to_vec()).await;
        assert_refused(response, 400, &format!("{}: {problem}", R::NAME));
    }
}

pub(crate) async fn value_that_is_no_json_is_refused<R: Room>() {
    for (value, problem) in MALFORMED_VALUES {
        let response = R::answer(with_value(R::MINIMAL, value)).await;
        assert_eq!(response.status(), 400, "{problem}");
        let message = body(response);
        let expected = format!(r#"{{"code":400,"message":"{}: {problem} at line 1"#, R::NAME);
        assert!(message.starts_with(&expected), "{message}");
        assert_tells_no_secret(problem, &message);
    }
}

pub(crate) async fn value_with_one_bad_character_is_read<R: Room>() {
    assert_values_are_mended(R::MINIMAL, R::read);
}

pub(crate) async fn something_after_the_object_is_refused<R: Room>() {
    for rest in ["}", "{}", "SECRET", "\0", "\u{feff}"] {
        let response = R::answer(format!("{}{rest}", R::MINIMAL).into()).await;
        let column = R::MINIMAL.len() + 1;
        let message = format!("{}: trailing characters at line 1 column {column}", R::NAME);
        assert_refused(response, 400, &message);
    }
}

pub(crate) async fn byte_order_mark_and_white_space_are_skipped<R: Room>() {
    for (start, end) in [("\u{feff}", ""), ("\u{feff}\r\n\t ", " \r\n"), (" \n", "\n")] {
        assert_eq!(R::received(format!("{start}{}{end}", R::MINIMAL)).await, R::minimal());
    }
}

pub(crate) async fn nesting_is_read_or_refused<R: Room>() {
    for (depth, is_read) in [(1, true), (126, true), (127, false), (128, false), (200, false)] {
        let response = R::answer(nested(R::MINIMAL, depth).into()).await;
        assert_eq!(response.status(), if is_read { 200 } else { 400 }, "{depth}");
    }
    let deep = nested(R::MINIMAL, 126);
    let received = serde_json::to_vec(&R::received(deep.clone()).await).expect("JSON");
    assert_eq!(parse(&received)["nested"], parse(deep.as_bytes())["nested"]);
}

pub(crate) fn assert_is_never_read_cut_off<R: Room>(path: &str) {
    let whole = sample(path);
    let end = whole.trim_ascii_end().len();
    for length in 0..end {
        assert!(R::read(&whole[..length]).is_err(), "cut at {length}");
    }
    assert!(R::read(&whole[..end]).is_ok());
}
