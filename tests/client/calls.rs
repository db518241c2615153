//! Every call, with something in all that can be.

use snapengage::CaseId;
use snapengage::client::{
    AccountType, Client, ClientError, Day, NewUser, NewWidget, Operation, Password, Presence,
    Secret, UserUpdate, WidgetAgent, WidgetUpdate,
};

/// What calls are made with.
pub(crate) struct Calls {
    pub(crate) client: Client,
    pub(crate) token: &'static str,
    pub(crate) provisioning_key: &'static str,
    pub(crate) chat_key: &'static str,
    pub(crate) widget: &'static str,
    pub(crate) agent: &'static str,
    pub(crate) user: &'static str,
    pub(crate) visitor: &'static str,
    /// What is said, noted and called.
    pub(crate) words: &'static str,
    pub(crate) case_id: CaseId,
    pub(crate) day: Day,
    pub(crate) file: String,
}

impl Calls {
    pub(crate) fn of(client: Client) -> Self {
        Self {
            client,
            token: "token",
            provisioning_key: "key",
            chat_key: "key",
            widget: "w",
            agent: "jane@example.com",
            user: "jane@example.com",
            visitor: "visitor@example.com",
            words: "Hello",
            case_id: "c".into(),
            day: "2026-11-01".parse().expect("a day"),
            file: "https://www.snapengage.com/files/notes.txt".to_owned(),
        }
    }

    pub(crate) async fn make(&self, call: Operation) -> Result<(), ClientError> {
        let Self { client, widget, user, words, .. } = self;
        let account = client.account(Secret::new(self.token), 5_406_213);
        let admin = client.provisioning(Secret::new(self.provisioning_key));
        let chats = client.visitor_chats(Secret::new(self.chat_key));
        let mut chat = chats.resume(self.case_id.clone());
        let agent = || WidgetAgent::webclient(self.agent, *words, "https://example.com/a.png");
        match call {
            Operation::SetAgentStatus => {
                account.set_agent_status(self.agent, Presence::Pause).note(*words).await
            }
            Operation::Logs => {
                let logs = account.logs(*widget).from(self.day).to(self.day);
                logs.cases().next().await.map(drop)
            }
            Operation::File => account.file(&self.file)?.limit(10_000).bytes().await.map(drop),
            Operation::CreateUser => {
                let password = Password::new(format!("pass{words}")).expect("long enough");
                let new =
                    NewUser::new("new@example.com", *words, AccountType::Enterprise, password);
                admin.create_user(new).await.map(drop)
            }
            Operation::GetUser => admin.user(user).await.map(drop),
            Operation::UpdateUser => {
                admin.update_user(UserUpdate::new(*user, *words)).await.map(drop)
            }
            Operation::DeleteUser => admin.delete_user(user).await,
            Operation::CreateWidget => {
                admin.create_widget(NewWidget::new(*user, [agent()])).await.map(drop)
            }
            Operation::GetWidget => admin.widget(*widget, user).await.map(drop),
            Operation::UpdateWidget => {
                admin.update_widget(WidgetUpdate::new(*widget, *user, [agent()])).await.map(drop)
            }
            Operation::DeleteWidget => admin.delete_widget(*widget, user).await,
            Operation::ChatAvailability => chats.availability(*widget).await.map(drop),
            Operation::StartChat => {
                chats.start(*widget).email(self.visitor).message(*words).await.map(drop)
            }
            Operation::Say => chat.say(*words).await.map(drop),
            Operation::CloseChat => chat.close().await,
            Operation::Poll => chat.next().await.map(drop),
            Operation::Availability => client.availability(*widget).await.map(drop),
            other => panic!("a call that is none of these: {other}"),
        }
    }
}

/// A second one would create something twice, or show an agent a line twice.
pub(crate) fn is_sent_once(call: Operation) -> bool {
    use Operation::{CreateUser, CreateWidget, Say, StartChat};
    [CreateUser, CreateWidget, StartChat, Say].contains(&call)
}

pub(crate) fn is_change(call: Operation) -> bool {
    use Operation::{Availability, ChatAvailability, File, GetUser, GetWidget, Logs, Poll};
    ![Logs, File, GetUser, GetWidget, ChatAvailability, Poll, Availability].contains(&call)
}
