//! JSONTestSuite (Seriot: Parsing JSON is a minefield, 2016): 318 texts, and 22 on which parsers differ.
//!
//! Every `n_` is refused. Every `y_` is accepted but for the exceptions below, each with the reason why; one that is
//! accepted, or refused for another reason, fails too. The answers to `i_` and `transform` are listed in the output.

use crate::corpus::{self, Row};
use ecugate_verifier::syntax::json::parse;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const ARCHIVE: &str = "json-parsing.tar.gz";

/// Texts that RFC 8259 allows and a signed document may not hold.
const EXCEPTIONS: &[(&str, Reason)] = &[
    // equal keys: which one counts differs from reader to reader
    ("y_object_duplicated_key.json", Reason::JsonDuplicateKey),
    ("y_object_duplicated_key_and_value.json", Reason::JsonDuplicateKey),
    // fractions, exponents, minus zero: no field of ours is one, and readers round
    ("y_number.json", Reason::JsonNumber),
    ("y_number_0e+1.json", Reason::JsonNumber),
    ("y_number_0e1.json", Reason::JsonNumber),
    ("y_number_double_close_to_zero.json", Reason::JsonNumber),
    ("y_number_int_with_exp.json", Reason::JsonNumber),
    ("y_number_minus_zero.json", Reason::JsonNumber),
    ("y_number_negative_zero.json", Reason::JsonNumber),
    ("y_number_real_capital_e.json", Reason::JsonNumber),
    ("y_number_real_capital_e_neg_exp.json", Reason::JsonNumber),
    ("y_number_real_capital_e_pos_exp.json", Reason::JsonNumber),
    ("y_number_real_exponent.json", Reason::JsonNumber),
    ("y_number_real_fraction_exponent.json", Reason::JsonNumber),
    ("y_number_real_neg_exp.json", Reason::JsonNumber),
    ("y_number_real_pos_exponent.json", Reason::JsonNumber),
    ("y_number_simple_real.json", Reason::JsonNumber),
    ("y_object_extreme_numbers.json", Reason::JsonNumber),
    ("y_structure_lonely_negative_real.json", Reason::JsonNumber),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![corpus::trial("json-parsing", corpus::folder(), |_| parsing())]
}

fn parsing() -> Result<(), Failed> {
    let folder = corpus::unpack(ARCHIVE)?;
    let parsing = answers(&folder.path().join("parsing"))?;
    let transform = answers(&folder.path().join("transform"))?;
    if (parsing.len(), transform.len()) != (318, 22) {
        return Err(format!("{} texts and {} transformations", parsing.len(), transform.len()).into());
    }
    let of = |begin: &'static str| parsing.iter().filter(move |(name, _)| name.starts_with(begin));
    let mut wrong = row("JSONTestSuite y_", of("y_"), |name| {
        EXCEPTIONS
            .iter()
            .find(|(exception, _)| exception == &name)
            .map_or(Expected::Accepted, |(_, reason)| Expected::RefusedFor(*reason))
    });
    wrong.extend(row("JSONTestSuite n_", of("n_"), |_| Expected::Refused));
    wrong.extend(row("JSONTestSuite i_, transform: no panic", of("i_").chain(&transform), |_| Expected::Either));
    for (name, (answer, _)) in of("i_").chain(&transform) {
        println!("    {name}: {}", answer.map_or("accepted".to_owned(), |reason| format!("refused, {reason}")));
    }
    for (exception, _) in EXCEPTIONS.iter().filter(|(exception, _)| !parsing.contains_key(*exception)) {
        wrong.push(format!("{exception}: no such text"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Why a text was refused (`None`: it was accepted), and the time taken.
type Answer = (Option<Reason>, Duration);

fn answers(folder: &Path) -> Result<BTreeMap<String, Answer>, Failed> {
    let mut answers = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let text = std::fs::read(entry.path())?;
        let begin = Instant::now();
        let answer = parse(&text, &Limits::STANDARD).err().map(|fault| fault.reason());
        answers.insert(entry.file_name().to_string_lossy().into_owned(), (answer, begin.elapsed()));
    }
    Ok(answers)
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Accepted,
    Refused,
    RefusedFor(Reason),
    Either,
}

/// Prints the row of a set, and answers with what is wrong in it.
fn row<'a>(
    set: &'static str,
    answers: impl Iterator<Item = (&'a String, &'a Answer)>,
    expected: impl Fn(&str) -> Expected,
) -> Vec<String> {
    let mut row = Row { set, cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let mut wrong = Vec::new();
    for (name, (answer, time)) in answers {
        row.cases += 1;
        row.worst = row.worst.max(*time);
        match (expected(name), answer) {
            (Expected::Accepted, Some(reason)) => {
                row.false_refusals += 1;
                wrong.push(format!("{name}: refused, {reason}"));
            }
            (Expected::Refused | Expected::RefusedFor(_), None) => {
                row.false_accepts += 1;
                wrong.push(format!("{name}: accepted"));
            }
            (Expected::RefusedFor(due), Some(reason)) if due != *reason => {
                wrong.push(format!("{name}: refused for {reason} and not for {due}"));
            }
            _ => row.right += 1,
        }
    }
    row.print();
    wrong
}
