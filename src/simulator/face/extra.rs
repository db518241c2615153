//! Further acts of the page and the script, in the world.

use crate::id::CaseId;
use crate::simulator::case::{Shown, Speaker};
use crate::simulator::checked;
use crate::simulator::control::SimulatorChange;
use crate::simulator::lever::LeverError;
use crate::simulator::visit::{BanKind, VisitState, VisitView};
use crate::simulator::world::World;
use crate::simulator::{AgentSeat, Simulator};

/// Thing that an agent asks a visitor for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    File,
    Ssn,
    CreditCard,
    SecureNote,
}

impl Wanted {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("file", Self::File),
        ("SSN", Self::Ssn),
        ("Credit Card", Self::CreditCard),
        ("Secure Note", Self::SecureNote),
    ];

    fn text(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Ssn => "a social security number",
            Self::CreditCard => "a credit card",
            Self::SecureNote => "a secure note",
        }
    }
}

impl Simulator {
    /// Returns the addresses of the agents' pages.
    pub(super) fn hubs(&self) -> Vec<String> {
        self.lock().widgets.values().filter_map(|widget| widget.hub.clone()).collect()
    }

    pub(super) fn has_widget(&self, id: &str) -> bool {
        self.lock().widgets.contains_key(id)
    }

    /// Returns the name of the agent who has a chat.
    pub(super) fn alias_in(&self, view: &VisitView) -> Option<String> {
        let email = view.agent.as_ref().filter(|_| view.state == VisitState::Agent)?;
        let world = self.lock();
        Some(world.member(&view.widget, email)?.alias.clone())
    }

    /// Tells agents what the visitor's page says of them.
    pub(super) fn tell_agents(&self, case: &str, text: &str) -> Result<(), LeverError> {
        checked::words("text", text)?;
        self.act(|world| world.note_in(case, text, Shown::ToAgents))
    }

    /// Goes to another page as the visitor.
    pub(super) fn move_visitor(&self, case: &str, page_url: String) -> Result<(), LeverError> {
        checked::text_in_bounds("page_url", &page_url)?;
        self.act(|world| {
            world.open_case(case)?;
            let case = world.case_mut(case)?;
            case.visitor.page_url = Some(page_url);
            let id = case.id.clone();
            world.changed(SimulatorChange::Visit(id));
            Ok(())
        })
    }
}

/// Further acts of agents in the vendor's dashboard.
impl AgentSeat {
    pub(super) async fn unlabels(
        &self,
        case: &str,
        name: &str,
        value: &str,
    ) -> Result<(), LeverError> {
        self.in_own_chat(case, |world, id| {
            let labels = &mut world.case_mut(id.as_str())?.labels;
            labels.retain(|label| (label.0.as_str(), label.1.as_str()) != (name, value));
            world.changed(SimulatorChange::Visit(id.clone()));
            Ok(())
        })
        .await
    }

    /// Bans the visitor of a chat, which ends by it.
    pub(super) async fn bans(&self, case: &str, kind: BanKind) -> Result<(), LeverError> {
        self.in_own_chat(case, |world, id| {
            world.ban(id, kind);
            Ok(())
        })
        .await
    }

    pub(super) async fn asks_for(&self, case: &str, wanted: Wanted) -> Result<(), LeverError> {
        self.in_own_chat(case, |world, id| {
            let who = world.case(id.as_str())?.agent.as_ref().map(|agent| agent.alias.clone());
            let text = format!("{} asks for {}", who.unwrap_or_default(), wanted.text());
            world.note_in(id.as_str(), &text, Shown::Text)
        })
        .await
    }

    async fn in_own_chat(
        &self,
        case: &str,
        action: impl FnOnce(&mut World, &CaseId) -> Result<(), LeverError>,
    ) -> Result<(), LeverError> {
        let (simulator, email) = self.parts();
        simulator
            .in_chat(case, |world, case| {
                world.case(case)?.served_by(email)?;
                let id = world.case(case)?.id.clone();
                action(world, &id)
            })
            .await
    }
}

impl World {
    /// Writes a line of the system into a chat that has not ended.
    fn note_in(&mut self, case: &str, text: &str, shown: Shown) -> Result<(), LeverError> {
        self.open_case(case)?;
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.show(Speaker::System, text, shown, now);
        let id = case.id.clone();
        self.changed(SimulatorChange::Visit(id));
        Ok(())
    }
}
