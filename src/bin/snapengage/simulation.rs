//! Configuration of a simulation: the file, and the flags that win over it.

use std::env;
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;
use snapengage::simulator::{SimulatedAgent, SimulatedWidget, Simulator, SimulatorBuilder};

use super::Outcome;
use super::config::{
    AgentTable, BotTable, Config, ContactTable, FormName, IntegrationTable, ReceiverTable,
    WidgetTable,
};
use super::credentials::Access;

/// Token of receivers for which nothing else says one.
const TOKEN: &str = "SNAPENGAGE_TOKEN";

/// Flags that say what is simulated.
#[derive(Args)]
pub(crate) struct Flags {
    /// File of TOML with widgets and agents. Without it, there is a widget `local`. Flags win over
    /// it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Widget that the addresses below are for, made if the file has none of this id. By default,
    /// they are for all widgets of the file.
    #[arg(long, value_name = "ID")]
    widget: Option<String>,
    /// Address of the bot.
    #[arg(long, value_name = "URL")]
    bot: Option<String>,
    /// Address for finished chats and offline messages.
    #[arg(long, value_name = "URL")]
    integration: Option<String>,
    /// Form of those.
    #[arg(long, value_name = "FORM", value_enum)]
    integration_form: Option<FormName>,
    /// Address for the events of conversations.
    #[arg(long, value_name = "URL")]
    conversation_events: Option<String>,
    /// Address for the statuses of agents.
    #[arg(long, value_name = "URL")]
    agent_status: Option<String>,
    /// Address that is asked about visitors.
    #[arg(long, value_name = "URL")]
    get_contact: Option<String>,
    /// Token that these expect in `Authorization`. By default that of the file, or else that of
    /// the environment, SNAPENGAGE_TOKEN.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Address of the agents' page, which is shown in their pane.
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// Agent who is online, by the email address. May be repeated.
    #[arg(long = "agent", value_name = "EMAIL")]
    agents: Vec<String>,
    /// File that was uploaded in a chat, at the address `/files/NAME`. May be repeated.
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Seconds that pass in the simulator in one of the machine's. By default 1; with a seed, time
    /// stands still.
    #[arg(long, value_name = "N")]
    speed: Option<NonZeroU32>,
    /// Makes ids and times the same at every run.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Flags {
    /// Returns a simulator to be built.
    pub(crate) fn builder(&self, access: &Access) -> Outcome<SimulatorBuilder> {
        let config = self.merged()?;
        let keys = access.served()?;
        let mut builder = Simulator::builder()
            .api_token(keys.api_token)
            .org(keys.org)
            .provisioning_key(keys.provisioning_key)
            .chat_key(keys.chat_key);
        if let Some(seed) = config.seed {
            builder = builder.seed(seed);
        }
        if let Some(speed) = config.speed {
            builder = builder.speed(speed.get());
        }
        if let Some(ReceiverTable { url, token }) = config.agent_status {
            builder = builder.agent_status(url, token.unwrap_or_default());
        }
        for path in &self.files {
            let (name, content) = uploaded(path)?;
            builder = builder.file(name, content);
        }
        builder = config.widgets.into_iter().map(widget).fold(builder, SimulatorBuilder::widget);
        Ok(config.agents.into_iter().map(agent).fold(builder, SimulatorBuilder::agent))
    }

    fn merged(&self) -> Outcome<Config> {
        let config = self.config.as_deref().map(Config::read).transpose()?;
        let mut config = config.unwrap_or_else(Config::empty);
        config.seed = self.seed.or(config.seed);
        config.speed = self.speed.or(config.speed);
        self.add_widget(&mut config.widgets);
        for widget in &mut config.widgets {
            if self.widget.as_ref().is_none_or(|id| *id == widget.id) {
                self.point(widget);
            }
        }
        set_url(&mut config.agent_status, self.agent_status.as_ref());
        for email in &self.agents {
            if !config.agents.iter().any(|agent| agent.email.eq_ignore_ascii_case(email)) {
                config.agents.push(AgentTable::new(email.clone()));
            }
        }
        self.give_token(&mut config)?;
        Ok(config)
    }

    /// Sees to it that there is a widget, and the one that was asked for.
    fn add_widget(&self, widgets: &mut Vec<WidgetTable>) {
        match &self.widget {
            Some(id) if !widgets.iter().any(|widget| widget.id == *id) => {
                widgets.push(WidgetTable::new(id.clone()));
            }
            None if widgets.is_empty() => {
                widgets.push(WidgetTable::new("local".to_owned()));
            }
            _ => {}
        }
    }

    /// Sets the addresses of a widget.
    fn point(&self, widget: &mut WidgetTable) {
        if let Some(url) = &self.bot {
            let (token, name) = widget.bot.take().map_or((None, None), |bot| (bot.token, bot.name));
            widget.bot = Some(BotTable { url: url.clone(), token, name });
        }
        if let Some(url) = &self.integration {
            let old = widget.integration.take();
            let (token, form) = old.map_or_else(Default::default, |old| (old.token, old.form));
            widget.integration = Some(IntegrationTable { url: url.clone(), token, form });
        }
        if let (Some(form), Some(integration)) = (self.integration_form, &mut widget.integration) {
            integration.form = form;
        }
        set_url(&mut widget.conversation_events, self.conversation_events.as_ref());
        if let Some(url) = &self.get_contact {
            widget.get_contact = Some(ContactTable { url: url.clone() });
        }
        widget.hub = self.hub.clone().or(widget.hub.take());
    }

    /// Gives the receivers the token: that of the flag to all, that of the environment to those
    /// without one.
    fn give_token(&self, config: &mut Config) -> Outcome<()> {
        let local = match env::var(TOKEN) {
            Ok(token) => Some(token),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => return Err(format!("{TOKEN} is not UTF-8").into()),
        };
        let give = |token: &mut Option<String>| {
            *token = self.token.clone().or(token.take()).or_else(|| local.clone());
        };
        for widget in &mut config.widgets {
            let WidgetTable { bot, integration, conversation_events, .. } = widget;
            bot.iter_mut().for_each(|bot| give(&mut bot.token));
            integration.iter_mut().for_each(|integration| give(&mut integration.token));
            conversation_events.iter_mut().for_each(|receiver| give(&mut receiver.token));
        }
        config.agent_status.iter_mut().for_each(|receiver| give(&mut receiver.token));
        Ok(())
    }
}

fn uploaded(path: &Path) -> Outcome<(String, Vec<u8>)> {
    let wrong = |error: &dyn Display| format!("{}: {error}", path.display());
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| wrong(&"the name is no text"))?;
    let content = fs::read(path).map_err(|error| wrong(&error))?;
    Ok((name.to_owned(), content))
}

fn set_url(receiver: &mut Option<ReceiverTable>, url: Option<&String>) {
    if let Some(url) = url {
        let token = receiver.take().and_then(|receiver| receiver.token);
        *receiver = Some(ReceiverTable { url: url.clone(), token });
    }
}

fn widget(table: WidgetTable) -> SimulatedWidget {
    let mut widget = SimulatedWidget::new(table.id)
        .email_required(table.email_required)
        .message_required(table.message_required)
        .variables(table.variables);
    if let Some(name) = table.name {
        widget = widget.name(name);
    }
    if let Some(secret) = table.identity_secret {
        widget = widget.identity_secret(secret);
    }
    if let Some(BotTable { url, token, name }) = table.bot {
        widget = widget.bot(url, token.unwrap_or_default());
        if let Some(name) = name {
            widget = widget.bot_name(name);
        }
    }
    if let Some(IntegrationTable { url, token, form }) = table.integration {
        widget = widget.integration(url, token.unwrap_or_default(), form.into());
    }
    if let Some(ReceiverTable { url, token }) = table.conversation_events {
        widget = widget.conversation_events(url, token.unwrap_or_default());
    }
    if let Some(ContactTable { url }) = table.get_contact {
        widget = widget.get_contact(url);
    }
    if let Some(hub) = table.hub {
        widget = widget.hub(hub);
    }
    widget
}

fn agent(table: AgentTable) -> SimulatedAgent {
    let mut agent = SimulatedAgent::new(table.email).status(table.status.into()).tags(table.tags);
    if let Some(alias) = table.alias {
        agent = agent.alias(alias);
    }
    match table.widgets {
        Some(widgets) => agent.widgets(widgets),
        None => agent,
    }
}
