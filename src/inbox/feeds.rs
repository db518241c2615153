//! Handlers that process stored bodies, by the API and the path that the bodies came in by.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::HandlerError;

/// Handler that is mounted.
#[async_trait]
pub(super) trait Mounted: Send + Sync + 'static {
    /// Processes a stored body.
    async fn process(&self, body: &Bytes) -> Result<(), HandlerError>;
}

/// Handlers that are mounted, by API and path.
#[derive(Default)]
pub(super) struct Feeds(RwLock<HashMap<(String, String), Arc<dyn Mounted>>>);

impl Feeds {
    /// Mounts a handler, in the place of any other there.
    pub(super) fn mount(&self, api: &str, path: &str, handler: Arc<dyn Mounted>) {
        let mut feeds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        feeds.insert((api.to_owned(), path.to_owned()), handler);
    }

    pub(super) fn get(&self, api: &str, path: &str) -> Option<Arc<dyn Mounted>> {
        let feeds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        feeds.get(&(api.to_owned(), path.to_owned())).cloned()
    }
}
