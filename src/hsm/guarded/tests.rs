//! Processes that are none of ours or say what they should not: scripts in place of the program.

use super::{Guarded, HelperStart};
use crate::hsm::exchange::{Answer, ModuleSeen, Request, Tokens as _};
use crate::hsm::fault::TokenFault;
use crate::hsm::name::TokenName;
use crate::hsm::pin::Pin;
use crate::hsm::wire::{self, Greeting};
use ecugate_verifier::values::digest::Sha256;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Long enough for a script to start on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A folder with a script, and what it is started with.
struct Script {
    folder: tempfile::TempDir,
    start: HelperStart,
}

impl Script {
    /// `$FOLDER` is the folder.
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("script");
        std::fs::write(&module, text).unwrap();
        let start = HelperStart {
            program: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/any_helper.sh")),
            module,
            environment: [("FOLDER".into(), folder.path().into())].into(),
            deadline: DEADLINE,
        };
        Self { folder, start }
    }

    fn within(mut self, milliseconds: u64) -> Self {
        self.start.deadline = Duration::from_millis(milliseconds);
        self
    }

    fn start(&self) -> Result<Guarded, TokenFault> {
        Guarded::start(self.start.clone())
    }

    /// What a gate finds that starts it, and what one finds that asks it once.
    fn found(&self) -> String {
        let fault = self.start().and_then(|guarded| guarded.describe()).unwrap_err();
        assert_eq!(fault.reason().code(), "module-failed", "{fault}");
        assert_eq!(fault.finding().place, self.start.module.display().to_string());
        fault.finding().found
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// A command that writes bytes to the gate.
fn write(bytes: &[u8]) -> String {
    let octal: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("printf '{octal}' >&0\n")
}

/// A command that writes one frame to the gate.
fn say<T: serde::Serialize>(value: &Result<T, TokenFault>) -> String {
    write(&wire::frame(value).unwrap())
}

fn greet() -> String {
    say(&Ok(Greeting::ours()))
}

fn described() -> Result<Answer, TokenFault> {
    Ok(Answer::Described(ModuleSeen {
        path: "/m.so".to_owned(),
        sha256: Sha256::of(b""),
        library: "none".to_owned(),
        tokens: vec![token()],
        unreadable: Vec::new(),
    }))
}

fn token() -> TokenName {
    TokenName::new("ecugate-signer", "1")
}

fn log_in() -> Request {
    let pin = Pin::new(Zeroizing::new("4711".to_owned()), "a test").unwrap();
    Request::LogIn { token: token(), pin }
}

fn sign() -> Request {
    Request::Sign { token: token(), key: "station".to_owned(), message: vec![7; 500] }
}

const READ_ALL: &str = "cat > /dev/null\n";

#[test]
fn a_process_that_answers_is_answered_by() {
    let guarded = Script::new(&format!("{}{}{READ_ALL}", greet(), say(&described()))).start().unwrap();
    assert_eq!(guarded.describe().unwrap().tokens, [token()]);
}

#[test]
fn a_program_that_is_not_there_or_is_another_is_named() {
    let mut script = Script::new("");
    script.start.program = "/nowhere/ecugate".into();
    assert_eq!(script.found(), "its process \"/nowhere/ecugate\" cannot be started: entity not found");
    script.start.program = "/bin/true".into();
    assert_eq!(script.found(), "it ended itself with status 0 while being loaded");
    let other = Greeting { version: "0.0.0".to_owned() };
    assert_eq!(Script::new(&say(&Ok(other))).found(), "its process is another version of ecugate");
}

/// Attack class 39: a process that ends, in every place where it can.
#[test]
fn attack_39_a_process_that_ends_says_how_and_where() {
    let ends = |text: &str| Script::new(text).found();
    let greeted = |text: &str| ends(&format!("{}head -c 9 > /dev/null\n{text}", greet()));
    assert_eq!(ends("exit 0"), "it ended itself with status 0 while being loaded");
    assert_eq!(ends("kill -ABRT $$"), "it was killed by signal 6 (abort) while being loaded");
    assert_eq!(ends(&write(b"\0\0")), "it ended itself with status 0 while being loaded");
    assert_eq!(greeted("exit 7"), "it ended itself with status 7 while describing itself");
    assert_eq!(greeted("kill -SEGV $$"), "it was killed by signal 11 (segmentation fault) while describing itself");
    assert_eq!(
        greeted(&format!("exec <&- ; {READ_ALL} exec sleep 60")),
        "it was killed by signal 9 (kill), or cut its connection to the gate while describing itself"
    );
    // In the middle of an answer.
    let answer = wire::frame(&described()).unwrap();
    assert_eq!(greeted(&write(&answer[..30])), "it ended itself with status 0 while describing itself");
}

#[test]
fn attack_39_a_process_that_says_what_is_no_answer_is_ended() {
    let says = |text: &str| Script::new(&format!("{}{text}{READ_ALL}", greet())).found();
    let nonsense = "it gave bytes that mean nothing here";
    assert!(says(&write(b"\0\0\0\x05hello")).starts_with(nonsense));
    assert!(says(&write(b"\0\0\0\0")).starts_with(nonsense));
    let long = "it gave a frame of more than 16 MiB in place of an answer while describing itself";
    assert_eq!(says(&write(b"HTTP/1.1 200 OK\r\n")), long);
    let other = "it gave the answer to another question in place of an answer while describing itself";
    assert_eq!(says(&say(&Ok(Answer::LoggedIn))), other);
    assert_eq!(says(&say(&Ok(Answer::UnverifiedSignature(vec![1])))), other);
    // No greeting: an answer before anything was asked.
    assert!(Script::new(&say(&described())).found().starts_with(nonsense));
}

#[test]
fn attack_39_a_process_that_is_silent_or_slow_is_ended_at_its_deadline() {
    let late = "it gave no answer in 400 milliseconds while being loaded";
    for text in [
        "exec sleep 60".to_owned(),
        READ_ALL.to_owned(),
        // A byte now and then does not move the deadline.
        format!("{}while :; do printf ' ' >&0; sleep 0.05; done", write(&[0, 1, 0, 0])),
        // Nor does a process that it left behind.
        "sleep 60 & exec sleep 60".to_owned(),
    ] {
        let script = Script::new(&text).within(400);
        let begun = Instant::now();
        assert_eq!(script.found(), late, "{text}");
        assert!(begun.elapsed() < DEADLINE, "{text}");
    }
    // A request that nobody reads.
    let script = Script::new(&format!("{} exec sleep 60", greet())).within(2_000);
    let guarded = script.start().unwrap();
    let message = vec![0; 8 << 20];
    let fault = guarded.ask(Request::Sign { token: token(), key: "k".to_owned(), message }).unwrap_err();
    assert_eq!(fault.finding().found, "it gave no answer in 2 seconds while signing");
}

#[test]
fn a_request_that_is_too_long_is_not_sent_and_ends_nothing() {
    let guarded = Script::new(&format!("{}{}{READ_ALL}", greet(), say(&described()))).start().unwrap();
    let message = vec![0; wire::FRAME_BYTES];
    let fault = guarded.ask(Request::Sign { token: token(), key: "k".to_owned(), message }).unwrap_err();
    assert_eq!(fault.finding().found, "the request is a frame of more than 16 MiB");
    assert!(guarded.describe().is_ok());
}

/// Attack class 38: what a token counts is not spent by trying again.
#[test]
fn attack_38_a_refused_or_locked_pin_is_not_sent_a_second_time() {
    let wrong = TokenFault::PinWrong { token: token() };
    let locked = TokenFault::PinLocked { token: token() };
    for fault in [wrong, locked] {
        // The second process would let it in.
        let first = format!("{}head -c 9 > /dev/null; exit 1\n", say(&Err::<Answer, _>(fault.clone())));
        let second = format!("{}cat > $FOLDER/asked\n", say(&Ok(Answer::LoggedIn)));
        let script =
            Script::new(&format!("{}if mkdir $FOLDER/first 2>/dev/null; then\n{first}else\n{second}fi\n", greet()));
        let guarded = script.start().unwrap();
        assert_eq!(guarded.ask(log_in()).unwrap_err(), fault);
        for _ in 0..3 {
            assert_eq!(guarded.ask(log_in()).unwrap_err(), fault);
        }
        drop(guarded);
        assert_eq!(script.file("asked"), "");
    }
}

#[test]
fn attack_38_a_pin_whose_try_ended_in_a_crash_is_not_sent_again_by_itself() {
    let login = wire::frame(&log_in()).unwrap().len();
    // One logs in and ends at the next request; one ends at logging in; the others would let everybody in.
    let first = format!("{}head -c {} > /dev/null; exit 1\n", say(&Ok(Answer::LoggedIn)), login + 1);
    let script = Script::new(&format!(
        "{}if mkdir $FOLDER/first 2>/dev/null; then\n{first}elif mkdir $FOLDER/second 2>/dev/null; then\n\
         head -c 9 > /dev/null; exit 2\nelse\n{}cat >> $FOLDER/asked\nfi\n",
        greet(),
        say(&Ok(Answer::LoggedIn)),
    ));
    let guarded = script.start().unwrap();
    assert_eq!(guarded.ask(log_in()), Ok(Answer::LoggedIn));
    let found = || guarded.ask(sign()).unwrap_err().finding().found;
    assert_eq!(found(), "it ended itself with status 1 while signing");
    assert_eq!(found(), "it ended itself with status 2 while logging in");
    assert_eq!(found(), "it ended itself with status 2 while logging in", "the fault is kept");
    assert_eq!(script.file("asked"), "");
    // A person may.
    assert_eq!(guarded.ask(log_in()), Ok(Answer::LoggedIn));
    drop(guarded);
    assert_eq!(script.file("asked").len(), login);
}

#[test]
fn no_pin_is_in_what_a_gate_shows_of_its_module() {
    let script = Script::new(&format!("{}{}head -c 9 > /dev/null; exit 1", greet(), say(&Ok(Answer::LoggedIn))));
    let guarded = script.start().unwrap();
    assert_eq!(guarded.ask(log_in()), Ok(Answer::LoggedIn));
    let fault = guarded.ask(sign()).unwrap_err();
    assert!(!format!("{guarded:?} {fault} {fault:?} {:?}", fault.finding()).contains("4711"));
    assert!(Path::new(&script.start.module).is_file());
}
