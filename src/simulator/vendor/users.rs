//! Provisioning API: users.

use http::StatusCode;
use serde::Serialize;

use super::answer::Answer;
use super::call::Call;
use super::fields::Fields;
use super::refusal::Refusal;
use crate::client::{self, Operation};
use crate::simulator::world::{User, World};

/// Documented types of account, and that of 2013.
const ACCOUNT_TYPES: &[&str] = &["trial", "biz", "entr", "prem", "enterprise", "stp"];

#[derive(Serialize)]
struct Written<'u> {
    email: &'u str,
    name: &'u str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'u str>,
    #[serde(rename = "accountType")]
    account_type: &'u str,
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let fields = call.fields()?;
    let email = fields.required_name("email")?.to_lowercase();
    let name = fields.required_name("name")?;
    check_password(&fields.required("password")?)?;
    let given = account_type(&fields)?.ok_or_else(|| missing("accountType"))?;
    if world.users.contains_key(&email) {
        return Err(Refusal::malformed("there is a user of this `email` already"));
    }
    let template = fields.text("templateId")?.and_then(|id| world.users.get(&id.to_lowercase()));
    let account_type = template.map_or(given, |user| user.account_type.clone());
    let phone = fields.text("phone")?;
    let size = world.reserve(call.size())?;
    let user = User { email: email.clone(), name, phone, account_type, size };
    world.ledger.accepted(Operation::CreateUser, &email);
    let answer = Answer::json(StatusCode::CREATED, &written(&user));
    world.users.insert(email, user);
    Ok(answer)
}

pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let email = call.required("email")?.to_lowercase();
    let user = world.users.get(&email).ok_or_else(|| Refusal::not_found("user"))?;
    Ok(Answer::ok(&written(user)))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let fields = call.fields()?;
    let email = fields.required_name("email")?.to_lowercase();
    let name = fields.required_name("name")?;
    if let Some(password) = fields.text("password")? {
        check_password(&password)?;
    }
    let (phone, account_type) = (fields.text("phone")?, account_type(&fields)?);
    let old = world.users.get(&email).ok_or_else(|| Refusal::not_found("user"))?.size;
    let size = world.reserve(call.size())?;
    world.release(old);
    let user = world.users.get_mut(&email).ok_or_else(|| Refusal::not_found("user"))?;
    (user.name, user.size) = (name, size);
    user.phone = phone.or(user.phone.take());
    if let Some(account_type) = account_type {
        user.account_type = account_type;
    }
    let answer = Answer::ok(&written(user));
    world.ledger.accepted(Operation::UpdateUser, &email);
    Ok(answer)
}

/// Deletes a user, whatever else stands in the query: a widget's `uuid` as well.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let email = call.required("email")?.to_lowercase();
    let user = world.users.remove(&email).ok_or_else(|| Refusal::not_found("user"))?;
    world.release(user.size);
    world.ledger.accepted(Operation::DeleteUser, &email);
    Ok(Answer::empty(StatusCode::OK))
}

fn written(user: &User) -> Written<'_> {
    Written {
        email: &user.email,
        name: &user.name,
        phone: user.phone.as_deref(),
        account_type: &user.account_type,
    }
}

/// Returns a user as a client reads it.
pub(in crate::simulator) fn model(user: &User) -> client::User {
    let mut model = client::User::new();
    model.email = Some(user.email.clone());
    model.name = Some(user.name.clone());
    model.phone.clone_from(&user.phone);
    model.account_type = Some(user.account_type.as_str().into());
    model
}

fn missing(name: &str) -> Refusal {
    Refusal::malformed(format!("missing field `{name}`"))
}

fn check_password(password: &str) -> Result<(), Refusal> {
    match password.chars().count() {
        5..=99 => Ok(()),
        _ => Err(Refusal::malformed("`password` has not 5 to 99 characters")),
    }
}

fn account_type(fields: &Fields) -> Result<Option<String>, Refusal> {
    let account_type = fields.text("accountType")?;
    if account_type.as_ref().is_some_and(|kind| !ACCOUNT_TYPES.contains(&kind.as_str())) {
        return Err(Refusal::malformed("`accountType` is not one of the documented"));
    }
    Ok(account_type)
}
