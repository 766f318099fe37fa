//! What a supervisor says of the end of its guest, as it says it: `vserver --event EVENT NAME`. What is done
//! about it is the engine's.

use domain::field::Problem;
use serde::{Deserialize, Serialize};

/// What a supervisor says when pid 1 has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestEvent {
    /// `reboot -f` inside.
    Restart,
    /// `halt` or `poweroff` inside.
    Halt,
    /// Pid 1 ended in another way.
    Exit,
}

impl std::str::FromStr for GuestEvent {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "restart" => Ok(Self::Restart),
            "halt" => Ok(Self::Halt),
            "exit" => Ok(Self::Exit),
            _ => Err(Problem::NotAChoice {
                choices: ["restart", "halt", "exit"].map(str::to_owned).to_vec(),
            }),
        }
    }
}
