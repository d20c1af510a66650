//! `ecugate init` and `ecugate receive`: what comes of each box, and what stands in the ledger afterwards.

use crate::delivery::{Delivery, Said, copy_folder, without};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::inputs::dossier::{Dossier, Encoded, Part};
use ecugate_verifier::judgement::appraisal::appraise;
use ecugate_verifier::judgement::verdict::Verdict;
use ecugate_verifier::values::ident::{Serial, UnitKey};
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trial("a_genuine_unit_is_accepted_recorded_and_its_receipt_leads_back_to_the_verdict", genuine),
        trial("one_changed_firmware_byte_is_suspect_and_recorded", changed_firmware),
        trial("a_second_box_with_a_claimed_serial_is_suspect_and_the_first_becomes_contested", second_box),
        trial("a_serial_that_is_not_on_the_shipment_is_suspect", unlisted_serial),
        trial("no_manifest_is_unproven_and_the_unit_is_accepted_when_its_papers_arrive", papers_late),
        trial("no_crl_is_a_hold_for_a_person", no_crl),
        trial("attack_51_of_boxes_with_one_serial_that_race_exactly_one_is_accepted_and_all_are_recorded", race),
        trial("a_token_folder_taken_away_is_a_hold_and_never_an_accept", token_away),
        trial("attack_36_an_emptied_trust_token_is_a_hold", emptied_token),
        trial("attack_37_softhsm2_conf_of_the_caller_does_not_choose_the_tokens", foreign_configuration),
        trial("an_anchor_list_replaced_by_one_of_another_authority_is_a_hold", foreign_list),
        trial("a_missing_or_broken_site_is_a_wrong_call_that_names_the_line", broken_site),
        trial("a_site_is_never_founded_over_another", founded_twice),
        trial("a_verdict_that_nobody_could_read_is_not_status_0", closed_output),
        trial("every_answer_of_a_trial_says_so", says_trial),
        trial("a_bad_input_is_named_with_its_file_and_is_never_status_0", bad_input),
        trial("a_label_that_is_no_unit_is_a_hold_that_says_which_box_it_is", box_label),
        trial("attack_58_hostile_text_on_a_label_reaches_no_terminal", hostile_label),
    ]
    .into()
}

pub(crate) fn trial(name: &'static str, test: impl Fn() + Send + 'static) -> Trial {
    match ecugate::hsm::softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        Ok(_) => Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        }),
    }
}

fn genuine() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["outcome"], &said["reason"]), (0, &"accept".into(), &serde_json::Value::Null), "{said}");
    assert_eq!((&said["record"]["seq"], &said["record"]["size"]), (&2.into(), &3.into()));

    let ledger = delivery.ledger();
    let limits = &Limits::STANDARD;
    let envelope = Envelope::parse(&ledger.entry(2).unwrap().unwrap().envelope.unwrap(), limits).unwrap();
    let site = ecugate::site::Site::open(&delivery.path("site")).unwrap();
    let receipt: Receipt = document::read(&envelope.verify_with(site.station_key()).unwrap(), limits).unwrap();
    assert_eq!(receipt.ruling, Ruling::Accept);

    // The dossier in the ledger gives the same verdict again.
    let blob = |digest| ledger.blob(digest).unwrap().unwrap().bytes;
    let parts = receipt.record.parts.iter().filter(|part| part.sha256 != receipt.dossier);
    let parts = parts.map(|part| (part.sha256, Part { media_type: "", bytes: blob(&part.sha256) })).collect();
    let dossier = Dossier::decode(&Encoded { index: blob(&receipt.dossier), parts }, limits).unwrap();
    let verdict = Verdict::reach(&appraise(&dossier));
    assert_eq!((verdict.ruling(), verdict.findings()), (Ruling::Accept, [].as_slice()));
}

fn changed_firmware() {
    let delivery = Delivery::founded();
    let mut image = delivery.world.image.clone();
    image[99] ^= 0x10;
    delivery.write("image.bin", &image);
    let (status, said) = delivery.receive("DEMO-0002", |_| {});
    assert_eq!((status, &said["outcome"], &said["reason"]), (10, &"quarantine".into(), &"firmware-differs".into()));
    assert_eq!(said["record"]["seq"], 2);
}

fn second_box() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"]), (10, &"identity-seen-before".into()), "{said}");
    assert_eq!(said["contests"], serde_json::json!([2]));
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Contested), (3, State::Suspect)]);
    // A third one finds both.
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["contests"]), (10, &serde_json::json!([])));
    assert_eq!(delivery.ledger().head().unwrap().0, 6);
}

fn unlisted_serial() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.receive("DEMO-9999", |_| {});
    assert_eq!((status, &said["reason"]), (10, &"serial-not-listed".into()), "{said}");
}

fn papers_late() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.receive("DEMO-0003", |arguments| {
        for value in ["release.json", "shipment.json", "image.bin"] {
            without(arguments, value);
        }
    });
    assert_eq!((status, &said["reason"]), (11, &"manifest-absent".into()), "{said}");
    let (status, said) = delivery.receive("DEMO-0003", |_| {});
    assert_eq!((status, &said["supersedes"]), (0, &serde_json::json!([2])), "{said}");
}

fn no_crl() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.receive("DEMO-0004", |arguments| {
        without(arguments, "root.crl");
        without(arguments, "issuing.crl");
    });
    assert_eq!((status, &said["outcome"], &said["reason"]), (21, &"hold".into(), &"crl-missing".into()), "{said}");
}

fn race() {
    let delivery = Delivery::founded();
    let arguments = delivery.box_with("DEMO-0005");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let boxes: Vec<_> = (0..6).map(|_| delivery.command(&arguments).spawn().unwrap()).collect();
    let said: Vec<Said> = boxes.into_iter().map(|one| Said::of(one.wait_with_output().unwrap())).collect();
    assert_eq!(said.iter().filter(|said| said.status == 0).count(), 1, "{said:#?}");
    // Whom the others overtook three times is held, and nothing else may have happened to the rest.
    let is_overtaken = |said: &&Said| said.status == 20 && said.out.contains("\"reason\":\"memory-moved\"");
    let overtaken = said.iter().filter(is_overtaken).count();
    assert_eq!(said.iter().filter(|said| said.status == 10).count(), 5 - overtaken, "{said:#?}");
    // The journal kept them, and the next gate enters them.
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    let states = states(&delivery, "DEMO-0005");
    let count = |state| states.iter().filter(|(_, each)| *each == state).count();
    assert_eq!((count(State::Contested), count(State::Suspect)), (1, 5 - overtaken), "{states:?}");
    assert_eq!((count(State::Held), states.len()), (overtaken, 6), "{states:?}");
}

fn token_away() {
    let delivery = Delivery::founded();
    std::fs::rename(delivery.path("site/tokens"), delivery.path("elsewhere")).unwrap();
    let said = delivery.run(&strings(&delivery.box_with("DEMO-0001")));
    assert!([20, 21].contains(&said.status), "{said:?}");
    assert!(said.out.contains("\"hold\""), "{said:?}");
    std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
    std::fs::rename(delivery.path("elsewhere"), delivery.path("site/tokens")).unwrap();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
}

fn emptied_token() {
    let delivery = Delivery::founded();
    // Whoever can write the token's folder can empty it: certificates are files of their own.
    let mut removed = 0;
    for token in std::fs::read_dir(delivery.path("site/tokens")).unwrap().flatten() {
        for object in std::fs::read_dir(token.path()).unwrap().flatten() {
            let bytes = std::fs::read(object.path()).unwrap();
            let root = &delivery.world.root.der;
            if bytes.windows(root.len()).any(|window| window == root) {
                std::fs::remove_file(object.path()).unwrap();
                removed += 1;
            }
        }
    }
    assert_eq!(removed, 1);
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"]), (21, &"anchors-empty".into()), "{said}");
}

fn foreign_configuration() {
    let delivery = Delivery::founded();
    let other = Delivery::founded();
    let mut command = delivery.command(&strings(&delivery.box_with("DEMO-0001")));
    command.env("SOFTHSM2_CONF", other.path("site/softhsm2.conf"));
    // Nor does any variable move the clock of a receipt.
    command.env("ECUGATE_NOW", "2001-01-01T00:00:00Z");
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.status, 0, "{said:?}");
    let receipt: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(receipt["at"].as_str().unwrap() > "2026", "{receipt}");
    assert_eq!(other.ledger().head().unwrap().0, 2);
}

fn foreign_list() {
    let delivery = Delivery::founded();
    let other = Delivery::founded();
    std::fs::copy(other.path("site/anchor-list.json"), delivery.path("site/anchor-list.json")).unwrap();
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"]), (21, &"anchor-list-threshold".into()), "{said}");
    std::fs::remove_file(delivery.path("site/anchor-list.json")).unwrap();
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"]), (21, &"anchor-list-missing".into()), "{said}");
}

fn broken_site() {
    let delivery = Delivery::founded();
    let arguments = delivery.box_with("DEMO-0001");
    let missing: Vec<&str> =
        arguments.iter().map(|argument| if argument == "site" { "nowhere" } else { argument.as_str() }).collect();
    let said = delivery.run(&missing);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("site-missing"), "{said:?}");

    let path = delivery.path("site/site.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, found) in [
        ("station = \"dock-1\"", "station = \"dock-1\"\nskip_signatures = true", "line 4"),
        ("environment = \"trial\"", "environment = \"production\"", "never a production site"),
        ("origin = \"trial.", "origin = \"live.", "origin"),
        ("threshold = 2", "threshold = 0", "threshold"),
        ("threshold = 2", "threshold = 3", "authority keys"),
    ] {
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let said = delivery.run(&strings(&arguments));
        assert_eq!(said.status, 2, "{to}: {said:?}");
        assert!(said.out.contains("site-malformed") && said.out.contains(found), "{to}: {said:?}");
    }
}

fn founded_twice() {
    let delivery = Delivery::founded();
    let again = ["init", "--trial", "site", "--anchor", "root.pem", "--json"];
    let said = delivery.run(&again);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("site-exists"), "{said:?}");
    delivery.write("not-a-ca.pem", delivery.world.release_signer.pem().as_bytes());
    let said = delivery.run(&["init", "--trial", "other", "--anchor", "not-a-ca.pem", "--json"]);
    assert_eq!(said.status, 10);
    assert!(said.out.contains("ca-flag-missing"), "{said:?}");
    copy_folder(&delivery.path("site/pins"), &delivery.path("used"));
    let said = delivery.run(&["init", "--trial", "used", "--anchor", "root.pem", "--json"]);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("site-exists"), "{said:?}");
}

fn closed_output() {
    let delivery = Delivery::founded();
    let mut command = delivery.command(&strings(&delivery.box_with("DEMO-0001")));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(30));
    assert_eq!(states(&delivery, "DEMO-0001"), [(2, State::Accepted)]);
}

fn says_trial() {
    let delivery = Delivery::founded();
    let (_, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!(said["environment"], "trial");
    let mut arguments = delivery.box_with("DEMO-0002");
    arguments.retain(|argument| argument != "--json");
    let said = delivery.run(&strings(&arguments));
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.trim_end().ends_with("TRIAL") && said.out.starts_with("accept"), "{said:?}");
    arguments.push("--quiet".to_owned());
    let said = delivery.run(&strings(&arguments));
    assert_eq!((said.status, said.out.as_str()), (10, "quarantine\n"));
}

/// Where each entry of the unit with this serial stands now.
pub(crate) fn states(delivery: &Delivery, serial: &str) -> Vec<(u64, State)> {
    let key = UnitKey::serial(&Serial::new(serial).unwrap());
    delivery.ledger().sightings(&[key]).unwrap().into_iter().map(|seen| (seen.seq, seen.state)).collect()
}

pub(crate) fn strings(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn bad_input() {
    let delivery = Delivery::founded();
    delivery.write("empty", b"");
    delivery.write("text", b"hello");
    delivery.write("latin1", b"{\"payload\":\"\xe9\"}");
    delivery.write("truncated", &delivery.world.release_envelope()[..200]);
    delivery.write("signer.pem", delivery.world.release_signer.pem().as_bytes());
    std::fs::create_dir(delivery.path("folder")).unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(delivery.path("fifo")).status().unwrap();
    assert!(fifo.success());
    let huge = std::fs::File::create(delivery.path("huge")).unwrap();
    huge.set_len(100 << 30).unwrap();
    // What stands in the place of what, the status and the first reason.
    for (place, bad, status, reason) in [
        ("release.json", "nowhere", 2, "input-missing"),
        ("release.json", "folder", 2, "input-not-regular"),
        ("release.json", "fifo", 2, "input-not-regular"),
        ("release.json", "/dev/zero", 2, "input-not-regular"),
        ("release.json", "empty", 21, "input-empty"),
        ("release.json", "huge", 21, "input-too-large"),
        ("release.json", "truncated", 11, "manifest-malformed"),
        ("release.json", "latin1", 11, "manifest-malformed"),
        ("release.json", "signer.pem", 11, "manifest-malformed"),
        ("release.json", "image.bin", 11, "manifest-malformed"),
        ("image.bin", "nowhere", 2, "input-missing"),
        ("image.bin", "folder", 2, "input-not-regular"),
        ("image.bin", "fifo", 2, "input-not-regular"),
        ("image.bin", "empty", 21, "image-empty"),
        ("image.bin", "shipment.json", 10, "firmware-differs"),
        ("image.bin", "huge", 21, "input-too-large"),
        ("root.crl", "text", 21, "crl-malformed"),
        ("root.crl", "signer.pem", 21, "crl-malformed"),
        ("root.crl", "empty", 21, "input-empty"),
    ] {
        // A suspect unit stays suspect, so that one case is about another unit.
        let serial = if status == 10 { "DEMO-0002" } else { "DEMO-0001" };
        let (got, said) = delivery.receive(serial, |arguments| {
            let at = arguments.iter().position(|argument| argument == place).unwrap();
            arguments[at] = bad.to_owned();
        });
        assert_eq!((got, said["reason"].as_str()), (status, Some(reason)), "{bad} as {place}: {said}");
        if status == 2 || reason.starts_with("input-") {
            assert!(said["where"].as_str().unwrap().contains(bad), "{said}");
        }
    }
    // None of it stands in the way of the genuine box.
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
}

fn box_label() {
    let delivery = Delivery::founded();
    let label = "[)>\u{1e}06\u{1d}P8613013591\u{1d}Q448\u{1e}\u{4}";
    delivery.write("box-label", label.as_bytes());
    let (status, said) = delivery.receive("DEMO-0001", |arguments| {
        let at = arguments.iter().position(|argument| argument == "--label-hex").unwrap();
        arguments.splice(at.., ["--label-file".to_owned(), "box-label".to_owned()]);
    });
    assert_eq!((status, &said["reason"]), (21, &"label-quantity".into()), "{said}");
    assert_eq!(said["found"], "Q 448");
}

fn hostile_label() {
    let delivery = Delivery::founded();
    let label = "[)>\u{1e}06\u{1d}S\u{1b}[2JDEMO\u{202e}\u{1e}\u{4}";
    delivery.write("hostile", label.as_bytes());
    let said = delivery.run(&["receive", "--site", "site", "--label-file", "hostile"]);
    assert_eq!(said.status, 21, "{said:?}");
    let hostile = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert!(!hostile(&said.out), "{said:?}");
    let said = delivery.run(&["receive", "--site", "site", "--label-file", "hostile", "--json"]);
    assert!(!hostile(&said.out), "{said:?}");
}
