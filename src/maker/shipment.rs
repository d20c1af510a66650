//! Shipment manifests: a description and lists of units become the document.

use super::description::{Faults, Files, Moment, Source, ValidityText};
use super::units::{UnitText, read_capped, rows};
use ecugate_verifier::documents::manifest::shipment::{Shipment, Unit};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, Name, Part, Serial};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use toml::Spanned;

/// Makes a shipment manifest from the text of a description, called `place` in faults. Files that it names are opened
/// by `files`; units of the text stand before those of the CSV file.
///
/// # Errors
/// [`Faults`]: the first place at which the text is no description; or everything that is wrong with its units.
pub fn describe(bytes: &[u8], place: &str, files: &mut Files<'_>, limits: &Limits) -> Result<Shipment, Faults> {
    let source = Source::new(bytes, place)?;
    let text: ShipmentText = source.read()?;
    let mut list = List::default();
    for unit in text.units {
        let at = source.at(&unit.span());
        list.take(at, unit.into_inner(), files, limits);
    }
    if let Some(file) = text.units_file {
        let shown = file.get_ref().display().to_string();
        let rows = files(file.get_ref())
            .and_then(|mut reader| read_capped(&mut *reader, &shown, limits.document_bytes))
            .map_err(|finding| finding.within(&source.at(&file.span())))
            .and_then(|bytes| rows(&bytes, &shown))?;
        for row in rows {
            match row {
                Ok((at, unit)) => list.take(at, unit, files, limits),
                Err(finding) => list.faults.push(finding),
            }
        }
    }
    Faults::none_of(list.faults)?;
    if list.units.is_empty() {
        return Err(source.fault_of_all("[[units]] or units_file with at least one unit", "none").into());
    }
    let shipment = Shipment {
        manufacturer: text.manufacturer,
        shipment: text.shipment,
        consignee: text.consignee,
        issued: text.issued.0,
        valid: text.valid.into(),
        units: list.units,
    };
    source.require_sound(&shipment, limits)?;
    Ok(shipment)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ShipmentText {
    manufacturer: Manufacturer,
    shipment: Name,
    consignee: Name,
    issued: Moment,
    valid: ValidityText,
    #[serde(default)]
    units: Vec<Spanned<UnitText>>,
    units_file: Option<Spanned<PathBuf>>,
}

/// The units so far, and where each stands.
#[derive(Default)]
struct List {
    units: Vec<Unit>,
    places: BTreeMap<(Part, Serial), String>,
    faults: Vec<Finding>,
}

impl List {
    fn take(&mut self, at: String, text: UnitText, files: &mut Files<'_>, limits: &Limits) {
        let unit = match text.resolve(files, limits) {
            Ok(unit) => unit,
            Err(finding) => return self.faults.push(finding.within(&at)),
        };
        match self.places.entry((unit.part.clone(), unit.serial.clone())) {
            Entry::Occupied(other) => {
                let found = format!("{} {} here and at {}", unit.part, unit.serial, other.get());
                self.faults.push(Finding::new(Reason::SerialListedTwice, at, "each part and serial once", found));
            }
            Entry::Vacant(free) => {
                free.insert(at);
                self.units.push(unit);
            }
        }
    }
}

#[cfg(test)]
mod tests;
