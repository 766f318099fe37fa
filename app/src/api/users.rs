//! Make and change users.

use domain::authz::ManageUsers;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::id::{UserId, UserName};
use domain::user::{Role, User};
use leptos::prelude::*;

use super::account::chosen_password;
use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Makes a user, who must change the password at the first log-in.
#[server(prefix = "/api", endpoint = "users/create")]
pub async fn create_user(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] role: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<(), Refusal> {
    let call = Call::begin("users/create").typed("name", &name).typed("role", &role);
    let result = async {
        let permit = call.permit::<ManageUsers>(&csrf).await?;
        let mut errors = FieldErrors::default();
        let name = errors.take(Field::UserName, name.trim().parse::<UserName>());
        let role = errors.take(Field::Role, role.parse::<Role>());
        let password = chosen_password(&mut errors, name.as_ref(), password, &password_again);
        let (Some(name), Some(role), Some(password), true) =
            (name, role, password, errors.is_empty())
        else {
            return Err(Failure::Invalid { errors });
        };
        let user = call.backend.create_user(permit, name, role, password).await?;
        Ok(Answer::to("/users").saying(Notice::UserCreated(user.name)))
    }
    .await;
    call.answer("/users/create", result).await
}

/// Finds the user a form names, for its notice and to judge a password against the name.
async fn find(call: &Call, csrf: &str, user: i64) -> Result<User, Failure> {
    let users = call.backend.users(call.permit::<ManageUsers>(csrf).await?).await?;
    users.into_iter().find(|other| other.id == UserId(user)).ok_or(Failure::NoSuchUser)
}

/// Keeps a user out, or lets them in again.
#[server(prefix = "/api", endpoint = "users/set-disabled")]
pub async fn set_user_disabled(
    #[server(default)] csrf: String,
    #[server(default)] user: i64,
    #[server(default)] disabled: bool,
) -> Result<(), Refusal> {
    let call = Call::begin("users/set-disabled");
    let result = async {
        let found = find(&call, &csrf, user).await?;
        call.backend.set_user_disabled(call.permit(&csrf).await?, found.id, disabled).await?;
        Ok(Answer::to("/users").saying(Notice::UserChanged(found.name)))
    }
    .await;
    call.answer("/users", result).await
}

/// Gives a user another role.
#[server(prefix = "/api", endpoint = "users/set-role")]
pub async fn set_user_role(
    #[server(default)] csrf: String,
    #[server(default)] user: i64,
    #[server(default)] role: String,
) -> Result<(), Refusal> {
    let call = Call::begin("users/set-role");
    let back = format!("/users/{user}");
    let result = async {
        let found = find(&call, &csrf, user).await?;
        let role =
            role.parse::<Role>().map_err(|problem| Failure::of_field(Field::Role, problem))?;
        call.backend.set_user_role(call.permit(&csrf).await?, found.id, role).await?;
        Ok(Answer::to("/users").saying(Notice::UserChanged(found.name)))
    }
    .await;
    call.answer(&back, result).await
}

/// Gives a user a password they must change at the next log-in.
#[server(prefix = "/api", endpoint = "users/reset-password")]
pub async fn reset_password(
    #[server(default)] csrf: String,
    #[server(default)] user: i64,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<(), Refusal> {
    let call = Call::begin("users/reset-password");
    let back = format!("/users/{user}");
    let result = async {
        let found = find(&call, &csrf, user).await?;
        let mut errors = FieldErrors::default();
        let password = chosen_password(&mut errors, Some(&found.name), password, &password_again);
        let (Some(password), true) = (password, errors.is_empty()) else {
            return Err(Failure::Invalid { errors });
        };
        call.backend.reset_password(call.permit(&csrf).await?, found.id, password).await?;
        Ok(Answer::to("/users").saying(Notice::UserChanged(found.name)))
    }
    .await;
    call.answer(&back, result).await
}
