//! `ecugate inspect label`: what a label says, read by the rules of a policy that declares nothing.

use crate::cli::flag::{self, Hex};
use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::label::{BareRule, Field, Label as Read, LabelFault, LabelledUnit, Rules, meaning, read};
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::shown::visible;
use serde_json::{Value, json};

/// Most bytes taken from standard input: more than a label may have, so that the label itself is said to be too long.
const INPUT_BYTES: usize = 64 << 10;

/// The text of a label, from standard input where neither flag gives it.
#[derive(clap::Args)]
pub(crate) struct Label {
    /// The text
    #[arg(long, conflicts_with = "hex", allow_hyphen_values = true)]
    text: Option<String>,

    /// The text as hex digits
    #[arg(long, value_parser = flag::hex)]
    hex: Option<Hex>,

    /// What the scanner types for GS
    #[arg(long, value_name = "STRING", allow_hyphen_values = true)]
    gs_as: Option<String>,
}

impl Seam for Label {
    const COMMAND: &'static str = "inspect label";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = &Limits::STANDARD;
        let rules = Rules { gs_stand_in: self.gs_as.clone(), ..Rules::default() };
        rules.check().map_err(|fault| Finding::new(Reason::Usage, "--gs-as", fault.expected(), fault.found()))?;
        let raw = match (&self.text, &self.hex) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(Hex(bytes))) => bytes.clone(),
            (None, None) => world.standard_input()?.bytes(INPUT_BYTES)?,
        };
        Ok(match read(&raw, &rules, limits) {
            Ok(label) => told(&label, label.unit()),
            Err(fault) if fault.reason() == Reason::LabelBareRefused => bare(&raw, &rules, fault, limits),
            Err(fault) => Answer::refuse(fault.finding()).with("raw_hex", hex::encode(&raw)),
        })
    }
}

/// A bare text is refused, as the gate refuses it; and what it would be where a policy declares bare labels is shown.
fn bare(raw: &[u8], strict: &Rules, fault: LabelFault, limits: &Limits) -> Answer {
    let declared = Rules { bare: BareRule::SerialOnly, ..strict.clone() };
    let refusal = Err(fault.clone());
    match read(raw, &declared, limits).and_then(|label| Ok((label.unit()?, label))) {
        Ok((unit, label)) => {
            let serial = unit.serial.to_string();
            told(&label, refusal)
                .line(format!("bare      serial {serial}, only where the policy declares bare labels"))
                .with("bare_serial", serial)
        }
        Err(_) => Answer::refuse(fault.finding()).with("raw_hex", hex::encode(raw)),
    }
}

fn told(label: &Read, unit: Result<LabelledUnit, LabelFault>) -> Answer {
    let (answer, unit) = match unit {
        Ok(unit) => (Answer::accept(), Some(unit)),
        Err(fault) => (Answer::refuse(fault.finding()), None),
    };
    let fields: Vec<Value> = label.fields().iter().map(|one| field(label, one)).collect();
    let mut answer = answer
        .with("raw_hex", hex::encode(label.raw()))
        .with("syntax", label.syntax().word())
        .with("symbology", serde_json::to_value(label.symbology()).unwrap_or(Value::Null))
        .with("fields", fields)
        .line(format!("syntax    {}", label.syntax().word()));
    for Field { identifier, value } in label.fields() {
        let means = meaning(label.syntax(), identifier).map(|words| format!("  ({words})")).unwrap_or_default();
        answer = answer.line(format!("field     {identifier:<4} {}{means}", visible(value)));
    }
    match unit {
        Some(unit) => of_one_unit(&unit, answer),
        None => answer,
    }
}

fn field(label: &Read, Field { identifier, value }: &Field) -> Value {
    json!({"identifier": identifier, "value": value, "meaning": meaning(label.syntax(), identifier)})
}

fn of_one_unit(unit: &LabelledUnit, answer: Answer) -> Answer {
    let stated = |field: &Option<Field>| field.as_ref().map(|field| field.value.clone());
    let parts: Vec<Value> = unit
        .named_parts()
        .map(|(identifier, part)| json!({"identifier": identifier, "value": part.as_str()}))
        .collect();
    let numbers: Vec<Value> =
        unit.aliases.iter().map(|(identifier, value)| json!({"identifier": identifier, "value": value})).collect();
    let part = unit.parts.first().map(|part| part.to_string());
    let supplier = stated(&unit.supplier);
    let answer = answer
        .line(format!("part      {}", part.as_deref().unwrap_or("none stated")))
        .line(format!("serial    {}", unit.serial))
        .line(format!("supplier  {}", supplier.as_deref().map_or_else(|| "none stated".to_owned(), visible)));
    answer
        .with("part", part)
        .with("serial", unit.serial.as_str())
        .with("supplier", supplier)
        .with("revision", stated(&unit.revision))
        .with("lot", stated(&unit.lot))
        .with("parts", parts)
        .with("numbers", numbers)
}
