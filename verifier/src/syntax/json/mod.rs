//! Strict JSON (RFC 8259, narrowed): one text, one meaning.
//!
//! Parsers of JSON differ in what they make of duplicate keys, large numbers and text after the end; a signature over
//! bytes that two readers read differently is worth nothing. So [`parse`] refuses whatever is read in two ways:
//!
//! - a byte order mark, text that is not UTF-8, an unpaired surrogate, anything after the value;
//! - a key that stands twice in one object, however it is escaped, or that differs from another in letter case only
//!   (some readers fold case);
//! - a number with fraction or exponent, `-0`, and an integer of 2^53 or more (RFC 8259 section 6);
//! - nesting, values and bytes over [`Limits`].
//!
//! [`read`] makes a typed value of the text; its faults name the field by its path.

use crate::values::limits::Limits;
use serde::de::DeserializeOwned;

pub use fault::JsonFault;

mod fault;

mod lexing;

mod typed;

/// A JSON text that kept every rule of this module. Object members stand in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer whose absolute value is below 2^53.
    Integer(i64),
    /// A string, escapes resolved.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; no two keys are equal or differ in letter case only.
    Object(Vec<(String, Json)>),
}

/// Parses one JSON text.
///
/// # Errors
/// [`JsonFault`] with line and column.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Json, JsonFault> {
    lexing::parse(bytes, limits)
}

/// Parses one JSON text and makes a `T` of it. Structs are read from objects only, never from arrays.
///
/// A `T` has fixed fields and externally tagged enums, and denies unknown fields: where serde buffers a value (untagged
/// and internally tagged enums, `flatten`) it reads structs from arrays too, and faults lose their path.
///
/// # Errors
/// As [`parse`]; and [`JsonFault`] with the path of the field where the text does not have the form of a `T`.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, JsonFault> {
    from_json(parse(bytes, limits)?)
}

/// Makes a `T` of a parsed text.
///
/// # Errors
/// [`JsonFault`] with the path of the field where the text does not have the form of a `T`.
pub fn from_json<T: DeserializeOwned>(json: Json) -> Result<T, JsonFault> {
    typed::from_json(json)
}

impl Json {
    /// The members of an object.
    #[must_use]
    pub fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of an object that has this key.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        self.members()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What kind of value it is, in a word for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl serde::Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, parse, read};
    use crate::values::limits::Limits;
    use crate::values::reason::Reason;
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

    const LIMITS: Limits = Limits::STANDARD;

    fn reason(text: impl AsRef<[u8]>) -> Reason {
        parse(text.as_ref(), &LIMITS).unwrap_err().reason()
    }

    #[test]
    fn a_text_of_every_kind_of_value_is_read_in_order() {
        let json = parse(b" {\"b\":[null,true,-1,\"\\u00e9\\n\"],\"a\":{}}\n", &LIMITS).unwrap();
        let items = vec![Json::Null, Json::Bool(true), Json::Integer(-1), Json::String("é\n".to_owned())];
        let members = vec![("b".to_owned(), Json::Array(items)), ("a".to_owned(), Json::Object(Vec::new()))];
        assert_eq!(json, Json::Object(members));
        assert_eq!(json.member("a").map(Json::kind), Some("object"));
    }

    /// Attack class 12.
    #[test]
    fn attack_12_a_key_that_stands_twice_is_refused_however_it_is_escaped() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"b":2,"a":3}]}"#,
            r#"{"é":1,"\u00e9":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"\ud83d\ude00":1,"😀":2}"#,
        ] {
            assert_eq!(reason(text), Reason::JsonDuplicateKey, "{text}");
        }
    }

    /// Attack class 12: Go, for one, takes `Payload` for `payload`.
    #[test]
    fn attack_12_keys_that_differ_in_letter_case_only_are_refused() {
        for text in [
            r#"{"payload":1,"Payload":2}"#,
            r#"{"serial":1,"SERIAL":2}"#,
            "{\"key\":1,\"\u{212a}ey\":2}",
            "{\"\u{17f}ig\":1,\"sig\":2}",
            r#"{"Ä":1,"ä":2}"#,
            r#"{"straße":1,"STRASSE":2}"#,
        ] {
            assert_eq!(reason(text), Reason::JsonCaseVariantKey, "{text}");
        }
        assert!(parse(br#"{"a":{"A":1},"b":{"a":1}}"#, &LIMITS).is_ok(), "other objects are not concerned");
    }

    #[test]
    fn attack_12_the_last_of_many_keys_is_compared_with_the_first() {
        for count in [15, 16, 17, 18, 1_000] {
            let keys: Vec<String> = (0..count).map(|number| format!("\"k{number}\":0")).collect();
            let text = |last: &str| format!("{{{},{last}:0}}", keys.join(","));
            assert_eq!(reason(text("\"k0\"")), Reason::JsonDuplicateKey, "{count}");
            assert_eq!(reason(text("\"K0\"")), Reason::JsonCaseVariantKey, "{count}");
            assert_eq!(reason(text(&format!("\"k{}\"", count - 1))), Reason::JsonDuplicateKey, "{count}");
            assert!(parse(text("\"other\"").as_bytes(), &LIMITS).is_ok(), "{count}");
        }
    }

    /// Attack class 12.
    #[test]
    fn attack_12_numbers_that_readers_read_differently_are_refused() {
        for text in [
            "9007199254740992",
            "-9007199254740992",
            "18446744073709551615",
            "18446744073709551616",
            "1.0",
            "0.0",
            "1e2",
            "1E2",
            "1e400",
            "-1e400",
            "1e-400",
            "-0",
            "-0.0",
            "100000000000000000000000000000000000000000",
        ] {
            let fault = parse(format!("[{text}]").as_bytes(), &LIMITS).unwrap_err();
            assert_eq!(fault.reason(), Reason::JsonNumber, "{text}");
            let found = fault.finding().found;
            assert!(text.starts_with(&found), "{text} shown as {found}");
        }
        for text in ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "0x10", "1_000", "--1"] {
            assert_eq!(reason(format!("[{text}]")), Reason::JsonSyntax, "{text}");
        }
        for (text, value) in
            [("9007199254740991", 9_007_199_254_740_991), ("-9007199254740991", -9_007_199_254_740_991), ("0", 0)]
        {
            assert_eq!(parse(text.as_bytes(), &LIMITS).unwrap(), Json::Integer(value));
        }
    }

    /// Attack class 12.
    #[test]
    fn attack_12_marks_foreign_encodings_and_trailing_text_are_refused() {
        for (bytes, expected) in [
            (b"\xef\xbb\xbf{}".as_slice(), Reason::JsonByteOrderMark),
            (b"\xff\xfe{\0}\0", Reason::JsonByteOrderMark),
            (b"[\"\xff\"]", Reason::TextNotUtf8),
            (b"[\"\xed\xa0\x80\"]", Reason::TextNotUtf8),
            (b"[\"\xc0\xaf\"]", Reason::TextNotUtf8),
            (b"{}{}", Reason::JsonTrailingData),
            (b"{} x", Reason::JsonTrailingData),
            (b"{}\0", Reason::JsonTrailingData),
            (b"1 1", Reason::JsonTrailingData),
            (b"[\"\\ud800\"]", Reason::JsonSyntax),
            (b"[\"\\udc00\\ud800\"]", Reason::JsonSyntax),
            (b"[\"a\nb\"]", Reason::JsonSyntax),
            (b"[1,]", Reason::JsonSyntax),
            (b"{\"a\":1,}", Reason::JsonSyntax),
            (b"// c\n{}", Reason::JsonSyntax),
            (b"{'a':1}", Reason::JsonSyntax),
            (b" ", Reason::JsonSyntax),
            (b"", Reason::InputEmpty),
        ] {
            assert_eq!(reason(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_fault_names_line_column_and_what_was_found() {
        let fault = parse(b"{\"a\": 1,\n \"b\": 2.5}", &LIMITS).unwrap_err();
        assert_eq!((fault.position(), fault.finding().found.as_str()), (Some((2, 9)), "2.5"));
        assert_eq!(fault.finding().place, "line 2, column 9");
        let fault = parse(b"[\n\n  \"\xff\"]", &LIMITS).unwrap_err();
        assert_eq!((fault.position(), fault.finding().found.as_str()), (Some((3, 4)), "the byte 0xff"));
    }

    /// Attack class 15.
    #[test]
    fn attack_15_deep_nesting_is_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = |depth: usize| [open.repeat(depth), "0".to_owned(), close.repeat(depth)].concat();
            assert!(parse(text(LIMITS.json_depth).as_bytes(), &LIMITS).is_ok());
            assert_eq!(reason(text(LIMITS.json_depth + 1)), Reason::JsonTooDeep);
            assert_eq!(reason(open.repeat(100_000)), Reason::JsonTooDeep);
            let deeper = Limits { json_depth: 1_000_000, ..LIMITS };
            assert_eq!(parse(open.repeat(100_000).as_bytes(), &deeper).unwrap_err().reason(), Reason::JsonTooDeep);
        }
    }

    /// Attack class 47.
    #[test]
    fn attack_47_a_text_over_the_caps_is_refused() {
        let few = Limits { json_values: 4, document_bytes: 20, ..LIMITS };
        assert!(parse(b"[1,2,3]", &few).is_ok());
        assert_eq!(parse(b"[1,2,3,4]", &few).unwrap_err().reason(), Reason::JsonTooLarge);
        assert_eq!(parse(b"[1,2,3]              ", &few).unwrap_err().reason(), Reason::JsonTooLarge);
        let object = |members: usize| {
            let members: Vec<String> = (0..members).map(|number| format!("\"{number}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(parse(object(LIMITS.json_members).as_bytes(), &LIMITS).is_ok());
        assert_eq!(reason(object(LIMITS.json_members + 1)), Reason::JsonTooLarge);
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Release {
        name: String,
        components: Vec<Component>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Component {
        kind: Kind,
        pair: (u8, i64),
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Boot,
        Range { start: u64 },
    }

    #[test]
    fn a_typed_value_reads_back_as_written() {
        let release = Release {
            name: "r1".to_owned(),
            components: vec![
                Component { kind: Kind::Boot, pair: (255, -5) },
                Component { kind: Kind::Range { start: 7 }, pair: (0, 9_007_199_254_740_991) },
            ],
            note: Some(String::new()),
        };
        assert_eq!(read::<Release>(&serde_json::to_vec(&release).unwrap(), &LIMITS).unwrap(), release);
    }

    /// Attack classes 12 and 13: one bad part refuses the whole, with its path.
    #[test]
    fn attack_13_a_bad_part_refuses_the_whole_and_is_named() {
        let with =
            |component: &str| format!(r#"{{"name":"r","components":[{{"kind":"boot","pair":[1,2]}},{component}]}}"#);
        for (text, expected, path) in [
            (r#"{"components":[]}"#.to_owned(), Reason::JsonMissingField, ""),
            (r#"{"name":"r","components":[],"extra":1}"#.to_owned(), Reason::JsonUnknownField, "extra"),
            (r#"{"name":5,"components":[]}"#.to_owned(), Reason::JsonWrongType, "name"),
            (r#"{"name":null,"components":[]}"#.to_owned(), Reason::JsonWrongType, "name"),
            (r#"{"name":"r","components":[],"note":null}"#.to_owned(), Reason::JsonWrongType, "note"),
            (r#"{"name":"r","components":{}}"#.to_owned(), Reason::JsonWrongType, "components"),
            (r#"["r",[]]"#.to_owned(), Reason::JsonWrongType, ""),
            (with(r#"{"kind":"boot"}"#), Reason::JsonMissingField, "components[1]"),
            (with(r#"{"kind":"boot","pair":[1,2],"x":0}"#), Reason::JsonUnknownField, "components[1].x"),
            (with(r#"["boot",[1,2]]"#), Reason::JsonWrongType, "components[1]"),
            (with(r#"{"kind":"Boot","pair":[1,2]}"#), Reason::JsonValue, "components[1].kind"),
            (
                with(r#"{"kind":{"range":{"start":-1}},"pair":[1,2]}"#),
                Reason::JsonValue,
                "components[1].kind.range.start",
            ),
            (with(r#"{"kind":{"range":[1]},"pair":[1,2]}"#), Reason::JsonWrongType, "components[1].kind.range"),
            (
                with(r#"{"kind":{"range":{"start":1},"boot":null},"pair":[1,2]}"#),
                Reason::JsonWrongType,
                "components[1].kind",
            ),
            (with(r#"{"kind":{"boot":null},"pair":[1,2]}"#), Reason::JsonWrongType, "components[1].kind.boot"),
            (with(r#"{"kind":"range","pair":[1,2]}"#), Reason::JsonWrongType, "components[1].kind.range"),
            (with(r#"{"kind":"boot","pair":[256,2]}"#), Reason::JsonValue, "components[1].pair[0]"),
            (with(r#"{"kind":"boot","pair":[1]}"#), Reason::JsonValue, "components[1].pair"),
            (with(r#"{"kind":"boot","pair":[1,2,3]}"#), Reason::JsonValue, "components[1].pair"),
        ] {
            let fault = read::<Release>(text.as_bytes(), &LIMITS).unwrap_err();
            assert_eq!((fault.reason(), fault.path()), (expected, path), "{text}: {fault}");
        }
    }

    #[test]
    fn a_hostile_value_is_shown_shortened() {
        let text = format!(r#"{{"name":"r","components":[],"{}":1}}"#, "x".repeat(10_000));
        let fault = read::<Release>(text.as_bytes(), &LIMITS).unwrap_err();
        assert_eq!(fault.reason(), Reason::JsonUnknownField);
        assert!(fault.finding().found.len() < 120 && fault.finding().place.len() < 120, "{fault}");
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Json::Integer),
            proptest::collection::vec(any::<char>(), 0..6).prop_map(|text| Json::String(text.into_iter().collect())),
        ];
        leaf.prop_recursive(4, 64, 24, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..24).prop_map(Json::Array),
                // "k" and a number: no two differ in letter case only
                proptest::collection::btree_map(any::<u16>(), inner, 0..24).prop_map(|members| {
                    Json::Object(members.into_iter().map(|(key, value)| (format!("k\u{e9}{key}"), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_tree_reads_back_as_written(json in tree()) {
            assert_eq!(parse(&serde_json::to_vec(&json).unwrap(), &LIMITS), Ok(json.clone()));
            assert_eq!(parse(&serde_json::to_vec_pretty(&json).unwrap(), &LIMITS), Ok(json));
        }

        /// Attack class 14.
        #[test]
        fn attack_14_arbitrary_bytes_are_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, &LIMITS);
            let _ = read::<Release>(&bytes, &LIMITS);
        }

        #[test]
        fn attack_14_pieces_of_json_are_never_a_panic(text in "[\\[\\]{}\",:\\\\u0aA1eE.+\\- é\u{212a}]{0,60}") {
            if let Ok(json) = parse(text.as_bytes(), &LIMITS) {
                // what we take, a common reader takes as the same value
                let other: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_value(&json).unwrap(), other);
            }
            let _ = read::<Release>(text.as_bytes(), &LIMITS);
        }
    }
}
