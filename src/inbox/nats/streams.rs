//! Streams of an inbox: the settings of each, and the check of those that are there.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType,
};

use super::case::Cases;
use super::ended::Ended;
use super::letter::{Letter, Position};
use super::link::Link;
use super::messages::{LONGEST, Messages, is_not_found};
use super::notes::Notes;
use super::reserve::PIECES;
use super::{case, ended, notes};
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Longest time for which the server itself refuses repeats: as long as SnapEngage is known to
/// repeat. It keeps their ids in memory.
const DUPLICATES: Duration = HOUR.saturating_mul(2);

/// Bytes that the stream of entries holds beyond the size limit. An entry that moves up in its case
/// is there twice for a moment: in a stream without room for that, its case would wait for good.
const TO_MOVE: u64 = 16 * 1024 * 1024;

/// Age and bytes up to which notes on attempts are kept.
const OLDEST_NOTE: Duration = HOUR.saturating_mul(24 * 7);
const MOST_NOTES: i64 = 64 * 1024 * 1024;

/// Time that a cluster may take to make a stream.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reason for which a stream cannot be used.
type Misfit = Box<dyn Error + Send + Sync>;

/// Streams of one inbox, each with what is stored in it.
pub(super) struct Streams {
    pub(super) cases: Cases,
    pub(super) ended: Ended,
    pub(super) notes: Notes,
    /// Servers that keep them.
    pub(super) replicas: usize,
    /// Bytes of entries that may come in.
    pub(super) size_limit: u64,
}

impl Streams {
    pub(super) async fn open(
        jetstream: &Context,
        link: &Arc<Link>,
        name: &str,
        settings: &Settings,
    ) -> Result<Self, InboxError> {
        let mut patient = jetstream.clone();
        patient.set_timeout(PATIENCE);
        let prepared = prepare(&patient, name, settings).await?;
        let replicas = prepared.iter().map(|stream| stream.config.num_replicas).min();
        let messages =
            async |stream: &Prepared| Messages::of(jetstream, link, &stream.config).await;
        let [entries, done, seen, dead, tries] = &prepared;
        let done = messages(done).await?;
        let seen = messages(seen).await?;
        let dead = messages(dead).await?;
        Ok(Self {
            cases: Cases::new(name, messages(entries).await?),
            ended: Ended::new(name, done, seen, dead),
            notes: Notes::new(name, messages(tries).await?, settings),
            replicas: replicas.unwrap_or(1),
            size_limit: u64::try_from(entries.config.max_bytes)
                .map_or(u64::MAX, |most| most.saturating_sub(TO_MOVE)),
        })
    }

    pub(super) fn all(&self) -> [&Messages; 5] {
        let Ended { done, seen, dead, .. } = &self.ended;
        [&self.cases.entries, done, seen, dead, &self.notes.messages]
    }

    /// Returns the stream of a position.
    pub(super) fn at(&self, position: Position) -> &Messages {
        match position {
            Position::Open => &self.cases.entries,
            Position::Done => &self.ended.done,
            Position::Dead => &self.ended.dead,
        }
    }

    /// Returns the entry of an id, if it is there.
    pub(super) async fn find(&self, id: EntryId) -> Result<Option<(Position, Letter)>, InboxError> {
        let (Some(position), number) = Position::of(id) else { return Ok(None) };
        let message = self.at(position).get(number).await?;
        Ok(message.map(|message| (position, Letter::stored(message))))
    }
}

fn entries(name: &str, settings: &Settings) -> Config {
    Config {
        name: name.to_owned(),
        subjects: vec![case::subjects(name)],
        retention: RetentionPolicy::WorkQueue,
        // A full stream refuses; the default, to drop the oldest, would drop what was answered 200.
        discard: DiscardPolicy::New,
        max_bytes: part(settings.size_limit.saturating_add(TO_MOVE), 1),
        duplicate_window: countable(settings.repeat_window.min(DUPLICATES)),
        ..common("requests to be processed")
    }
}

fn done(name: &str, settings: &Settings) -> Config {
    Config {
        name: format!("{name}-done"),
        subjects: vec![ended::done(name, "*")],
        max_messages_per_subject: 1,
        max_bytes: part(settings.size_limit, 4),
        max_age: countable(settings.done_retention),
        ..common("requests that were processed")
    }
}

fn seen(name: &str, settings: &Settings) -> Config {
    Config {
        name: format!("{name}-seen"),
        subjects: vec![ended::seen(name, "*")],
        max_messages_per_subject: 1,
        max_bytes: part(settings.size_limit, 4),
        max_age: countable(settings.repeat_window),
        ..common("keys of requests that were processed")
    }
}

fn dead(name: &str, settings: &Settings) -> Config {
    Config {
        name: format!("{name}-dead"),
        subjects: vec![ended::dead(name, "*")],
        max_messages_per_subject: 1,
        max_bytes: part(settings.size_limit, 1),
        discard: DiscardPolicy::New,
        ..common("dead letters")
    }
}

fn tries(name: &str) -> Config {
    Config {
        name: format!("{name}-tries"),
        subjects: vec![notes::subjects(name)],
        max_messages_per_subject: 1,
        // In a file, though they could be made again: in memory, they went with a restart of the
        // server, and until the inbox was opened again, nothing was processed.
        max_age: OLDEST_NOTE,
        max_bytes: MOST_NOTES,
        allow_message_ttl: true,
        ..common("notes on attempts")
    }
}

pub(super) fn reserve(name: &str, settings: &Settings, piece_size: usize) -> Config {
    let pieces = i64::from(PIECES);
    let size = i64::try_from(piece_size).unwrap_or(i64::MAX);
    Config {
        name: format!("{name}-reserve"),
        subjects: vec![format!("{name}-reserve")],
        // Each with what a stream notes of it.
        max_bytes: size.saturating_add(1024).saturating_mul(pieces),
        num_replicas: settings.replicas.unwrap_or(1),
        ..common("room for when the server is full")
    }
}

fn common(what: &str) -> Config {
    Config {
        description: Some(format!("SnapEngage inbox: {what}")),
        storage: StorageType::File,
        duplicate_window: countable(Duration::ZERO),
        // As the server writes "no limit": found and expected settings are compared.
        max_messages: -1,
        max_messages_per_subject: -1,
        ..Config::default()
    }
}

/// Returns the part of a number of bytes, as a stream has it: -1 is no limit.
fn part(limit: u64, parts: i64) -> i64 {
    i64::try_from(limit).map_or(-1, |limit| limit / parts)
}

/// Returns the age that a stream can count.
fn countable(age: Duration) -> Duration {
    // Zero would be no limit: messages would be kept for ever.
    age.clamp(Duration::from_secs(1), LONGEST)
}

/// Stream that is there.
pub(super) struct Prepared {
    pub(super) config: Config,
    /// Set if it was not there before.
    pub(super) is_new: bool,
}

/// Makes streams that are missing, and checks the others.
pub(super) async fn prepare(
    jetstream: &Context,
    name: &str,
    settings: &Settings,
) -> Result<[Prepared; 5], InboxError> {
    let prepare = async |config| prepare_one(jetstream, config, settings).await;
    // The stream of the entries first, so that its error is the one that is seen if none is there.
    Ok([
        prepare(entries(name, settings)).await?,
        prepare(done(name, settings)).await?,
        prepare(seen(name, settings)).await?,
        prepare(dead(name, settings)).await?,
        prepare(tries(name)).await?,
    ])
}

async fn prepare_one(
    jetstream: &Context,
    config: Config,
    settings: &Settings,
) -> Result<Prepared, InboxError> {
    let config = Config { num_replicas: settings.replicas.unwrap_or(1), ..config };
    let prepared = if settings.must_exist {
        find(jetstream, &config).await
    } else {
        find_or_create(jetstream, &config).await
    };
    let failed = |failure| InboxError::new(format!("stream `{}`: {failure}", config.name));
    prepared.map_err(failed)
}

async fn find(jetstream: &Context, config: &Config) -> Result<Prepared, Misfit> {
    let found = jetstream.get_stream(&config.name).await?.cached_info().config.clone();
    check(&found, config)?;
    Ok(Prepared { config: found, is_new: false })
}

async fn find_or_create(jetstream: &Context, config: &Config) -> Result<Prepared, Misfit> {
    match jetstream.get_stream(&config.name).await {
        Ok(stream) => {
            let found = stream.cached_info().config.clone();
            check(&found, config)?;
            let config = update(jetstream, found, config).await?;
            Ok(Prepared { config, is_new: false })
        }
        Err(error) if is_not_found(&error) => {
            let config = jetstream.create_stream(config).await?.cached_info().config.clone();
            Ok(Prepared { config, is_new: true })
        }
        Err(error) => Err(error.into()),
    }
}

/// Settings that promises rest on, as the server names them.
const SETTINGS: [&str; 11] = [
    "subjects",
    "storage",
    "retention",
    "discard",
    "max_msgs",
    "max_msgs_per_subject",
    "allow_msg_ttl",
    "no_ack",
    "deny_delete",
    "deny_purge",
    "sealed",
];

/// Refuses a stream that somebody else has made and that cannot hold what is promised.
fn check(found: &Config, expected: &Config) -> Result<(), Misfit> {
    let (settings, needed) = (serde_json::to_value(found)?, serde_json::to_value(expected)?);
    for name in SETTINGS {
        let (setting, needed) = (&settings[name], &needed[name]);
        if setting != needed {
            return Err(format!("`{name}` is {setting}, expected {needed}").into());
        }
    }
    if found.persist_mode == Some(PersistenceMode::Async) {
        return Err("`persist_mode` is async: acknowledged before it is stored".into());
    }
    let (found, needed) = (found.num_replicas, expected.num_replicas);
    if found < needed {
        return Err(format!("`num_replicas` is {found}, expected {needed}").into());
    }
    Ok(())
}

/// Applies settings that may have changed: see [`Settings`]. Replicas and the like stay as they
/// are.
async fn update(jetstream: &Context, found: Config, expected: &Config) -> Result<Config, Misfit> {
    let config = Config {
        max_bytes: expected.max_bytes,
        max_age: expected.max_age,
        duplicate_window: expected.duplicate_window,
        ..found.clone()
    };
    if config != found {
        jetstream.update_stream(&config).await?;
    }
    Ok(config)
}
