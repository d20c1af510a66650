//! From bytes to the tree. `serde_json` cuts the text into tokens; every rule beyond the grammar stands here.

use super::{Json, JsonFault};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use core::fmt;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;

/// Largest integer, 2^53 - 1: beyond it IEEE 754 readers round (RFC 8259 section 6, RFC 7493 section 2.2).
const INTEGER_MOST: i64 = (1 << 53) - 1;

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Json, JsonFault> {
    let text = text_of(bytes, limits)?;
    let mut rules = Rules {
        depth_most: limits.json_depth,
        members_most: limits.json_members,
        values_left: limits.json_values,
        broken: None,
    };
    let mut lexer = serde_json::Deserializer::from_str(text);
    let json = Value { rules: &mut rules, depth: 0 }.deserialize(&mut lexer);
    let json = json.map_err(|error| fault(&error, text, rules.broken))?;
    lexer.end().map_err(|error| {
        let place = (error.line(), error.column());
        JsonFault::at(Reason::JsonTrailingData, place, "the end of the text", "more text after the value")
    })?;
    Ok(json)
}

fn text_of<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, JsonFault> {
    const WHOLE: (usize, usize) = (0, 0);
    if bytes.len() > limits.document_bytes {
        let (most, found) = (limits.document_bytes, bytes.len());
        return Err(JsonFault::at(
            Reason::JsonTooLarge,
            WHOLE,
            format!("at most {most} bytes"),
            format!("{found} bytes"),
        ));
    }
    if bytes.is_empty() {
        return Err(JsonFault::at(Reason::InputEmpty, WHOLE, "a JSON text", "no byte at all"));
    }
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    if marks.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(JsonFault::at(Reason::JsonByteOrderMark, (1, 1), "UTF-8 without a mark", "a byte order mark"));
    }
    core::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        JsonFault::at(Reason::TextNotUtf8, (line, column), "UTF-8", format!("the byte 0x{byte:02x}"))
    })
}

/// The rules beyond the grammar: what is left of the caps, and which rule was broken.
struct Rules {
    depth_most: usize,
    members_most: usize,
    values_left: usize,
    broken: Option<Broken>,
}

struct Broken {
    reason: Reason,
    expected: String,
    /// Empty: the number that stands before the place of the error.
    found: String,
}

impl Rules {
    /// Notes the broken rule, and stops the lexer with an error that only carries the place.
    fn broken<E: serde::de::Error>(&mut self, reason: Reason, expected: impl Into<String>, found: String) -> E {
        self.broken = Some(Broken { reason, expected: expected.into(), found });
        E::custom("")
    }

    fn number<E: serde::de::Error>(&mut self) -> E {
        self.broken(Reason::JsonNumber, NUMBER, String::new())
    }
}

const NUMBER: &str = "an integer from -9007199254740991 to 9007199254740991 without fraction, exponent or minus zero";

fn fault(error: &serde_json::Error, text: &str, broken: Option<Broken>) -> JsonFault {
    let place = (error.line(), error.column());
    if let Some(Broken { reason, expected, found }) = broken {
        let found = if found.is_empty() { number_before(text, place) } else { found };
        return JsonFault::at(reason, place, expected, found);
    }
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or_default();
    match message {
        // 1e400 and the like, which have no value as IEEE 754
        "number out of range" => JsonFault::at(Reason::JsonNumber, place, NUMBER, number_before(text, place)),
        // serde_json's own stop, reached only if `Limits::json_depth` is over 127
        "recursion limit exceeded" => JsonFault::at(Reason::JsonTooDeep, place, "less nesting", message),
        _ => JsonFault::at(Reason::JsonSyntax, place, "JSON (RFC 8259)", message),
    }
}

/// The number that ends at `line` and `column`.
fn number_before(text: &str, (line, column): (usize, usize)) -> String {
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let before = line.get(..column.min(line.len())).unwrap_or_default();
    let is_number = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(*byte);
    let length = before.iter().rev().take_while(is_number).count();
    let digits = before.get(before.len() - length..).unwrap_or_default();
    if digits.is_empty() { "another number".to_owned() } else { String::from_utf8_lossy(digits).into_owned() }
}

/// One value at a depth: 0 for the outermost, one more within each array or object.
struct Value<'r> {
    rules: &'r mut Rules,
    depth: usize,
}

impl Value<'_> {
    fn enter<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        let inner = self.depth + 1;
        if inner > self.rules.depth_most {
            let most = self.rules.depth_most;
            let found = format!("{inner} or more");
            return Err(self.rules.broken(
                Reason::JsonTooDeep,
                format!("at most {most} arrays and objects in each other"),
                found,
            ));
        }
        Ok(inner)
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        match self.rules.values_left.checked_sub(1) {
            Some(left) => self.rules.values_left = left,
            None => {
                return Err(self.rules.broken(
                    Reason::JsonTooLarge,
                    "fewer values",
                    "more values than allowed".to_owned(),
                ));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.rules.number()),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        if (-INTEGER_MOST..=INTEGER_MOST).contains(&value) {
            Ok(Json::Integer(value))
        } else {
            Err(self.rules.number())
        }
    }

    /// Fractions, exponents, `-0`, and integers that 64 bits do not hold.
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json, E> {
        Err(self.rules.number())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<Json, A::Error> {
        let depth = self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = array.next_element_seed(Value { rules: self.rules, depth })? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Json, A::Error> {
        let depth = self.enter()?;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut keys = Keys::Few;
        while let Some(key) = object.next_key::<String>()? {
            if members.len() == self.rules.members_most {
                let expected = format!("at most {} members in an object", members.len());
                return Err(self.rules.broken(Reason::JsonTooLarge, expected, "more".to_owned()));
            }
            if let Some(earlier) = keys.clash(&members, &key) {
                return Err(self.rules.clash(earlier, &key));
            }
            let value = object.next_value_seed(Value { rules: self.rules, depth })?;
            members.push((key, value));
        }
        members.shrink_to_fit();
        Ok(Json::Object(members))
    }
}

impl Rules {
    fn clash<E: serde::de::Error>(&mut self, earlier: &str, key: &str) -> E {
        if earlier == key {
            self.broken(Reason::JsonDuplicateKey, "each key once in an object", format!("{key:?} twice"))
        } else {
            let found = format!("{earlier:?} and {key:?}");
            self.broken(Reason::JsonCaseVariantKey, "keys that differ in more than letter case", found)
        }
    }
}

/// The keys of one object, looked through for one that is equal to a new one, letter case aside.
///
/// Few ASCII keys are compared one by one; else a map keeps the work below n log n, whatever the text holds.
enum Keys {
    Few,
    /// Folded key → its place among the members.
    Many(BTreeMap<String, usize>),
}

impl Keys {
    const FEW: usize = 16;

    /// The earlier key that `key` clashes with. If there is none, `key` becomes the next member.
    fn clash<'m>(&mut self, members: &'m [(String, Json)], key: &str) -> Option<&'m str> {
        if matches!(self, Self::Few) && (members.len() >= Self::FEW || !key.is_ascii()) {
            *self = Self::Many(members.iter().enumerate().map(|(place, (key, _))| (folded(key), place)).collect());
        }
        let place = match self {
            Self::Few => members.iter().position(|(earlier, _)| earlier.eq_ignore_ascii_case(key)),
            Self::Many(places) => {
                let folded = folded(key);
                let place = places.get(&folded).copied();
                if place.is_none() {
                    places.insert(folded, members.len());
                }
                place
            }
        };
        members.get(place?).map(|(earlier, _)| earlier.as_str())
    }
}

/// One spelling for all cases of a key. Coarser than Unicode simple case folding (it also joins ß with ss and ı
/// with i), which errs on the side of refusing.
fn folded(key: &str) -> String {
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
