//! One line of a batch: a JSON object that stands for a command line.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;

/// One case: its `id`, and its members in the order written.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// What the caller calls the case: text or a whole number; `null` where none can be read.
    pub(crate) id: Value,
    members: Vec<(String, Value)>,
    repeated: Option<String>,
}

/// The parser of the command line that a case of the seam `S` stands for: the same as on the real one, without what
/// belongs to a whole run (`--cases`, `--json`, `--quiet`, `--help`).
pub(crate) fn parser<S: clap::Args>() -> clap::Command {
    let mut parser = S::augment_args(clap::Command::new("case").no_binary_name(true).disable_help_flag(true));
    parser.build();
    parser
}

impl Case {
    /// Reads one line.
    pub(crate) fn read(line: &[u8]) -> Result<Self, Finding> {
        serde_json::from_slice(line)
            .map_err(|error| Finding::new(Reason::Usage, "", "one JSON object a line", error.to_string()))
    }

    /// The command line that the case stands for, to be read by [`parser`].
    ///
    /// A key is a long flag name with `_` for `-`, or the name of a positional.
    pub(crate) fn arguments(&self, command: &clap::Command) -> Result<Vec<OsString>, Finding> {
        if let Some(key) = &self.repeated {
            return Err(unfit(key, "each key once", "the key twice"));
        }
        if self.id.is_null() {
            return Err(unfit("id", "a text or a whole number", "none"));
        }
        let mut flags = Vec::new();
        let mut positionals = Vec::new();
        for (key, value) in &self.members {
            let argument = named(command, key).ok_or_else(|| unfit(key, &keys(command), "another key"))?;
            match argument.get_index() {
                Some(index) => positionals.push((index, texts(key, value)?)),
                None => flags.extend(flag(key, argument, value)?),
            }
        }
        positionals.sort_by_key(|(index, _)| *index);
        flags.push("--".into());
        flags.extend(positionals.into_iter().flat_map(|(_, values)| values).map(OsString::from));
        Ok(flags)
    }
}

/// One flag, as often as it has values. The value hangs on the name, so that one with a leading `-` stays a value.
fn flag(key: &str, argument: &clap::Arg, value: &Value) -> Result<Vec<OsString>, Finding> {
    let name = argument.get_long().unwrap_or_default();
    match (argument.get_action().takes_values(), value) {
        (true, value) => Ok(texts(key, value)?.into_iter().map(|text| format!("--{name}={text}").into()).collect()),
        (false, Value::Bool(true)) => Ok(vec![format!("--{name}").into()]),
        (false, Value::Bool(false)) => Ok(Vec::new()),
        (false, other) => Err(unfit(key, "true or false", kind(other))),
    }
}

/// The values of one key: one, or a list where the flag repeats.
fn texts(key: &str, value: &Value) -> Result<Vec<String>, Finding> {
    match value {
        Value::Array(list) => list.iter().map(|item| text(key, item)).collect(),
        one => Ok(vec![text(key, one)?]),
    }
}

fn text(key: &str, value: &Value) -> Result<String, Finding> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(unfit(key, "a text, a whole number, or a list of them", kind(other))),
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn named<'a>(command: &'a clap::Command, key: &str) -> Option<&'a clap::Arg> {
    command.get_arguments().find(|argument| key_of(argument).as_deref() == Some(key))
}

fn key_of(argument: &clap::Arg) -> Option<String> {
    match argument.get_long() {
        Some(long) => Some(long.replace('-', "_")),
        None => argument.is_positional().then(|| argument.get_id().to_string()),
    }
}

fn keys(command: &clap::Command) -> String {
    let keys: Vec<String> = command.get_arguments().filter_map(key_of).collect();
    format!("id, {}", keys.join(", "))
}

fn unfit(key: &str, expected: &str, found: &str) -> Finding {
    Finding::new(Reason::Usage, format!("key {key:?}"), expected, found)
}

impl<'de> serde::Deserialize<'de> for Case {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CaseVisitor)
    }
}

/// Keeps what a map type would drop: the order, and that a key stood twice.
struct CaseVisitor;

impl<'de> Visitor<'de> for CaseVisitor {
    type Value = Case;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Case, A::Error> {
        let mut case = Case::default();
        let mut seen = BTreeSet::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if !seen.insert(key.clone()) {
                case.repeated = Some(key);
                continue;
            }
            match (key.as_str(), value) {
                ("id", Value::String(text)) => case.id = Value::String(text),
                ("id", Value::Number(number)) if !number.is_f64() => case.id = Value::Number(number),
                ("id", _) => {}
                (_, value) => case.members.push((key, value)),
            }
        }
        Ok(case)
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Reason};

    #[derive(clap::Args)]
    struct Chain {
        leaf: String,
        #[arg(long, num_args(1..))]
        anchor: Vec<String>,
        #[arg(long)]
        max_intermediates: Option<u8>,
        #[arg(long)]
        strict: bool,
    }

    fn arguments(line: &str) -> Result<Vec<String>, String> {
        let case = Case::read(line.as_bytes()).map_err(|finding| finding.found)?;
        let arguments = case.arguments(&super::parser::<Chain>()).map_err(|finding| {
            assert_eq!(finding.reason, Reason::Usage);
            format!("{}: {}", finding.place, finding.found)
        })?;
        Ok(arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect())
    }

    #[test]
    fn keys_become_flags_lists_repeat_them_and_positionals_come_last() {
        let line = r#"{"leaf": "-l", "id": 7, "anchor": ["a", "-b"], "max_intermediates": 3, "strict": true}"#;
        let expected = ["--anchor=a", "--anchor=-b", "--max-intermediates=3", "--strict", "--", "-l"];
        assert_eq!(arguments(line).unwrap(), expected);
    }

    #[test]
    fn a_case_cannot_name_a_batch_the_form_of_the_output_or_a_flag_in_another_spelling() {
        for key in ["cases", "json", "quiet", "help", "max-intermediates", "LEAF", "--anchor", ""] {
            let refused = arguments(&format!(r#"{{"id": 1, "{key}": "x"}}"#));
            assert_eq!(refused, Err(format!("key {key:?}: another key")));
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_and_the_id_twice_too() {
        assert_eq!(arguments(r#"{"id":1,"leaf":"a","leaf":"a"}"#), Err("key \"leaf\": the key twice".into()));
        assert_eq!(arguments(r#"{"id":1,"id":2,"leaf":"a"}"#), Err("key \"id\": the key twice".into()));
    }

    #[test]
    fn a_value_that_no_flag_can_have_is_refused() {
        let refused = |line, what: &str| assert_eq!(arguments(line), Err(what.to_owned()), "{line}");
        refused(r#"{"id":1,"leaf":null}"#, "key \"leaf\": null");
        refused(r#"{"id":1,"leaf":{"a":1}}"#, "key \"leaf\": an object");
        refused(r#"{"id":1,"anchor":[["a"]]}"#, "key \"anchor\": a list");
        refused(r#"{"id":1,"max_intermediates":1.5}"#, "key \"max_intermediates\": a number");
        refused(r#"{"id":1,"strict":"yes"}"#, "key \"strict\": a text");
        refused(r#"{"leaf":"a"}"#, "key \"id\": none");
        refused(r#"{"id":{},"leaf":"a"}"#, "key \"id\": none");
    }
}
