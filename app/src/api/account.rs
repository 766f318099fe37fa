//! Log in, log out, the first administrator, one's own password and preferences.

use domain::authz::OwnAccount;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::UserName;
use domain::user::Password;
use http::{HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::{Answer, Call, local_path};
use crate::backend::Notice;
use crate::error::Refusal;
use crate::i18n::Locale;
use crate::preferences::{Theme, set_cookie};

/// Logs in and goes on at `next`.
#[server(prefix = "/api", endpoint = "account/log-in")]
pub async fn log_in(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("account/log-in").typed("name", &name);
    let back = match local_path(&next) {
        "/" => "/login".to_owned(),
        next => format!("/login?next={next}"),
    };
    let result = async {
        call.same_site(&csrf).await?;
        let mut errors = FieldErrors::default();
        if name.is_empty() {
            errors.push(Field::UserName, Problem::Missing);
        }
        if password.is_empty() {
            errors.push(Field::Password, Problem::Missing);
        }
        if !errors.is_empty() {
            return Err(Failure::Invalid { errors });
        }
        // A name that cannot exist is answered like one that does not.
        let name: UserName = name.parse().map_err(|_| Failure::WrongCredentials)?;
        let password = Password::attempt(password).map_err(|_| Failure::WrongCredentials)?;
        let user = call.account.log_in(name, password).await?;
        Ok(if user.must_change_password {
            Answer::to("/account/password").saying(Notice::MustChangePassword)
        } else {
            Answer::to(local_path(&next))
        })
    }
    .await;
    call.answer(&back, result).await
}

/// Logs out.
#[server(prefix = "/api", endpoint = "account/log-out")]
pub async fn log_out(#[server(default)] csrf: String) -> Result<(), Refusal> {
    let call = Call::begin("account/log-out");
    let result = async {
        let _permit = call.permit::<OwnAccount>(&csrf).await?;
        call.account.log_out().await?;
        Ok(Answer::to("/login").saying(Notice::LoggedOut))
    }
    .await;
    call.answer("/", result).await
}

/// Judges a new password typed twice, and takes note of what is wrong with it.
pub(super) fn chosen_password(
    errors: &mut FieldErrors,
    name: Option<&UserName>,
    password: String,
    again: &str,
) -> Option<Password> {
    if password.is_empty() {
        errors.push(Field::Password, Problem::Missing);
        return None;
    }
    if password != again {
        errors.push(Field::PasswordAgain, Problem::PasswordsDiffer);
    }
    // Without a valid name only the rest can be judged; the name's own error stands beside it.
    let password = match name {
        Some(name) => Password::choose(password, name),
        None => Password::attempt(password),
    };
    errors.take(Field::Password, password)
}

/// Makes the first administrator and logs them in.
#[server(prefix = "/api", endpoint = "account/set-up")]
pub async fn set_up(
    #[server(default)] csrf: String,
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<(), Refusal> {
    let call = Call::begin("account/set-up").typed("name", &name);
    let back = format!("/setup/{token}");
    let result = async {
        call.same_site(&csrf).await?;
        if !call.account.setup_link_is_valid(&token).await {
            return Err(Failure::SetupLinkInvalid);
        }
        let mut errors = FieldErrors::default();
        let name = errors.take(Field::UserName, name.trim().parse::<UserName>());
        let password = chosen_password(&mut errors, name.as_ref(), password, &password_again);
        let (Some(name), Some(password), true) = (name, password, errors.is_empty()) else {
            return Err(Failure::Invalid { errors });
        };
        call.account.set_up(&token, name, password).await?;
        Ok(Answer::to("/").saying(Notice::SetUp))
    }
    .await;
    call.answer(&back, result).await
}

/// Changes one's own password.
#[server(prefix = "/api", endpoint = "account/change-password")]
pub async fn change_password(
    #[server(default)] csrf: String,
    #[server(default)] current: String,
    #[server(default)] password: String,
    #[server(default)] password_again: String,
) -> Result<(), Refusal> {
    let call = Call::begin("account/change-password");
    let result = async {
        let permit = call.permit::<OwnAccount>(&csrf).await?;
        let mut errors = FieldErrors::default();
        let current = match current.is_empty() {
            true => Err(Problem::Missing),
            false => Password::attempt(current).map_err(|_| Problem::WrongPassword),
        };
        let current = errors.take(Field::CurrentPassword, current);
        let name = permit.identity().name.clone();
        let new = chosen_password(&mut errors, Some(&name), password, &password_again);
        let (Some(current), Some(new), true) = (current, new, errors.is_empty()) else {
            return Err(Failure::Invalid { errors });
        };
        let was_in_the_way = call.account.must_change_password().await;
        call.account.change_password(permit, current, new).await?;
        let next = if was_in_the_way { "/" } else { "/account/password" };
        Ok(Answer::to(next).saying(Notice::PasswordChanged))
    }
    .await;
    call.answer("/account/password", result).await
}

/// Keeps a language or colours in a cookie. Anybody may.
#[server(prefix = "/api", endpoint = "account/preferences")]
pub async fn set_preferences(
    #[server(default)] csrf: String,
    #[server(default)] lang: String,
    #[server(default)] theme: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("account/preferences");
    let response: ResponseOptions = expect_context();
    let result = async {
        call.same_site(&csrf).await?;
        let cookies = [
            Locale::from_tag(&lang).map(|locale| set_cookie("lang", locale.tag())),
            Theme::from_word(&theme).map(|theme| set_cookie("theme", theme.as_str())),
        ];
        for cookie in cookies.into_iter().flatten() {
            if let Ok(value) = HeaderValue::try_from(cookie) {
                response.append_header(header::SET_COOKIE, value);
            }
        }
        Ok(Answer::to(local_path(&next)))
    }
    .await;
    call.answer(local_path(&next), result).await
}
