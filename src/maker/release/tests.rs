use super::describe;
use crate::maker::description::Faults;
use ecugate_verifier::documents::document::Document as _;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::io::Read;

const HEAD: &str = r#"manufacturer = "ACME"
release = "R-7"
issued = 2026-11-24T05:31:18Z
valid = { from = "2026-01-01T00:00:00Z", until = "2031-01-01T00:00:00Z" }
track = "production"
parts = ["ECU-01"]
hardware = ["A"]
minimum = { identity = "listed", firmware = "measured" }
"#;

/// Begins at line 9.
const COMPONENT: &str = r#"[[components]]
name = "application"
version = "1.0"
security_version = 3
form = "ihex"
image = "app.hex"
"#;

/// Four bytes at 0x10, a gap of four, four bytes at 0x18.
const HEX: &[u8] = b":0400100001020304E2\n:0400180005060708CA\n:00000001FF\n";

fn made(rest: &str) -> Result<Release, Faults> {
    made_of(&format!("{HEAD}{COMPONENT}{rest}"))
}

fn made_of(text: &str) -> Result<Release, Faults> {
    let mut files = |path: &std::path::Path| match path.to_str() {
        Some("app.hex") => Ok(Box::new(HEX) as Box<dyn Read>),
        _ => Err(Finding::new(Reason::InputMissing, path.display().to_string(), "a file", "nothing")),
    };
    describe(text.as_bytes(), "r.toml", &mut files, &Limits::STANDARD)
}

/// Reason, place, expected and found of each fault.
fn faults(rest: &str) -> Vec<[String; 4]> {
    listed(&made(rest).unwrap_err())
}

fn listed(faults: &Faults) -> Vec<[String; 4]> {
    let all = std::iter::once(faults.first()).chain(faults.more()).cloned();
    all.map(|fault| [fault.reason.to_string(), fault.place, fault.expected, fault.found]).collect()
}

#[test]
fn digests_are_those_of_the_file_and_of_the_ranges_with_their_fill() {
    let release = made(
        "[[components.ranges]]\nname = \"first\"\nstart = 0x10\nend = 0x14\n\
         [[components.ranges]]\nname = \"all\"\nstart = 0x10\nend = 0x1C\nfill = 0xFF\n",
    )
    .unwrap();
    let filled = [1, 2, 3, 4, 255, 255, 255, 255, 5, 6, 7, 8];
    let expected = [
        ("application".to_owned(), Sha256::of(HEX)),
        ("application#first".to_owned(), Sha256::of(&filled[..4])),
        ("application#all".to_owned(), Sha256::of(&filled)),
    ];
    assert_eq!(release.subjects(), expected);
    let file = release.components[0].file.unwrap();
    assert_eq!(file.length, HEX.len() as u64);
    assert_eq!(release.issued.to_string(), "2026-11-24T05:31:18Z");
}

#[test]
fn identity_fields_and_unique_areas_stand_beside_ranges_when_the_file_is_not_named() {
    let release = made(
        "file = false\n[[components.ranges]]\nname = \"code\"\nstart = 0x10\nend = 0x14\n\
         [[components.identity_fields]]\nholds = \"serial\"\nstart = 0x18\nlength = 2\nencoding = \"ascii\"\n\
         [[components.unique_areas]]\nname = \"keys\"\nstart = 0x1A\nend = 0x40\n",
    )
    .unwrap();
    let component = &release.components[0];
    assert_eq!((component.file, component.identity_fields.len(), component.unique_areas.len()), (None, 1, 1));
}

#[test]
fn a_gap_without_fill_is_refused_with_its_address_and_all_gaps_at_once() {
    let found = faults(
        "[[components.ranges]]\nname = \"all\"\nstart = 0x10\nend = 0x1C\n\
         [[components.ranges]]\nname = \"beyond\"\nstart = 0x18\nend = 0x20\n",
    );
    let places: Vec<_> =
        found.iter().map(|[reason, place, _, found]| [reason, place, found].map(String::as_str)).collect();
    assert_eq!(
        places,
        [
            ["image-range-gap", "r.toml line 15: range all 0x10..0x1c", "nothing at 0x14 in app.hex"],
            ["image-range-gap", "r.toml line 19: range beyond 0x18..0x20", "nothing at 0x1c in app.hex"],
        ]
    );
    assert!(found[0][2].contains("fill = 0xFF"));
}

#[test]
fn an_identity_field_outside_of_the_image_is_refused() {
    let [[reason, place, _, _]] = &faults(
        "file = false\n[[components.ranges]]\nname = \"code\"\nstart = 0x10\nend = 0x14\n\
         [[components.identity_fields]]\nholds = \"serial\"\nstart = 0x1A\nlength = 4\nencoding = \"ascii\"\n",
    )[..] else {
        panic!("one fault")
    };
    assert_eq!((reason.as_str(), place.as_str()), ("image-range-gap", "r.toml line 20: identity field 0x1a..0x1e"));
}

#[test]
fn what_no_two_units_could_fulfil_is_refused_before_the_image_is_read() {
    let found = faults(
        "[[components.ranges]]\nname = \"code\"\nstart = 0x10\nend = 0x1C\n\
         [[components.identity_fields]]\nholds = \"serial\"\nstart = 0x18\nlength = 2\nencoding = \"ascii\"\n",
    );
    let found: Vec<_> = found.iter().map(|[_, place, _, found]| (place.as_str(), found.as_str())).collect();
    assert_eq!(
        found,
        [
            ("r.toml line 19", "0x18..0x1a in the range 0x10..0x1c"),
            ("r.toml line 19", "the digest of the whole file (file = true is the default)"),
        ]
    );
    let [[_, place, expected, found]] = &faults("file = false\n")[..] else { panic!("one fault") };
    assert_eq!(
        (place.as_str(), expected.as_str(), found.as_str()),
        ("r.toml line 15", "the digest of the file, or ranges", "neither")
    );
}

#[test]
fn a_range_turned_round_and_an_empty_field_are_refused_with_their_lines() {
    let found = faults(
        "file = false\n[[components.ranges]]\nname = \"code\"\nstart = 0x14\nend = 0x10\n\
         [[components.identity_fields]]\nholds = \"serial\"\nstart = 0x18\nlength = 0\nencoding = \"ascii\"\n",
    );
    let found: Vec<_> = found.iter().map(|[_, place, _, found]| (place.as_str(), found.as_str())).collect();
    assert_eq!(found, [("r.toml line 16", "0x14..0x10"), ("r.toml line 20", "0x18..0x18")]);
}

#[test]
fn faults_of_all_components_are_told_together() {
    let two =
        COMPONENT.replace("app.hex", "gone.hex") + &COMPONENT.replace("application", "boot").replace("ihex", "srec");
    let found = listed(&made_of(&format!("{HEAD}{two}")).unwrap_err());
    let found: Vec<_> = found.iter().map(|[reason, place, ..]| (reason.as_str(), place.as_str())).collect();
    assert_eq!(
        found,
        [("input-missing", "r.toml line 14: gone.hex"), ("image-form-mixed", "r.toml line 20: app.hex: line 1"),]
    );
}

#[test]
fn a_text_that_is_no_description_is_refused_with_its_line() {
    let fault = |text: &str| {
        let faults = made_of(text).unwrap_err();
        assert_eq!(faults.reason(), Reason::DescriptionMalformed, "{faults}");
        (faults.first().place.clone(), faults.first().found.clone())
    };
    let whole = format!("{HEAD}{COMPONENT}");
    for (change, place, found) in [
        (("security_version", "secversion"), "r.toml line 12", "unknown field `secversion`"),
        (("2026-11-24T05:31:18Z", "2026-11-24"), "r.toml line 3", "expected a time like"),
        (("track = \"production\"", "track = \"beta\""), "r.toml line 5", "unknown variant `beta`"),
        (("\"ECU-01\"", "\"ECU-01 \""), "r.toml line 6", "begins or ends with a space"),
        (("= 3", "= -3"), "r.toml line 12", "invalid value"),
        (("release = \"R-7\"\n", ""), "r.toml line 1", "missing field `release`"),
        (("release =", "release"), "r.toml line 2", ""),
        (("hardware = [\"A\"]", "hardware = [\"A\"]\nhardware = [\"B\"]"), "r.toml line 8", "duplicate key"),
    ] {
        let (at, said) = fault(&whole.replacen(change.0, change.1, 1));
        assert_eq!(at, place, "{change:?}: {said}");
        assert!(said.contains(found), "{change:?}: {said}");
    }
}

#[test]
fn the_documents_own_rules_are_told_of_the_description() {
    let whole = format!("{HEAD}{COMPONENT}").replace("2031-01-01", "2025-01-01");
    let [[reason, place, _, _]] = &listed(&made_of(&whole).unwrap_err())[..] else { panic!("one fault") };
    assert_eq!((reason.as_str(), place.as_str()), ("description-malformed", "r.toml: valid"));
    let twice = format!("{HEAD}{COMPONENT}{COMPONENT}");
    assert_eq!(listed(&made_of(&twice).unwrap_err())[0][1], "r.toml: components");
}

#[test]
fn the_description_in_the_manual_is_one_and_its_purposes_are_ours() {
    let page = include_str!("../../../docs/maker.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // It names an image that is not here: nothing before that is at fault.
    let hex = example.replace("application.hex", "gone.hex");
    assert_eq!(listed(&made_of(&hex).unwrap_err())[0][0], "input-missing");
    for purpose in [purpose::RELEASE, purpose::SHIPMENT] {
        assert!(page.contains(&format!("| `{purpose}` |")), "{purpose}");
    }
}
