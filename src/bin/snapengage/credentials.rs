//! Credentials, and the address they are for: from a file or the environment, never an argument.
//!
//! Arguments are seen by every user of the machine, and kept in the history of the shell. A key
//! file has lines of `NAME=value`, with the names of the environment variables, comments that begin
//! with `#`, and empty lines. What is in it wins over the environment.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use snapengage::client::{Account, Client, Provisioning, Secret, VisitorChats};

use super::Outcome;

const API_TOKEN: &str = "SNAPENGAGE_API_TOKEN";
const ORG: &str = "SNAPENGAGE_ORG";
const PROVISIONING_KEY: &str = "SNAPENGAGE_PROVISIONING_KEY";
const CHAT_KEY: &str = "SNAPENGAGE_CHAT_KEY";
const IDENTITY_SECRET: &str = "SNAPENGAGE_IDENTITY_SECRET";

const NAMES: [&str; 5] = [API_TOKEN, ORG, PROVISIONING_KEY, CHAT_KEY, IDENTITY_SECRET];

/// Address of SnapEngage, and place of the credentials for it.
#[derive(Args)]
pub(crate) struct Access {
    /// File of credentials, in lines of NAME=value, which win over the environment:
    /// SNAPENGAGE_API_TOKEN, SNAPENGAGE_ORG, SNAPENGAGE_PROVISIONING_KEY, SNAPENGAGE_CHAT_KEY,
    /// SNAPENGAGE_IDENTITY_SECRET.
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    key_file: Option<PathBuf>,
    /// Address of SnapEngage, or of what stands in for it; may have a path.
    #[arg(
        long,
        env = "SNAPENGAGE_URL",
        default_value = "https://www.snapengage.com",
        hide_env_values = true,
        global = true,
        help_heading = "Connection"
    )]
    url: String,
}

impl Access {
    /// Creates a client, without a credential.
    pub(crate) fn client(&self) -> Outcome<Client> {
        Ok(Client::builder().base_url(&self.url).build()?)
    }

    /// Returns the account for calls that name no organization: those about agents.
    pub(crate) fn account_of_agents(&self) -> Outcome<Account> {
        let token = self.credentials()?.secret(API_TOKEN)?;
        Ok(self.client()?.account(token, 0))
    }

    pub(crate) fn account(&self) -> Outcome<Account> {
        self.account_at(Vec::new())
    }

    /// Creates the account, whose token other hosts may have as well.
    pub(crate) fn account_at(&self, hosts: Vec<String>) -> Outcome<Account> {
        let credentials = self.credentials()?;
        let token = credentials.secret(API_TOKEN)?;
        let org = org(&credentials.needed(ORG)?)?;
        let client = Client::builder().base_url(&self.url).hosts(hosts).build()?;
        Ok(client.account(token, org))
    }

    pub(crate) fn provisioning(&self) -> Outcome<Provisioning> {
        let key = self.credentials()?.secret(PROVISIONING_KEY)?;
        Ok(self.client()?.provisioning(key))
    }

    pub(crate) fn visitor_chats(&self) -> Outcome<VisitorChats> {
        let key = self.credentials()?.secret(CHAT_KEY)?;
        Ok(self.client()?.visitor_chats(key))
    }

    pub(crate) fn identity_secret(&self) -> Outcome<String> {
        self.credentials()?.needed(IDENTITY_SECRET)
    }

    /// Returns the credentials that a simulator takes: those that are set, or else local ones.
    pub(crate) fn served(&self) -> Outcome<LocalKeys> {
        let credentials = self.credentials()?;
        let or = |name, local: &str| -> Outcome<String> {
            Ok(credentials.get(name)?.unwrap_or_else(|| local.to_owned()))
        };
        Ok(LocalKeys {
            api_token: or(API_TOKEN, "local-api-token")?,
            org: org(&or(ORG, "5406213")?)?,
            provisioning_key: or(PROVISIONING_KEY, "local-provisioning-key")?,
            chat_key: or(CHAT_KEY, "local-chat-key")?,
        })
    }

    fn credentials(&self) -> Outcome<Credentials> {
        let in_file = self.key_file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Credentials { in_file })
    }
}

/// Credentials that a simulator takes.
pub(crate) struct LocalKeys {
    pub(crate) api_token: String,
    pub(crate) org: u64,
    pub(crate) provisioning_key: String,
    pub(crate) chat_key: String,
}

struct Credentials {
    /// By their names, those of [`NAMES`].
    in_file: BTreeMap<&'static str, String>,
}

impl Credentials {
    /// Returns a credential: that of the file, or else that of the environment.
    fn get(&self, name: &str) -> Outcome<Option<String>> {
        if let Some(value) = self.in_file.get(name) {
            return Ok(Some(value.clone()));
        }
        match env::var(name) {
            Ok(value) if value.trim().is_empty() => Err(format!("{name} is empty").into()),
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
            Err(VarError::NotPresent) => Ok(None),
        }
    }

    fn needed(&self, name: &str) -> Outcome<String> {
        self.get(name)?.ok_or_else(|| {
            let places = "neither in the environment nor in a key file (--key-file)";
            format!("{name} is missing: it is {places}").into()
        })
    }

    fn secret(&self, name: &str) -> Outcome<Secret> {
        Ok(Secret::new(self.needed(name)?).name(name))
    }
}

fn org(number: &str) -> Outcome<u64> {
    let org = number.trim().parse().map_err(|_| format!("{ORG}: expected a number"))?;
    Ok(org)
}

/// Reads a key file. Its errors name the line, and nothing that stands on it: a line that cannot be
/// read may be a key.
fn read(path: &Path) -> Outcome<BTreeMap<&'static str, String>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut values = BTreeMap::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |problem: &str| format!("{}: line {}: {problem}", path.display(), number + 1);
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("expected NAME=value"))?;
        let (name, value) = (name.trim(), value.trim());
        let known = NAMES.into_iter().find(|known| *known == name);
        let known = known.ok_or_else(|| wrong(&format!("expected one of {}", NAMES.join(", "))))?;
        if value.is_empty() {
            return Err(wrong("no value").into());
        }
        if values.insert(known, value.to_owned()).is_some() {
            return Err(wrong("the same name again").into());
        }
    }
    Ok(values)
}
