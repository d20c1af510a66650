//! What is stored: by kind, what each calls itself, and how long revocation lists last.

use super::documents::Documents;
use super::store::Intake;
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::inputs::evidence::Manifest;
use ecugate_verifier::syntax::certificate::certificates;
use ecugate_verifier::syntax::crl::crls;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeMap;

/// Document entries read from the ledger at once.
const ENTRIES: usize = 64;

/// Everything that is stored.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    /// The documents, in the order in which they came.
    pub lines: Vec<StockLine>,
    /// For each issuer, when the next list after its newest one comes at the latest; `None` where it does not say.
    pub lists: BTreeMap<String, (Time, Option<Time>)>,
}

/// One stored document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLine {
    /// The number of its entry.
    pub seq: u64,
    /// When it came.
    pub at: Time,
    /// By whose way.
    pub source: Name,
    /// What it is.
    pub kind: SeenKind,
    /// What it calls itself: a claim.
    pub name: Option<Name>,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// Units of a shipment, components of a release, certificates or lists in the file; 0 where it cannot be read.
    pub count: usize,
}

impl Intake {
    /// Lists what is stored. Every document is read: this takes long where there are many.
    ///
    /// # Errors
    /// What keeps the ledger from answering.
    pub fn stock(documents: &dyn Documents, limits: &Limits) -> Result<Stock, Finding> {
        let mut stock = Stock::default();
        let mut next = 0;
        loop {
            let entries = documents.from(next, ENTRIES)?;
            for entry in &entries {
                next = entry.seq.saturating_add(1);
                let seen = &entry.seen;
                let bytes = documents.bytes(&seen.document)?.unwrap_or_default();
                stock.lines.push(StockLine {
                    seq: entry.seq,
                    at: seen.record.time,
                    source: seen.source.clone(),
                    kind: seen.kind,
                    name: seen.name.clone(),
                    digest: seen.document,
                    count: stock_count(&mut stock.lists, seen.kind, &bytes, limits),
                });
            }
            if entries.len() < ENTRIES {
                return Ok(stock);
            }
        }
    }
}

fn stock_count(
    lists: &mut BTreeMap<String, (Time, Option<Time>)>,
    kind: SeenKind,
    bytes: &[u8],
    limits: &Limits,
) -> usize {
    match kind {
        SeenKind::Release | SeenKind::Shipment => match Manifest::read(bytes, limits) {
            Manifest::Release(_, release) => release.components.len(),
            Manifest::Shipment(_, shipment) => shipment.units.len(),
            Manifest::Malformed { .. } => 0,
        },
        SeenKind::Certificates => certificates(bytes, limits).map_or(0, |read| read.len()),
        SeenKind::Crl => {
            let read = crls(bytes, limits).unwrap_or_default();
            for list in &read {
                let newest = lists.entry(list.issuer_text().to_owned()).or_insert((list.this_update(), None));
                if newest.0 <= list.this_update() {
                    *newest = (list.this_update(), list.next_update());
                }
            }
            read.len()
        }
    }
}
