//! The verb `inbox`: looks into an inbox, and puts it in order.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use snapengage::Timestamp;
use snapengage::inbox::{Entry, EntryId, Inbox, InboxError, State, Stats};
use snapengage::record::Redaction;

use super::Outcome;
use super::output::{self, bar, legible, table};
use super::redaction::RedactionArgs;

/// Inspects an inbox, and retries or discards its entries. The receiver may keep running.
#[derive(Args)]
pub(crate) struct InboxArgs {
    #[command(flatten)]
    place: Place,
    /// Writes JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Location of the inbox.
#[derive(Args)]
struct Place {
    /// File of the inbox.
    #[arg(long, env = "SNAPENGAGE_INBOX", default_value = "inbox.db", global = true)]
    file: PathBuf,
    /// URL of the NATS server that holds the inbox, in place of a file.
    #[arg(
        long,
        env = "SNAPENGAGE_NATS",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    nats: Option<String>,
    /// Name of the inbox on the server.
    #[arg(long, env = "SNAPENGAGE_NATS_NAME", default_value = "inbox", global = true)]
    name: String,
}

impl Place {
    async fn open(&self) -> Result<Inbox, InboxError> {
        let options = Inbox::options().must_exist();
        if let Some(url) = &self.nats {
            return options.connect(url, &self.name).await;
        }
        options.open(&self.file)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Lists entries in the order of receipt.
    List {
        /// Only entries of this state.
        #[arg(long, default_value = "dead")]
        state: StateArg,
        /// Only entries after this one.
        #[arg(long)]
        after: Option<EntryId>,
        /// Number of entries to list at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Shows an entry and its body.
    Show {
        /// Number of the entry.
        id: EntryId,
    },
    /// Retries dead letters, and entries that wait for their next attempt, at once.
    Retry(Chosen),
    /// Discards entries for good, with their bodies.
    Discard(Chosen),
    /// Counts the entries of each state.
    Stats,
    /// Writes entries into a folder as a recording, redacted, to be replayed: dead letters with the
    /// error that they died of.
    Export {
        /// Entries of this state.
        #[arg(long, default_value = "dead")]
        state: StateArg,
        /// Folder, which is made if it is not there.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        redaction: RedactionArgs,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Chosen {
    /// Numbers of the entries.
    ids: Vec<EntryId>,
    /// All dead letters.
    #[arg(long)]
    dead: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum StateArg {
    Waiting,
    Working,
    Done,
    Dead,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Waiting => Self::Waiting,
            StateArg::Working => Self::Working,
            StateArg::Done => Self::Done,
            StateArg::Dead => Self::Dead,
        }
    }
}

pub(crate) async fn run(InboxArgs { place, json, command }: InboxArgs) -> Outcome<ExitCode> {
    let inbox = place.open().await?;
    let text = match command {
        Command::List { state, after, limit } => {
            list(&inbox.list(state.into(), after, limit).await?, json)?
        }
        Command::Show { id } => match inbox.show(id).await? {
            Some(shown) => show(&shown.entry, &shown.body, json)?,
            None => return Err(format!("entry {id}: not there").into()),
        },
        Command::Retry(chosen) => return each(&inbox, chosen, Act::Retry, json).await,
        Command::Discard(chosen) => return each(&inbox, chosen, Act::Discard, json).await,
        Command::Stats => stats(&inbox.stats().await?, json)?,
        Command::Export { state, out, redaction } => {
            let count = Redaction::from(redaction).export(&inbox, state.into(), &out).await?;
            exported(count, &out, json)?
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn list(entries: &[Entry], json: bool) -> Outcome<String> {
    if json {
        return output::json(entries);
    }
    let head = ["ID", "STATE", "RECEIVED", "ATTEMPTS", "API", "EVENT", "SUBJECT", "ERROR"];
    let rows = entries.iter().map(|entry| {
        [
            entry.id.to_string(),
            entry.state.to_string(),
            entry.received_at.to_string(),
            entry.attempts.to_string(),
            entry.api.clone(),
            legible(&entry.event),
            legible(&entry.subject),
            entry.error.as_deref().map(legible).unwrap_or_default(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    Ok(table(&rows))
}

fn show(entry: &Entry, body: &[u8], json: bool) -> Outcome<String> {
    let body = String::from_utf8_lossy(body);
    let Value::Object(mut fields) = serde_json::to_value(entry)? else {
        return Err("an entry is an object".into());
    };
    if json {
        fields.insert("body".to_owned(), json!(body));
        return output::json(&fields);
    }
    let line = |name: &str, text: &str| [format!("{name}:"), legible(text)];
    let rows = [
        line("id", &entry.id.to_string()),
        line("state", entry.state.as_str()),
        line("api", &entry.api),
        line("path", &entry.path),
        line("event", &entry.event),
        line("subject", &entry.subject),
        line("received", &entry.received_at.to_string()),
        line("attempts", &entry.attempts.to_string()),
        line("due", &entry.due_at.to_string()),
        line("error", entry.error.as_deref().unwrap_or("none")),
    ];
    let body: Vec<_> = body.lines().map(legible).collect();
    Ok(format!("{}\n{}\n", table(&rows), body.join("\n")))
}

fn stats(stats: &Stats, json: bool) -> Outcome<String> {
    if json {
        return output::json(stats);
    }
    let age = |oldest: Timestamp| {
        let seconds = Timestamp::now().saturating_duration_since(oldest).as_secs();
        format!("{oldest}, {seconds} s ago")
    };
    Ok(table(&[
        ["waiting:".to_owned(), stats.waiting.to_string()],
        ["working:".to_owned(), stats.working.to_string()],
        ["done:".to_owned(), stats.done.to_string()],
        ["dead:".to_owned(), stats.dead.to_string()],
        ["oldest:".to_owned(), stats.oldest.map_or_else(|| "none".to_owned(), age)],
        ["size:".to_owned(), format!("{} bytes", stats.size)],
    ]))
}

fn exported(count: u64, out: &Path, json: bool) -> Outcome<String> {
    if json {
        return output::json(&json!({ "exported": count }));
    }
    Ok(format!("{count} entries exported to {}\n", legible(&out.display().to_string())))
}

#[derive(Clone, Copy)]
enum Act {
    Retry,
    Discard,
}

impl Act {
    async fn on(self, inbox: Inbox, id: EntryId) -> Result<bool, InboxError> {
        match self {
            Self::Retry => inbox.retry(id).await,
            Self::Discard => inbox.discard(id).await,
        }
    }
}

/// Applies an action to the chosen entries and reports the number. Fails if it could not be applied
/// to one of them.
async fn each(inbox: &Inbox, chosen: Chosen, act: Act, json: bool) -> Outcome<ExitCode> {
    let count =
        if chosen.dead { inbox.stats().await?.dead } else { u64::try_from(chosen.ids.len())? };
    let mut bulk = Bulk { inbox, act, bar: bar(count, json), done: Vec::new(), left: Vec::new() };
    if chosen.dead {
        bulk.act_on_dead(usize::try_from(count)?).await?;
    } else {
        for id in chosen.ids {
            bulk.act_on([id]).await?;
        }
    }
    let Bulk { done, left, bar, .. } = bulk;
    bar.finish_and_clear();
    let text = if json {
        json!({ "done": done, "left": left }).to_string()
    } else {
        let left: Vec<_> = left.iter().map(ToString::to_string).collect();
        let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
        format!("done: {}, left as they are: {left}", done.len())
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One action on many entries.
struct Bulk<'a> {
    inbox: &'a Inbox,
    act: Act,
    bar: ProgressBar,
    done: Vec<EntryId>,
    left: Vec<EntryId>,
}

impl Bulk<'_> {
    /// Counts down from the number there was: an entry that is retried may die again meanwhile.
    async fn act_on_dead(&mut self, mut count: usize) -> Outcome<()> {
        const PAGE: usize = 1000;
        let mut after = None;
        while count > 0 {
            let page = self.inbox.list(State::Dead, after, PAGE.min(count)).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            count -= page.len();
            let mut rest = &page[..];
            while !rest.is_empty() {
                let (entries, later) = rest.split_at(side_by_side(rest));
                self.act_on(entries.iter().map(|entry| entry.id)).await?;
                rest = later;
            }
        }
        Ok(())
    }

    async fn act_on(&mut self, ids: impl IntoIterator<Item = EntryId>) -> Outcome<()> {
        let begun =
            ids.into_iter().map(|id| (id, tokio::spawn(self.act.on(self.inbox.clone(), id))));
        for (id, task) in begun.collect::<Vec<_>>() {
            let is_done = task.await??;
            let seen = if is_done { &mut self.done } else { &mut self.left };
            seen.push(id);
            self.bar.inc(1);
        }
        Ok(())
    }
}

/// Returns how many of these to act on first: together, so that they share a flush, but with those
/// of one case in order.
fn side_by_side(entries: &[Entry]) -> usize {
    const AT_ONCE: usize = 64;
    let mut subjects = HashSet::new();
    entries.iter().take(AT_ONCE).take_while(|entry| subjects.insert(&entry.subject)).count()
}
