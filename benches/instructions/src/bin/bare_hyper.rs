//! hyper alone: reads the body and returns a constant.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use snapengage_instructions::{run, serve};

fn main() {
    run(|listener| serve(listener, answer));
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    request.into_body().collect().await.expect("a body");
    Response::new(Full::new(Bytes::from_static(b"{}")))
}
