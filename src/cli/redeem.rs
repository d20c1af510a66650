//! `ecugate redeem`: the one use of an admission. Status 0 says that it is recorded and read back: book the unit.

use super::admission::read;
use super::inventory::{answer, gate, name, redeemed, show};
use super::seam::{Answer, Form};
use ecugate::gate::{Consumer, GateError};
use ecugate_verifier::values::attempt::Environment;
use std::path::PathBuf;
use std::process::ExitCode;

/// An admission, and the inventory that takes the unit in.
#[derive(clap::Args)]
pub(crate) struct Redeem {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// What `ecugate admission` wrote (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    admission: PathBuf,

    /// The inventory system
    #[arg(long, value_name = "ID")]
    consumer: String,

    /// What its books are
    #[arg(long, value_enum)]
    environment: EnvironmentFlag,

    /// The inventory system's own number for this booking. After a crash, ask again with the same one
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// The environment as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum EnvironmentFlag {
    /// Books to try out
    Trial,
    /// The real books
    Production,
}

impl Redeem {
    /// Redeems, and answers.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        show(form, "redeem", &answer(self.redeem()))
    }

    fn redeem(&self) -> Result<Answer, GateError> {
        let environment = match self.environment {
            EnvironmentFlag::Trial => Environment::Trial,
            EnvironmentFlag::Production => Environment::Production,
        };
        let consumer = Consumer { id: name("--consumer", &self.consumer)?, environment };
        let reference = name("--reference", &self.reference)?;
        let gate = gate(&self.site)?;
        let redemption = gate.redeem(&read(&self.admission)?, &consumer, &reference)?;
        Ok(redeemed(Answer::accept(), &redemption))
    }
}
