//! Recordings: what is written of a request and of its answer.

#[cfg(all(unix, feature = "cli"))]
mod program;
#[cfg(feature = "client")]
mod proxy;
mod recorder;
#[cfg(unix)]
mod trouble;

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use snapengage::bot::Reply;
use snapengage::record::Exchange;
use snapengage::{
    Auth, Receiver, ReceiverBuilder, Token, agent_status, bot, contact, conversation, integration,
};

const TOKEN: &str = "kT4mZ0qvW8xR1";
const SECRET: &str = "s3cret-pQ7yB2nLw";

/// A receiver of all five APIs, each on the path of its name.
fn builder() -> ReceiverBuilder {
    let token = || Token::new(TOKEN).name("since May");
    let text = "Known since <b>2019</b>".to_owned();
    Receiver::builder()
        .bot("/bot", token(), bot::from_fn(|message| async move { Ok(Reply::say(message.text)) }))
        .integration("/integration", token(), integration::from_fn(|_| async { Ok(()) }))
        .conversation("/conversation-events", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/agent-status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact(
            "/get-contact",
            Auth::secret_path(Token::new(SECRET)),
            contact::from_fn(move |_| {
                let text = text.clone();
                async { Ok(Some(text)) }
            }),
        )
}

fn receiver() -> Receiver {
    builder().build().expect("no mistakes")
}

#[track_caller]
fn post(path: &str, token: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("Authorization", token);
    request.body(Full::new(body.into())).expect("a valid request")
}

fn say(text: &str) -> String {
    format!(
        r#"{{"event":"message","widget_id":"w","case_id":"c","from":"visitor","text":"{text}"}}"#
    )
}

/// All that is below a folder but folders, in order.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(all_files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// All files of a recording, which has nothing else.
#[track_caller]
fn exchanges(folder: &Path) -> Vec<Exchange> {
    let read = |path: &PathBuf| {
        let file = fs::read(path).expect("a file");
        let exchange =
            Exchange::from_file(&file).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(path.file_name().expect("a name"), &*exchange.file_name());
        assert_eq!(exchange.to_file(), file, "{path:?}");
        exchange
    };
    all_files(folder).iter().map(read).collect()
}

/// The text of the only file.
#[track_caller]
fn the_file(folder: &Path) -> String {
    let files = all_files(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    fs::read_to_string(&files[0]).expect("UTF-8")
}
