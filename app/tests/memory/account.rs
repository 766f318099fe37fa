//! The account of the server in memory: whoever the cookie names.

use super::*;

#[async_trait::async_trait]
impl Account for MemoryAccount {
    async fn csrf_matches(&self, token: &str) -> bool {
        token == CSRF
    }
    async fn csrf_token(&self) -> Result<String, Failure> {
        Ok(CSRF.to_owned())
    }
    async fn log_in(&self, name: UserName, password: Password) -> Result<User, Failure> {
        if password.reveal() != "correct horse" {
            return Err(Failure::WrongCredentials);
        }
        users().into_iter().find(|user| user.name == name).ok_or(Failure::WrongCredentials)
    }
    async fn must_change_password(&self) -> bool {
        false
    }
    async fn put_flash(&self, flash: Flash) {
        self.memory.flashes.lock().unwrap().insert(self.session.clone(), flash);
    }
    async fn take_flash(&self) -> Option<Flash> {
        self.memory.flashes.lock().unwrap().remove(&self.session)
    }
    async fn log_out(&self) -> Result<(), Failure> {
        Ok(())
    }
    async fn change_password(
        &self,
        _: Permit<OwnAccount>,
        current: Password,
        _: Password,
    ) -> Result<(), Failure> {
        if current.reveal() == "correct horse" {
            return Ok(());
        }
        let mut errors = FieldErrors::default();
        errors.push(Field::CurrentPassword, Problem::WrongPassword);
        Err(Failure::Invalid { errors })
    }
    async fn setup_link_is_valid(&self, token: &str) -> bool {
        token == SETUP_TOKEN
    }
    async fn set_up(&self, _: &str, name: UserName, _: Password) -> Result<User, Failure> {
        Ok(User { name, ..users()[0].clone() })
    }
}
