//! Batches: events in the bodies of as few requests as possible.

use bytes::Bytes;

/// Most bytes of a batch. Segment says 500 KB, and not of how many bytes.
const LONGEST: usize = 500_000;

const START: &str = r#"{"batch":["#;

const END: &str = "]}";

/// Puts events, which are JSON, into batches, in their order.
pub(super) fn batches(events: impl IntoIterator<Item = String>) -> Vec<Bytes> {
    let mut batches = Vec::new();
    let mut batch = String::from(START);
    for event in events {
        let is_first = batch.len() == START.len();
        if !is_first && batch.len() + 1 + event.len() + END.len() > LONGEST {
            batches.push(Bytes::from(batch + END));
            batch = String::from(START);
        } else if !is_first {
            batch.push(',');
        }
        batch += &event;
    }
    if batch.len() > START.len() {
        batches.push(Bytes::from(batch + END));
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_full_to_the_byte() {
        let event = |length| format!("\"{}\"", "e".repeat(length - 2));
        let room = LONGEST - START.len() - END.len();
        let lengths = |events: &[usize]| {
            let batches = batches(events.iter().map(|length| event(*length)));
            batches.iter().map(Bytes::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&[room]), [LONGEST]);
        assert_eq!(lengths(&[10, room - 11]), [LONGEST]);
        assert_eq!(lengths(&[10, room - 10]), [22, LONGEST - 10]);
        assert_eq!(lengths(&[room, 10, 10]), [LONGEST, 33]);
    }
}
