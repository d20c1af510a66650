//! The command line: one file a command, one way in for inputs, one way out for answers.

mod inputs;

mod screen;

mod pin_prompt;

mod system;

mod seam;

mod case;

mod batch;

mod secrecy;

mod token_helper;

mod verdict_screen;

mod flag;

mod papers;

mod folder;

mod verify;

mod inspect;

mod init;

mod receive;

mod intake;

mod maker;

mod journal;

mod desk;

mod ledger;

mod anchors;

mod policy;

mod key;

mod inventory;

mod admission;

mod redeem;

mod confirm;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser as _};
use ecugate::hsm::uri::{UriFault, holds_a_pin};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use seam::{Answer, Form, Seam as _};
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit status of a bug in the program itself.
pub(crate) const BUG: u8 = 70;

/// Reads the command line, runs the one command that it names, and answers with its exit status.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match parse(&arguments) {
        Ok(ecugate) => ecugate.run(),
        Err(error) => unparsed(&arguments, &error),
    }
}

/// The gate at the receiving dock: verifies signed manifests and firmware of incoming ECUs.
#[derive(clap::Parser)]
#[command(name = "ecugate", version, arg_required_else_help = true, after_help = STATUSES)]
struct Ecugate {
    /// Prints one JSON object on standard output, also on refusal
    #[arg(long, global = true)]
    json: bool,

    /// Prints the outcome alone, one word
    #[arg(long, global = true)]
    quiet: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Decides one question and admits nothing
    #[command(subcommand)]
    Verify(verify::Verify),
    /// Shows what an input says, believes none of it and admits nothing
    #[command(subcommand)]
    Inspect(inspect::Inspect),
    /// Founds a trial site: tokens, keys, anchor list, policy, ledger
    Init(init::Init),
    /// Receives one box: only exit status 0 may enter inventory
    Receive(receive::Receive),
    /// Takes documents in before their boxes: from files, or from the suppliers' watched folders
    Intake(intake::Intake),
    /// Makes and signs release and shipment manifests, as a manufacturer does
    #[command(subcommand)]
    Maker(maker::Maker),
    /// Changes and shows which manufacturer certificates count, for trust officers
    #[command(subcommand)]
    Anchors(anchors::Anchors),
    /// Changes and shows what the site demands of a unit, for trust officers
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Changes the keys that sign at a site, for trust officers
    #[command(subcommand)]
    Key(key::Key),
    /// Looks at the ledger of a site; admits nothing
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Looks at the journal of a site, or begins one in the place of one that is lost
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// The process that a PKCS#11 module runs in. Started by the gate, not by a person
    #[command(hide = true)]
    TokenHelper(token_helper::TokenHelper),
    /// Asks for the admission of an accepted unit: leave to enter one inventory, once
    Admission(admission::Admission),
    /// Uses an admission: only exit status 0 says that the unit may be booked
    Redeem(redeem::Redeem),
    /// Records that a redeemed unit is booked
    Confirm(confirm::Confirm),
    /// Lists redemptions that no inventory system has confirmed
    Unconfirmed(confirm::Unconfirmed),
}

const STATUSES: &str = "\
Exit status: 0 accept · 10 reject · 2 usage, or an input that cannot be opened · 70 a bug in ecugate.
verify unit: 0 accept · 10 and 11 quarantine · 12 not gated · 20 and 21 hold · 2 and 70 as above.
receive: 0 accept, recorded, its checkpoint read back · 10 quarantine, suspect · 11 quarantine,
unproven · 12 not gated · 20 hold, may pass by itself · 21 hold, a person must act · 30 not
confirmed: ask the ledger before acting · 2 and 70 as above. Only 0 may enter inventory.
intake: 0 every document taken or known · 10 one refused · 20 and 21 not taken in, as in receive.
anchors, policy: 0 done · 10 refused · 20 may pass by itself · 21 a person must act · 30 not confirmed:
publish again · 2 and 70 as above.
admission, redeem, confirm: 0 recorded and read back · 10 refused · 20, 21 and 30 (ask again) as in receive.
A status that is not listed means refused.";

impl Ecugate {
    fn run(&self) -> ExitCode {
        let form = match (self.json, self.quiet) {
            (true, true) => {
                let found = "--json with --quiet";
                let finding = Finding::new(Reason::Usage, "command line", "one form of the answer", found);
                return seam::show(Form::Json, "ecugate", &Answer::refuse(finding));
            }
            (true, false) => Form::Json,
            (false, true) => Form::Quiet,
            (false, false) => Form::Text,
        };
        // Whatever the command: a list of those that hold a secret would be one short some day.
        if let Err(finding) = secrecy::keep_memory_off_the_disk() {
            return seam::show(form, "ecugate", &Answer::refuse(finding));
        }
        match &self.command {
            Command::Verify(verify) => verify.run(form),
            Command::Inspect(inspect) => inspect.run(form),
            Command::Init(init) => {
                seam::show(form, init::Init::COMMAND, &Answer::from(init.decide(&inputs::World::here())))
            }
            Command::Receive(receive) => receive.run(form),
            Command::Intake(intake) => intake.run(form),
            Command::Maker(maker) => maker.run(form),
            Command::Anchors(anchors) => anchors.run(form),
            Command::Policy(policy) => policy.run(form),
            Command::Key(key) => key.run(form),
            Command::Ledger(ledger) => ledger.run(form),
            Command::Journal(journal) => journal.run(form),
            Command::TokenHelper(token_helper) => token_helper.run(),
            Command::Admission(admission) => admission.run(form),
            Command::Redeem(redeem) => redeem.run(form),
            Command::Confirm(confirm) => confirm.run(form),
            Command::Unconfirmed(unconfirmed) => unconfirmed.run(form),
        }
    }
}

/// A flag that repeats takes one value each time; several at once (`--crl a b`) only where nothing else can be meant.
fn parse(arguments: &[OsString]) -> Result<Ecugate, clap::Error> {
    Ecugate::try_parse_from(arguments).or_else(|error| {
        let command = Ecugate::command().mut_subcommand("verify", with_lists).mut_subcommand("inspect", with_lists);
        let read = command.try_get_matches_from(arguments).and_then(|matches| Ecugate::from_arg_matches(&matches));
        read.ok().filter(|_| error.kind() == ErrorKind::UnknownArgument).ok_or(error)
    })
}

fn with_lists(command: clap::Command) -> clap::Command {
    command.mut_subcommands(|one| {
        one.mut_args(|argument| match argument.get_action() {
            ArgAction::Append => argument.num_args(1..),
            _ => argument,
        })
    })
}

/// A command line that cannot be read, or one that asks for help.
fn unparsed(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    let json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    // What clap says of an argument repeats it.
    if error.use_stderr() && arguments.iter().any(|argument| holds_a_pin(&argument.to_string_lossy())) {
        let form = if json { Form::Json } else { Form::Text };
        return seam::show(form, "ecugate", &Answer::refuse(UriFault::PinValue.finding().within("command line")));
    }
    let refused = error.use_stderr() || asks_for_help_with_a_box(arguments);
    if refused && json {
        let finding = if error.use_stderr() { screen::usage(error) } else { help_with_a_box() };
        return seam::show(Form::Json, "ecugate", &Answer::refuse(finding));
    }
    // Nobody left to tell when this cannot be written.
    let _ = error.print();
    if refused { ExitCode::from(seam::USAGE) } else { ExitCode::SUCCESS }
}

/// Status 0 of these puts a box into inventory, so a call that shows help instead of acting may not have it.
fn asks_for_help_with_a_box(arguments: &[OsString]) -> bool {
    let acts = ["receive", "admission", "redeem", "confirm"];
    arguments.iter().any(|argument| acts.iter().any(|act| argument == act)) && arguments.len() > 3
}

fn help_with_a_box() -> Finding {
    Finding::new(Reason::Usage, "command line", "one box, or a call for help alone", "both")
}

#[cfg(test)]
mod tests {
    use super::{Ecugate, parse, with_lists};
    use clap::CommandFactory as _;

    #[test]
    fn the_command_tree_holds_together() {
        Ecugate::command().debug_assert();
        Ecugate::command().mut_subcommand("verify", with_lists).mut_subcommand("inspect", with_lists).debug_assert();
    }

    #[test]
    fn several_values_of_one_flag_are_a_list_in_the_seams_and_an_error_in_receive() {
        let reads = |line: &str| {
            let arguments: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
            parse(&arguments).is_ok()
        };
        assert!(reads("ecugate verify chain leaf --crl a b --anchor c"));
        assert!(reads("ecugate verify chain --crl a --crl b leaf --anchor c"));
        assert!(!reads("ecugate verify chain leaf --at 2026-06-01T00:00:00Z b"));
        assert!(!reads("ecugate verify chain leaf b"));
        assert!(reads("ecugate receive --label x --site s --manifest a --manifest b"));
        assert!(!reads("ecugate receive --label x --site s --manifest a b"));
    }
}
