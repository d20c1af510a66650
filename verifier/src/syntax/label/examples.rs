//! Labels read in the field and labels made by an adversary, with exact results. The table of `docs/labels.md` is part
//! of it, so that the page cannot go stale.

use super::{BareRule, EndRule, Field, Label, LabelFault, PrefixRule, Rules, Symbology, Syntax, agree, read};
use crate::values::ident::{Part, Serial};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::shown::visible;
use proptest::prelude::*;

const PAGE: &str = include_str!("../../../../docs/labels.md");

/// The control characters and the space that a page shows as pictures.
fn typed(shown: &str) -> String {
    shown
        .chars()
        .map(|c| match c {
            '\u{2400}'..='\u{2420}' => char::from_u32(u32::from(c) - 0x2400).unwrap(),
            _ => c,
        })
        .collect()
}

fn strict(shown: &str) -> Result<Label, LabelFault> {
    read(typed(shown).as_bytes(), &Rules::default(), &Limits::STANDARD)
}

fn with(rules: &Rules, shown: &str) -> Result<Label, LabelFault> {
    read(typed(shown).as_bytes(), rules, &Limits::STANDARD)
}

fn serial_only() -> Rules {
    Rules { bare: BareRule::SerialOnly, ..Rules::default() }
}

fn refusal<T: core::fmt::Debug>(result: Result<T, LabelFault>) -> (Reason, Option<usize>) {
    let fault = result.unwrap_err();
    (fault.reason(), fault.offset())
}

fn pairs(label: &Label) -> Vec<(&str, &str)> {
    label.fields().iter().map(|field| (field.identifier.as_str(), field.value.as_str())).collect()
}

/// One line for a label: the unit, or the refusal with what was found.
fn told(result: Result<Label, LabelFault>) -> String {
    let unit = match result.and_then(|label| label.unit()) {
        Ok(unit) => unit,
        Err(fault) => return format!("`{}`: `{}`", fault.reason(), visible(fault.found())),
    };
    let mut line = format!("serial `{}`", unit.serial);
    for (identifier, part) in unit.named_parts() {
        line.push_str(&format!(", part `{identifier}` `{part}`"));
    }
    for (what, field) in [("supplier", &unit.supplier), ("revision", &unit.revision), ("lot", &unit.lot)] {
        if let Some(Field { identifier, value }) = field {
            line.push_str(&format!(", {what} `{identifier}` `{value}`"));
        }
    }
    for (identifier, value) in &unit.aliases {
        line.push_str(&format!(", number `{identifier}` `{value}`"));
    }
    line
}

#[test]
fn every_line_of_the_page_is_what_the_reader_does() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [label, rules, result] = cells.as_slice() else { panic!("not three cells: {line}") };
        let label = label.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap();
        let rules: Rules = match *rules {
            "strict" => Rules::default(),
            json => serde_json::from_str(json.trim_matches('`')).unwrap(),
        };
        rows += 1;
        let found = told(with(&rules, label));
        if found != *result {
            wrong.push(format!("{label}\n  page:   {result}\n  reader: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 50, "{rows} rows");
}

#[test]
fn every_reason_of_a_label_stands_on_the_page() {
    let label_reasons = Reason::ALL.iter().filter(|reason| reason.code().starts_with("label"));
    let missing: Vec<_> = label_reasons.filter(|reason| !PAGE.contains(&format!("`{reason}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_transport_label_keeps_every_field_with_the_empty_ones_in_order() {
    let label = strict(concat!(
        "[)>␞06␝12PGTL3␝9K12␝6JUN449113031000007248␝14D␝16D␝P8613013591␝2P10␝1T2200004739␝Q448␝3QEA␝K55179602␝",
        "4K001␝2S22200203␝15K␝V097201178␝13V449113031␝7Q167.70␝2K22200203␝23P␝30P␝12V␝1P␝33TN␞␄"
    ))
    .unwrap();
    let expected = [
        ("12P", "GTL3"),
        ("9K", "12"),
        ("6J", "UN449113031000007248"),
        ("14D", ""),
        ("16D", ""),
        ("P", "8613013591"),
        ("2P", "10"),
        ("1T", "2200004739"),
        ("Q", "448"),
        ("3Q", "EA"),
        ("K", "55179602"),
        ("4K", "001"),
        ("2S", "22200203"),
        ("15K", ""),
        ("V", "097201178"),
        ("13V", "449113031"),
        ("7Q", "167.70"),
        ("2K", "22200203"),
        ("23P", ""),
        ("30P", ""),
        ("12V", ""),
        ("1P", ""),
        ("33T", "N"),
    ];
    assert_eq!(pairs(&label), expected);
    assert_eq!(label.syntax(), Syntax::Iso15434Format06);
    assert_eq!(label.unit().unwrap_err().reason(), Reason::LabelQuantity);
}

#[test]
fn fields_that_only_the_supplier_knows_are_kept_in_order() {
    let label = strict("[)>␞06␝SWB123␝PEXT1␝ZGT␝1TX␝2TR␝3T12323␞␄").unwrap();
    let expected = [("S", "WB123"), ("P", "EXT1"), ("Z", "GT"), ("1T", "X"), ("2T", "R"), ("3T", "12323")];
    assert_eq!(pairs(&label), expected);
}

#[test]
fn the_groups_of_an_assembly_are_all_kept() {
    let label = strict("[)>␞06␝PA1␝SX9␝12V111␝PB2␝12V222␝T7␝PC3␝12V333␝T8␞␄").unwrap();
    let unit = label.unit().unwrap();
    let parts: Vec<(&str, &str)> = unit.named_parts().map(|(name, part)| (name, part.as_str())).collect();
    assert_eq!(parts, [("P", "A1"), ("P", "B2"), ("P", "C3")]);
    assert_eq!(unit.supplier, Some(Field { identifier: "12V".into(), value: "111".into() }));
}

#[test]
fn the_prefix_is_told_and_the_raw_bytes_are_kept_with_the_line_end() {
    let raw = typed("]d1[)>␞06␝S1␞␄␍␊");
    let label = read(raw.as_bytes(), &Rules::default(), &Limits::STANDARD).unwrap();
    assert_eq!(label.raw(), raw.as_bytes());
    assert_eq!(label.symbology(), Some(Symbology::DataMatrix));
    assert_eq!(pairs(&label), [("S", "1")]);
    let label = strict("]d2010950600013435221SN00042␝10LOT7").unwrap();
    assert_eq!((label.symbology(), label.syntax()), (Some(Symbology::Gs1DataMatrix), Syntax::Gs1));
}

#[test]
fn pictures_of_control_characters_and_other_bytes_beyond_ascii_are_refused() {
    let shown = read("[)>␞06␝S1␞␄".as_bytes(), &Rules::default(), &Limits::STANDARD);
    assert_eq!(refusal(shown), (Reason::LabelMangled, Some(3)));
    let bytes = read(b"[)>\x1e06\x1dS\xfc1\x1e\x04", &Rules::default(), &Limits::STANDARD);
    assert_eq!(refusal(bytes), (Reason::LabelFieldMalformed, Some(8)));
    assert_eq!(refusal(read(b"", &serial_only(), &Limits::STANDARD)), (Reason::LabelMissing, None));
    assert_eq!(refusal(read(b"]d1\r\n", &serial_only(), &Limits::STANDARD)), (Reason::LabelMissing, Some(3)));
}

#[test]
fn only_one_line_end_is_the_scanners() {
    assert!(strict("[)>␞06␝S1␞␄␉").is_ok());
    assert_eq!(refusal(strict("[)>␞06␝S1␞␄␊␊")), (Reason::LabelAmbiguous, Some(11)));
    assert_eq!(refusal(strict("␊[)>␞06␝S1␞␄")), (Reason::LabelMangled, Some(0)));
}

#[test]
fn a_fault_says_the_byte_of_the_raw_text_also_after_a_prefix_and_through_stand_ins() {
    assert_eq!(refusal(strict("]d1[)>␞06␝S1␝1234X␞␄")), (Reason::LabelFieldMalformed, Some(13)));
    assert_eq!(refusal(strict("]d201095060001343")), (Reason::LabelFieldMalformed, Some(5)));
    let rules = Rules { gs_stand_in: Some("^]".into()), rs_stand_in: Some("^^".into()), ..Rules::default() };
    let mapped = with(&rules, "]d1[)>^^06^]S1^]1234X^^␄");
    assert_eq!(refusal(mapped), (Reason::LabelFieldMalformed, Some(16)));
    let ended = with(&rules, "[)>^^06^]S1");
    assert_eq!(refusal(ended), (Reason::LabelTrailerMissing, Some(11)));
}

#[test]
fn a_stand_in_that_is_also_data_is_refused() {
    let rules = Rules { gs_stand_in: Some("/".into()), ..Rules::default() };
    let unit = with(&rules, "[)>␞06/PA1/SB2␞␄").unwrap().unit().unwrap();
    assert_eq!(unit.serial, Serial::new("B2").unwrap());
    assert_eq!(refusal(with(&rules, "[)>␞06␝PA/1␝SB2␞␄")), (Reason::LabelAmbiguous, Some(9)));
    for (gs, rs) in
        [("", "^^"), ("A1", "^^"), (" /", "^^"), ("^", "^^"), ("{GROUP_GS}", "^^"), ("/", "/"), ("\u{1d}", "^")]
    {
        let rules = Rules { gs_stand_in: Some(gs.into()), rs_stand_in: Some(rs.into()), ..Rules::default() };
        assert_eq!(rules.check().unwrap_err().reason(), Reason::LabelAmbiguous, "{gs:?}");
        assert_eq!(refusal(with(&rules, "[)>␞06␝S1␞␄")).0, Reason::LabelAmbiguous, "{gs:?}");
    }
}

#[test]
fn rules_are_strict_by_default_and_unknown_rules_are_refused() {
    let rules: Rules = serde_json::from_str("{}").unwrap();
    assert_eq!(rules, Rules::default());
    assert_eq!((rules.bare, rules.end, rules.gs1_prefix), (BareRule::Refused, EndRule::RsEot, PrefixRule::Required));
    assert!(serde_json::from_str::<Rules>(r#"{"bear":"serial-only"}"#).is_err());
    let text = serde_json::to_string(&serial_only()).unwrap();
    assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), serial_only());
}

#[test]
fn caps_are_refusals_and_not_cuts() {
    let long = format!("[)>␞06␝S{}␞␄", "1".repeat(4_096));
    assert_eq!(refusal(strict(&long)), (Reason::LabelTooLong, Some(4_096)));
    let wide = format!("[)>␞06␝S1{}␞␄", "␝Z".repeat(256));
    assert_eq!(refusal(strict(&wide)), (Reason::LabelTooLong, None));
    let serial = strict(&format!("[)>␞06␝S{}␞␄", "1".repeat(129))).unwrap().unit();
    assert_eq!(refusal(serial), (Reason::LabelFieldMalformed, None));
}

#[test]
fn both_labels_of_a_unit_are_joined_where_they_agree() {
    let boxed = strict("[)>␞06␝PCUST1␝SX9␝6JUN1␝Q1␞␄").unwrap().unit().unwrap();
    let housing = strict("[)>␞06␝1PMAKER1␝SX9␝12V111␝25SUN111X9␞␄").unwrap().unit().unwrap();
    let unit = agree(&boxed, &housing).unwrap();
    let parts: Vec<(&str, &str)> = unit.named_parts().map(|(name, part)| (name, part.as_str())).collect();
    assert_eq!(parts, [("1P", "MAKER1"), ("P", "CUST1")]);
    assert_eq!(unit.aliases, [("25S".into(), "UN111X9".into()), ("6J".into(), "UN1".into())]);
    assert_eq!(unit.supplier.unwrap().value, "111");
    let bare = with(&serial_only(), "X9").unwrap().unit().unwrap();
    assert_eq!(agree(&bare, &housing), Ok(housing.clone()));
    assert_eq!(agree(&housing, &housing), Ok(housing));
}

/// Attack class 66, at the label: one unit's box around another unit. (Class 46: fields swapped between two units.)
#[test]
fn attack_66_a_box_label_of_another_unit_disagrees_with_the_housing() {
    let unit = |shown: &str| strict(shown).unwrap().unit().unwrap();
    let housing = unit("[)>␞06␝1PA1␝P5␝SX9␝12V111␝2P03␝25SUN1␞␄");
    for (other, expected, found) in [
        ("[)>␞06␝1PA1␝SX8␞␄", "serial X9 as on the housing", "serial X8"),
        ("[)>␞06␝1PA1␝Sx9␞␄", "serial X9 as on the housing", "serial x9"),
        ("[)>␞06␝1PA2␝SX9␞␄", "1P A1 as on the housing", "1P A2"),
        ("[)>␞06␝1PA1␝1PA2␝SX9␞␄", "1P A1 as on the housing", "1P A1, A2"),
        ("[)>␞06␝SX9␝12V112␞␄", "12V 111 as on the housing", "12V 112"),
        ("[)>␞06␝SX9␝2P04␞␄", "2P 03 as on the housing", "2P 04"),
        ("[)>␞06␝SX9␝25SUN2␞␄", "25S UN1 as on the housing", "25S UN2"),
    ] {
        let fault = agree(&unit(other), &housing).unwrap_err();
        assert_eq!(fault.reason(), Reason::LabelsDisagree, "{other}");
        assert_eq!((fault.expected(), fault.found()), (expected, found));
        assert_eq!(agree(&housing, &unit(other)).unwrap_err().reason(), Reason::LabelsDisagree, "{other}");
    }
}

/// Attack class 12, at the label: a field that stands twice, once for each reader.
#[test]
fn attack_12_a_serial_or_gtin_that_stands_twice_is_never_one_of_the_two() {
    for (shown, reason) in [
        ("[)>␞06␝SA1␝SB2␞␄", Reason::LabelTwoSerials),
        ("[)>␞06␝SA1␝SA1␞␄", Reason::LabelTwoSerials),
        ("]d221A1␝21B2", Reason::LabelTwoSerials),
        ("]d2010950600013435221A1␝8011123", Reason::LabelTwoSerials),
        ("]d20109506000134352010950600013437621A1", Reason::LabelAmbiguous),
        ("https://x.example/01/09506000134352/21/A1?21=B2", Reason::LabelTwoSerials),
    ] {
        assert_eq!(strict(shown).unwrap().unit().unwrap_err().reason(), reason, "{shown}");
    }
}

/// Attack class 13: one malformed field among good ones must not be skipped.
#[test]
fn attack_13_one_malformed_field_refuses_the_whole_label() {
    for bad in ["", "1234X", "-S", "123", " S1", "S\u{1}", "1P\u{7f}", "Q1\u{1c}", "S\u{e9}"] {
        for shown in [format!("[)>␞06␝{bad}␝P1␝SX9␞␄"), format!("[)>␞06␝P1␝{bad}␝SX9␞␄")] {
            assert_eq!(refusal(strict(&shown)).0, Reason::LabelFieldMalformed, "{shown:?}");
        }
    }
}

/// Attack class 43: case, look-alike letters, leading zeros and spaces in part numbers and serials.
#[test]
fn attack_43_look_alikes_are_refused_and_nothing_is_folded_or_trimmed() {
    let unit = |shown: &str| strict(shown).and_then(|label| label.unit());
    assert_eq!(unit("[)>␞06␝P0028␝Sab␞␄").unwrap().parts, [Part::new("0028").unwrap()]);
    assert_ne!(unit("[)>␞06␝Sab␞␄"), unit("[)>␞06␝SAB␞␄"));
    assert_ne!(unit("[)>␞06␝S01␞␄"), unit("[)>␞06␝S1␞␄"));
    assert_ne!(unit("[)>␞06␝SA B␞␄"), unit("[)>␞06␝SAB␞␄"));
    for shown in ["[)>␞06␝P02\u{406}0␝SX␞␄", "[)>␞06␝P1␝SX ␞␄", "[)>␞06␝P 1␝SX␞␄", "[)>␞06␝P1\u{200b}␝SX␞␄"]
    {
        assert_eq!(refusal(unit(shown)).0, Reason::LabelFieldMalformed, "{shown}");
    }
}

/// Attack class 58: what a refusal repeats cannot move a terminal's cursor.
#[test]
fn attack_58_a_refusal_shows_a_hostile_label_safely() {
    let fault = strict("[)>␞06␝\u{1b}[2J\u{7}␝S1␞␄").unwrap_err();
    assert_eq!(
        fault.to_string(),
        "label-field-malformed at byte 7: expected a data identifier: up to three digits and one letter A to Z, \
         found ␛[2J␇"
    );
    assert_eq!(fault.finding().place, "label, byte 7");
    let long = strict(&"x".repeat(500)).unwrap_err();
    assert_eq!(long.found(), format!("{}...", "x".repeat(48)));
}

fn value() -> impl Strategy<Value = String> {
    "[ -~]{0,24}"
}

fn element() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        Just(("01".to_owned(), "09506000134352".to_owned())),
        Just(("17".to_owned(), "271231".to_owned())),
        ("(10|21|22)", "[!-\"%-?A-Z_a-z]{1,20}"),
        ("24[01]", "[!-\"%-?A-Z_a-z]{1,30}"),
        ("9[1-9]", "[!-\"%-?A-Z_a-z]{1,90}"),
        ("(30|37)", "[0-9]{1,8}"),
    ]
}

proptest! {
    #[test]
    fn fields_of_format_06_come_back_as_they_were_written(
        fields in proptest::collection::vec(("[0-9]{0,3}[A-Z]", value()), 1..20)
    ) {
        let body: Vec<String> = fields.iter().map(|(identifier, value)| format!("{identifier}{value}")).collect();
        let raw = format!("[)>\u{1e}06\u{1d}{}\u{1e}\u{4}", body.join("\u{1d}"));
        let label = read(raw.as_bytes(), &Rules::default(), &Limits::STANDARD).unwrap();
        let back: Vec<(String, String)> =
            label.fields().iter().map(|field| (field.identifier.clone(), field.value.clone())).collect();
        prop_assert_eq!(back, fields);
    }

    #[test]
    fn gs1_elements_come_back_as_they_were_written(
        fields in proptest::collection::vec(element(), 1..12)
    ) {
        let body: Vec<String> = fields.iter().map(|(identifier, value)| format!("{identifier}{value}")).collect();
        let back = |label: Label| -> Vec<(String, String)> {
            label.fields().iter().map(|field| (field.identifier.clone(), field.value.clone())).collect()
        };
        let plain = format!("]C1{}", body.join("\u{1d}"));
        prop_assert_eq!(&back(read(plain.as_bytes(), &Rules::default(), &Limits::STANDARD).unwrap()), &fields);
        let inside = format!("[)>\u{1e}05\u{1d}{}\u{1e}\u{4}", body.join("\u{1d}"));
        prop_assert_eq!(&back(read(inside.as_bytes(), &Rules::default(), &Limits::STANDARD).unwrap()), &fields);
    }

    /// Attack class 14, with texts that look like labels, under every set of rules.
    #[test]
    fn attack_14_no_bytes_make_it_panic_and_every_fault_is_of_the_label_group(
        start in "(|\\]d1|\\]d2|\\]C1|\\]Q3|https://x/)(|\\[\\)>|\\[\\)>\u{1e}0[56]\u{1d}|01|/01/)",
        rest in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x1d), Just(0x1e), Just(4), Just(b'/'), Just(b'%'), b'0'..=b'9'], 0..80),
        bare in any::<bool>(), end in any::<bool>(), prefix in any::<bool>(), stand_in in "(|/|\\^\\]|A|[!-~]{1,3})",
    ) {
        let rules = Rules {
            bare: if bare { BareRule::SerialOnly } else { BareRule::Refused },
            end: if end { EndRule::EotMayBeSwallowed } else { EndRule::RsEot },
            gs1_prefix: if prefix { PrefixRule::MayBeMissing } else { PrefixRule::Required },
            gs_stand_in: (!stand_in.is_empty()).then_some(stand_in),
            ..Rules::default()
        };
        let raw = [start.as_bytes(), rest.as_slice()].concat();
        match read(&raw, &rules, &Limits::STANDARD) {
            Ok(label) => {
                prop_assert!(label.fields().iter().all(|f| f.value.bytes().all(|b| (b' '..=b'~').contains(&b))));
                if let Err(fault) = label.unit() {
                    prop_assert!(fault.reason().code().starts_with("label-"));
                }
            }
            Err(fault) => {
                prop_assert!(fault.reason().code().starts_with("label-"));
                prop_assert!(fault.offset().is_none_or(|offset| offset <= raw.len()));
            }
        }
    }

    #[test]
    fn no_single_lost_control_character_gives_another_serial(
        part in "[0-9A-Z]{4,12}", serial in "[0-9A-Z]{4,12}", lost in 0usize..5
    ) {
        let raw = format!("[)>\u{1e}06\u{1d}1P{part}\u{1d}S{serial}\u{1e}\u{4}");
        let place = raw.char_indices().filter(|(_, c)| c.is_ascii_control()).map(|(place, _)| place).nth(lost).unwrap();
        let mut damaged = raw.clone();
        damaged.remove(place);
        let result = read(damaged.as_bytes(), &Rules::default(), &Limits::STANDARD).and_then(|label| label.unit());
        prop_assert!(result.is_err(), "{:?} gave {:?}", damaged, result);
    }
}
