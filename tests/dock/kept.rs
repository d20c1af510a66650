//! Boxes that are killed in their course, and boxes that nothing could record: the real program, its journal, and what
//! the ledger has afterwards.

use crate::delivery::{Delivery, Said};
use crate::faults::{mode, obeying_modes, object};
use crate::pki::List;
use crate::receive::{states, strings, trial};
use ecugate_verifier::inputs::custody::State;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trial("a_box_killed_between_commit_and_screen_gets_its_own_record_once", killed_before_the_screen),
        trial("a_box_killed_before_its_commit_is_judged_when_it_is_presented_again", killed_before_the_commit),
        trial("a_box_killed_after_its_commit_gets_its_own_record_whatever_papers_came_since", papers_after_the_commit),
        trial(
            "a_box_killed_before_its_commit_is_judged_by_the_papers_that_came_since_under_a_number_of_its_own",
            papers_before,
        ),
        trial("attack_66_papers_that_come_make_a_second_box_no_first_one", papers_and_a_second_box),
        trial("a_box_killed_after_its_commit_and_presented_without_tokens_keeps_its_record", papers_and_no_tokens),
        trial("a_box_killed_after_the_screen_is_shown_again_as_what_it_is", killed_after_the_screen),
        trial("attack_66_an_attempt_in_progress_is_another_box_for_another_process", in_progress),
        trial("attack_66_a_record_that_nobody_saw_is_none_for_a_box_once_it_is_contested", contested_meanwhile),
        trial("a_record_that_nobody_saw_outlives_a_time_without_tokens", resumed_after_a_hold),
        trial("without_tokens_a_box_gets_a_tag_and_is_entered_late_and_judged_when_they_are_back", tokens_away),
        trial("many_holds_are_entered_late_in_their_order_and_once", many_holds),
        trial("a_box_that_nobody_could_be_shown_gets_its_record_when_it_is_presented_again", unshown),
        trial("a_journal_that_cannot_be_written_is_a_hold_without_tag_and_nothing_is_recorded", journal_faults),
        trial("a_lost_journal_is_begun_anew_by_a_person_and_gives_no_tag_again", begun_anew),
        trial("a_full_disk_is_a_hold_without_tag_and_nothing_is_recorded", full_disk),
    ]
    .into()
}

/// A box under way whose screen takes nothing until it is read.
struct Blocked {
    child: Child,
    screen: UnixStream,
}

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

impl Blocked {
    /// Presents a box and waits until its verdict stands in the ledger; nobody has seen it then.
    fn recorded(delivery: &Delivery, serial: &str) -> Self {
        let before = size(delivery);
        let blocked = Self::start(delivery, serial);
        until("the verdict is recorded", || size(delivery) > before);
        blocked
    }

    fn start(delivery: &Delivery, serial: &str) -> Self {
        Self::start_by(delivery, &delivery.box_with(serial))
    }

    fn start_by(delivery: &Delivery, arguments: &[String]) -> Self {
        let (screen, mut theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        loop {
            match theirs.write(&[b'.'; 4_096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        theirs.set_nonblocking(false).unwrap();
        let mut command = delivery.command(&strings(arguments));
        let child = command.stdout(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
        Self { child, screen }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), None);
    }

    /// Reads the screen to its end.
    fn finish(mut self) -> (i32, Value) {
        let mut text = String::new();
        self.screen.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap().code().unwrap();
        (status, serde_json::from_str(text.trim_start_matches('.')).unwrap())
    }
}

fn size(delivery: &Delivery) -> u64 {
    // A checkpoint may be missing for a moment.
    delivery.ledger().head().map_or(0, |(_, checkpoint)| checkpoint.map_or(0, |checkpoint| checkpoint.size()))
}

/// The words of what the journal says, in its order.
fn journal(delivery: &Delivery) -> Vec<String> {
    let text = std::fs::read_to_string(delivery.path("site/journal/000001.jsonl")).unwrap();
    let words = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let says = line["says"].as_array().unwrap().clone();
        says.into_iter().map(|one| one.as_object().unwrap().keys().next().unwrap().clone())
    };
    text.lines().flat_map(words).collect()
}

fn present(delivery: &Delivery, serial: &str) -> (i32, Value) {
    delivery.receive(serial, |_| {})
}

/// Accepted, and which entry it is and since when.
fn accepted(said: &(i32, Value)) -> (u64, bool) {
    let (status, said) = said;
    assert_eq!((*status, &said["outcome"]), (0, &json!("accept")), "{said}");
    (said["record"]["seq"].as_u64().unwrap(), !said["resumed"].is_null())
}

fn suspect_that_contests(said: &(i32, Value), contests: &[u64]) {
    let (status, said) = said;
    assert_eq!((*status, &said["reason"]), (10, &json!("identity-seen-before")), "{said}");
    assert_eq!((&said["contests"], &said["resumed"]), (&json!(contests), &Value::Null));
}

fn killed_before_the_screen() {
    let delivery = Delivery::founded();
    Blocked::recorded(&delivery, "DEMO-0001").kill();
    assert_eq!(journal(&delivery), ["begins", "began"]);
    let again = present(&delivery, "DEMO-0001");
    assert_eq!(accepted(&again), (2, true));
    assert_eq!(journal(&delivery), ["begins", "began", "resumed", "ended"]);
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Accepted)]);
    // Once: whoever comes now is another box.
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Contested), (3, State::Suspect)]);
}

fn killed_before_the_commit() {
    let delivery = Delivery::founded();
    let other = rusqlite::Connection::open(delivery.path("site/ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let blocked = Blocked::start(&delivery, "DEMO-0001");
    until("the attempt is journalled", || journal(&delivery).len() == 2);
    blocked.kill();
    other.execute_batch("ROLLBACK").unwrap();
    let first = present(&delivery, "DEMO-0001");
    assert_eq!(accepted(&first), (2, false), "nothing was recorded before");
    let attempts = std::fs::read_to_string(delivery.path("site/journal/000001.jsonl")).unwrap();
    let nonce = first.1["attempt"]["nonce"].as_str().unwrap().to_owned();
    assert_eq!(attempts.matches(&nonce).count(), 3, "began, resumed, ended: {attempts}");
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
}

/// The `n`-th list of the issuing authority, newer than all before: a paper that concerns every box of the maker.
fn list_came(delivery: &Delivery, n: u64) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let list = List { this_update: now - 1_000 + n, next_update: Some(now + 30 * 86_400), ..List::default() };
    delivery.drop_in("acme", &format!("{n}.crl"), &delivery.world.issuing.crl(&list));
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["entered"]), (0, &json!(1)), "{said}");
}

/// How many lists a verdict went by.
fn lists(said: &(i32, Value)) -> u64 {
    said.1["papers"]["crls"].as_u64().unwrap_or_default()
}

fn papers_after_the_commit() {
    for bare in [false, true] {
        let delivery = if bare { Delivery::stocked() } else { Delivery::founded() };
        let present = || if bare { delivery.receive_bare("DEMO-0001") } else { present(&delivery, "DEMO-0001") };
        let before = size(&delivery);
        let mut arguments = delivery.box_with("DEMO-0001");
        if bare {
            crate::intake::without_papers(&mut arguments);
        }
        let blocked = Blocked::start_by(&delivery, &arguments);
        until("the verdict is recorded", || size(&delivery) > before);
        blocked.kill();
        list_came(&delivery, 1);
        assert_eq!(accepted(&present()), (before, true), "bare: {bare}");
        list_came(&delivery, 2);
        // It ended with the screen: whoever comes now is another box, with the papers of before and with more.
        suspect_that_contests(&present(), &[before]);
        let shown = object(&delivery.run(&["journal", "show", "--site", "site", "--json"]));
        assert_eq!(shown["open"], json!([]), "{shown}");
    }
}

fn papers_before() {
    let delivery = Delivery::stocked();
    let other = rusqlite::Connection::open(delivery.path("site/ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut arguments = delivery.box_with("DEMO-0001");
    crate::intake::without_papers(&mut arguments);
    let blocked = Blocked::start_by(&delivery, &arguments);
    until("the attempt is journalled", || journal(&delivery).len() == 2);
    blocked.kill();
    other.execute_batch("ROLLBACK").unwrap();
    let before = size(&delivery);
    list_came(&delivery, 1);
    let said = delivery.receive_bare("DEMO-0001");
    assert_eq!((accepted(&said), lists(&said)), ((before + 1, false), 3));
    assert_eq!(journal(&delivery), ["begins", "began", "resumed", "ended", "began", "ended"]);
    assert_eq!(states(&delivery, "DEMO-0001"), [(before + 1, State::Accepted)]);
    suspect_that_contests(&delivery.receive_bare("DEMO-0001"), &[before + 1]);
}

fn papers_and_a_second_box() {
    let delivery = Delivery::stocked();
    assert!(!accepted(&delivery.receive_bare("DEMO-0001")).1);
    list_came(&delivery, 1);
    suspect_that_contests(&delivery.receive_bare("DEMO-0001"), &[6]);
    // While the first one of another unit is at the gate, and not yet shown.
    let mut arguments = delivery.box_with("DEMO-0002");
    crate::intake::without_papers(&mut arguments);
    let before = size(&delivery);
    let first = Blocked::start_by(&delivery, &arguments);
    until("the verdict is recorded", || size(&delivery) > before);
    list_came(&delivery, 2);
    suspect_that_contests(&delivery.receive_bare("DEMO-0002"), &[before]);
    assert_eq!(first.finish().0, 0, "it says what was true when it was recorded");
}

fn papers_and_no_tokens() {
    let delivery = Delivery::stocked();
    let mut arguments = delivery.box_with("DEMO-0001");
    crate::intake::without_papers(&mut arguments);
    let before = size(&delivery);
    let blocked = Blocked::start_by(&delivery, &arguments);
    until("the verdict is recorded", || size(&delivery) > before);
    blocked.kill();
    hide_tokens(&delivery);
    // The store does not answer either: the box has no papers, and it is the same box.
    assert_eq!(held(&delivery.receive_bare("DEMO-0001")), "H-000001");
    bring_tokens_back(&delivery);
    list_came(&delivery, 1);
    assert_eq!(accepted(&delivery.receive_bare("DEMO-0001")), (before, true));
    assert_eq!(size(&delivery), before + 2, "nothing was entered beside its record and the list");
    suspect_that_contests(&delivery.receive_bare("DEMO-0001"), &[before]);
}

fn killed_after_the_screen() {
    let delivery = Delivery::founded();
    let lock = std::fs::File::open(delivery.path("site/journal/lock")).unwrap();
    let mut blocked = Blocked::recorded(&delivery, "DEMO-0001");
    // It can show its outcome, and not end the attempt.
    lock.lock().unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        let mut bytes = [0; 4_096];
        let length = blocked.screen.read(&mut bytes).unwrap();
        text.extend_from_slice(&bytes[..length]);
    }
    blocked.kill();
    lock.unlock().unwrap();
    // What `docs/journal.md` says of this moment: shown twice, and told so.
    let mut arguments = delivery.box_with("DEMO-0001");
    arguments.retain(|argument| argument != "--json");
    let said = delivery.run(&strings(&arguments));
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains(" | this is the record of the attempt begun at 2"), "{said:?}");
    assert!(said.out.contains("if a box with this label is on the shelf already, STOP"), "{said:?}");
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
}

fn in_progress() {
    let delivery = Delivery::founded();
    let blocked = Blocked::recorded(&delivery, "DEMO-0001");
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
    let (status, said) = blocked.finish();
    assert_eq!((status, &said["record"]["seq"]), (0, &json!(2)));
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Contested), (3, State::Suspect)]);
}

fn contested_meanwhile() {
    let delivery = Delivery::founded();
    let blocked = Blocked::recorded(&delivery, "DEMO-0001");
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
    blocked.kill();
    // The accept that nobody saw is contested: no box gets it.
    let (status, said) = present(&delivery, "DEMO-0001");
    assert_eq!(
        (status, &said["reason"], &said["resumed"]),
        (10, &json!("identity-seen-before"), &Value::Null),
        "{said}"
    );
    assert_eq!(said["contests"], json!([]));
    assert_eq!(journal(&delivery)[4..], ["resumed", "ended", "began", "ended"]);
}

fn hide_tokens(delivery: &Delivery) {
    std::fs::rename(delivery.path("site/tokens"), delivery.path("elsewhere")).unwrap();
}

fn bring_tokens_back(delivery: &Delivery) {
    let _ = std::fs::remove_dir_all(delivery.path("site/tokens"));
    std::fs::rename(delivery.path("elsewhere"), delivery.path("site/tokens")).unwrap();
}

/// A hold for want of the tokens, and its tag.
fn held(said: &(i32, Value)) -> String {
    let (status, said) = said;
    assert!([20, 21].contains(status), "{said}");
    assert_eq!((&said["outcome"], &said["record"]), (&json!("hold"), &Value::Null), "{said}");
    said["tag"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn resumed_after_a_hold() {
    let delivery = Delivery::founded();
    Blocked::recorded(&delivery, "DEMO-0001").kill();
    hide_tokens(&delivery);
    // It cannot be asked whether this box is recorded: held, and not over.
    assert_eq!(held(&present(&delivery, "DEMO-0001")), "H-000001");
    assert_eq!(held(&present(&delivery, "DEMO-0001")), "H-000001", "the same box keeps its tag");
    bring_tokens_back(&delivery);
    assert_eq!(accepted(&present(&delivery, "DEMO-0001")), (2, true));
    assert_eq!(size(&delivery), 3, "nothing was entered beside its record");
    assert!(journal(&delivery).contains(&"entered".to_owned()));
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
}

fn tokens_away() {
    let delivery = Delivery::founded();
    hide_tokens(&delivery);
    assert_eq!(held(&present(&delivery, "DEMO-0001")), "H-000001");
    assert_eq!(held(&present(&delivery, "DEMO-0002")), "H-000002");
    // Once more the same box, or another one like it: nobody knows, and it is held too.
    assert_eq!(held(&present(&delivery, "DEMO-0001")), "H-000003");
    bring_tokens_back(&delivery);
    // Any box brings what was kept into the ledger.
    assert_eq!(accepted(&present(&delivery, "DEMO-0003")), (5, false));
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Held), (4, State::Held)]);
    assert_eq!(states(&delivery, "DEMO-0002"), [(3, State::Held)]);
    let (status, said) = present(&delivery, "DEMO-0001");
    assert_eq!((status, &said["supersedes"], &said["tag"]), (0, &json!([2, 4]), &Value::Null), "{said}");
    assert_eq!(delivery.ledger().audit(ecugate::ledger::Depth::Signatures, &[7; 32]).unwrap().differences.len(), 0);
}

fn many_holds() {
    let delivery = Delivery::founded();
    hide_tokens(&delivery);
    let boxes: Vec<Child> = (0..8)
        .map(|n| delivery.command(&strings(&delivery.box_with(&format!("OTHER-{n}")))).spawn().unwrap())
        .collect();
    let mut tags: Vec<String> = boxes
        .into_iter()
        .map(|one| {
            let said = Said::of(one.wait_with_output().unwrap());
            held(&(said.status, object(&said)))
        })
        .collect();
    tags.sort_unstable();
    assert_eq!(tags, (1..=8).map(|n| format!("H-{n:06}")).collect::<Vec<_>>());
    bring_tokens_back(&delivery);
    // Several gates at once find them kept.
    let arguments: Vec<Vec<String>> = (1..=4).map(|n| delivery.box_with(&format!("DEMO-000{n}"))).collect();
    let gates: Vec<Child> = arguments.iter().map(|one| delivery.command(&strings(one)).spawn().unwrap()).collect();
    for gate in gates {
        let said = Said::of(gate.wait_with_output().unwrap());
        assert_eq!(said.status, 0, "{said:?}");
    }
    for n in 0..8 {
        let states: Vec<State> = states(&delivery, &format!("OTHER-{n}")).into_iter().map(|(_, state)| state).collect();
        assert_eq!(states, [State::Held], "OTHER-{n}");
    }
    assert_eq!(size(&delivery), 2 + 8 + 4);
    assert_eq!(journal(&delivery).iter().filter(|word| *word == "entered").count(), 8);
}

fn unshown() {
    let delivery = Delivery::founded();
    let mut command = delivery.command(&strings(&delivery.box_with("DEMO-0001")));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(30));
    assert_eq!(accepted(&present(&delivery, "DEMO-0001")), (2, true));
    suspect_that_contests(&present(&delivery, "DEMO-0001"), &[2]);
}

/// One way to spoil the journal, one to mend it, and the reason between.
type Fault = (fn(&Path), fn(&Path), &'static str);

fn journal_faults() {
    let faults: &[Fault] = &[
        (
            |journal| std::fs::rename(journal, journal.with_extension("away")).unwrap(),
            |journal| std::fs::rename(journal.with_extension("away"), journal).unwrap(),
            "journal-missing",
        ),
        (
            |journal| std::fs::rename(journal.join("000001.jsonl"), journal.join("away")).unwrap(),
            |journal| std::fs::rename(journal.join("away"), journal.join("000001.jsonl")).unwrap(),
            "journal-missing",
        ),
        (
            |journal| mode(&journal.join("live"), 0o500),
            |journal| mode(&journal.join("live"), 0o700),
            "journal-unusable",
        ),
        (
            |journal| mode(&journal.join("lock"), 0o400),
            |journal| mode(&journal.join("lock"), 0o600),
            "journal-unusable",
        ),
        (
            |journal| mode(&journal.join("000001.jsonl"), 0o400),
            |journal| mode(&journal.join("000001.jsonl"), 0o600),
            "journal-unusable",
        ),
        (|journal| flip(journal, 30), |journal| flip(journal, 30), "journal-differs"),
    ];
    let delivery = Delivery::founded();
    let path = delivery.path("site/journal");
    for (spoil, mend, reason) in faults {
        spoil(&path);
        let said = Said::of(obeying_modes(&delivery, &delivery.box_with("DEMO-0001")).output().unwrap());
        let object = object(&said);
        assert_eq!((said.status, &object["reason"]), (21, &json!(reason)), "{object}");
        assert_eq!((&object["tag"], &object["record"]), (&Value::Null, &Value::Null), "{object}");
        assert_eq!((&object["outcome"], size(&delivery)), (&json!("hold"), 2), "{object}");
        mend(&path);
    }
    assert_eq!(accepted(&present(&delivery, "DEMO-0001")), (2, false));
}

fn flip(journal: &Path, at: usize) {
    let path = journal.join("000001.jsonl");
    let mut text = std::fs::read(&path).unwrap();
    text[at] ^= 1;
    std::fs::write(path, text).unwrap();
}

fn begun_anew() {
    let delivery = Delivery::founded();
    hide_tokens(&delivery);
    assert_eq!(held(&present(&delivery, "DEMO-0001")), "H-000001");
    let show = || object(&delivery.run(&["journal", "show", "--site", "site", "--json"]));
    let seen = show();
    assert_eq!(
        (&seen["outcome"], &seen["next_tag"], &seen["open"]),
        (&json!("accept"), &json!("H-000002"), &json!([]))
    );
    let kept = &seen["kept"][0];
    assert_eq!(
        (&kept["tag"], &kept["unit"]["serial"], &kept["operator"]),
        (&json!("H-000001"), &json!("DEMO-0001"), &json!("op-7"))
    );
    let begin = |after: &str| delivery.run(&["journal", "begin", "--site", "site", "--after", after, "--json"]);
    let refused = begin("H-000001");
    assert_eq!((refused.status, &object(&refused)["reason"]), (10, &json!("journal-differs")), "one stands there");
    std::fs::rename(delivery.path("site/journal"), delivery.path("lost")).unwrap();
    assert_eq!(show()["reason"], json!("journal-missing"));
    let wrong = begin("419");
    assert_eq!((wrong.status, &object(&wrong)["reason"]), (2, &json!("usage")));
    assert_eq!(object(&begin("H-000001"))["next_tag"], json!("H-000002"));
    assert_eq!(held(&present(&delivery, "DEMO-0002")), "H-000002");
    bring_tokens_back(&delivery);
    assert_eq!(accepted(&present(&delivery, "DEMO-0002")), (3, false));
    assert_eq!(states(&delivery, "DEMO-0001"), [], "what the lost journal kept is in no record");
}

/// No file may grow: what a full disk does to the journal.
fn full_disk() {
    let delivery = Delivery::founded();
    let mut command = Command::new("bash");
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$@""#, "-", env!("CARGO_BIN_EXE_ecugate")]);
    command.args(delivery.box_with("DEMO-0001")).current_dir(delivery.path(""));
    let said = Said::of(command.output().unwrap());
    let object = object(&said);
    assert_eq!((said.status, &object["reason"]), (21, &json!("journal-unusable")), "{object}");
    assert_eq!((&object["tag"], &object["record"]), (&Value::Null, &Value::Null), "{object}");
    assert_eq!(size(&delivery), 2);
    assert_eq!(journal(&delivery), ["begins"]);
    assert_eq!(accepted(&present(&delivery, "DEMO-0001")), (2, false));
}
