//! The way into inventory by the program's commands: statuses that a script can rely on, TRIAL on everything, and the
//! same answer after every crash.

use crate::delivery::{Delivery, Said, copy_folder};
use crate::faults::object;
use crate::receive::trial;
use ecugate::ledger::{Depth, EntryKind, Select};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the_commands_lead_a_unit_into_inventory_and_say_trial_at_every_step", whole_way),
        trial("attack_61_an_admission_of_another_site_or_of_a_copy_of_this_one_is_not_redeemed", other_sites),
        trial("attack_70_the_program_redeems_no_trial_admission_for_production", production),
        trial("of_six_processes_that_redeem_one_admission_exactly_one_does", processes),
        trial("a_redemption_whose_answer_was_lost_is_the_same_when_asked_again", answer_lost),
        trial("a_redemption_killed_at_any_moment_is_one_redemption_when_asked_again", killed),
        trial("a_wrong_call_a_bad_file_or_a_busy_ledger_has_its_own_status_and_redeems_nothing", statuses),
    ]
}

/// The JSON of a command, with its status.
fn asked(delivery: &Delivery, call: &str) -> (i32, Value) {
    let said = delivery.run(&call.split(' ').chain(["--json"]).collect::<Vec<_>>());
    (said.status, object(&said))
}

/// Accepts a box and says its entry and attempt.
fn accepted(delivery: &Delivery, serial: &str) -> (u64, String) {
    let (status, said) = delivery.receive(serial, |_| {});
    assert_eq!(status, 0, "{said}");
    let text = |field: &str| said["attempt"][field].as_str().unwrap().to_owned();
    (said["record"]["seq"].as_u64().unwrap(), format!("{}/{}", text("station"), text("nonce")))
}

/// Accepts a box and asks for its admission, into the file of that name.
fn admitted(delivery: &Delivery, serial: &str, file: &str) -> u64 {
    let (accept, _) = accepted(delivery, serial);
    let (status, said) =
        asked(delivery, &format!("admission --site site --record {accept} --consumer erp --out {file}"));
    assert_eq!(status, 0, "{said}");
    accept
}

fn redeem(file: &str, reference: &str) -> String {
    format!("redeem --site site --admission {file} --consumer erp --environment trial --reference {reference}")
}

/// Redemptions in the ledger, which an audit finds nothing to say of.
fn redemptions(delivery: &Delivery) -> usize {
    let ledger = delivery.ledger();
    let audit = ledger.audit(Depth::Signatures, &[7; 32]).unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    let all = ledger.look(Select::Last(audit.size)).unwrap();
    all.iter().filter(|look| look.kind == EntryKind::Redeemed.word()).count()
}

fn whole_way() {
    let delivery = Delivery::founded();
    let (accept, attempt) = accepted(&delivery, "DEMO-0001");
    // The admission alone on standard output, what is said of it beside.
    let call = ["admission", "--site", "site", "--attempt", attempt.as_str(), "--consumer", "erp"];
    let said = delivery.run(&call);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.starts_with(r#"{"kind":"TRIAL admission","entry":3,"#), "{said:?}");
    assert!(said.err.contains("TRIAL      nothing that this gate admits counts in production"), "{said:?}");
    delivery.write("admission.json", said.out.as_bytes());
    // In a file, and in the answer: the same one.
    let (status, object) = asked(&delivery, &format!("admission --site site --record {accept} --consumer erp"));
    assert_eq!((status, &object["environment"]), (0, &"trial".into()), "{object}");
    assert_eq!(object["admission_file"], serde_json::from_str::<Value>(&said.out).unwrap());
    assert_eq!((&object["accept"], &object["admission"], &object["consumer"]), (&2.into(), &3.into(), &"erp".into()));
    let said =
        delivery.run(&["admission", "--site", "site", "--record", "2", "--consumer", "erp", "--out", "again.json"]);
    assert!(said.status == 0 && said.err.is_empty() && said.out.contains("TRIAL"), "{said:?}");
    assert!(said.out.contains("DEMO-0001"), "{said:?}");
    let read = |name: &str| std::fs::read(delivery.path(name)).unwrap();
    assert_eq!(read("again.json"), read("admission.json"));

    let (status, object) = asked(&delivery, &redeem("admission.json", "GR-1"));
    assert_eq!(
        (status, &object["outcome"], &object["environment"]),
        (0, &"accept".into(), &"trial".into()),
        "{object}"
    );
    assert_eq!((&object["redemption"], &object["reference"]), (&4.into(), &"GR-1".into()));
    assert_eq!(object["unit"]["serial"], "DEMO-0001");
    let said = delivery.run(&redeem("again.json", "GR-1").split(' ').collect::<Vec<_>>());
    assert!(said.status == 0 && said.out.starts_with("accept\nTRIAL") && said.out.contains("entry 4"), "{said:?}");
    let (status, refused) = asked(&delivery, &redeem("admission.json", "GR-2"));
    assert_eq!((status, &refused["reason"]), (10, &"admission-redeemed".into()), "{refused}");
    assert!(refused["found"].as_str().unwrap().starts_with("redeemed by erp under GR-1 at "), "{refused}");
    assert_eq!(refused["environment"], "trial");

    let (_, object) = asked(&delivery, "unconfirmed --site site");
    assert_eq!((&object["count"], &object["unconfirmed"][0]["reference"]), (&1.into(), &"GR-1".into()), "{object}");
    for _ in 0..2 {
        let (status, object) = asked(&delivery, "confirm --site site --redemption 4 --consumer erp --booked-as 4711");
        assert_eq!(
            (status, &object["confirmation"], &object["standing"]),
            (0, &5.into(), &"redeemed".into()),
            "{object}"
        );
    }
    let (status, object) = asked(&delivery, "confirm --site site --redemption 4 --consumer erp --booked-as 4712");
    assert_eq!((status, &object["reason"]), (10, &"redemption-confirmed".into()), "{object}");
    let (_, object) = asked(&delivery, "unconfirmed --site site");
    assert_eq!((&object["count"], &object["unconfirmed"]), (&0.into(), &json!([])));
    assert_eq!(redemptions(&delivery), 1);
    // A second box: said where it is asked about, in words too.
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 10);
    let said = delivery
        .run(&"confirm --site site --redemption 4 --consumer erp --booked-as 4711".split(' ').collect::<Vec<_>>());
    assert!(said.status == 0 && said.out.contains("NOW        contested: it must not move"), "{said:?}");
    let (status, object) = asked(&delivery, &redeem("admission.json", "GR-1"));
    assert_eq!((status, &object["reason"]), (10, &"admission-blocked".into()), "{object}");
}

/// A copy of a site, as from a backup: the same keys, and from then on another history.
fn copied(delivery: &Delivery, to: &str) {
    copy_folder(&delivery.path("site"), &delivery.path(to));
    let conf = delivery.path(to).join("softhsm2.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, text.replace("/site/", &format!("/{to}/"))).unwrap();
    for secret in std::fs::read_dir(delivery.path(to).join("pins")).unwrap().flatten() {
        std::fs::set_permissions(secret.path(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// A box received at another site folder of the delivery.
fn received_at(delivery: &Delivery, site: &str, serial: &str) -> u64 {
    let (status, said) = delivery.receive(serial, |arguments| {
        let at = arguments.iter().position(|argument| argument == "site").unwrap();
        arguments[at] = site.to_owned();
    });
    assert_eq!(status, 0, "{said}");
    said["record"]["seq"].as_u64().unwrap()
}

fn other_sites() {
    let delivery = Delivery::founded();
    // Another site of the same name, its admission at the same place.
    let other = Delivery::founded();
    admitted(&other, "DEMO-0001", "admission.json");
    admitted(&delivery, "DEMO-0001", "own.json");
    std::fs::copy(other.path("admission.json"), delivery.path("foreign.json")).unwrap();
    let (status, said) = asked(&delivery, &redeem("foreign.json", "GR-1"));
    assert_eq!((status, &said["reason"], &said["where"]), (10, &"admission-unknown".into(), &"ledger entry 3".into()));
    // A copy of this very site that went on by itself: another unit in the same place, under the same keys.
    copied(&delivery, "copy");
    let accept = received_at(&delivery, "copy", "DEMO-0002");
    let ask = |accept: u64, out: &str| format!("admission --site copy --record {accept} --consumer erp --out {out}");
    assert_eq!(asked(&delivery, &ask(accept, "stray.json")).0, 0);
    // The tree here is shorter than the one that this admission was proven in.
    let (status, said) = asked(&delivery, &redeem("stray.json", "GR-1"));
    assert_eq!((status, &said["reason"], &said["found"]), (10, &"admission-unknown".into(), &"no such entry".into()));
    // The genuine admission, with a proof of the copy: a checkpoint of this log that this ledger never made.
    assert_eq!(asked(&delivery, &ask(2, "mixed.json")).0, 0);
    let (status, said) = asked(&delivery, &redeem("mixed.json", "GR-1"));
    assert_eq!((status, &said["reason"]), (21, &"ledger-differs".into()), "{said}");
    assert!(said["expected"].as_str().unwrap().contains("the 6 entries of a checkpoint that it has signed"), "{said}");
    admitted(&delivery, "DEMO-0003", "third.json");
    let (status, said) = asked(&delivery, &redeem("mixed.json", "GR-1"));
    assert_eq!((status, &said["reason"]), (21, &"ledger-differs".into()), "{said}");
    assert!(said["where"].as_str().unwrap().contains("the root at 6 entries"), "{said}");
    let (status, said) = asked(&delivery, &redeem("stray.json", "GR-1"));
    assert_eq!((status, &said["reason"], &said["where"]), (10, &"admission-unknown".into(), &"ledger entry 5".into()));
    assert_eq!(redemptions(&delivery), 0);
    assert_eq!(asked(&delivery, &redeem("own.json", "GR-1")).0, 0);
}

fn production() {
    let delivery = Delivery::founded();
    admitted(&delivery, "DEMO-0001", "admission.json");
    let call = redeem("admission.json", "GR-1").replace("--environment trial", "--environment production");
    let (status, said) = asked(&delivery, &call);
    assert_eq!((status, &said["reason"]), (10, &"admission-environment".into()), "{said}");
    let said = delivery.run(&call.split(' ').collect::<Vec<_>>());
    assert!(said.status == 10 && said.out.starts_with("reject\n") && said.out.contains("TRIAL"), "{said:?}");
    assert_eq!(redemptions(&delivery), 0);
}

fn processes() {
    let delivery = Delivery::founded();
    admitted(&delivery, "DEMO-0001", "admission.json");
    let calls: Vec<String> = (0..6).map(|number| redeem("admission.json", &format!("GR-{number}"))).collect();
    let started: Vec<_> =
        calls.iter().map(|call| delivery.command(&call.split(' ').collect::<Vec<_>>()).spawn().unwrap()).collect();
    let said: Vec<Said> = started.into_iter().map(|one| Said::of(one.wait_with_output().unwrap())).collect();
    assert_eq!(said.iter().filter(|said| said.status == 0).count(), 1, "{said:#?}");
    // A ledger or token that stays busy is a hold; nothing else may have happened to the others.
    assert!(said.iter().all(|said| [0, 10, 20].contains(&said.status)), "{said:#?}");
    assert!(
        said.iter().filter(|said| said.status == 10).all(|said| said.out.contains("admission-redeemed")),
        "{said:#?}"
    );
    assert_eq!(redemptions(&delivery), 1);
}

fn answer_lost() {
    let delivery = Delivery::founded();
    let (accept, _) = accepted(&delivery, "DEMO-0001");
    let lost = |call: &str| {
        let mut command = delivery.command(&call.split(' ').collect::<Vec<_>>());
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        command.stdout(full).status().unwrap().code()
    };
    let admission = format!("admission --site site --record {accept} --consumer erp");
    assert_eq!(lost(&admission), Some(30));
    assert_eq!(asked(&delivery, &format!("{admission} --out admission.json")).1["admission"], 3);
    // Committed, covered, and nobody heard it: that is no yes, and no wrong call either.
    assert_eq!(lost(&redeem("admission.json", "GR-1")), Some(30));
    assert_eq!(redemptions(&delivery), 1);
    let (status, said) = asked(&delivery, &redeem("admission.json", "GR-1"));
    assert_eq!((status, &said["redemption"]), (0, &4.into()), "{said}");
    assert_eq!(lost("confirm --site site --redemption 4 --consumer erp --booked-as 4711"), Some(30));
    assert_eq!(
        asked(&delivery, "confirm --site site --redemption 4 --consumer erp --booked-as 4711").1["confirmation"],
        5
    );
    assert_eq!(redemptions(&delivery), 1);

    // The same where the commit itself or the checkpoint after it is refused by the disk, at whatever size of file.
    admitted(&delivery, "DEMO-0002", "second.json");
    let mut unconfirmed = 0;
    for blocks in (40..90).step_by(4) {
        let mut command = Command::new("bash");
        let limit = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$@""#);
        command.args(["-c", &limit, "-", env!("CARGO_BIN_EXE_ecugate")]);
        command.args(redeem("second.json", "GR-2").split(' ')).arg("--json").current_dir(delivery.path(""));
        let said = object(&Said::of(command.output().unwrap()));
        unconfirmed += usize::from(said["reason"] == "not-confirmed");
        assert!(redemptions(&delivery) <= 2);
    }
    let (status, said) = asked(&delivery, &redeem("second.json", "GR-2"));
    assert_eq!((status, &said["reference"]), (0, &"GR-2".into()), "{said}");
    assert_eq!(redemptions(&delivery), 2, "{unconfirmed} were not confirmed on the way");
}

fn killed() {
    let delivery = Delivery::founded();
    admitted(&delivery, "DEMO-0001", "admission.json");
    let call = redeem("admission.json", "GR-1");
    let call: Vec<&str> = call.split(' ').collect();
    // SoftHSM rewrites a token's file at each login; one that is killed in it leaves none. That is no matter of records.
    copy_folder(&delivery.path("site/tokens"), &delivery.path("tokens"));
    let mut before = 0;
    for pause in (0..100).map(|n| Duration::from_millis(n * 4)) {
        let mut child = delivery.command_with_all_it_starts(&call).spawn().unwrap();
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait_with_output().unwrap();
        std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
        copy_folder(&delivery.path("tokens"), &delivery.path("site/tokens"));
        match redemptions(&delivery) {
            0 => before += 1,
            1 => break,
            more => panic!("{more} redemptions"),
        }
    }
    assert!(before > 0, "no redemption was killed in its course");
    // The last one was killed after it was recorded, whether or not anybody heard it.
    assert_eq!(redemptions(&delivery), 1, "killed {before} times before it was recorded");
    let (status, said) = asked(&delivery, &redeem("admission.json", "GR-1"));
    assert_eq!((status, &said["redemption"]), (0, &4.into()), "{said}");
    let (status, said) = asked(&delivery, &redeem("admission.json", "GR-2"));
    assert_eq!((status, &said["reason"]), (10, &"admission-redeemed".into()), "{said}");
    assert_eq!(redemptions(&delivery), 1);
}

fn database(site: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(site.join("ledger.db")).unwrap()
}

fn statuses() {
    let delivery = Delivery::founded();
    admitted(&delivery, "DEMO-0001", "admission.json");
    delivery.write("empty.json", b"");
    let whole = redeem("admission.json", "GR-1");
    let hostile = redeem("admission.json", "\u{1b}[2J");
    for (call, status, reason) in [
        ("admission --site site --consumer erp".to_owned(), 2, "usage"),
        ("admission --site site --consumer erp --record 2 --attempt dock-1/00".to_owned(), 2, "usage"),
        ("admission --site site --consumer erp --attempt dock-1".to_owned(), 2, "usage"),
        ("admission --site nowhere --consumer erp --record 2".to_owned(), 2, "site-missing"),
        ("admission --site site --consumer erp --record 2 --out admission.json".to_owned(), 2, "output-exists"),
        ("admission --site site --consumer erp --record 1".to_owned(), 10, "admission-no-accept"),
        ("admission --site site --consumer other --record 2".to_owned(), 10, "admission-taken"),
        (whole.replace(" --environment trial", ""), 2, "usage"),
        (whole.replace(" --reference GR-1", ""), 2, "usage"),
        (whole.replace("trial", "staging"), 2, "usage"),
        (hostile, 2, "usage"),
        (redeem("nowhere.json", "GR-1"), 2, "input-missing"),
        (redeem("empty.json", "GR-1"), 10, "input-empty"),
        (redeem("release.json", "GR-1"), 10, "json-unknown-field"),
        (redeem("image.bin", "GR-1"), 10, "text-not-utf8"),
        (whole.replace("erp", "other"), 10, "admission-taken"),
        ("confirm --site site --redemption 3 --consumer erp --booked-as 1".to_owned(), 10, "admission-unknown"),
        (format!("{whole} --help"), 2, "usage"),
    ] {
        let (got, said) = asked(&delivery, &call);
        assert_eq!((got, said["reason"].as_str()), (status, Some(reason)), "{call}: {said}");
    }
    let quiet = delivery.run(&["admission", "--site", "site", "--record", "2", "--consumer", "erp", "--quiet"]);
    assert_eq!((quiet.status, quiet.out.as_str()), (2, "error\n"));
    assert_eq!(redemptions(&delivery), 0);

    let other = database(&delivery.path("site"));
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, said) = asked(&delivery, &whole);
    assert_eq!((status, &said["outcome"], &said["reason"]), (20, &"hold".into(), &"ledger-busy".into()), "{said}");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    std::fs::rename(delivery.path("site/tokens"), delivery.path("elsewhere")).unwrap();
    let (status, said) = asked(&delivery, &whole);
    assert!([20, 21].contains(&status) && said["outcome"] == "hold", "{said}");
    std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
    std::fs::rename(delivery.path("elsewhere"), delivery.path("site/tokens")).unwrap();
    assert_eq!(asked(&delivery, &whole).0, 0);
}
