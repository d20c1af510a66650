//! What an identifier says about the unit.
//!
//! Sources: ANSI MH10.8.2 (data identifiers, by category letter); GS1 General Specifications section 3. An identifier
//! that stands in neither table is kept and says nothing.

use super::field::Syntax;

/// What a field says about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The serial for life, by the maker.
    Serial,
    /// Begin or end of a run of serials: more than one unit.
    SerialRun,
    /// A part number of this unit.
    Part,
    Revision,
    Supplier,
    Lot,
    /// How many pieces.
    Quantity,
    /// How much, with a unit of measure behind the number.
    QuantityWithUnit,
    /// Another number of this one unit.
    UnitNumber,
    /// A number of this one package.
    PackageNumber,
}

/// The role of a field, or none.
pub(super) fn role(syntax: Syntax, identifier: &str) -> Option<Role> {
    entry(syntax, identifier).map(|(_, role, _)| *role)
}

/// What an identifier means, in a few words, where it is one that the gate looks at.
///
/// ```
/// use ecugate_verifier::syntax::label::{Syntax, meaning};
/// assert_eq!(meaning(Syntax::Iso15434Format06, "1P"), Some("part number by the supplier"));
/// assert_eq!(meaning(Syntax::Iso15434Format06, "Z"), None);
/// ```
#[must_use]
pub fn meaning(syntax: Syntax, identifier: &str) -> Option<&'static str> {
    entry(syntax, identifier).map(|(_, _, meaning)| *meaning)
}

fn entry(syntax: Syntax, identifier: &str) -> Option<&'static Entry> {
    let table = match syntax {
        Syntax::Iso15434Format06 => DATA_IDENTIFIERS,
        Syntax::Iso15434Format05 | Syntax::Gs1 | Syntax::Gs1DigitalLink => APPLICATION_IDENTIFIERS,
        Syntax::Bare => BARE,
    };
    table.iter().find(|(known, _, _)| *known == identifier)
}

type Entry = (&'static str, Role, &'static str);

/// A bare text has no identifier, and is the serial where the rules let it in at all.
const BARE: &[Entry] = &[("", Role::Serial, "serial")];

/// `S` alone is the serial. `25S`, `18S`, `37S` hold the serial behind a maker's code of unstated length, `T` names a
/// lot or a trace that several units may share, `3S` and `J` name a package: none of them is taken for the serial.
/// `26P` is the part number of the next higher assembly, and so not of this unit.
const DATA_IDENTIFIERS: &[Entry] = &[
    ("S", Role::Serial, "serial by the supplier"),
    ("31S", Role::SerialRun, "first of a run of serials"),
    ("32S", Role::SerialRun, "last of a run of serials"),
    ("P", Role::Part, "part number by the customer"),
    ("1P", Role::Part, "part number by the supplier"),
    ("20P", Role::Part, "part number by the customer, first level"),
    ("21P", Role::Part, "part number by the customer, second level"),
    ("25P", Role::Part, "part number with its maker's code"),
    ("30P", Role::Part, "part number by the supplier, first level"),
    ("31P", Role::Part, "part number by the supplier, second level"),
    ("2P", Role::Revision, "revision"),
    ("V", Role::Supplier, "supplier, by the customer's code"),
    ("1V", Role::Supplier, "supplier, by his own code"),
    ("12V", Role::Supplier, "DUNS number of the manufacturer"),
    ("13V", Role::Supplier, "DUNS number of the supplier"),
    ("17V", Role::Supplier, "CAGE code"),
    ("18V", Role::Supplier, "agency code and company number"),
    ("21V", Role::Supplier, "agency code, company number and sub-unit"),
    ("T", Role::Lot, "lot or trace by the customer"),
    ("1T", Role::Lot, "lot or trace by the supplier"),
    ("Q", Role::Quantity, "quantity"),
    ("7Q", Role::QuantityWithUnit, "quantity with unit of measure"),
    ("1S", Role::UnitNumber, "further code of the unit by the supplier"),
    ("15S", Role::UnitNumber, "serial by the vendor, with 13V"),
    ("18S", Role::UnitNumber, "CAGE code and serial"),
    ("20S", Role::UnitNumber, "trace code of the unit by the customer"),
    ("22S", Role::UnitNumber, "identity of a mobile telephone"),
    ("23S", Role::UnitNumber, "MAC address"),
    ("25S", Role::UnitNumber, "unique id: agency, company, serial"),
    ("30S", Role::UnitNumber, "further trace code of the unit by the supplier"),
    ("37S", Role::UnitNumber, "unique id: agency, company, part, serial"),
    ("42S", Role::UnitNumber, "unique id with the length of its serial"),
    ("3S", Role::PackageNumber, "package by the supplier"),
    ("4S", Role::PackageNumber, "master package of like items"),
    ("5S", Role::PackageNumber, "master package of mixed items"),
    ("J", Role::PackageNumber, "licence plate"),
    ("1J", Role::PackageNumber, "licence plate of the innermost package"),
    ("2J", Role::PackageNumber, "licence plate of a package of packages"),
    ("3J", Role::PackageNumber, "licence plate of the innermost package, with EDI"),
    ("4J", Role::PackageNumber, "licence plate of a package of packages, with EDI"),
    ("5J", Role::PackageNumber, "licence plate of a mixed load"),
    ("6J", Role::PackageNumber, "licence plate of a master load"),
];

const APPLICATION_IDENTIFIERS: &[Entry] = &[
    ("21", Role::Serial, "serial of the GTIN"),
    ("8011", Role::Serial, "serial of the component part"),
    ("01", Role::Part, "GTIN"),
    ("03", Role::Part, "GTIN of a made-to-order item"),
    ("240", Role::Part, "additional number by the manufacturer"),
    ("241", Role::Part, "part number by the customer"),
    ("8010", Role::Part, "component part"),
    ("10", Role::Lot, "batch or lot"),
    ("30", Role::Quantity, "count of items"),
    ("37", Role::Quantity, "count of contained items"),
    ("250", Role::UnitNumber, "second serial"),
    ("8003", Role::UnitNumber, "returnable asset"),
    ("8004", Role::UnitNumber, "individual asset"),
    ("00", Role::PackageNumber, "serial shipping container code"),
];

#[cfg(test)]
mod tests {
    use super::{APPLICATION_IDENTIFIERS, DATA_IDENTIFIERS, Role, role};
    use crate::syntax::label::field::Syntax;

    #[test]
    fn each_identifier_stands_once() {
        for table in [DATA_IDENTIFIERS, APPLICATION_IDENTIFIERS] {
            let names: std::collections::BTreeSet<&str> = table.iter().map(|(name, _, _)| *name).collect();
            assert_eq!(names.len(), table.len());
        }
    }

    #[test]
    fn a_trace_a_unique_id_and_a_licence_plate_are_no_serial() {
        for identifier in ["T", "1T", "25S", "18S", "15S", "1S", "3S", "J", "s", "0S", "S "] {
            assert_ne!(role(Syntax::Iso15434Format06, identifier), Some(Role::Serial), "{identifier}");
        }
        assert_eq!(role(Syntax::Iso15434Format05, "S"), None);
        assert_eq!(role(Syntax::Iso15434Format06, "21"), None);
    }
}
