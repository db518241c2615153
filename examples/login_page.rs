//! A page of one's own that tells the chat who is logged in, so that agents and bots may believe it.
//!
//! ```sh
//! SNAPENGAGE_IDENTITY_SECRET=secret-of-the-dashboard \
//!     cargo run --features identity --example login_page
//!
//! curl http://127.0.0.1:8080/ -H 'X-User: v@example.com'
//! curl http://127.0.0.1:8080/
//! ```
//!
//! `X-User` stands for the session of a real site: whoever could set it could be anybody.

mod common;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use snapengage::identity::{Signer, script_text};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    // A secret that cannot be one ends the program here, and not a page later.
    let signer = Signer::from_env("SNAPENGAGE_IDENTITY_SECRET")?;
    let app = Router::new().route("/", get(page)).with_state(signer);
    let listener = common::listen(std::env::args().nth(1)).await?;
    axum::serve(listener, app).with_graceful_shutdown(snapengage::shutdown_signal()).await?;
    Ok(())
}

/// Serves a page, signed anew for each view: a signature counts once.
async fn page(State(signer): State<Signer>, headers: HeaderMap) -> impl IntoResponse {
    let user = headers.get("X-User").and_then(|user| user.to_str().ok());
    let script = user.map(|email| script(&signer, email)).unwrap_or_default();
    let page = format!(
        "<!doctype html><title>Shop</title><h1>Shop</h1>\n{script}\
         <script src=\"/snippet-of-the-dashboard.js\"></script>\n"
    );
    ([(CACHE_CONTROL, "no-store")], Html(page))
}

/// Writes what the chat is told. The email address is written as it was signed.
fn script(signer: &Signer, email: &str) -> String {
    let signed = signer.sign(email).script();
    let email = script_text(email);
    format!(
        "<script>{signed}\nwindow.addEventListener('load', () => \
         SnapEngage.setUserEmail({email}));</script>\n"
    )
}
