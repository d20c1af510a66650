//! Is this the label of one unit, and of which?

use super::fault::LabelFault;
use super::field::{Field, Syntax};
use super::identifiers::{self, Role};
use crate::values::ident::{IdentFault, Part, Serial};
use crate::values::reason::Reason;

/// Units of measure that count pieces (UN/ECE Recommendation 20, and the words that labels use).
const PIECES: [&str; 6] = ["EA", "PC", "PCE", "PCS", "C62", "H87"];

/// One unit, as its label states it. A claim: nothing here is verified.
///
/// It is written and never read back: what is kept of a label is its raw text, and that is read again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LabelledUnit {
    /// The serial, byte for byte.
    pub serial: Serial,
    /// Every part number on the label (customer's, supplier's, GTIN, …), in order, byte for byte. May be none.
    pub parts: Vec<Part>,
    /// The identifier that stands before each of `parts`, in the same order.
    pub part_identifiers: Vec<String>,
    /// The first supplier stated.
    pub supplier: Option<Field>,
    /// The first revision stated.
    pub revision: Option<Field>,
    /// The first lot or trace stated.
    pub lot: Option<Field>,
    /// Other numbers of this one unit or package (unique ids, licence plates, SSCC) as identifier and value. A GTIN is
    /// no such number: all units of a part share it, and it stands in `parts`.
    pub aliases: Vec<(String, String)>,
}

impl LabelledUnit {
    /// Each part number with the identifier that stands before it.
    pub fn named_parts(&self) -> impl Iterator<Item = (&str, &Part)> {
        self.part_identifiers.iter().map(String::as_str).zip(&self.parts)
    }
}

/// The one unit of a label. Fields without a value say nothing.
pub(super) fn of(syntax: Syntax, all: &[Field]) -> Result<LabelledUnit, LabelFault> {
    let fields: Vec<(Role, &Field)> = all
        .iter()
        .filter(|field| !field.value.is_empty())
        .filter_map(|field| Some((identifiers::role(syntax, &field.identifier)?, field)))
        .collect();
    for (role, field) in &fields {
        one_piece(*role, field)?;
    }
    let serial = serial(&fields)?;
    let mut unit = LabelledUnit {
        serial,
        parts: Vec::new(),
        part_identifiers: Vec::new(),
        supplier: None,
        revision: None,
        lot: None,
        aliases: Vec::new(),
    };
    for (role, field) in fields {
        match role {
            Role::Part => {
                let part = Part::new(field.value.as_str()).map_err(|fault| not_a_name(&fault, field))?;
                unit.parts.push(part);
                unit.part_identifiers.push(field.identifier.clone());
            }
            Role::Supplier => unit.supplier = unit.supplier.or_else(|| Some(field.clone())),
            Role::Revision => unit.revision = unit.revision.or_else(|| Some(field.clone())),
            Role::Lot => unit.lot = unit.lot.or_else(|| Some(field.clone())),
            Role::UnitNumber | Role::PackageNumber => {
                unit.aliases.push((field.identifier.clone(), field.value.clone()));
            }
            Role::Serial | Role::SerialRun | Role::Quantity | Role::QuantityWithUnit => {}
        }
    }
    one_gtin(syntax, &unit)?;
    Ok(unit)
}

/// What two labels of one unit say together.
///
/// The serial must be the same text. Whatever both labels state under the same identifier (part numbers, supplier,
/// revision, lot, unique ids) must be the same; numbers of a package are the package's own. The result holds what
/// either states, the housing first.
///
/// # Errors
/// `labels-disagree` names the identifier, what the housing says (expected) and what the box says (found).
pub fn agree(box_label: &LabelledUnit, housing_label: &LabelledUnit) -> Result<LabelledUnit, LabelFault> {
    let disagree = |what: &str, housing: &str, boxed: &str| {
        let expected = format!("{what} {housing} as on the housing");
        Err(LabelFault::whole(Reason::LabelsDisagree, expected, format!("{what} {boxed}")))
    };
    if box_label.serial != housing_label.serial {
        return disagree("serial", housing_label.serial.as_str(), box_label.serial.as_str());
    }
    let housing = stated(housing_label);
    let boxed = stated(box_label);
    for (identifier, _) in &housing {
        let of = |all: &[(&str, &str)]| -> Vec<String> {
            all.iter().filter(|(other, _)| other == identifier).map(|(_, value)| (*value).to_owned()).collect()
        };
        let (here, there) = (of(&housing), of(&boxed));
        if !there.is_empty() && here != there {
            return disagree(identifier, &here.join(", "), &there.join(", "));
        }
    }
    let mut unit = housing_label.clone();
    for (identifier, part) in box_label.named_parts() {
        if !housing_label.part_identifiers.iter().any(|known| known == identifier) {
            unit.parts.push(part.clone());
            unit.part_identifiers.push(identifier.to_owned());
        }
    }
    unit.supplier = unit.supplier.or_else(|| box_label.supplier.clone());
    unit.revision = unit.revision.or_else(|| box_label.revision.clone());
    unit.lot = unit.lot.or_else(|| box_label.lot.clone());
    for alias in &box_label.aliases {
        if !unit.aliases.contains(alias) {
            unit.aliases.push(alias.clone());
        }
    }
    Ok(unit)
}

/// What a label states of the unit itself, as identifier and value.
fn stated(unit: &LabelledUnit) -> Vec<(&str, &str)> {
    let parts = unit.named_parts().map(|(identifier, part)| (identifier, part.as_str()));
    let single = [&unit.supplier, &unit.revision, &unit.lot].into_iter().flatten();
    let single = single.map(|field| (field.identifier.as_str(), field.value.as_str()));
    let numbers = unit.aliases.iter().map(|(identifier, value)| (identifier.as_str(), value.as_str()));
    let numbers = numbers.filter(|(identifier, _)| !is_package_number(identifier));
    parts.chain(single).chain(numbers).collect()
}

/// Data identifiers hold a letter and application identifiers do not, so one identifier has one meaning.
fn is_package_number(identifier: &str) -> bool {
    [Syntax::Iso15434Format06, Syntax::Gs1]
        .into_iter()
        .any(|syntax| identifiers::role(syntax, identifier) == Some(Role::PackageNumber))
}

fn one_piece(role: Role, field: &Field) -> Result<(), LabelFault> {
    let count = match role {
        Role::Quantity => Some(field.value.as_str()),
        Role::QuantityWithUnit => PIECES.iter().find_map(|unit| field.value.strip_suffix(unit)).map(str::trim_end),
        _ => None,
    };
    match count {
        Some(count) if !is_one(count) => {
            let found = format!("{} {}", field.identifier, field.value);
            Err(LabelFault::whole(Reason::LabelQuantity, "a quantity of 1", found))
        }
        _ => Ok(()),
    }
}

/// `1`, `001`, `1.0`: digits, of which one is 1 and the rest are 0.
fn is_one(count: &str) -> bool {
    let (whole, fraction) = count.split_once('.').unwrap_or((count, "0"));
    whole.trim_start_matches('0') == "1" && !fraction.is_empty() && fraction.bytes().all(|b| b == b'0')
}

fn serial(fields: &[(Role, &Field)]) -> Result<Serial, LabelFault> {
    let expected = "one serial";
    if let Some((_, field)) = fields.iter().find(|(role, _)| *role == Role::SerialRun) {
        let found = format!("a run of serials: {} {}", field.identifier, field.value);
        return Err(LabelFault::whole(Reason::LabelTwoSerials, expected, found));
    }
    let mut serials = fields.iter().filter(|(role, _)| *role == Role::Serial);
    let Some((_, field)) = serials.next() else {
        let other = fields.iter().find(|(role, _)| *role == Role::UnitNumber);
        let found = other.map_or_else(
            || "none".to_owned(),
            |(_, field)| format!("none; {} {} is another number", field.identifier, field.value),
        );
        return Err(LabelFault::whole(Reason::LabelNoSerial, expected, found));
    };
    if let Some((_, other)) = serials.next() {
        let found = format!("{} and {}", field.value, other.value);
        return Err(LabelFault::whole(Reason::LabelTwoSerials, expected, found));
    }
    Serial::new(field.value.as_str()).map_err(|fault| not_a_name(&fault, field))
}

/// One unit is of one trade item: two GTINs in one symbol contradict (GS1 General Specifications section 4.13).
fn one_gtin(syntax: Syntax, unit: &LabelledUnit) -> Result<(), LabelFault> {
    if syntax == Syntax::Iso15434Format06 {
        return Ok(());
    }
    let mut gtins = unit.named_parts().filter(|(identifier, _)| *identifier == "01").map(|(_, part)| part);
    match (gtins.next(), gtins.next()) {
        (Some(first), Some(second)) => {
            Err(LabelFault::whole(Reason::LabelAmbiguous, "one GTIN", format!("{first} and {second}")))
        }
        _ => Ok(()),
    }
}

fn not_a_name(fault: &IdentFault, field: &Field) -> LabelFault {
    let found = format!("{} {:?}, which {fault}", field.identifier, field.value);
    LabelFault::whole(Reason::LabelFieldMalformed, "a value that can be a part number or serial", found)
}
