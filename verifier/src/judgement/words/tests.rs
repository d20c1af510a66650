use super::{box_action, exit_status, groups, json, not_caught, of, quiet, text, why};
use crate::documents::manifest::assurance::{Firmware, Identity};
use crate::documents::receipt::Ruling;
use crate::values::finding::Finding;
use crate::values::reason::{Class, Reason};
use std::collections::BTreeSet;

/// Clears the screen, ends the line, turns the reading direction, hides, and forges a verdict.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\r\nwhat: ✔ ACCEPT\u{202e}54321\u{2066}\u{9b}31m\u{200b}\u{2028}\0";

fn hostile(reason: Reason) -> Finding {
    Finding::new(reason, format!("field {HOSTILE}"), HOSTILE, HOSTILE)
}

fn one_plain_line(text: &str) {
    assert!(!text.trim().is_empty() && text.trim() == text, "{text:?}");
    let unsafe_to_show = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    assert!(!text.chars().any(unsafe_to_show), "{text:?}");
}

#[test]
fn every_reason_stands_in_one_group_in_the_order_of_the_list() {
    let listed: Vec<Reason> = groups().flat_map(|group| group.lines.iter().map(|(reason, _)| *reason)).collect();
    assert_eq!(listed, Reason::ALL);
    for (reason, words) in groups().flat_map(|group| group.lines) {
        assert_eq!(of(*reason), *words, "{reason}");
    }
    let titles: BTreeSet<_> = groups().map(|group| group.title).collect();
    assert_eq!(titles.len(), groups().count());
}

#[test]
fn every_reason_says_what_and_what_to_do_in_short_sentences_of_its_own() {
    let mut whats = BTreeSet::new();
    for reason in Reason::ALL {
        let words = of(*reason);
        for (text, most) in [(words.what, 160), (words.fix, 160)] {
            one_plain_line(text);
            assert!(text.ends_with(['.', '?']), "{reason}: {text}");
            assert!(text.chars().next().unwrap().is_uppercase(), "{reason}: {text}");
            assert!(text.chars().count() <= most, "{reason}: {} characters: {text}", text.chars().count());
            assert!(!text.contains("  "), "{reason}: {text}");
        }
        assert!(whats.insert(words.what.to_lowercase()), "{reason} shares its words: {}", words.what);
        assert_ne!(words.what, words.fix, "{reason}");
    }
}

/// What says nothing bad about a unit must not read as if it did, and the other way round.
#[test]
fn only_what_contradicts_speaks_of_copies_and_evidence() {
    for reason in Reason::ALL.iter().filter(|reason| reason.class() != Class::Contradicts) {
        let words = of(*reason);
        for accusing in ["forged", "manipulat", "stolen", "tell the manufacturer"] {
            let said = words.what.contains(accusing) || words.fix.contains(accusing);
            assert!(!said, "{reason} accuses: {accusing}");
        }
    }
}

/// Attack class 58: text of a label, manifest or device in a message.
#[test]
fn attack_58_a_hostile_finding_of_any_reason_is_plain_lines_in_text_and_whole_in_json() {
    for reason in Reason::ALL {
        let finding = hostile(*reason);
        let lines = text(&finding);
        assert_eq!(lines.len(), 3, "{reason}");
        for (line, begin) in lines.iter().zip(["what: ", "why: ", "do: "]) {
            one_plain_line(line);
            assert!(line.starts_with(begin), "{line}");
        }
        assert!(lines[1].contains("␛[2J") && lines[1].contains("␍␊what: ✔ ACCEPT\\u{202e}54321"), "{}", lines[1]);

        let written = serde_json::to_string(&json(&finding)).unwrap();
        assert!(!written.contains(['\u{1b}', '\n', '\r', '\u{7}', '\0']), "{written}");
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["reason"], reason.code());
        assert_eq!(read["class"], reason.class().word());
        assert_eq!(read["expected"], HOSTILE);
        assert_eq!(read["found"], HOSTILE);
        assert_eq!(read["where"], format!("field {HOSTILE}"));
        assert_eq!(read.as_object().unwrap().len(), 5);

        one_plain_line(quiet(&finding));
        assert_eq!(quiet(&finding), reason.code());
    }
}

#[test]
fn a_finding_says_why_only_as_far_as_it_knows() {
    let why_of = |place: &str, expected: &str, found: &str| {
        why(&Finding::new(Reason::FirmwareDiffers, place, expected, found)).unwrap_or_default()
    };
    assert_eq!(why_of("block 1", "sha256 aa", "sha256 bb"), "block 1: expected sha256 aa, found sha256 bb");
    assert_eq!(why_of("block 1", "", "a gap"), "block 1: found a gap");
    assert_eq!(why_of("", "one entry", ""), "expected one entry");
    assert_eq!(why_of("block 1", "", ""), "block 1");
    let bare = Finding::bare(Reason::PartNotGated);
    assert_eq!(why(&bare), None);
    assert_eq!(text(&bare).len(), 2);
    assert_eq!(serde_json::to_string(&json(&bare)).unwrap(), r#"{"reason":"part-not-gated","class":"usage"}"#);
}

/// Attack class 58: a document that names itself in megabytes.
#[test]
fn attack_58_a_text_without_end_does_not_flood_the_screen_and_says_that_more_is_there() {
    let found = "\u{1b}".repeat(1 << 20);
    let finding = Finding::new(Reason::PayloadTypeWrong, "payloadType", "", found.as_str());
    let shown = why(&finding).unwrap();
    assert_eq!(shown, format!("payloadType: found {}… (1048576 bytes in all)", "␛".repeat(200)));
    let just_fits = "ä".repeat(200);
    assert_eq!(why(&Finding::new(Reason::JsonValue, "", "", just_fits.as_str())), Some(format!("found {just_fits}")));
    assert_eq!(serde_json::to_value(json(&finding)).unwrap()["found"], found);
}

#[test]
fn each_ruling_has_its_own_mark_and_place_and_only_a_suspect_unit_goes_into_the_cage() {
    let all = [
        (Ruling::Accept, "✔ ACCEPT  GREEN SHELF"),
        (Ruling::NotGated, "– NOT FOR THE GATE  put away as usual"),
        (Ruling::HoldPassing, "? NOT CHECKED  HOLD SHELF"),
        (Ruling::HoldPerson, "? NOT CHECKED  HOLD SHELF"),
        (Ruling::Unproven, "▤ PAPERS MISSING  BLUE SHELF"),
        (Ruling::Suspect, "✖ QUARANTINE  RED CAGE"),
    ];
    for (ruling, title) in all {
        let action = box_action(ruling);
        assert_eq!(action.title(), title);
        assert!(!action.steps.is_empty());
        action.steps.iter().for_each(|step| one_plain_line(step));
        let caged = action.steps.iter().any(|step| step.contains("cage") || step.contains("do NOT power it up"));
        assert_eq!(caged, ruling == Ruling::Suspect, "{ruling:?}");
        let green = action.colour == "green" || action.steps.iter().any(|step| step.contains("green"));
        assert_eq!(green, ruling == Ruling::Accept, "{ruling:?}");
        let neutral = action.steps.iter().any(|step| step.contains("nothing bad is known"));
        assert_eq!(
            neutral,
            matches!(ruling, Ruling::HoldPassing | Ruling::HoldPerson | Ruling::Unproven),
            "{ruling:?}"
        );
    }
    let colours: BTreeSet<_> = all.map(|(ruling, _)| box_action(ruling).colour).into();
    let marks: BTreeSet<_> = all.map(|(ruling, _)| box_action(ruling).mark).into();
    assert_eq!((colours.len(), marks.len()), (5, 5));
}

#[test]
fn no_pair_of_levels_claims_to_catch_everything_and_each_names_what_its_axis_lacks() {
    let mut seen = BTreeSet::new();
    for identity in [Identity::Claimed, Identity::Listed, Identity::DeviceKey] {
        for firmware in [Firmware::NotRead, Firmware::Reported, Firmware::MeasuredUnbound, Firmware::Measured] {
            let text = not_caught(identity, firmware);
            one_plain_line(text);
            assert!(text.starts_with("not caught: ") && text.ends_with('.'), "{text}");
            assert!(seen.insert(text), "{text}");
            assert_eq!(text.contains("relay"), identity == Identity::DeviceKey, "{text}");
            let first_come = text.contains("before the genuine unit");
            assert!(identity != Identity::Listed || first_come, "{text}");
            assert_eq!(text.contains("lies about itself"), firmware == Firmware::Reported, "{text}");
            assert_eq!(text.contains("from another unit"), firmware == Firmware::MeasuredUnbound, "{text}");
            assert_eq!(text.contains("outside the ranges"), firmware >= Firmware::MeasuredUnbound, "{text}");
        }
    }
}

#[test]
fn no_reason_leads_to_exit_status_0_and_each_class_has_its_own() {
    for reason in Reason::ALL {
        let expected = match (*reason, reason.class()) {
            (Reason::PartNotGated, _) => 12,
            (Reason::NotConfirmed, _) => 30,
            (_, Class::Usage) => 2,
            (_, Class::Passing) => 20,
            (_, Class::Stuck | Class::Unreadable) => 21,
            (_, Class::Absent) => 11,
            (_, Class::Contradicts) => 10,
        };
        assert_eq!(exit_status(*reason), expected, "{reason}");
    }
}
