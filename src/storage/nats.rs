//! A connection to NATS, for what keeps something there.

use std::error::Error;
use std::io;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use tokio::task::JoinError;

pub(crate) type ConnectError = Box<dyn Error + Send + Sync>;

/// Connects to a server, or to one of several whose URLs are separated by commas. What it is asked for
/// fails after `timeout`.
pub(crate) async fn connect(urls: &str, timeout: Duration) -> Result<Client, ConnectError> {
    let servers = urls.split(',').map(|url| url.trim().parse()).collect::<Result<Vec<_>, _>>()?;
    let options = options(&servers).name("snapengage").request_timeout(Some(timeout));
    let servers = servers.into_iter().map(bare).collect::<Result<Vec<_>, _>>()?;
    // Without a TLS library, a server that asks for TLS makes the client panic.
    let connecting = tokio::spawn(options.connect(servers));
    Ok(connecting.await.map_err(|panic| no_tls(&panic))??)
}

/// The client leaves it to us to look for credentials in the URLs. A user without password is a token.
fn options(servers: &[ServerAddr]) -> ConnectOptions {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match named.map(|(user, password)| (decoded(user), password.map(decoded))) {
        Some((user, Some(password))) => ConnectOptions::new().user_and_password(user, password),
        Some((token, None)) => ConnectOptions::new().token(token),
        None => ConnectOptions::new(),
    }
}

/// Without credentials: the client logs the URL.
fn bare(server: ServerAddr) -> io::Result<ServerAddr> {
    let mut url = server.into_inner();
    // What cannot have any has none.
    let _ = (url.set_username(""), url.set_password(None));
    ServerAddr::from_url(url)
}

fn no_tls(panic: &JoinError) -> ConnectError {
    format!("{panic}; a server that asks for TLS needs the feature `nats-tls`").into()
}
