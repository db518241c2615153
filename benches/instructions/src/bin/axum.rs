//! axum and its extractors.

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use snapengage_instructions::baseline::model::{self, Message, Reply, SupportRequest};
use snapengage_instructions::baseline::{CONTACT, TOKEN};
use snapengage_instructions::run;

fn main() {
    run(|listener| async {
        let app = Router::new()
            .route("/bot", post(bot))
            .route("/integration", post(integration))
            .route("/get-contact", get(contact));
        axum::serve(listener, app).await.expect("a listener");
    });
}

async fn bot(headers: HeaderMap, Json(message): Json<Message>) -> Result<Json<Reply>, StatusCode> {
    check_token(&headers)?;
    Ok(Json(message.echo()))
}

async fn integration(
    headers: HeaderMap,
    Json(request): Json<SupportRequest>,
) -> Result<(), StatusCode> {
    check_token(&headers)?;
    std::hint::black_box(request);
    Ok(())
}

async fn contact(Query(query): Query<model::Query>) -> String {
    std::hint::black_box(query);
    CONTACT.to_owned()
}

fn check_token(headers: &HeaderMap) -> Result<(), StatusCode> {
    match headers.get(AUTHORIZATION) {
        Some(token) if token == TOKEN => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}
