//! What holds for every decoder.

use std::fmt::Debug;

use serde::Serialize;
use snapengage::DecodeError;

/// Stands for a visitor's secret, which no error may repeat.
const MARKER: &str = "hunter2";

/// What is read can be written, and read again as the same; what is not read is refused well.
pub fn check<T>(body: &[u8], decode: fn(&[u8]) -> Result<T, DecodeError>)
where
    T: Serialize + PartialEq + Debug,
{
    match decode(body) {
        Ok(value) => {
            let printed = serde_json::to_vec(&value).expect("a model can be written as JSON");
            match decode(&printed) {
                Ok(again) => assert_eq!(again, value),
                Err(error) => assert!(is_too_deep(&error), "{error}"),
            }
        }
        Err(error) => check_error(&error),
    }
}

/// A name that comes twice is kept as an array, so that what is written may be nested deeper than
/// what was read, and too deep to be read.
fn is_too_deep(error: &DecodeError) -> bool {
    error.to_string().contains("recursion limit exceeded")
}

/// An error is short, and repeats nothing of what was sent.
pub fn check_error(error: &DecodeError) {
    let text = error.to_string();
    assert!(text.len() <= 256 && text.is_ascii() && !text.contains(MARKER), "{text}");
}
