//! Files that suppliers put down: what is read, what waits, what is refused, and that none is lost.

use super::super::offered::OfferedFault;
use super::{LIMITS, Shelf, Still, intake, now, release, shipment};
use crate::intake::{Became, Fate, Intake, Offered, Paper, Run};
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

fn lay(intake: &Intake, supplier: &str, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = intake.incoming().join(supplier);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn run(intake: &Intake, shelf: &mut Shelf) -> Run {
    let offered = intake.waiting(&Still(|| {})).unwrap();
    intake.take(offered, now(), &Still(|| {}), shelf).unwrap()
}

fn fate<'r>(run: &'r Run, path: &Path) -> &'r Fate {
    run.fates.iter().find(|fate| fate.path == path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_document_is_entered_once_and_its_file_moved_on() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    let bytes = shipment("D1", &[("P1", "S1", "R1")]);
    let one = lay(&intake, "acme", "one.json", &bytes);
    let same = lay(&intake, "acme", "same.json", &bytes);
    let other = lay(&intake, "other", "one.json", &bytes);
    let ran = run(&intake, &mut shelf);
    assert_eq!(fate(&ran, &one).became, Became::Entered(2));
    assert_eq!((&fate(&ran, &same).became, &fate(&ran, &other).became), (&Became::Known(2), &Became::Known(2)));
    assert_eq!(
        (fate(&ran, &one).kind, fate(&ran, &one).name.as_ref().unwrap().as_str()),
        (Some(SeenKind::Shipment), "D1")
    );
    assert_eq!((shelf.entries.len(), names(&intake.incoming().join("acme")).len()), (1, 0));
    let moved = fate(&ran, &one).moved.clone().unwrap();
    assert_eq!(fs::read(moved).unwrap(), bytes);
    // And again later.
    let again = lay(&intake, "acme", "one.json", &bytes);
    assert_eq!(fate(&run(&intake, &mut shelf), &again).became, Became::Known(2));
    assert_eq!(names(&intake.taken().join("acme")).len(), 3);
    assert_eq!(shelf.entries.len(), 1);
}

#[test]
fn a_recorder_that_fails_leaves_every_file_where_it_is_and_the_next_run_takes_it() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf { failing: Some(Finding::bare(Reason::SignerFailed)), ..Shelf::default() };
    let path = lay(&intake, "acme", "one.json", &release("R1", &["P1"], &[]));
    let ran = run(&intake, &mut shelf);
    assert_eq!(ran.stopped.as_ref().map(|finding| finding.reason), Some(Reason::SignerFailed));
    assert!(matches!(fate(&ran, &path).became, Became::Waits(_)) && path.exists());
    shelf.failing = None;
    assert_eq!(fate(&run(&intake, &mut shelf), &path).became, Became::Entered(2));
}

#[test]
fn a_file_that_is_still_written_to_waits_and_one_that_rests_does_not_wait_for_it() {
    let (_folder, intake) = intake();
    let resting = lay(&intake, "acme", "a.json", &release("R1", &["P1"], &[]));
    let growing = lay(&intake, "acme", "b.json", b"{\"payload\":");
    let hidden = lay(&intake, "acme", ".c.json.Xy3", b"{}");
    let grow = growing.clone();
    let offered = intake
        .waiting(&Still(move || {
            let mut longer = fs::read(&grow).unwrap();
            longer.push(b' ');
            fs::write(&grow, longer).unwrap();
        }))
        .unwrap();
    let fault = |path: &Path| offered.iter().find(|one| one.path == path).unwrap().fault.clone();
    assert_eq!(fault(&resting), None);
    assert_eq!(fault(&growing), Some(OfferedFault::Waits("it is still being written".to_owned())));
    assert!(matches!(fault(&hidden), Some(OfferedFault::Waits(_))));
    let mut shelf = Shelf::default();
    intake.take(offered, now(), &Still(|| {}), &mut shelf).unwrap();
    assert_eq!(shelf.entries.len(), 1);
    assert!(growing.exists() && hidden.exists());
}

/// Attack class 49: another file under the name at the last moment.
#[test]
fn attack_49_a_file_exchanged_after_it_was_read_stays_for_the_next_run() {
    use crate::intake::aside::Moved;
    use crate::intake::reading::{Links, read};
    let (_folder, intake) = intake();
    let path = lay(&intake, "acme", "a.json", b"the first");
    let (bytes, identity) = read(&path, Links::Refused, LIMITS).unwrap();
    assert_eq!(bytes, b"the first");
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"the second").unwrap();
    let source = super::name("acme");
    let moved = Moved { path: &path, source: &source, digest: None, identity: Some(identity), now: now() };
    assert_eq!(moved.away(&intake.taken()).unwrap(), None);
    assert_eq!(fs::read(&path).unwrap(), b"the second");
}

#[test]
fn attack_16_an_archive_is_named_and_set_aside_with_its_reason_and_nothing_is_unpacked() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let zip = [b"PK\x03\x04".as_slice(), &[0; 60]].concat();
    for (name, bytes, found) in [
        ("a.zip", zip.as_slice(), "a ZIP archive"),
        ("b.json", zip.as_slice(), "a ZIP archive"),
        ("c.gz", b"\x1f\x8b\x08\0", "a gzip file"),
        ("d.tar", &tar, "a tar archive"),
        ("e.7z", b"7z\xbc\xaf\x27\x1c\0", "a 7-Zip archive"),
        ("f.zst", b"\x28\xb5\x2f\xfd", "a Zstandard file"),
        ("g.pdf", b"%PDF-1.7", "a PDF document"),
        ("h.csv", b"serial;part\nS1;P1\n", "a file of another kind"),
        ("i.pem", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", "a PEM file (\"PRIVATE KEY\")"),
        ("j.hex", b":020000040800F2\n", "an Intel HEX image"),
    ] {
        let path = lay(&intake, "acme", name, bytes);
        let ran = run(&intake, &mut shelf);
        let fate = fate(&ran, &path);
        let Became::Refused(finding) = &fate.became else { panic!("{name}: {fate:?}") };
        assert_eq!((finding.reason, finding.found.as_str()), (Reason::DocumentUnknown, found), "{name}");
        let aside = fate.moved.clone().unwrap();
        assert_eq!(fs::read(&aside).unwrap(), bytes, "{name}");
        let reason = fs::read_to_string(format!("{}.reason.json", aside.display())).unwrap();
        let reason: serde_json::Value = serde_json::from_str(&reason).unwrap();
        assert_eq!(
            (&reason["reason"], &reason["found"], &reason["supplier"]),
            (&"document-unknown".into(), &found.into(), &"acme".into())
        );
        assert!(reason["do"].as_str().unwrap().contains("never unpacked"));
        assert!(!path.exists());
    }
    assert!(shelf.entries.is_empty());
}

#[test]
fn attack_47_an_endless_file_and_one_over_the_cap_are_refused_unread() {
    let (_folder, intake) = intake();
    let sparse = lay(&intake, "acme", "a.json", b"");
    fs::File::options().write(true).open(&sparse).unwrap().set_len(100 << 30).unwrap();
    let ran = run(&intake, &mut Shelf::default());
    let Became::Refused(finding) = &fate(&ran, &sparse).became else { panic!("{ran:?}") };
    assert_eq!((finding.reason, finding.found.as_str()), (Reason::InputTooLarge, "107374182400 bytes"));
    assert!(fate(&ran, &sparse).moved.is_some());
    let named = Offered::named(&[PathBuf::from("/dev/zero"), PathBuf::from("/proc/self/status")], None).unwrap();
    let ran = intake.take(named, now(), &Still(|| {}), &mut Shelf::default()).unwrap();
    let reasons: Vec<_> = ran
        .fates
        .iter()
        .map(|fate| match &fate.became {
            Became::Refused(finding) => (finding.reason, finding.found.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    // A file of /proc says that it has no bytes, and is read to its end all the same.
    assert_eq!(reasons[0], (Reason::InputNotRegular, "a device"));
    assert_eq!(reasons[1].0, Reason::DocumentUnknown);
}

#[test]
fn links_pipes_and_folders_are_refused_unopened_and_what_a_link_leads_to_stays() {
    let (folder, intake) = intake();
    let outside = folder.path().join("outside.json");
    fs::write(&outside, release("R1", &["P1"], &[])).unwrap();
    fs::create_dir_all(intake.incoming().join("acme/inner")).unwrap();
    let link = intake.incoming().join("acme/link.json");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let pipe = intake.incoming().join("acme/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let linked = intake.incoming().join("linked");
    std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
    let loose = intake.incoming().join("loose.json");
    fs::write(&loose, release("R2", &["P1"], &[])).unwrap();
    let mut shelf = Shelf::default();
    let ran = run(&intake, &mut shelf);
    for (path, found, moved) in [
        (&link, "a link", true),
        (&pipe, "a pipe", true),
        (&intake.incoming().join("acme/inner"), "a folder", false),
        (&linked, "a link", true),
        (&loose, "a file", true),
    ] {
        let fate = fate(&ran, path);
        let Became::Refused(finding) = &fate.became else { panic!("{fate:?}") };
        assert_eq!((finding.reason, finding.found.as_str()), (Reason::InputNotRegular, found));
        assert_eq!((fate.moved.is_some(), path.symlink_metadata().is_err()), (moved, moved), "{found}");
    }
    assert!(shelf.entries.is_empty() && outside.exists());
    // An operator may name a link.
    let named = folder.path().join("named.json");
    std::os::unix::fs::symlink(&outside, &named).unwrap();
    let ran = intake.take(Offered::named(&[named], None).unwrap(), now(), &Still(|| {}), &mut shelf).unwrap();
    assert_eq!((&ran.fates[0].became, ran.fates[0].source.as_str()), (&Became::Entered(2), "operator"));
    assert!(outside.exists());
}

#[test]
fn attack_44_no_name_of_a_file_or_supplier_is_taken_for_a_path() {
    for id in ["", ".", "..", "../x", "/etc", "a/b", "a b", "-x", ".hidden", "a\u{1b}[2J", "nul", "é", &"x".repeat(65)]
    {
        let finding = Offered::named(&[], Some(id)).unwrap_err();
        assert_eq!((finding.reason, finding.place.as_str()), (Reason::Usage, "--supplier"), "{id:?}");
    }
    assert!(Offered::named(&[], Some("acme-2.eu_1")).is_ok());
    let (_folder, intake) = intake();
    let bad = lay(&intake, "a b", "x.json", &release("R1", &["P1"], &[]));
    let odd = lay(&intake, "acme", "\u{1b}[2J..\\-é =cmd.json", b"no document");
    let long = lay(&intake, "acme", &"n".repeat(250), b"no document either");
    let mut shelf = Shelf::default();
    let ran = run(&intake, &mut shelf);
    let Became::Refused(finding) = &fate(&ran, bad.parent().unwrap()).became else { panic!("{ran:?}") };
    assert_eq!((finding.reason, finding.found.as_str(), bad.exists()), (Reason::Usage, "a b", true));
    let aside =
        |path: &Path| fate(&ran, path).moved.clone().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(aside(&odd), "2026-11-24-7a86f3b5-%1B%5B2J..%5C-%C3%A9%20%3Dcmd.json");
    assert!(aside(&long).ends_with("-unnamed"));
    assert_eq!(names(&intake.refused()).len(), 4);
    assert!(shelf.entries.is_empty());
}

#[test]
fn files_of_one_name_and_content_are_set_aside_beside_each_other() {
    let (_folder, intake) = intake();
    for _ in 0..3 {
        lay(&intake, "acme", "x", b"no document");
        run(&intake, &mut Shelf::default());
    }
    let stem = "2026-11-24-7a86f3b5-x";
    let reasons = ["-2", "-2.reason.json", "-3", "-3.reason.json", ".reason.json"];
    let expected: Vec<String> =
        [stem.to_owned()].into_iter().chain(reasons.map(|end| format!("{stem}{end}"))).collect();
    assert_eq!(names(&intake.refused()), expected);
}

#[test]
fn one_run_waits_for_another_and_gives_up_in_the_end() {
    let (_folder, intake) = intake();
    let held = intake.lock(&Still(|| {})).unwrap();
    let busy = intake.take(Vec::new(), now(), &Still(|| {}), &mut Shelf::default()).unwrap_err();
    assert_eq!(busy.reason, Reason::IntakeBusy);
    drop(held);
    assert!(intake.take(Vec::new(), now(), &Still(|| {}), &mut Shelf::default()).is_ok());
}

#[test]
fn a_folder_of_the_store_that_cannot_be_made_is_a_refusal_before_anything_is_read() {
    let (folder, intake) = intake();
    fs::write(folder.path().join("intake"), b"a file").unwrap();
    let finding = intake.waiting(&Still(|| {})).unwrap_err();
    assert_eq!(finding.reason, Reason::IntakeUnusable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn attack_14_no_bytes_of_a_file_are_a_panic_and_what_is_refused_is_refused_by_a_reason_of_inputs(
        begin in prop::sample::select(vec![
            &b""[..], b"{", b"\x30\x82", b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN X509 CRL-----\n", b"\xef\xbb\xbf{",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let finding = Paper::read([begin, &rest].concat(), LIMITS).unwrap_err();
        prop_assert!(finding.reason != Reason::Usage);
    }
}
