use super::describe;
use crate::maker::description::{Faults, payload};
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use p256::pkcs8::EncodePublicKey as _;
use std::io::Read;

const HEAD: &str = r#"manufacturer = "ACME"
shipment = "SH-1"
consignee = "site-1"
issued = "2026-11-24T05:31:18Z"
valid = { from = "2026-01-01T00:00:00Z", until = "2031-01-01T00:00:00Z" }
"#;

const COLUMNS: &str = "part,serial,hardware,release,condition\n";

fn made_with(text: &str, csv: &str) -> Result<Shipment, Faults> {
    let csv = csv.as_bytes().to_vec();
    let mut files = move |path: &std::path::Path| match path.to_str() {
        Some("units.csv") => Ok(Box::new(std::io::Cursor::new(csv.clone())) as Box<dyn Read>),
        Some("key.der") => Ok(Box::new(std::io::Cursor::new(key())) as Box<dyn Read>),
        _ => Err(Finding::new(Reason::InputMissing, path.display().to_string(), "a file", "nothing")),
    };
    describe(format!("{HEAD}{text}").as_bytes(), "s.toml", &mut files, &Limits::STANDARD)
}

fn key() -> Vec<u8> {
    p256::SecretKey::from_slice(&[3; 32]).unwrap().public_key().to_public_key_der().unwrap().as_bytes().to_vec()
}

fn unit(serial: &str, more: &str) -> String {
    format!(
        "[[units]]\npart = \"P\"\nserial = \"{serial}\"\nhardware = \"A\"\nrelease = \"R\"\ncondition = \"new\"\n{more}"
    )
}

fn listed(made: Result<Shipment, Faults>) -> Vec<(String, String, String)> {
    let faults = made.unwrap_err();
    let all = std::iter::once(faults.first()).chain(faults.more()).cloned();
    all.map(|fault| (fault.reason.to_string(), fault.place, fault.found)).collect()
}

#[test]
fn units_of_the_text_stand_before_those_of_the_list() {
    let text = format!("units_file = \"units.csv\"\n{}", unit("S9", "hardware_id = \"7F\"\n"));
    let shipment = made_with(&text, &format!("{COLUMNS}P,S1,A,R,new\nP,S2,B,R,returned\n")).unwrap();
    let serials: Vec<_> = shipment.units.iter().map(|unit| unit.serial.as_str()).collect();
    assert_eq!(serials, ["S9", "S1", "S2"]);
    assert_eq!(shipment.units[0].hardware_id.as_ref().map(ToString::to_string).as_deref(), Some("7F"));
    assert_eq!(shipment.units[2].condition, Condition::Returned);
}

#[test]
fn a_unit_that_stands_twice_is_refused_with_both_places() {
    let text = format!("units_file = \"units.csv\"\n{}", unit("S1", ""));
    let found = listed(made_with(&text, &format!("{COLUMNS}P,S2,A,R,new\nP,S1,A,R,new\nP,S2,A,R,new\n")));
    let fault = |place: &str, found: &str| ("serial-listed-twice".to_owned(), place.to_owned(), found.to_owned());
    assert_eq!(
        found,
        [
            fault("units.csv line 3", "P S1 here and at s.toml line 7"),
            fault("units.csv line 4", "P S2 here and at units.csv line 2"),
        ]
    );
    // The same serial of another part is another unit.
    assert_eq!(
        made_with("units_file = \"units.csv\"\n", &format!("{COLUMNS}P,S1,A,R,new\nQ,S1,A,R,new\n"))
            .unwrap()
            .units
            .len(),
        2
    );
}

#[test]
fn a_device_key_is_named_by_file_or_by_digest() {
    let digest = Sha256::of(&key());
    let by = |text: &str| made_with(&unit("S1", &format!("device_key = \"{text}\"\n")), "");
    assert_eq!(by("key.der").unwrap().units[0].device_key, Some(digest));
    assert_eq!(by(&format!("sha256:{digest}")).unwrap().units[0].device_key, Some(digest));
    let fault = |text: &str| listed(by(text)).remove(0);
    assert_eq!(fault("gone.der"), ("input-missing".into(), "s.toml line 6: gone.der".into(), "nothing".into()));
    assert_eq!(fault("units.csv").0, "input-empty");
    assert_eq!(fault("sha256:AB").0, "description-malformed");
    // A digest without its mark is a file name: nothing is guessed.
    assert_eq!(fault(&digest.to_string()).0, "input-missing");
}

#[test]
fn a_key_file_that_is_a_certificate_and_a_certificate_file_that_is_a_key_are_refused() {
    let found = listed(made_with(&unit("S1", "device_certificate = \"key.der\"\n"), ""));
    assert_eq!((found[0].0.as_str(), found[0].2.as_str()), ("certificate-malformed", "a public key"));
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let found = listed(made_with(&unit("S1", "device_key = \"units.csv\"\n"), pem));
    assert_eq!((found[0].0.as_str(), found[0].2.as_str()), ("key-malformed", "a PEM block \"CERTIFICATE\""));
}

#[test]
fn a_shipment_without_units_and_an_unknown_field_are_refused() {
    let fault = |text: &str, csv: &str| listed(made_with(text, csv)).remove(0);
    assert_eq!(fault("", "").2, "none");
    assert_eq!(fault("units_file = \"units.csv\"\n", COLUMNS).2, "none");
    assert_eq!(fault("units_file = \"units.csv\"\n", "").0, "input-empty");
    assert_eq!(fault("units_file = \"gone.csv\"\n", "").1, "s.toml line 6: gone.csv");
    let found = fault(&unit("S1", "colour = \"red\"\n"), "");
    assert_eq!((found.0.as_str(), found.1.as_str()), ("description-malformed", "s.toml line 12"));
    assert!(found.2.contains("colour"), "{found:?}");
}

#[test]
fn faults_of_many_rows_are_told_together_up_to_twenty() {
    let rows: String = (0..50).map(|n| format!("P,S{n},A,R,used\n")).collect();
    let found = listed(made_with("units_file = \"units.csv\"\n", &format!("{COLUMNS}{rows}")));
    assert_eq!((found.len(), found[19].1.as_str()), (20, "units.csv line 21: condition"));
}

#[test]
fn a_list_that_would_not_fit_into_an_envelope_is_refused_before_it_is_signed() {
    let long = "x".repeat(100);
    let rows: String = (0..9_000).map(|n| format!("{long},{long}{n},{long},R,new\n")).collect();
    let text = "units_file = \"units.csv\"\n";
    let shipment = made_with(text, &format!("{COLUMNS}{rows}"));
    let shipment = shipment.unwrap();
    assert_eq!(payload(shipment, &Limits::STANDARD).unwrap_err().reason, Reason::InputTooLarge);
}

#[test]
fn the_description_in_the_manual_is_one() {
    let page = include_str!("../../../docs/maker.md");
    let example = page.split("```toml\n").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
    let list = page.split("```\npart,").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let without_files = example.replace("device_key =", "# ").replace("device_certificate =", "# ");
    let text = without_files.strip_prefix(&without_files[..without_files.find("units_file").unwrap()]).unwrap();
    let shipment = made_with(text, &format!("part,{list}")).unwrap();
    assert_eq!(shipment.units.len(), 3);
}
