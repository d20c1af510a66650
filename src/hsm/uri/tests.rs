use super::{ObjectClass, Part, Pkcs11Uri, URI_BYTES, UriFault, holds_a_pin, is_meant};
use crate::hsm::pin::{PinSource, PinSourceFault};
use proptest::prelude::*;
use std::path::PathBuf;

fn parse(text: &str) -> Result<Pkcs11Uri, UriFault> {
    Pkcs11Uri::parse(text)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// RFC 7512 section 3, one by one, but for those that state a PIN, a vendor's attribute, or nothing that is taken.
#[test]
fn the_rfcs_own_examples_mean_what_it_says() {
    let none = Pkcs11Uri::default();
    let token_pin = Some(PinSource::File(PathBuf::from("/etc/token_pin")));
    let object = |label: &str, class| Pkcs11Uri { object: some(label), class: Some(class), ..Pkcs11Uri::default() };
    let token = |label: &str| Pkcs11Uri {
        token: some(label),
        object: some("my-certificate"),
        class: Some(ObjectClass::Certificate),
        ..Pkcs11Uri::default()
    };
    for (text, meant) in [
        ("pkcs11:", none.clone()),
        ("pkcs11:object=my-pubkey;type=public", object("my-pubkey", ObjectClass::Public)),
        (
            "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
            Pkcs11Uri {
                pin_source: Some(PinSource::File(PathBuf::from("/etc/token"))),
                ..object("my-key", ObjectClass::Private)
            },
        ),
        (
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;\
             object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
            Pkcs11Uri {
                manufacturer: some("Snake Oil, Inc."),
                model: some("1.0"),
                serial: some(""),
                id: Some(vec![0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91]),
                pin_source: token_pin,
                ..token("The Software PKCS#11 Softtoken")
            },
        ),
        (
            "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
            Pkcs11Uri { module_name: some("mypkcs11"), ..object("my-sign-key", ObjectClass::Private) },
        ),
        (
            "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
            Pkcs11Uri {
                module_path: Some(PathBuf::from("/mnt/libmypkcs11.so.1")),
                ..object("my-sign-key", ObjectClass::Private)
            },
        ),
        (
            "pkcs11:slot-description=Sun%20Metaslot",
            Pkcs11Uri { slot_description: some("Sun Metaslot"), ..none.clone() },
        ),
        (
            "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;\
             library-version=1.23",
            Pkcs11Uri {
                library_manufacturer: some("Snake Oil, Inc."),
                library_description: some("Soft Token Library"),
                library_version: some("1.23"),
                ..none.clone()
            },
        ),
        (
            "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
            Pkcs11Uri {
                token: some("My token% created by Joe"),
                library_version: some("3"),
                id: Some(vec![1, 2, 3, 0xba, 0xdd, 0xca, 0xfe, 4, 5, 6]),
                ..none
            },
        ),
        (
            "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
            token("A name with a substring %;"),
        ),
        (
            "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
            token("Name with a small A with acute: á"),
        ),
    ] {
        assert_eq!(parse(text).as_ref(), Ok(&meant), "{text}");
        assert_eq!(parse(&meant.to_string()), Ok(meant), "{text}");
    }
}

#[test]
fn the_rfcs_example_with_a_pin_and_the_one_of_a_vendor_are_refused() {
    let pin = "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin";
    assert_eq!(parse(pin), Err(UriFault::PinValue));
    let vendor = "pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a\
                  ?pin-source=file:/etc/token_pin&vendor-bbb=value-b";
    assert_eq!(parse(vendor), Err(UriFault::UnknownAttribute { part: Part::Path, number: 4 }));
    let vendor = "pkcs11:token=my-token?pin-source=file:/etc/token_pin&x-bbb=value-b";
    assert_eq!(parse(vendor), Err(UriFault::UnknownAttribute { part: Part::Query, number: 2 }));
}

#[test]
fn every_reserved_character_that_the_rfc_makes_available_stands_as_it_is_in_its_part() {
    let read = parse("pkcs11:token=:[]@!$'()*+,=&?module-name=:[]@!$'()*+,=/?|").unwrap();
    assert_eq!(
        (read.token.as_deref(), read.module_name.as_deref()),
        (Some(":[]@!$'()*+,=&"), Some(":[]@!$'()*+,=/?|"))
    );
    for text in ["pkcs11:token=a/b", "pkcs11:token=a|b", "pkcs11:token=a b", "pkcs11:token=\u{e1}", "pkcs11:token=a\"b"]
    {
        assert!(matches!(parse(text), Err(UriFault::Value { name: "token", .. })), "{text}");
    }
    assert!(matches!(parse("pkcs11:?module-name=a;b"), Err(UriFault::Value { name: "module-name", .. })));
}

#[test]
fn what_is_not_in_the_grammar_is_refused_where_it_stands() {
    let attribute = |part, number| Err(UriFault::NotAnAttribute { part, number });
    let unknown = |part, number| Err(UriFault::UnknownAttribute { part, number });
    let (path, query) = (Part::Path, Part::Query);
    assert_eq!(parse("pkcs11:token"), attribute(path, 1));
    assert_eq!(parse("pkcs11:;token=a"), attribute(path, 1));
    assert_eq!(parse("pkcs11:token=a;"), attribute(path, 2));
    assert_eq!(parse("pkcs11:token=a;;serial=1"), attribute(path, 2));
    assert_eq!(parse("pkcs11:token=a?&"), attribute(query, 1));
    assert_eq!(parse("pkcs11:token=a?module-name=a&"), attribute(query, 2));
    assert_eq!(parse("pkcs11:=a"), unknown(path, 1));
    assert_eq!(parse("pkcs11:Token=a"), unknown(path, 1));
    assert_eq!(parse("pkcs11:tok%65n=a"), unknown(path, 1));
    assert_eq!(parse("pkcs11: token=a"), unknown(path, 1));
    assert_eq!(parse("pkcs11://token=a"), unknown(path, 1));
    assert_eq!(parse("pkcs11:objecttype=private"), unknown(path, 1));
    // Each attribute in its own part.
    assert_eq!(parse("pkcs11:pin-source=file:/a"), unknown(path, 1));
    assert_eq!(parse("pkcs11:?token=a"), unknown(query, 1));
    for text in ["", "pkcs11", "pkcs12:token=a", "file:/a", " pkcs11:", "pk\u{a7}s11:"] {
        assert_eq!(parse(text), Err(UriFault::Scheme), "{text}");
    }
    let long = format!("pkcs11:token={}", "a".repeat(URI_BYTES));
    assert_eq!(parse(&long), Err(UriFault::TooLong { found: long.len() }));
    assert!(parse(long.get(..URI_BYTES).unwrap()).is_ok());
    // An empty query is one.
    assert_eq!(parse("pkcs11:token=a?"), parse("pkcs11:token=a"));
    assert_eq!(parse("PKCS11:token=a"), parse("pkcs11:token=a"));
}

/// Attack class 32: the later of two wins.
#[test]
fn attack_32_an_attribute_that_stands_twice_is_refused_also_with_the_same_value() {
    for (text, name) in [
        ("pkcs11:token=a;token=b", "token"),
        ("pkcs11:token=a;token=a", "token"),
        ("pkcs11:serial=1;token=a;serial=", "serial"),
        ("pkcs11:id=%01;id=%02", "id"),
        ("pkcs11:type=private;type=public", "type"),
        ("pkcs11:slot-id=1;slot-id=2", "slot-id"),
        ("pkcs11:?pin-source=prompt&pin-source=env:A", "pin-source"),
        ("pkcs11:?module-path=/a&module-path=/b", "module-path"),
    ] {
        assert_eq!(parse(text), Err(UriFault::Twice { name }), "{text}");
    }
}

#[test]
fn escapes_versions_types_and_slots_have_one_form() {
    for text in [
        "pkcs11:token=%",
        "pkcs11:token=%2",
        "pkcs11:token=%zz",
        "pkcs11:token=%+1",
        "pkcs11:token=a%2;serial=1",
        "pkcs11:token=%ff",
        "pkcs11:token=%c3",
        "pkcs11:token=a#b",
        "pkcs11:token=a;type=",
        "pkcs11:token=a;type=Private",
        "pkcs11:token=a;type=privat%65",
        "pkcs11:library-version=",
        "pkcs11:library-version=1.",
        "pkcs11:library-version=.1",
        "pkcs11:library-version=1.2.3",
        "pkcs11:library-version=+1",
        "pkcs11:slot-id=",
        "pkcs11:slot-id=-1",
        "pkcs11:slot-id=0x10",
        "pkcs11:slot-id=18446744073709551616",
        "pkcs11:?module-path=",
        "pkcs11:?module-path=libsofthsm2.so",
        "pkcs11:?pin-source=file:pin",
    ] {
        assert!(matches!(parse(text), Err(UriFault::Value { .. })), "{text}: {:?}", parse(text));
    }
    // Bytes that are no text are an id all the same.
    assert_eq!(parse("pkcs11:id=%ff%00a").unwrap().id, Some(vec![0xff, 0, b'a']));
}

#[test]
fn a_pin_source_that_is_a_command_or_another_scheme_is_refused() {
    let fault = |text: &str| match parse(text) {
        Err(UriFault::PinSource(fault)) => fault,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(fault("pkcs11:?pin-source=|/usr/lib/pinomatic"), PinSourceFault::Command);
    assert_eq!(fault("pkcs11:?pin-source=%7C/usr/lib/pinomatic"), PinSourceFault::Command);
    assert_eq!(fault("pkcs11:?pin-source=https://example.org/pin"), PinSourceFault::Unknown);
    assert_eq!(fault("pkcs11:?pin-source=/etc/token_pin"), PinSourceFault::Unknown);
    assert_eq!(fault("pkcs11:?pin-source=file://host/etc/token_pin"), PinSourceFault::OtherHost);
    assert_eq!(
        parse("pkcs11:?pin-source=env:ACME_PIN").unwrap().pin_source,
        Some(PinSource::Environment("ACME_PIN".to_owned()))
    );
}

/// Attack class 37: a PIN in an argument, and from there in a log.
#[test]
fn attack_37_a_pin_in_a_uri_is_refused_wherever_it_stands_and_is_in_no_fault() {
    for text in [
        "pkcs11:token=a?pin-value=s3cr3t",
        "pkcs11:token=a?PIN-VALUE=s3cr3t",
        "pkcs11:token=a;pin-value=s3cr3t",
        "pkcs11:no-such=1?pin-value=s3cr3t",
        "pkcs11:token=a?pin-source=prompt&pin-value=s3cr3t",
        "pkcs11:token=a?pin-value",
    ] {
        assert_eq!(parse(text), Err(UriFault::PinValue), "{text}");
    }
    for text in [
        "pkcs11:token=a?pin-value=s3cr3t",
        "pkcs11:token=a?s3cr3t",
        "pkcs11:token=a?pin=s3cr3t",
        "pkcs11:token=a?s3cr3t=pin",
        "pkcs11:token=a?pin-source=s3cr3t",
        "pkcs11:token=a?pin-source=|echo%20s3cr3t",
        "pkcs11:token=a?pin-source=file://s3cr3t/x",
        "pkcs11:token=a?pin-source=env:s3cr3t-",
        "pkcs11:token=a;type=s3cr3t",
        "pkcs11:token=s3cr3t#",
        "pkcs11:slot-id=s3cr3t",
        "pkcs11:s3cr3t",
    ] {
        let fault = parse(text).unwrap_err();
        let said = format!("{fault} {fault:?} {:?}", fault.finding());
        assert!(!said.contains("s3cr3t"), "{text}: {said}");
    }
}

fn label() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::collection::vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()))
}

fn sources() -> impl Strategy<Value = PinSource> {
    prop_oneof![
        Just(PinSource::Prompt),
        Just(PinSource::Environment("A_1".to_owned())),
        proptest::collection::vec(any::<char>(), 1..12).prop_filter_map("a path that is taken", |chars| {
            PinSource::parse(&format!("file:/{}", chars.into_iter().collect::<String>())).ok()
        }),
    ]
}

prop_compose! {
    fn uris()(
        names in proptest::array::uniform8(label()),
        object in label(),
        id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        class in proptest::option::of(0..5_usize),
        version in proptest::option::of((any::<u16>(), proptest::option::of(any::<u16>()))),
        slot_id in proptest::option::of(any::<u64>()),
        pin_source in proptest::option::of(sources()),
        module in label(),
    ) -> Pkcs11Uri {
        let [token, manufacturer, serial, model, library_manufacturer, library_description, slot_manufacturer, name] =
            names;
        let version = version.map(|(major, minor)| match minor {
            Some(minor) => format!("{major}.{minor}"),
            None => major.to_string(),
        });
        Pkcs11Uri {
            token, manufacturer, serial, model, library_manufacturer, library_description,
            library_version: version,
            object,
            class: class.map(|class| ObjectClass::ALL[class]),
            id,
            slot_manufacturer,
            slot_description: name.clone(),
            slot_id,
            pin_source,
            module_name: name,
            module_path: module.map(|path| PathBuf::from(format!("/{path}"))),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same_and_is_plain_ascii(uri in uris()) {
        let text = uri.to_string();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        prop_assert_eq!(Pkcs11Uri::parse(&text), Ok(uri));
    }

    #[test]
    fn no_text_makes_it_panic_and_what_is_read_is_written_and_read_again(text in ".{0,40}") {
        for text in [text.clone(), format!("pkcs11:{text}"), format!("pkcs11:token=a?pin-source={text}")] {
            if let Ok(read) = Pkcs11Uri::parse(&text) {
                prop_assert_eq!(Pkcs11Uri::parse(&read.to_string()), Ok(read));
            }
        }
    }

    #[test]
    fn words_of_the_grammar_in_any_order_never_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("pkcs11:"), Just("token"), Just("id"), Just("="), Just(";"), Just("?"), Just("&"), Just("%"),
                Just("%4"), Just("%C3"), Just("pin-source"), Just("pin-value"), Just("file:/"), Just("á"), Just("\0"),
            ],
            0..14,
        )
    ) {
        let text = format!("pkcs11:{}", words.concat());
        if let Ok(read) = Pkcs11Uri::parse(&text) {
            prop_assert_eq!(Pkcs11Uri::parse(&read.to_string()), Ok(read));
        }
    }
}

#[test]
fn a_pin_is_seen_also_in_a_text_that_is_no_uri() {
    assert!(holds_a_pin(" pkcs11:?pin-value=4711") && holds_a_pin("--key=pkcs11:?Pin-Value=4711"));
    assert!(!holds_a_pin("pkcs11:?pin-source=file:/pin-value") && !holds_a_pin(""));
}

#[test]
fn a_file_whose_name_begins_like_a_uri_needs_its_folder() {
    assert!(is_meant("pkcs11:") && is_meant("PKCS11:token=a"));
    assert!(!is_meant("./pkcs11:token=a") && !is_meant("pkcs11.pem") && !is_meant("") && !is_meant("pkcs1\u{e1}:"));
}
