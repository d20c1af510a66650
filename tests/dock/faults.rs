//! What `init` and `receive` say when something of the site is missing, broken, shut, busy or half made: the exact
//! status and reason, never 0, always with where, expected and found, and no PIN.

use crate::delivery::{Delivery, Said};
use crate::receive::{strings, trial};
use ecugate::site::{CONFIGURATION, Site};
use libtest_mimic::Trial;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    [
        trial("a_ledger_that_is_missing_broken_cut_or_newer_is_a_hold_for_a_person", ledger_faults),
        trial("a_ledger_that_stays_locked_is_a_hold_that_may_pass", busy_ledger),
        trial("a_write_that_the_system_refuses_is_not_confirmed_and_the_box_is_accepted_afterwards", refused_write),
        trial("what_this_account_may_not_read_or_write_is_named", shut_files),
        trial("a_pin_a_module_or_a_token_store_that_is_not_as_stated_is_a_hold_for_a_person", token_faults),
        trial("a_configuration_that_cannot_be_read_is_a_wrong_call", configuration_faults),
        trial("no_beginning_of_a_site_configuration_is_a_site", half_written_configuration),
        trial("attack_57_help_asked_for_beside_a_box_is_not_status_0", help_beside_a_box),
        trial("a_hold_without_a_record_is_one_line_with_its_tag_and_one_without_a_journal_has_none", unrecorded_line),
        trial("every_wrong_call_of_init_and_receive_is_one_json_object", wrong_calls),
    ]
    .into()
}

/// One way to spoil a founded site, the status and the reason that follow, and a word of what was found.
struct Fault {
    spoil: fn(&Path),
    status: i32,
    reason: &'static str,
    found: &'static str,
}

/// Founds a site for each fault, spoils it, presents a genuine box.
fn each(faults: &[Fault]) {
    for fault in faults {
        let delivery = Delivery::founded();
        (fault.spoil)(&delivery.path("site"));
        let said = Said::of(obeying_modes(&delivery, &delivery.box_with("DEMO-0001")).output().unwrap());
        let object = object(&said);
        let seen = (said.status, object["reason"].as_str().unwrap_or("none"));
        assert_eq!(seen, (fault.status, fault.reason), "{object}");
        for field in ["where", "expected", "found"] {
            assert!(object[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {object}");
        }
        assert!(object["found"].as_str().unwrap().contains(fault.found), "{}: {object}", fault.found);
        let ruling = match fault.status {
            20 => "hold-passing".into(),
            21 => "hold-person".into(),
            _ => Value::Null,
        };
        assert_eq!(object["ruling"], ruling, "{object}");
        for pin in std::fs::read_dir(delivery.path("site/pins")).into_iter().flatten().flatten() {
            let pin = std::fs::read_to_string(pin.path()).unwrap_or_default();
            assert!(pin.is_empty() || !said.out.contains(&pin), "{said:?}");
        }
    }
}

/// The one JSON object that was said, and nothing beside it.
pub(crate) fn object(said: &Said) -> Value {
    assert_eq!((said.out.lines().count(), said.err.as_str()), (1, ""), "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// The program without root's leave to ignore the modes of files (as another account it has none anyway).
pub(crate) fn obeying_modes(delivery: &Delivery, arguments: &[String]) -> Command {
    let plain = delivery.command(&strings(arguments));
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return plain;
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(plain.get_current_dir().unwrap());
    command
}

pub(crate) fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn remove_ledger(site: &Path) {
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        std::fs::remove_file(site.join(name)).unwrap();
    }
}

pub(crate) fn replace_in_configuration(site: &Path, key: &str, line: &str) {
    let path = site.join(CONFIGURATION);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|old| if old.starts_with(&format!("{key} =")) { line } else { old });
    let changed = lines.collect::<Vec<_>>().join("\n");
    assert_ne!(changed.trim_end(), text.trim_end());
    std::fs::write(path, changed).unwrap();
}

fn ledger_faults() {
    each(&[
        Fault { spoil: remove_ledger, status: 21, reason: "ledger-missing", found: "no file" },
        Fault {
            spoil: |site| {
                std::fs::remove_file(site.join("ledger.db-wal")).unwrap();
                std::fs::remove_file(site.join("ledger.db-shm")).unwrap();
            },
            status: 21,
            reason: "ledger-differs",
            found: "no entry",
        },
        Fault {
            spoil: |site| {
                remove_ledger(site);
                std::fs::write(site.join("ledger.db"), b"").unwrap();
            },
            status: 21,
            reason: "ledger-differs",
            found: "application id 0x0",
        },
        Fault {
            spoil: |site| {
                remove_ledger(site);
                std::fs::write(site.join("ledger.db"), [0x55; 9_000]).unwrap();
            },
            status: 21,
            reason: "ledger-differs",
            found: "not a database",
        },
        Fault {
            spoil: |site| {
                remove_ledger(site);
                std::fs::create_dir(site.join("ledger.db")).unwrap();
            },
            status: 21,
            reason: "ledger-unusable",
            found: "no regular file",
        },
        Fault {
            spoil: |site| database(site).pragma_update(None, "user_version", 99).unwrap(),
            status: 21,
            reason: "ledger-newer",
            found: "schema 99",
        },
        Fault {
            spoil: |site| database(site).execute_batch("DROP TRIGGER entry_keeps_delete").unwrap(),
            status: 21,
            reason: "ledger-differs",
            found: "nothing else",
        },
    ]);
}

fn database(site: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(site.join("ledger.db")).unwrap()
}

fn busy_ledger() {
    let delivery = Delivery::founded();
    let other = database(&delivery.path("site"));
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"]), (20, &"ledger-busy".into()), "{said}");
    assert_eq!((&said["outcome"], &said["ruling"]), (&"hold".into(), &"hold-passing".into()));
    assert_eq!((&said["expected"], &said["record"]), (&"the lock within 10 seconds".into(), &Value::Null));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
}

fn refused_write() {
    let delivery = Delivery::founded();
    // Files of at most 64 KiB: less than the write-ahead log of one receipt, more than anything else needs.
    let mut command = Command::new("bash");
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 64; exec "$@""#, "-", env!("CARGO_BIN_EXE_ecugate")]);
    command.args(delivery.box_with("DEMO-0001")).current_dir(delivery.path(""));
    let said = Said::of(command.output().unwrap());
    let object = object(&said);
    assert_eq!((said.status, &object["reason"]), (30, &"not-confirmed".into()), "{object}");
    assert_eq!((&object["outcome"], &object["record"]), (&"hold".into(), &Value::Null));
    assert_eq!(delivery.ledger().head().unwrap().0, 2);
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
}

fn shut_files() {
    each(&[
        Fault {
            spoil: |site| mode(&site.join("ledger.db"), 0o400),
            status: 21,
            reason: "ledger-unusable",
            found: "readonly",
        },
        Fault {
            spoil: |site| mode(&site.join("ledger.db"), 0),
            status: 21,
            reason: "ledger-unusable",
            found: "unable to open",
        },
        Fault {
            spoil: |site| mode(&site.join("ledger.db-wal"), 0),
            status: 21,
            reason: "ledger-unusable",
            found: "unable to open",
        },
        Fault {
            spoil: |site| mode(&site.join("anchor-list.json"), 0),
            status: 21,
            reason: "anchor-list-missing",
            found: "none that can be read",
        },
        Fault {
            spoil: |site| mode(&site.join("policy.json"), 0),
            status: 21,
            reason: "policy-missing",
            found: "none that can be read",
        },
        Fault {
            spoil: |site| std::fs::File::create(site.join("policy.json")).unwrap().set_len(1 << 40).unwrap(),
            status: 21,
            reason: "policy-missing",
            found: "none that can be read",
        },
        Fault { spoil: |site| mode(site, 0o500), status: 21, reason: "token-not-written", found: "denied" },
        Fault {
            spoil: |site| mode(&site.join("pins/signer.pin"), 0),
            status: 21,
            reason: "pin-missing",
            found: "this account may not read it",
        },
        Fault {
            spoil: |site| mode(&site.join(CONFIGURATION), 0),
            status: 2,
            reason: "input-unreadable",
            found: "denied",
        },
    ]);
}

fn token_faults() {
    each(&[
        Fault {
            spoil: |site| std::fs::remove_file(site.join("pins/signer.pin")).unwrap(),
            status: 21,
            reason: "pin-missing",
            found: "no such file",
        },
        Fault {
            spoil: |site| mode(&site.join("pins/signer.pin"), 0o644),
            status: 21,
            reason: "pin-exposed",
            found: "mode 0644",
        },
        Fault {
            spoil: |site| std::fs::write(site.join("pins/signer.pin"), "000000").unwrap(),
            status: 21,
            reason: "pin-wrong",
            found: "another PIN",
        },
        Fault {
            spoil: |site| replace_in_configuration(site, "module", "module = \"/usr/lib/nothing.so\""),
            status: 21,
            reason: "module-missing",
            found: "no such file",
        },
        Fault {
            spoil: |site| replace_in_configuration(site, "module", "module = \"/etc/passwd\""),
            status: 21,
            reason: "module-failed",
            found: "no ELF",
        },
        Fault {
            spoil: |site| replace_in_configuration(site, "pin", "pin = \"file:pins\""),
            status: 21,
            reason: "pin-missing",
            found: "no regular file",
        },
        Fault {
            spoil: |site| std::fs::write(site.join("softhsm2.conf"), "directories.tokendir = /elsewhere\n").unwrap(),
            status: 21,
            reason: "token-not-written",
            found: "/elsewhere",
        },
    ]);
}

fn configuration_faults() {
    each(&[
        Fault {
            spoil: |site| std::fs::remove_file(site.join(CONFIGURATION)).unwrap(),
            status: 2,
            reason: "site-missing",
            found: "nothing of this name",
        },
        Fault {
            spoil: |site| std::fs::write(site.join(CONFIGURATION), b"site = \"\xff\"").unwrap(),
            status: 2,
            reason: "site-malformed",
            found: "utf-8",
        },
        Fault {
            spoil: |site| std::fs::File::create(site.join(CONFIGURATION)).unwrap().set_len(1 << 40).unwrap(),
            status: 2,
            reason: "site-malformed",
            found: "bytes",
        },
        Fault {
            spoil: |site| replace_in_configuration(site, "station", "statio = \"dock-1\""),
            status: 2,
            reason: "site-malformed",
            found: "unknown field `statio`",
        },
        Fault {
            spoil: |site| replace_in_configuration(site, "module", "module = \"libsofthsm2.so\""),
            status: 2,
            reason: "site-malformed",
            found: "libsofthsm2.so",
        },
    ]);
}

fn half_written_configuration() {
    let delivery = Delivery::founded();
    let path = delivery.path("site").join(CONFIGURATION);
    let text = std::fs::read(&path).unwrap();
    // The last byte ends the last line: without it the text is whole.
    for length in 0..text.len() - 1 {
        std::fs::write(&path, &text[..length]).unwrap();
        let refusal = Site::open(&delivery.path("site")).unwrap_err();
        assert_eq!(refusal.reason.code(), "site-malformed", "after {length} bytes");
    }
    std::fs::write(&path, &text).unwrap();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
}

fn help_beside_a_box() {
    let delivery = Delivery::founded();
    let whole = delivery.box_with("DEMO-0001");
    for help in ["--help", "-h"] {
        for at in [0, 1, whole.len()] {
            let mut arguments = whole.clone();
            arguments.insert(at, help.to_owned());
            let said = delivery.run(&strings(&arguments));
            assert_eq!(said.status, 2, "{said:?}");
            assert_eq!(object(&said)["reason"], "usage");
            arguments.retain(|argument| argument != "--json");
            assert_eq!(delivery.run(&strings(&arguments)).status, 2, "{arguments:?}");
        }
    }
    assert_eq!(delivery.ledger().head().unwrap().0, 2);
    for alone in [&["receive", "--help"][..], &["receive", "-h"], &["help", "receive"], &["--help"]] {
        assert_eq!(delivery.run(alone).status, 0, "{alone:?}");
    }
}

fn unrecorded_line() {
    let delivery = Delivery::founded();
    remove_ledger(&delivery.path("site"));
    let mut arguments = delivery.box_with("DEMO-0001");
    arguments.retain(|argument| argument != "--json");
    let said = delivery.run(&strings(&arguments));
    assert_eq!((said.status, said.err.as_str(), said.out.lines().count()), (21, "", 1), "{said:?}");
    assert!(said.out.starts_with("hold | ledger-missing | DEMO-0001   "), "{said:?}");
    assert!(said.out.contains(" | H-000001, kept until the ledger can have it | "), "{said:?}");
    assert!(said.out.ends_with("expected the ledger of this site, found no file | TRIAL\n"), "{said:?}");
    std::fs::remove_dir_all(delivery.path("site/journal")).unwrap();
    let said = delivery.run(&strings(&arguments));
    assert_eq!((said.status, said.err.as_str(), said.out.lines().count()), (21, "", 1), "{said:?}");
    assert!(said.out.starts_with("hold | journal-missing | none: nothing was judged | "), "{said:?}");
    arguments.push("--quiet".to_owned());
    let said = delivery.run(&strings(&arguments));
    assert_eq!((said.status, said.out.as_str()), (21, "hold\n"));
}

fn wrong_calls() {
    let delivery = Delivery::founded();
    for (call, reason) in [
        ("receive --json", "usage"),
        ("--json receive --site site", "usage"),
        ("receive --site site --label x --json --label y", "usage"),
        ("receive --site site --label x --json --label-hex 00", "usage"),
        ("receive --site site --label x --json --quiet", "usage"),
        ("receive --site site --label x --json --skip-signatures", "usage"),
        ("receive --site site --label x --json --condition fine", "usage"),
        ("receive --site site --label-hex 5 --json", "usage"),
        ("receive --site site --label-file nowhere --json", "input-missing"),
        ("receive --site site --label x --image nowhere --json", "input-missing"),
        ("receive --site site --label x --image =image.bin --json", "usage"),
        ("receive --site site --label x --at 2026-06-01T00:00:00Z --json", "usage"),
        ("receive --site image.bin --label x --json", "site-missing"),
        ("init --json", "usage"),
        ("init --trial site --anchor root.pem --json", "site-exists"),
        ("init --trial image.bin --anchor root.pem --json", "site-not-written"),
        ("init --trial new --anchor root.pem:sign --json", "usage"),
    ] {
        let said = delivery.run(&call.split(' ').collect::<Vec<_>>());
        let object = object(&said);
        assert_eq!((said.status, &object["outcome"]), (2, &"error".into()), "{call}: {object}");
        assert_eq!(object["reason"], reason, "{call}: {object}");
    }
}
