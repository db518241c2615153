//! The verb `visit`: a chat as a visitor, in the terminal.

use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;

use clap::Args;
use snapengage::client::{ChatLine, LineKind, StartChat, VisitorChat, VisitorChats};
use snapengage::{HandlerError, shutdown_signal};

use super::Outcome;
use super::credentials::Access;
use super::output::{self, legible};
use super::typing;

/// Chats with an agent, as a visitor, in the terminal.
///
/// Lines of stdin are said, and lines of the agent are shown as they come. The end of the input, or
/// ctrl-c, closes the chat. Needs SNAPENGAGE_CHAT_KEY.
#[derive(Args)]
pub(crate) struct VisitArgs {
    /// Id of the widget.
    widget: String,
    /// Email address of the visitor; some widgets require one.
    #[arg(long)]
    email: Option<String>,
    /// Phone number of the visitor.
    #[arg(long)]
    phone: Option<String>,
    /// Language of the visitor, such as "en" or "en-GB".
    #[arg(long)]
    locale: Option<String>,
    /// First message; some widgets require one.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Writes a JSON object for each line.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: VisitArgs, access: &Access) -> Outcome<ExitCode> {
    let mut stop = pin!(shutdown_signal());
    let start = args.start(&access.visitor_chats()?).into_future();
    let mut chat = tokio::select! {
        chat = start => chat?,
        () = &mut stop => return Ok(ExitCode::SUCCESS),
    };
    note(&format!("chat {}", legible(chat.case_id().as_str())))?;
    let end = tokio::select! {
        end = talk(&mut chat, args.json) => end,
        () = &mut stop => Ok(End::Here),
    };
    if matches!(end, Ok(End::There)) {
        note("the chat is over")?;
        return Ok(ExitCode::SUCCESS);
    }
    // After a failure too: an agent would wait for a visitor who is gone. A second signal ends the
    // wait for an answer.
    let closed = tokio::select! {
        closed = chat.close() => closed.map_err(HandlerError::from),
        () = shutdown_signal() => Err("the chat may still be open".into()),
    };
    end?;
    closed?;
    Ok(ExitCode::SUCCESS)
}

/// Side that a chat was ended on.
enum End {
    Here,
    There,
}

/// Says what is typed, and shows what is answered, until one of both ends.
async fn talk(chat: &mut VisitorChat, json: bool) -> Outcome<End> {
    let mut typed = typing::lines();
    loop {
        tokio::select! {
            line = typed.recv() => match line.transpose()? {
                Some(line) if line.is_empty() => {}
                Some(line) => drop(chat.say(line).await?),
                None => return Ok(End::Here),
            },
            line = chat.next() => match line? {
                Some(line) => show(&line, json)?,
                None => return Ok(End::There),
            },
        }
    }
}

/// Shows what people said; codes of the system are for SnapEngage's own widget.
fn show(line: &ChatLine, json: bool) -> Outcome<()> {
    if line.kind == Some(LineKind::System) {
        return Ok(());
    }
    let author = if line.author.is_empty() { "agent" } else { &line.author };
    Ok(output::print(&if json {
        output::json_line(line)?
    } else {
        format!("{}: {}\n", legible(author), legible(line.trimmed()))
    })?)
}

fn note(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

impl VisitArgs {
    fn start(&self, chats: &VisitorChats) -> StartChat {
        let mut start = chats.start(self.widget.as_str());
        if let Some(email) = &self.email {
            start = start.email(email);
        }
        if let Some(phone) = &self.phone {
            start = start.phone(phone);
        }
        if let Some(locale) = &self.locale {
            start = start.locale(locale);
        }
        if let Some(message) = &self.message {
            start = start.message(message);
        }
        start
    }
}
