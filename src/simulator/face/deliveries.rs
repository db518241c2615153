//! Deliveries: what was sent to the feeds, and what they answered.

use http::Method;

use super::Face;
use super::asked::Asked;
use super::refused::Refused;
use super::reply::FaceReply;
use crate::simulator::SimulatorChange;
use crate::simulator::delivery::{DeliveryFilter, DeliveryRecord, feed_named};

impl Face {
    /// `GET /_/deliveries`.
    ///
    /// With `wait`, it is answered once there are some, and none of them is under way.
    pub(super) async fn deliveries(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let filter = filter(asked)?;
        if let Some(wait) = asked.wait()? {
            let concerns = |change: &SimulatorChange| {
                matches!(change, SimulatorChange::Delivery(_) | SimulatorChange::Reset)
            };
            let is_so = || {
                let found = self.simulator.deliveries(&filter);
                !found.is_empty() && found.iter().all(DeliveryRecord::is_finished)
            };
            self.wait_until(wait, concerns, is_so).await;
        }
        Ok(FaceReply::json(&self.simulator.deliveries(&filter)))
    }
}

fn filter(asked: &Asked) -> Result<DeliveryFilter, Refused> {
    let feed = asked.parameter("feed").map(|name| {
        feed_named(name).ok_or_else(|| Refused::malformed("`feed` is not the name of a feed"))
    });
    let mut filter = DeliveryFilter::default().after(asked.number("after")?.unwrap_or_default());
    filter.feed = feed.transpose()?;
    filter.case = asked.parameter("case").map(Into::into);
    Ok(filter)
}
