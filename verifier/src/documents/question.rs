//! The questions that an appraisal asks and a receipt answers, and which of them an accept cannot do without.

use super::manifest::assurance::{Firmware, Identity, Minimum};

/// One question about a unit, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Does the ledger answer?
    Memory,
    /// Does the clock agree with the ledger?
    Clock,
    /// Is there a certificate on the token that the authority listed?
    Anchors,
    /// Is a policy in force?
    Policy,
    /// Could everything presented be read?
    Papers,
    /// Does the label name one unit, and the housing the same?
    Label,
    /// Is every release signed by a signer that may, with a valid path and no revocation?
    ReleaseSigner,
    /// Is every shipment signed by a signer that may list serials?
    ShipmentSigner,
    /// Do all documents of the unit come from one manufacturer?
    Manufacturer,
    /// Does exactly one shipment entry list the unit?
    Listing,
    /// Was it sent to us?
    Consignee,
    /// Is it in the condition that the shipment states?
    Condition,
    /// Is there the release that it left with, for this part and hardware, for production?
    Release,
    /// Is its firmware at least as new as what was seen before?
    SecurityVersion,
    /// Is the firmware what the release says, in every named range?
    Firmware,
    /// Does the readout name this unit?
    Binding,
    /// Was none of its keys ever seen before?
    Sightings,
    /// Did the device sign our challenge?
    DeviceProof,
    /// Is the identity established as far as policy and release demand?
    IdentityMinimum,
    /// Is the firmware established as far as policy and release demand?
    FirmwareMinimum,
}

impl Question {
    /// Every question.
    pub const ALL: [Self; 20] = [
        Self::Memory,
        Self::Clock,
        Self::Anchors,
        Self::Policy,
        Self::Papers,
        Self::Label,
        Self::ReleaseSigner,
        Self::ShipmentSigner,
        Self::Manufacturer,
        Self::Listing,
        Self::Consignee,
        Self::Condition,
        Self::Release,
        Self::SecurityVersion,
        Self::Firmware,
        Self::Binding,
        Self::Sightings,
        Self::DeviceProof,
        Self::IdentityMinimum,
        Self::FirmwareMinimum,
    ];

    /// The word in receipts and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Clock => "clock",
            Self::Anchors => "anchors",
            Self::Policy => "policy",
            Self::Papers => "papers",
            Self::Label => "label",
            Self::ReleaseSigner => "release-signer",
            Self::ShipmentSigner => "shipment-signer",
            Self::Manufacturer => "manufacturer",
            Self::Listing => "listing",
            Self::Consignee => "consignee",
            Self::Condition => "condition",
            Self::Release => "release",
            Self::SecurityVersion => "security-version",
            Self::Firmware => "firmware",
            Self::Binding => "binding",
            Self::Sightings => "sightings",
            Self::DeviceProof => "device-proof",
            Self::IdentityMinimum => "identity-minimum",
            Self::FirmwareMinimum => "firmware-minimum",
        }
    }

    /// Whether an accept needs a yes to this question. Signature, scope and sightings always; what belongs to an axis
    /// only as far as the minimum of that axis reaches.
    #[must_use]
    pub fn is_required(self, minimum: Minimum) -> bool {
        match self {
            Self::ShipmentSigner | Self::Listing | Self::Consignee => minimum.identity >= Identity::Listed,
            Self::Firmware => minimum.firmware > Firmware::NotRead,
            Self::Binding => minimum.firmware >= Firmware::Measured,
            _ => true,
        }
    }
}
