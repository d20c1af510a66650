//! What a verdict means: the box action of each ruling, and what each pair of assurance levels could not catch.

use super::super::BoxAction;
use crate::documents::manifest::assurance::{Firmware, Identity};
use crate::documents::receipt::Ruling;

const ACCEPT: BoxAction = BoxAction {
    mark: "✔",
    headline: "ACCEPT",
    shelf: "GREEN SHELF",
    colour: "green",
    steps: &["put it on the green shelf"],
};

const SUSPECT: BoxAction = BoxAction {
    mark: "✖",
    headline: "QUARANTINE",
    shelf: "RED CAGE",
    colour: "red",
    steps: &[
        "put it in the red cage",
        "mark it with the record number shown",
        "do NOT power it up, do not send it back",
    ],
};

const UNPROVEN: BoxAction = BoxAction {
    mark: "▤",
    headline: "PAPERS MISSING",
    shelf: "BLUE SHELF",
    colour: "blue",
    steps: &[
        "put it on the blue shelf: nothing bad is known about the unit",
        "mark it with the record number shown",
        "ask the supplier for what is missing; scan it again when that has come",
        "it may also go back to the supplier",
    ],
};

const HOLD_PASSING: BoxAction = BoxAction {
    mark: "?",
    headline: "NOT CHECKED",
    shelf: "HOLD SHELF",
    colour: "yellow",
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the record number shown",
        "scan it again in a while: this can pass by itself",
    ],
};

const HOLD_PERSON: BoxAction = BoxAction {
    mark: "?",
    headline: "NOT CHECKED",
    shelf: "HOLD SHELF",
    colour: "yellow",
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the record number shown",
        "do what is said below, or tell the person named there; then scan it again",
    ],
};

/// A hold that stands in no ledger has no number to mark the box with.
const UNRECORDED_PASSING: BoxAction = BoxAction {
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the reason and the time: there is no record",
        "scan it again in a while: this can pass by itself",
    ],
    ..HOLD_PASSING
};

const UNRECORDED_PERSON: BoxAction = BoxAction {
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the reason and the time: there is no record",
        "do what is said below, or tell the person named there; then scan it again",
    ],
    ..HOLD_PERSON
};

/// A hold that the journal keeps has a number of its own.
const KEPT_PASSING: BoxAction = BoxAction {
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the tag shown below (H-…): the record follows by itself",
        "scan it again in a while: this can pass by itself",
    ],
    ..HOLD_PASSING
};

const KEPT_PERSON: BoxAction = BoxAction {
    steps: &[
        "put it on the hold shelf: nothing bad is known about the unit",
        "mark it with the tag shown below (H-…): the record follows by itself",
        "do what is said below, or tell the person named there; then scan it again",
    ],
    ..HOLD_PERSON
};

/// The verdict may stand: a second scan could make the unit a clone of itself.
const UNCONFIRMED: BoxAction = BoxAction {
    steps: &[
        "leave it where it is",
        "scan this very box again: it gets its own record",
        "if that does not help, tell IT which entry is shown",
    ],
    ..HOLD_PERSON
};

const NOT_GATED: BoxAction = BoxAction {
    mark: "–",
    headline: "NOT FOR THE GATE",
    shelf: "put away as usual",
    colour: "grey",
    steps: &["put it away as usual: nothing was judged"],
};

pub(in crate::judgement::words) const fn box_action(ruling: Ruling) -> BoxAction {
    match ruling {
        Ruling::Accept => ACCEPT,
        Ruling::NotGated => NOT_GATED,
        Ruling::HoldPassing => HOLD_PASSING,
        Ruling::HoldPerson => HOLD_PERSON,
        Ruling::Unproven => UNPROVEN,
        Ruling::Suspect => SUSPECT,
    }
}

pub(in crate::judgement::words) const fn box_action_unrecorded(passing: bool) -> BoxAction {
    if passing { UNRECORDED_PASSING } else { UNRECORDED_PERSON }
}

pub(in crate::judgement::words) const fn box_action_kept(passing: bool) -> BoxAction {
    if passing { KEPT_PASSING } else { KEPT_PERSON }
}

pub(in crate::judgement::words) const fn box_action_unconfirmed() -> BoxAction {
    UNCONFIRMED
}

/// Bench tools copy flash and serial number together: only a key that the unit cannot give away, or the same identity
/// seen twice, tells a copy from its original.
pub(in crate::judgement::words) const fn not_caught(identity: Identity, firmware: Firmware) -> &'static str {
    use {Firmware as F, Identity as I};
    match (identity, firmware) {
        (I::Claimed, F::NotRead) => {
            "not caught: nearly everything. Any unit with a plausible label that was not seen before looks like this."
        }
        (I::Claimed, F::Reported) => {
            "not caught: a unit that the maker never listed, a copy of a genuine one, and firmware that lies about itself."
        }
        (I::Claimed, F::MeasuredUnbound) => {
            "not caught: a unit that the maker never listed, a copy of a genuine one, a readout taken from another unit, \
             and changes outside the ranges that the release names."
        }
        (I::Claimed, F::Measured) => {
            "not caught: a unit that the maker never listed, a bit-exact clone that arrives before the genuine unit, \
             and changes outside the ranges that the release names."
        }
        (I::Listed, F::NotRead) => {
            "not caught: any box with a listed serial on its label that arrives before the genuine unit, and changed \
             firmware of any kind."
        }
        (I::Listed, F::Reported) => {
            "not caught: a clone with a listed serial that arrives before the genuine unit, and firmware that lies \
             about itself."
        }
        (I::Listed, F::MeasuredUnbound) => {
            "not caught: a clone with a listed serial that arrives before the genuine unit, a readout taken from \
             another unit, and changes outside the ranges that the release names."
        }
        (I::Listed, F::Measured) => {
            "not caught: a bit-exact clone that arrives before the genuine unit, and changes outside the ranges that \
             the release names."
        }
        (I::DeviceKey, F::NotRead) => {
            "not caught: a box that relays our challenge to the genuine unit, and changed firmware of any kind."
        }
        (I::DeviceKey, F::Reported) => {
            "not caught: a box that relays our challenge to the genuine unit, and firmware that lies about itself."
        }
        (I::DeviceKey, F::MeasuredUnbound) => {
            "not caught: a box that relays our challenge to the genuine unit, a readout taken from another unit, and \
             changes outside the ranges that the release names."
        }
        (I::DeviceKey, F::Measured) => {
            "not caught: a box that relays our challenge to the genuine unit, and changes outside the ranges that the \
             release names."
        }
    }
}
