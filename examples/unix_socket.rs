//! A bot behind a proxy on the same host, which reaches it through a socket file.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example unix_socket bot.sock
//!
//! curl http://localhost/bot --unix-socket bot.sock -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}'
//! ```
//!
//! For nginx: `proxy_pass http://unix:/run/snapengage/bot.sock;`, `proxy_http_version 1.1;` and
//! `proxy_set_header Connection "";`. systemd creates the folder, with
//! `RuntimeDirectory=snapengage` and the proxy's `Group=`.

#[cfg(unix)]
mod common;

#[cfg(unix)]
mod by_socket {
    use std::fs::{self, Permissions};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::UnixStream;

    use anyhow::Context;
    use snapengage::bot::{self, Reply};
    use snapengage::{Receiver, Token};
    use tokio::net::UnixListener;

    use super::common;

    pub(crate) async fn serve(path: &str) -> anyhow::Result<()> {
        let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
        let token = Token::from_env("SNAPENGAGE_TOKEN");
        let receiver = Receiver::builder().bot("/bot", token, bot).build()?;
        let listener = listen(path).with_context(|| format!("cannot listen on {path}"))?;
        common::say(format_args!("listening on unix:{path}"));
        snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
        Ok(())
    }

    /// Listens on a socket file, and replaces one that another process has left.
    ///
    /// The file is not removed at the end: by then it may be that of the next process.
    fn listen(path: &str) -> io::Result<UnixListener> {
        if is_left_behind(path) {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        // Access for the owner, and for the group that the proxy is in.
        fs::set_permissions(path, Permissions::from_mode(0o660))?;
        Ok(listener)
    }

    fn is_left_behind(path: &str) -> bool {
        let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
        is_socket && UnixStream::connect(path).is_err_and(refused)
    }
}

#[cfg(unix)]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let path = std::env::args().nth(1).unwrap_or_else(|| "bot.sock".to_owned());
    by_socket::serve(&path).await
}

#[cfg(not(unix))]
fn main() {
    panic!("there are no socket files on this system");
}
