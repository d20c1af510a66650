//! Everything that can be wrong with one field of a document, made of a good one.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One changed document.
pub(super) struct Mutation {
    /// What was done, and where.
    pub(super) what: String,
    /// The text that came of it.
    pub(super) text: String,
}

/// A step from a value to one below it.
#[derive(Clone)]
enum Step {
    Member(String),
    Item(usize),
}

/// Every mutation of documents of one kind: of each field, each list, each object, and of the text itself. What stands
/// at the same place of two of them is changed in the first.
pub(super) fn of(examples: &[Value]) -> impl Iterator<Item = Mutation> {
    let mut seen = Seen::default();
    let whole = examples.first().into_iter().flat_map(of_the_text);
    whole.chain(examples.iter().flat_map(move |good| of_the_fields(good, &mut seen)))
}

/// What was changed already: a place of any item of its lists, and what stood there.
#[derive(Default)]
struct Seen {
    places: BTreeSet<String>,
    values: BTreeSet<(String, String)>,
}

fn of_the_fields(good: &Value, seen: &mut Seen) -> Vec<Mutation> {
    let mut mutations = Vec::new();
    let mut places = Vec::new();
    walk(good, &mut Vec::new(), &mut places);
    let texts: BTreeSet<&str> = places.iter().filter_map(|place| at(good, place).as_str()).collect();
    for place in &places {
        let shown = shown(place);
        let found = at(good, place);
        let of_any_item = shown.replace(|c: char| c.is_ascii_digit(), "");
        if !seen.values.insert((of_any_item.clone(), found.to_string())) {
            continue;
        }
        let is_first = seen.places.insert(of_any_item);
        let elsewhere =
            texts.iter().filter(|text| found.as_str().is_some_and(|own| own != **text && own.len() == text.len()));
        let elsewhere = elsewhere.map(|text| (format!("is {text:?}, which stands elsewhere"), json!(text)));
        for (what, value) in instead_of(found, is_first).into_iter().chain(around(found)).chain(elsewhere) {
            let mut changed = good.clone();
            *at_mut(&mut changed, place) = value;
            mutations.push(Mutation { what: format!("{shown} {what}"), text: changed.to_string() });
        }
    }
    mutations
}

/// Two readers may make two things of such a text; after a common parser nothing of it is left to see.
fn of_the_text(good: &Value) -> Vec<Mutation> {
    let text = good.to_string();
    let mut mutations = Vec::new();
    let mut push = |what: &str, text: String| mutations.push(Mutation { what: format!("the text {what}"), text });
    if let Some((key, value)) = good.as_object().and_then(|members| members.iter().next()) {
        let member = format!("{}:{value}", json!(key));
        push("with a key twice", text.replacen('{', &format!("{{{member},"), 1));
        push("with a key twice, once escaped", text.replacen('{', &format!("{{{},", escaped(&member)), 1));
        push("with a key in two cases", text.replacen('{', &format!("{{{}:{value},", json!(key.to_uppercase())), 1));
    }
    push("with a byte order mark", format!("\u{feff}{text}"));
    push("with something after it", format!("{text} 1"));
    push("over the cap", format!("{text}{}", " ".repeat(4 << 20)));
    push("cut short", text[..text.len() - 1].to_owned());
    push("in an array", format!("[{text}]"));
    mutations
}

/// The first character of a key as an escape.
fn escaped(member: &str) -> String {
    let first = member.chars().nth(1).unwrap();
    format!("\"\\u{:04x}{}", u32::from(first), &member[1 + first.len_utf8()..])
}

/// The first, the second and the last item of a list stand for the others.
fn walk(value: &Value, place: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    places.push(place.clone());
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                place.push(Step::Member(key.clone()));
                walk(inner, place, places);
                place.pop();
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate().filter(|(n, _)| *n < 2 || n + 1 == items.len()) {
                place.push(Step::Item(n));
                walk(inner, place, places);
                place.pop();
            }
        }
        _ => {}
    }
}

fn at<'v>(value: &'v Value, place: &[Step]) -> &'v Value {
    place.iter().fold(value, |value, step| match step {
        Step::Member(key) => &value[key],
        Step::Item(n) => &value[n],
    })
}

fn at_mut<'v>(value: &'v mut Value, place: &[Step]) -> &'v mut Value {
    place.iter().fold(value, |value, step| match step {
        Step::Member(key) => &mut value[key],
        Step::Item(n) => &mut value[n],
    })
}

fn shown(place: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Member(key) => format!("/{key}"),
        Step::Item(n) => format!("/{n}"),
    };
    place.iter().map(step).collect()
}

/// Other values in the place of this one: of every type, and at the edges of its own. Words of one set are exchanged
/// wherever one stands, all else once at each place.
fn instead_of(found: &Value, is_first: bool) -> Vec<(String, Value)> {
    let mut others: Vec<Value> =
        vec![Value::Null, json!(true), json!(0), json!(1), json!(-1), json!(""), json!("x"), json!([]), json!({})];
    others.extend([json!([found]), json!({"x": found})]);
    match found {
        Value::Number(number) => {
            others.push(json!(number.to_string()));
            others.push(json!(number.as_f64()));
            others.push(json!(1.5));
            others.extend(NUMBERS.map(Value::from));
        }
        Value::String(text) => {
            if is_first {
                others.extend(EDGES.map(Value::from));
                others.extend(turned(text).into_iter().map(Value::from));
            }
            if is_first || text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                others.extend(WORDS.map(Value::from));
            }
        }
        _ => {}
    }
    others.retain(|other| other != found);
    others.into_iter().map(|other| (format!("is {}", excerpt(&other)), other)).collect()
}

/// Around every bound that a field has: a byte, a field of an image, 32 bits, 2^53.
const NUMBERS: [u64; 11] =
    [2, 255, 256, 257, 300, 0xffff_ffff, 1 << 32, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, u64::MAX];

/// Blanks, letters that only look Latin, scopes, addresses, hex, base64, stand-ins, times.
#[rustfmt::skip]
const EDGES: [&str; 81] = [
    " ", "\n", "\u{85}", "\u{feff}", "\u{3000} ", "a b", " a", "a ", "é", "\u{406}", "a\u{7f}", "a\tb", "a\u{1f}b",
    "*", "a*", "*a", "**", "a**", "a *", "*!",
    "0x20000000000000", "0x1fffffffffffff", "0x020000000000000", "0xFFFFFFFFFFFFFFFF", "0x10", "0x", "0f", "0F", "0",
    "0000000000000000000000000000000000000000000000000000000000000000", "00000000000000000000000000000000",
    "AAAA", "AAA=", "AA==", "AB==", "AAB=", "AA", "A===", "AA==AA==", "-_-_", "AA=\n",
    "^]", "^", "a1", "123456789", "12345678-", "1234567-",
    "2026-11-24T08:15:00Z", "2026-11-24T08:15:00.250Z", "2026-11-24T08:15:00.000Z", "2026-11-24T08:15:00.25Z",
    "2026-11-24T08:15:00.2500Z", "2026-11-24T08:15:00,250Z", "2026-11-24T08:15:00+00:00", "2026-11-24T09:15:00+01:00",
    "2026-11-24 08:15:00Z", "2026-11-24t08:15:00z", "2026-11-24T08:15Z", "2026-11-24", "20261124T081500Z",
    "2026-11-24T24:00:00Z", "2026-11-24T08:60:00Z", "2026-11-24T08:15:60Z", "2026-11-24T08:15:00", "2026-11-24T08:15:00ZZ",
    "2026-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2400-02-29T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z",
    "+10000-01-01T00:00:00Z", "-2026-11-24T08:15:00Z",
];

/// Words of every set that documents have, and words of none.
#[rustfmt::skip]
const WORDS: [&str; 47] = [
    "nonsense", "fine", "firmware-differs", "manifest-absent", "crl-missing", "ledger-busy", "json-number", "usage",
    "part-not-gated", "Firmware-differs", "-x", "x-", "x--y", "x_y",
    "pass", "fail", "not-run", "accept", "suspect", "unproven", "hold-passing", "hold-person", "not-gated",
    "held", "accepted", "redeemed", "shipped", "production", "development", "trial", "raw", "ihex", "elf",
    "claimed", "listed", "device-key", "not-read", "measured", "returned", "new", "gated", "serial", "unit",
    "crl", "release", "memory", "revocation",
];

/// The same text turned into another, and texts as long as one may be and longer.
fn turned(text: &str) -> Vec<String> {
    let long = |length| "a".repeat(length);
    let mut all =
        vec![long(127), long(128), long(129), long(130), format!("{}*", long(128)), format!("{}*", long(129))];
    all.extend([
        text.to_uppercase(),
        text.to_lowercase(),
        format!("{text}\n"),
        format!("\n{text}"),
        format!("{text} "),
    ]);
    all.extend([format!(" {text}"), format!("{text}{text}"), format!("{text}=")]);
    // Another value of the same form.
    let middle = text.chars().count() / 2;
    let other = |(n, c)| if n == middle { if c == 'a' { 'b' } else { 'a' } } else { c };
    all.push(text.chars().enumerate().map(other).collect());
    if text.starts_with("MII") {
        // A certificate of one byte more than one may have, and one of exactly as many.
        all.extend([format!("{}AAA=", "AAAA".repeat(21_845)), format!("{}AA==", "AAAA".repeat(21_845))]);
    }
    let mut cut = text.to_owned();
    if cut.pop().is_some() {
        all.extend([format!("{cut}/"), format!("{cut}g"), cut]);
    }
    all
}

/// Changes of what a list or an object holds.
fn around(found: &Value) -> Vec<(String, Value)> {
    match found {
        Value::Object(members) => of_object(members),
        Value::Array(items) => of_list(items),
        _ => Vec::new(),
    }
}

fn of_object(members: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut changed = Vec::new();
    for key in members.keys() {
        let mut without = members.clone();
        without.remove(key);
        changed.push((format!("without {key}"), Value::Object(without)));
    }
    for key in ["x", "", "unknown", "Name", "note"] {
        let mut more = members.clone();
        more.insert(key.to_owned(), json!("x"));
        changed.push((format!("with a member {key:?}"), Value::Object(more)));
    }
    changed
}

fn of_list(items: &[Value]) -> Vec<(String, Value)> {
    let mut changed = Vec::new();
    if let Some(first) = items.first() {
        let more = |times: usize| items.iter().cloned().chain(std::iter::repeat_n(first.clone(), times)).collect();
        changed.push(("with its first twice".to_owned(), Value::Array(more(1))));
        for times in [8, 16, 64] {
            changed.push((format!("with its first {times} times more"), Value::Array(more(times))));
        }
        changed.push(("without its first".to_owned(), Value::Array(items[1..].to_vec())));
        changed.push(("turned round".to_owned(), Value::Array(items.iter().rev().cloned().collect())));
        for last in alike(first).into_iter().chain([json!(null)]) {
            let what = format!("with {} at its end", excerpt(&last));
            changed.push((what, Value::Array(items.iter().cloned().chain([last]).collect())));
        }
    }
    changed
}

/// The same but for one member: what must stand once by its name, its key or its bytes stands twice.
fn alike(item: &Value) -> Vec<Value> {
    let Some(members) = item.as_object() else { return Vec::new() };
    let other = |value: &Value| match value {
        Value::Number(number) => json!(number.as_u64().unwrap_or(0) ^ 1),
        Value::String(text) if text.len() == 64 => json!("0".repeat(64)),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(items) => items.iter().chain(items.first()).cloned().collect(),
        other => other.clone(),
    };
    let change = |(key, value): (&String, &Value)| {
        let mut changed = members.clone();
        changed.insert(key.clone(), other(value));
        Value::Object(changed)
    };
    members.iter().map(change).collect()
}

fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
