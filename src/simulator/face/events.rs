//! `GET /_/events`: what changes, as server-sent events.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::interval;

use super::Face;
use super::asked::Asked;
use super::overview::agent_row;
use super::refused::Refused;
use super::reply::FaceReply;
use super::stream::pieces;
use crate::client::ResponseBody;
use crate::id::CaseId;
use crate::simulator::delivery::{DeliveryFilter, DeliveryRecord, is_false};
use crate::simulator::visit::VisitRow;
use crate::simulator::{Simulator, SimulatorChange};
use crate::timestamp::Timestamp;

/// Pause after which a comment tells both sides that the other one is there.
const PULSE: Duration = Duration::from_secs(15);

/// Event of the stream.
struct Source {
    simulator: Simulator,
    changes: broadcast::Receiver<SimulatorChange>,
    /// Changes of faults and time.
    world: watch::Receiver<u64>,
    draining: watch::Receiver<bool>,
}

/// Delivery without what was sent and answered, which may be long, and else as `/_/deliveries` has
/// it.
#[derive(Serialize)]
struct DeliveryRow {
    n: u64,
    feed: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    attempt: u32,
    url: String,
    at: Timestamp,
    duration_ms: u64,
    response: Option<StatusRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    mailed: bool,
    #[serde(skip_serializing_if = "is_false")]
    held: bool,
}

#[derive(Serialize)]
struct StatusRow {
    status: u16,
}

impl From<DeliveryRecord> for DeliveryRow {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            n: record.n,
            feed: record.feed.as_str(),
            case_id: record.case_id,
            attempt: record.attempt,
            url: record.url,
            at: record.at,
            duration_ms: record.duration_ms,
            response: record.response.map(|response| StatusRow { status: response.status }),
            error: record.error,
            mailed: record.mailed,
            held: record.held,
        }
    }
}

impl Face {
    /// `GET /_/events`. It ends when the drain begins.
    pub(super) fn events(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let source = Source {
            changes: self.simulator.changes(),
            world: self.world.subscribe(),
            draining: self.draining.subscribe(),
            simulator: self.simulator.clone(),
        };
        let (sender, body) = pieces();
        tokio::spawn(source.tell(sender));
        let media = HeaderValue::from_static("text/event-stream");
        Ok(FaceReply::new(media, ResponseBody::new(body)))
    }
}

impl Source {
    async fn tell(mut self, sender: mpsc::Sender<Bytes>) {
        let _watching = self.simulator.watch();
        let mut pulse = interval(PULSE);
        loop {
            let change = tokio::select! {
                () = sender.closed() => return,
                _ = self.draining.wait_for(|is_draining| *is_draining) => return,
                _ = pulse.tick() => Err(Bytes::from_static(b":\n\n")),
                Ok(()) = self.world.changed() => Err(event("world", &json!({}))),
                change = self.changes.recv() => Ok(change),
            };
            let piece = match change {
                Err(piece) => Some(piece),
                Ok(Ok(change)) => self.told(change),
                // Some were missed: all of it may have changed.
                Ok(Err(RecvError::Lagged(_))) => Some(event("reset", &json!({}))),
                Ok(Err(RecvError::Closed)) => return,
            };
            if let Some(piece) = piece
                && !self.send(&sender, piece).await
            {
                return;
            }
        }
    }

    /// Returns `false` if nobody listens any more.
    async fn send(&mut self, sender: &mpsc::Sender<Bytes>, piece: Bytes) -> bool {
        tokio::select! {
            sent = sender.send(piece) => sent.is_ok(),
            _ = self.draining.wait_for(|is_draining| *is_draining) => false,
        }
    }

    fn told(&self, change: SimulatorChange) -> Option<Bytes> {
        Some(match change {
            SimulatorChange::Visit(case) => {
                event("visit", &VisitRow(self.simulator.visit_view(&case)?))
            }
            SimulatorChange::Delivery(number) => event("delivery", &self.delivery(number)?),
            SimulatorChange::Agent(email) => event("agent", &agent_row(&self.simulator, &email)?),
            SimulatorChange::Reset => event("reset", &json!({})),
        })
    }

    fn delivery(&self, number: u64) -> Option<DeliveryRow> {
        let filter = DeliveryFilter::default().after(number.checked_sub(1)?);
        self.simulator.deliveries(&filter).into_iter().next().map(DeliveryRow::from)
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    // What is written are trees of texts, numbers and maps with names that are texts.
    let data = serde_json::to_string(data).unwrap_or_default();
    // In JSON, a line break within a text is escaped: one line holds it all.
    format!("event: {name}\ndata: {data}\n\n").into()
}
