//! State shared by two APIs: finished chats are recorded, and shown to the agent when the visitor
//! comes back.
//!
//! Get Contact cannot send a token, so its address is the secret.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token CONTACT_SECRET=kT4mZ0qvW8 cargo run --example contact_lookup
//!
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     -d '{"id":"case-1","requested_by":"test@test.com","description":"Where is my parcel?"}'
//! curl 'http://127.0.0.1:8080/get-contact/kT4mZ0qvW8?email=test%40test.com'
//! ```

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use snapengage::contact::{self, Query};
use snapengage::integration::{self, SupportRequest};
use snapengage::{Auth, CaseId, HandlerError, Receiver, Token, async_trait};
use tokio::sync::RwLock;

/// Requests of visitors, by their email addresses. A chat that is sent again is the same chat.
#[derive(Default)]
struct ContactBook(RwLock<HashMap<String, BTreeMap<CaseId, String>>>);

#[async_trait]
impl integration::Handler for ContactBook {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        let known = |email: &String| !["unknown", "unknown@example.com"].contains(&email.as_str());
        if let Some(email) = request.requested_by.filter(known) {
            let question = request.description.unwrap_or_default();
            self.0.write().await.entry(email).or_default().insert(request.id, question);
        }
        Ok(())
    }
}

#[async_trait]
impl contact::Handler for ContactBook {
    async fn look_up(&self, query: Query) -> Result<Option<String>, HandlerError> {
        let contacts = self.0.read().await;
        Ok(contacts.get(&query.email).map(|cases| {
            let questions: Vec<&str> = cases.values().map(String::as_str).collect();
            format!("Asked before:\n{}", questions.join("\n"))
        }))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let book = Arc::new(ContactBook::default());
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let secret = Auth::secret_path(Token::from_env("CONTACT_SECRET"));
    let receiver = Receiver::builder()
        .integration("/integration", token, Arc::clone(&book))
        .contact("/get-contact", secret, book)
        .build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}
