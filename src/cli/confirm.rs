//! `ecugate confirm` and `ecugate unconfirmed`: the inventory system's word that a unit is booked, and the redemptions
//! for which it was never given.

use super::inventory::{answer, gate, marked, name, redeemed, show};
use super::seam::{Answer, Form};
use ecugate::gate::{GateError, Unconfirmed as Open};
use ecugate::site::Site;
use ecugate_verifier::documents::record::State;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// A redemption, and the number under which its unit is booked.
#[derive(clap::Args)]
pub(crate) struct Confirm {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// The entry of the redemption, as `redeem` shows it
    #[arg(long, value_name = "N")]
    redemption: u64,

    /// The inventory system that redeemed
    #[arg(long, value_name = "ID")]
    consumer: String,

    /// The number under which the unit stands in its books: a claim, recorded as one
    #[arg(long, value_name = "TEXT")]
    booked_as: String,
}

/// Redemptions that no inventory system has confirmed.
#[derive(clap::Args)]
pub(crate) struct Unconfirmed {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

impl Confirm {
    /// Confirms, and answers.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        show(form, "confirm", &answer(self.confirm()))
    }

    fn confirm(&self) -> Result<Answer, GateError> {
        let consumer = name("--consumer", &self.consumer)?;
        let booked_as = name("--booked-as", &self.booked_as)?;
        let gate = gate(&self.site)?;
        let redemption = gate.redemption(self.redemption, &consumer)?;
        let confirmation = gate.confirm(&redemption, &booked_as)?;
        let answer = redeemed(Answer::accept(), &redemption)
            .with("confirmation", confirmation.entry())
            .with("booked_as", booked_as.as_str())
            .with("standing", confirmation.standing().word())
            .line(format!("confirmed  as {booked_as} in entry {}", confirmation.entry()));
        Ok(standing_line(answer, confirmation.standing()))
    }
}

impl Unconfirmed {
    /// Lists them. That there are some is an answer, and no refusal.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        show(form, "unconfirmed", &answer(self.list()))
    }

    fn list(&self) -> Result<Answer, GateError> {
        let environment = Site::open(&self.site)?.text().environment;
        let open = gate(&self.site)?.unconfirmed()?;
        let answer = marked(Answer::accept(), environment)
            .with("count", open.len())
            .with("unconfirmed", open.iter().map(object).collect::<Vec<_>>())
            .line(format!("unconfirmed {}", open.len()));
        Ok(open.iter().fold(answer, |answer, one| answer.line(line(one))))
    }
}

fn standing_line(answer: Answer, standing: State) -> Answer {
    match standing {
        State::Redeemed => answer,
        other => answer.line(format!("NOW        {}: it must not move. Find it and set it apart", other.word())),
    }
}

fn object(open: &Open) -> Value {
    let redemption = &open.redemption;
    json!({
        "redemption": redemption.entry(),
        "at": redemption.at().to_string(),
        "consumer": redemption.consumer(),
        "reference": redemption.reference(),
        "unit": redemption.unit(),
        "standing": open.standing.word(),
    })
}

fn line(open: &Open) -> String {
    let redemption = &open.redemption;
    let serial = redemption.unit().serial.as_ref().map_or("no serial", |serial| serial.as_str());
    format!(
        "entry {}   {}   {} under {}   {serial}   {}",
        redemption.entry(),
        redemption.at(),
        redemption.consumer(),
        redemption.reference(),
        open.standing.word()
    )
}
