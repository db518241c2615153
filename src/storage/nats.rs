//! Connection to NATS.

use std::error::Error;
use std::io;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use tokio::task::JoinError;

pub(crate) type ConnectError = Box<dyn Error + Send + Sync>;

/// Connects to a server, or to one of several whose URLs are separated by commas. Requests fail
/// after `timeout`.
pub(crate) async fn connect(urls: &str, timeout: Duration) -> Result<Client, ConnectError> {
    let servers = urls.split(',').map(|url| url.trim().parse()).collect::<Result<Vec<_>, _>>()?;
    let options = options(&servers).name("snapengage").request_timeout(Some(timeout));
    let servers = servers.into_iter().map(bare).collect::<Result<Vec<_>, _>>()?;
    // On a task, since the client panics if a server asks for TLS and there is no TLS library.
    let connecting = tokio::spawn(options.connect(servers));
    Ok(connecting.await.map_err(|panic| no_tls(&panic))??)
}

/// Reads credentials from the URLs, which the client does not. A user without password is a token.
fn options(servers: &[ServerAddr]) -> ConnectOptions {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match named.map(|(user, password)| (decoded(user), password.map(decoded))) {
        Some((user, Some(password))) => ConnectOptions::new().user_and_password(user, password),
        Some((token, None)) => ConnectOptions::new().token(token),
        None => ConnectOptions::new(),
    }
}

/// Removes the credentials: the client logs the URL.
fn bare(server: ServerAddr) -> io::Result<ServerAddr> {
    let mut url = server.into_inner();
    // A URL that cannot have credentials has none.
    let _ = (url.set_username(""), url.set_password(None));
    ServerAddr::from_url(url)
}

fn no_tls(panic: &JoinError) -> ConnectError {
    format!("{panic}; a server that asks for TLS needs the feature `nats-tls`").into()
}
