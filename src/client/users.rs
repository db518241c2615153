//! Provisioning API: the users of an organisation.

use std::error::Error;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Provisioning;
use super::call::Call;
use super::error::ClientError;
use super::operation::Operation;
use crate::error::debug_is_text;
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described};
use crate::wire::lenient::{Lenient, Scalar};
use crate::wire::model::{Model, model};
use crate::wire::open_set::open_set;

model! {
    /// User, as SnapEngage answers: without the password.
    ///
    /// Every field may be absent. Of a user who was created with another key, SnapEngage once said
    /// no more than that there is one.
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    #[derive(Default)]
    pub struct User {
        /// Email address, in lower case: it may differ from the one that was sent.
        pub email: Option<String> = "email",
        /// Name of the user.
        pub name: Option<String> = "name",
        /// Phone number.
        pub phone: Option<String> = "phone",
        /// Type of the account.
        pub account_type: Option<AccountType> = "accountType",
    }
}

model! {
    /// User to be created.
    ///
    /// ```
    /// use snapengage::client::{AccountType, NewUser, Password};
    ///
    /// let password = Password::new("correct horse")?;
    /// let jane = NewUser::new("jane@example.com", "Jane", AccountType::Enterprise, password)
    ///     .phone("555-617-8980");
    /// # let _ = jane;
    /// # Ok::<_, snapengage::client::PasswordError>(())
    /// ```
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct NewUser {
        required {
            /// Email address, of less than 100 characters: the user logs in with it, in lower case.
            pub email: String = "email",
            /// Name of the user, of less than 100 characters.
            pub name: String = "name",
            /// Type of the account. With a template it has no effect, and is required all the same.
            pub account_type: AccountType = "accountType",
            /// Password of the user.
            pub password: Password = "password",
        }
        /// Phone number.
        pub phone: Option<String> = "phone",
        /// Account to copy, whose type counts then.
        pub template_id: Option<String> = "templateId",
    }
}

impl NewUser {
    /// Sets the phone number.
    #[must_use]
    pub fn phone(mut self, phone: impl Into<String>) -> Self {
        self.phone = Some(phone.into());
        self
    }

    /// Sets the account to copy. The type of that account counts then.
    #[must_use]
    pub fn template_id(mut self, template_id: impl Into<String>) -> Self {
        self.template_id = Some(template_id.into());
        self
    }
}

model! {
    /// User to be updated: the one with this email address, which cannot be changed.
    ///
    /// SnapEngage does not say whether a field that is absent keeps its value.
    ///
    /// ```
    /// use snapengage::client::UserUpdate;
    ///
    /// let jane = UserUpdate::new("jane@example.com", "Jane Doe").phone("555-617-8980");
    /// # let _ = jane;
    /// ```
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct UserUpdate {
        required {
            /// Email address of the user to be updated.
            pub email: String = "email",
            /// Name of the user, of less than 100 characters.
            pub name: String = "name",
        }
        /// New type of the account.
        pub account_type: Option<AccountType> = "accountType",
        /// New password.
        pub password: Option<Password> = "password",
        /// New phone number.
        pub phone: Option<String> = "phone",
    }
}

impl UserUpdate {
    /// Sets the type of the account.
    #[must_use]
    pub fn account_type(mut self, account_type: impl Into<AccountType>) -> Self {
        self.account_type = Some(account_type.into());
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets the phone number.
    #[must_use]
    pub fn phone(mut self, phone: impl Into<String>) -> Self {
        self.phone = Some(phone.into());
        self
    }
}

open_set! {
    /// Type of a user's account.
    pub enum AccountType {
        /// Free trial.
        Trial = "trial",
        /// Business.
        Business = "biz",
        /// Plus.
        Plus = "entr",
        /// Premier.
        Premier = "prem",
        /// Enterprise.
        Enterprise = "enterprise",
    }
}

/// Password of a user, of 5 to 99 characters. Its `Debug` does not show it.
///
/// ```
/// use snapengage::client::Password;
///
/// let password = Password::new("correct horse")?;
/// assert_eq!(format!("{password:?}"), "<redacted>");
/// assert!(Password::new("1234").is_err());
/// # Ok::<_, snapengage::client::PasswordError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<str>);

impl Password {
    /// Creates a password.
    ///
    /// # Errors
    ///
    /// If it has less than 5 characters, or more than 99.
    pub fn new(password: impl Into<String>) -> Result<Self, PasswordError> {
        let password = password.into();
        if !is_password(&password) {
            return Err(PasswordError(()));
        }
        Ok(Self(password.into()))
    }

    /// Returns one that is refused before anything is sent.
    fn none() -> Self {
        Self("".into())
    }
}

/// Least and most characters of a password.
const CHARACTERS: (usize, usize) = (5, 99);

fn is_password(text: &str) -> bool {
    let (least, most) = CHARACTERS;
    (least..=most).contains(&text.chars().count())
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// Anything is read: what is refused would be kept in `extra`, where `Debug` shows it.
impl Lenient for Password {
    const IS_SECRET: bool = true;

    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        Some(Self(value.to_text().into()))
    }

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Result<Self, Value>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Ok(Self::none()))
    }

    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Result<Self, Value>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Ok(Self::none()))
    }
}

#[cfg(feature = "contract")]
impl Described for Password {
    fn schema(_: &mut Definitions) -> Value {
        let (least, most) = CHARACTERS;
        serde_json::json!({
            "type": "string",
            "format": "password",
            "minLength": least,
            "maxLength": most,
            "writeOnly": true,
        })
    }
}

/// Password that is too short or too long.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordError(());

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("password: expected 5 to 99 characters")
    }
}

debug_is_text!(PasswordError);

impl Error for PasswordError {}

const PATH: &[&str] = &["api", "v1", "user.json"];

impl Provisioning {
    /// Fetches a user. `None`: there is nobody with this email address, or none at this
    /// [base address](super::ClientBuilder::base_url), since any 404 counts.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it.
    pub async fn user(&self, email: &str) -> Result<Option<User>, ClientError> {
        found(self.call(Operation::GetUser, PATH).private_query("email", email), "user").await
    }

    /// Creates a user, who is returned as SnapEngage has it.
    ///
    /// It is sent again only if nothing was done before: SnapEngage does not say what comes of
    /// creating one twice.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. If it
    /// [may have been done](ClientError::may_have_been_done), ask for the [user](Self::user) before
    /// you try again.
    pub async fn create_user(&self, user: NewUser) -> Result<User, ClientError> {
        let call = self.call(Operation::CreateUser, PATH).json(&user);
        with_password(call, Some(&user.password)).send().await?.read("user")
    }

    /// Updates a user, who is returned as SnapEngage has it then.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it.
    pub async fn update_user(&self, user: UserUpdate) -> Result<User, ClientError> {
        let call = self.call(Operation::UpdateUser, PATH).json(&user);
        with_password(call, user.password.as_ref()).send().await?.read("user")
    }

    /// Deletes a user, for good.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. If there is no such user, it most
    /// likely [is not found](ClientError::is_not_found).
    pub async fn delete_user(&self, email: &str) -> Result<(), ClientError> {
        self.call(Operation::DeleteUser, PATH).private_query("email", email).send().await?;
        Ok(())
    }

    pub(super) fn call(&self, operation: Operation, path: &[&str]) -> Call {
        self.client.call(operation, path).api_key(&self.key)
    }
}

/// Refuses a password that was read, and not made by [`Password::new`], if it cannot be one.
fn with_password(mut call: Call, password: Option<&Password>) -> Call {
    if password.is_some_and(|password| !is_password(&password.0)) {
        call.mistake(PasswordError(()).to_string());
    }
    call
}

/// Sends a call that asks for something, which may not be there.
pub(super) async fn found<M: Model + Lenient>(
    call: Call,
    what: &str,
) -> Result<Option<M>, ClientError> {
    match call.send().await {
        Ok(answer) if answer.is_empty() => Ok(None),
        Ok(answer) => answer.read(what).map(Some),
        // Whatever comes with it: a server in Java may well write a page.
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
