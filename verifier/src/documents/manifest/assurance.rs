//! The two axes of assurance. Bench tools copy flash with the serial in it: only the pair says what was established.

/// How the identity of a unit was established. Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// By its label only.
    Claimed,
    /// On a signed shipment manifest consigned to us, never seen before.
    Listed,
    /// The unit signed our fresh challenge with a key certified for it. Nothing reaches this yet.
    DeviceKey,
}

impl Identity {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Listed => "listed",
            Self::DeviceKey => "device-key",
        }
    }
}

/// How the firmware of a unit was established. Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// Not at all.
    NotRead,
    /// Told by the unit itself: the firmware under test may lie. Nothing reaches this yet.
    Reported,
    /// Read out and equal to the release, but nothing in the readout ties it to this unit: the operator says so.
    MeasuredUnbound,
    /// Read out, equal to the release, and an identity field in it names this unit.
    Measured,
}

impl Firmware {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotRead => "not-read",
            Self::Reported => "reported",
            Self::MeasuredUnbound => "measured-unbound",
            Self::Measured => "measured",
        }
    }
}

/// The least of both axes that an accept needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// Of the identity axis.
    pub identity: Identity,
    /// Of the firmware axis.
    pub firmware: Firmware,
}

impl Minimum {
    /// The stricter of two minima on each axis.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { identity: self.identity.max(other.identity), firmware: self.firmware.max(other.firmware) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Firmware, Identity, Minimum};

    #[test]
    fn the_stricter_minimum_of_policy_and_release_wins_on_each_axis() {
        let policy = Minimum { identity: Identity::Listed, firmware: Firmware::NotRead };
        let release = Minimum { identity: Identity::Claimed, firmware: Firmware::Measured };
        let both = Minimum { identity: Identity::Listed, firmware: Firmware::Measured };
        assert_eq!(policy.and(release), both);
        assert_eq!(release.and(policy), both);
    }
}
