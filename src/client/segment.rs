//! Segment's HTTP API: the one call of another service, on the same connections and rules.

use bytes::Bytes;

use super::Client;
use super::error::ClientError;
use super::operation::Operation;
use super::secret::Secret;

impl Client {
    /// Sends a batch of events, a JSON document, as many times as it takes: Segment recognizes
    /// events that come again.
    pub(crate) async fn segment_batch(
        &self,
        write_key: &Secret,
        batch: Bytes,
    ) -> Result<(), ClientError> {
        let call = self.call(Operation::SegmentBatch, &["v1", "batch"]);
        let answer = call.basic(write_key).private_json(batch).send().await?;
        let read: Option<BatchAnswer> = serde_json::from_slice(answer.body()).ok();
        match read {
            Some(BatchAnswer { success: false }) => Err(answer.refused(None)),
            _ => Ok(()),
        }
    }
}

/// Answer of Segment, which says so even of events that it drops.
#[derive(serde::Deserialize)]
struct BatchAnswer {
    success: bool,
}
