//! One box at the dock: what came with it, before anything is believed.

use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::evidence::Presentation;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Name, UnitKey};
use ecugate_verifier::values::limits::Limits;
use std::fmt;
use std::io::Read;

/// One box.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Its number, where the caller numbers boxes: the same number with the same evidence is the same box, and is
    /// answered with its own record. `None`: the gate draws one, or goes on with an attempt of this station and this
    /// evidence that a crash cut short.
    pub attempt: Option<Attempt>,
    /// The station, where it is not the site's and no `attempt` names one.
    pub station: Option<Name>,
    /// What the scanner read.
    pub label: Option<Vec<u8>>,
    /// The label on the housing, where it was scanned too.
    pub housing_label: Option<Vec<u8>>,
    /// Envelopes of manifests.
    pub manifests: Vec<Vec<u8>>,
    /// Images of the unit's memory.
    pub images: Vec<ImageSource<'a>>,
    /// Certificates from which paths may be built.
    pub untrusted: Vec<Vec<u8>>,
    /// Certificate revocation lists.
    pub crls: Vec<Vec<u8>>,
    /// The device's answer to our challenge.
    pub device_proof: Option<Vec<u8>>,
    /// New, or come back.
    pub condition: Condition,
    /// Who holds the box: a claim.
    pub operator: Option<Name>,
    /// The order that it belongs to: a claim.
    pub order: Option<Name>,
}

/// One image, read once from begin to end.
pub struct ImageSource<'a> {
    /// The component that it is of; none where the release has one.
    pub component: Option<Name>,
    /// Where its bytes come from.
    pub reader: Box<dyn Read + 'a>,
}

impl fmt::Debug for ImageSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageSource").field("component", &self.component).finish_non_exhaustive()
    }
}

impl Arrival<'_> {
    /// Reads everything once, and measures the images by what the presented, unverified releases name.
    pub(super) fn present(self, rules: &Rules, limits: &Limits) -> Presented {
        let mut presentation = Presentation {
            label: self.label,
            housing_label: self.housing_label,
            manifests: self.manifests,
            untrusted: self.untrusted,
            crls: self.crls,
            readouts: Vec::new(),
            device_proof: self.device_proof,
            condition: self.condition,
            operator: self.operator,
            order: self.order,
        };
        let evidence = presentation.read(rules, limits);
        let images = self.images.into_iter();
        presentation.readouts =
            images.map(|mut image| evidence.measure(image.component, &mut image.reader, limits)).collect();
        let keys = evidence.candidate_keys(&presentation.readouts);
        let evidence = presentation.digest();
        Presented { presentation, evidence, keys }
    }
}

/// What came, byte for byte and measured, and the keys to ask the memory for.
pub(super) struct Presented {
    pub(super) presentation: Presentation,
    /// Its digest.
    pub(super) evidence: Sha256,
    pub(super) keys: Vec<UnitKey>,
}
