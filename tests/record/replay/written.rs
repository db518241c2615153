//! Recordings as files, written by the tests.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use snapengage::Receiver;
use tempfile::TempDir;

/// One exchange, to be written as a file.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) number: u64,
    /// Seconds after the start of the recording.
    pub(crate) seconds: u32,
    pub(crate) api: &'static str,
    pub(crate) case_id: Option<String>,
    /// Further notes, a line each.
    pub(crate) notes: String,
    pub(crate) target: String,
    pub(crate) token: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    pub(crate) answer: Option<(u16, Vec<u8>)>,
}

impl Written {
    /// A request to the path of its API, with the right token, and no answer.
    pub(crate) fn new(number: u64, api: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            number,
            seconds: 0,
            api,
            case_id: None,
            notes: String::new(),
            target: format!("/{api}"),
            token: Some("<redacted:right>"),
            body: body.into(),
            answer: None,
        }
    }

    /// A message in a chat.
    pub(crate) fn message(number: u64, case_id: &str, text: &str) -> Self {
        let body = serde_json::json!({
            "event": "message", "widget_id": "w", "case_id": case_id, "from": "visitor",
            "text": text,
        });
        let case_id = Some(case_id.to_owned());
        Self { case_id, ..Self::new(number, "bot", body.to_string()) }
    }

    /// The answer of a bot that says this in a chat.
    pub(crate) fn said(self, text: &str) -> Self {
        let case_id = self.case_id.clone().expect("a chat");
        let body = serde_json::json!({
            "widget_id": "w", "case_id": case_id,
            "content": [{"type": "message", "text": text}],
        });
        self.answered(200, body.to_string())
    }

    pub(crate) fn answered(self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { answer: Some((status, body.into())), ..self }
    }

    /// The answer that a receiver gives, in which the token is `my-token`.
    pub(crate) async fn answered_by(self, receiver: &Receiver) -> Self {
        let target = self.target.replace("<secret>", "my-token");
        let method = if self.is_look_up() { "GET" } else { "POST" };
        let request = Request::builder().method(method).uri(target);
        let request = request.header("Authorization", "my-token");
        let request = request.body(Full::new(Bytes::from(self.body.clone()))).expect("a request");
        let response = receiver.handle(request).await;
        let status = response.status().as_u16();
        self.answered(status, response.into_body().into_bytes())
    }

    fn is_look_up(&self) -> bool {
        self.api == "get-contact"
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{:06}-{}-other.http", self.number, self.api)
    }

    /// The file, in the form of a recording.
    pub(crate) fn file(&self) -> Vec<u8> {
        let (form, body) = framed(&self.body);
        let mut head = format!("# snapengage recording 1\n# n: {}\n", self.number);
        let (minutes, seconds) = (self.seconds / 60, self.seconds % 60);
        let _ = writeln!(head, "# at: 2026-11-25T20:{minutes:02}:{seconds:02}.000Z");
        let _ = writeln!(head, "# offset_ms: {}\n# api: {}", self.seconds * 1000, self.api);
        if let Some(case_id) = &self.case_id {
            let _ = writeln!(head, "# case: {case_id}");
        }
        let _ = writeln!(head, "# request-body: {form}\n{}", self.notes.trim_end());
        let method = if self.is_look_up() { "GET" } else { "POST" };
        let mut request = format!("{method} {} HTTP/1.1\nHost: bot.example.com\n", self.target);
        if let Some(token) = self.token {
            let _ = writeln!(request, "Authorization: {token}");
        }
        request += "\n";
        let head = head.trim_end().to_owned() + "\n";
        let Some((status, answer)) = &self.answer else {
            return [head.as_bytes(), b"# response: none\n", request.as_bytes(), &body, b"\n"]
                .concat();
        };
        let (form, answer) = framed(answer);
        let notes = format!("# response: {status} in 1 ms\n# response-body: {form}\n");
        let response = format!("\n### response\nHTTP/1.1 {status} Status\n\n");
        let parts = [head.as_bytes(), notes.as_bytes(), request.as_bytes(), &body];
        [&parts.concat()[..], response.as_bytes(), &answer, b"\n"].concat()
    }

    pub(crate) fn write_to(&self, folder: &Path) {
        fs::write(folder.join(self.file_name()), self.file()).expect("written");
    }
}

fn framed(body: &[u8]) -> (String, Vec<u8>) {
    match str::from_utf8(body) {
        Ok(_) => (format!("text {}", body.len()), body.to_vec()),
        Err(_) => {
            let text = base64(body);
            (format!("base64 {}", text.len()), text.into())
        }
    }
}

/// Base64, by hand: what reads it is the crate's.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let chunk = |chunk: &[u8]| {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = |at: usize| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]);
        let digits = (0..4).map(|at| if at <= chunk.len() { digit(at) } else { '=' });
        digits.collect::<String>()
    };
    bytes.chunks(3).map(chunk).collect()
}

/// A folder with these files.
pub(crate) fn folder(exchanges: &[Written]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    exchanges.iter().for_each(|exchange| exchange.write_to(folder.path()));
    folder
}

/// The text of a panic.
#[track_caller]
pub(crate) fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    let hook = std::panic::AssertUnwindSafe(run);
    let Err(panic) = std::panic::catch_unwind(hook) else { panic!("it did not panic") };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}
