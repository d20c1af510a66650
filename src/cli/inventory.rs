//! What the commands of the way into inventory share: the gate of a site, and answers that no script can take for a yes.

use super::seam::{self, Answer, Form, Outcome};
use super::system::System;
use ecugate::gate::{Gate, GateError, Redemption};
use ecugate::site::Site;
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::{Class, Reason};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Said with every answer of a trial site: nothing that it admits stands in real books.
const TRIAL: &str = "TRIAL      nothing that this gate admits counts in production";

/// The gate of a site.
pub(super) fn gate(folder: &Path) -> Result<Gate, GateError> {
    Gate::open(Site::open(folder)?, Box::new(System))
}

/// The answer of an act, or why there is none. Every site is a trial yet, so its refusals say so too.
pub(super) fn answer(result: Result<Answer, GateError>) -> Answer {
    let error = match result {
        Ok(answer) => return answer,
        Err(error) => error,
    };
    let finding = error.finding().clone();
    let refused = match finding.reason.class() {
        Class::Usage => return Answer::refuse(finding),
        Class::Passing | Class::Stuck => Answer::of_unit(Outcome::Hold, Some(finding)),
        Class::Unreadable | Class::Absent | Class::Contradicts => Answer::refuse(finding),
    };
    marked(refused, Environment::Trial)
}

/// Shows the answer of an act that writes. One that nobody got is asked for again: it is *not confirmed*, and neither a
/// yes nor a wrong call.
pub(super) fn show(form: Form, command: &str, answer: &Answer) -> ExitCode {
    match seam::write(form, command, answer) {
        Ok(()) => ExitCode::from(answer.status()),
        Err(_) if answer.outcome == Outcome::Accept => ExitCode::from(words::exit_status(Reason::NotConfirmed)),
        Err(error) => seam::unwritten(&error),
    }
}

/// An answer that says of which environment it is.
pub(super) fn marked(answer: Answer, environment: Environment) -> Answer {
    let answer = answer.with("environment", environment.word());
    if environment == Environment::Trial { answer.line(TRIAL) } else { answer }
}

/// What a redemption says.
pub(super) fn redeemed(answer: Answer, redemption: &Redemption) -> Answer {
    with_unit(marked(answer, redemption.environment()), redemption.unit())
        .with("accept", redemption.accept())
        .with("admission", redemption.admission())
        .with("redemption", redemption.entry())
        .with("consumer", redemption.consumer().as_str())
        .with("reference", redemption.reference().as_str())
        .with("at", redemption.at().to_string())
        .line(format!("redeemed   by {} under {}", redemption.consumer(), redemption.reference()))
        .line(format!("record     entry {} at {}", redemption.entry(), redemption.at()))
}

/// The unit, by the names of the papers.
pub(super) fn with_unit(answer: Answer, unit: &UnitName) -> Answer {
    let serial = unit.serial.as_ref().map_or("no serial", |serial| serial.as_str());
    let part = unit.part.as_ref().map_or("no part", |part| part.as_str());
    answer.with("unit", json!(unit)).line(format!("unit       {serial}   {part}"))
}

/// A name given with a flag.
pub(super) fn name(flag: &str, text: &str) -> Result<Name, Finding> {
    Name::new(text).map_err(|fault| Finding::new(Reason::Usage, flag, "a name", format!("{text:?} {fault}")))
}
