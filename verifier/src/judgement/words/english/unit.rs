//! The box in hand: its label, its image, its papers, its firmware, its identity.

use super::{Group, group};

pub(super) const GROUPS: &[Group] = &[
    group! { "Labels"
        LabelMissing
            "No label was scanned."
            "Scan the maker's label. If there is none on the box or the housing, ask the supplier.";
        LabelTooLong
            "What was scanned is longer than any label."
            "Scan the label alone. Look whether the scanner sent several codes at once.";
        LabelHeaderWrong
            "The label begins in a way that no standard knows."
            "Scan again. If it is the same, ask the supplier to print labels that begin as ISO/IEC 15434 says.";
        LabelFormatUnknown
            "The label is of a format that the gate does not read."
            "Scan another code on the box. The gate reads ISO/IEC 15434 formats 05 and 06, GS1, and, where the policy says so, bare serials.";
        LabelTrailerMissing
            "The end of the label is missing: it may be cut off."
            "Scan again, slowly. IT: if every label ends so, the scanner swallows the end mark; declare it in the policy.";
        LabelSeparatorLost
            "The marks between the fields of the label were lost on the way from the scanner."
            "IT: set the scanner to send control characters, or declare in the policy what it types for them.";
        LabelMangled
            "The scanner typed other characters for the marks in the label."
            "IT: set the scanner to send them as they are, or declare in the policy what it types for them.";
        LabelFieldMalformed
            "A field of the label is not written as its standard says."
            "Scan again. If it is the same, ask the supplier for a correct label; do not type it in by hand.";
        LabelCheckDigit
            "The check digit on the label is wrong: a digit was misread or misprinted."
            "Scan again. If it is the same, ask the supplier for a correct label.";
        LabelBareRefused
            "The label holds a bare text, and this site does not take that for a serial number."
            "Scan the code that names part and serial. Trust officer: the policy decides whether bare serials are taken.";
        LabelNoSerial
            "The label names no serial number, so it is not the label of one unit."
            "Scan the label of the unit itself, not that of the carton or pallet.";
        LabelTwoSerials
            "The label names two serial numbers, so it is not the label of one unit."
            "Open the carton and scan each unit by itself.";
        LabelQuantity
            "The label stands for more than one piece."
            "Open the carton and scan each unit by itself.";
        LabelAmbiguous
            "The label can be read in two ways."
            "Scan another code of the same unit. If there is none, ask the supplier for a label that can be read one way.";
        LabelsDisagree
            "The label on the box and the label on the housing name different units."
            "Look whether the unit was put into the wrong box. Keep both labels with it; do not swap them.";
    },
    group! { "Firmware images"
        ImageEmpty
            "The readout holds no contents."
            "Read the unit out again.";
        ImageByteOrderMark
            "The readout begins with a byte order mark: a text editor has changed the file."
            "Take the file as the reader wrote it, or read the unit out again.";
        ImageFormUnknown
            "The readout is in no form that the gate knows."
            "Set the reader to raw, Intel HEX, S-record or ELF, as the maker's release names it, and read out again.";
        ImageFormMixed
            "The readout changes its form in the middle of the file."
            "Read the unit out again into a fresh file. Do not join files.";
        ImageRecordMalformed
            "A line of the readout is damaged or misspelt."
            "Copy the file again. If the same line is shown, read the unit out again.";
        ImageRecordLength
            "A line of the readout is longer or shorter than it says of itself."
            "Copy the file again. If the same line is shown, read the unit out again.";
        ImageRecordType
            "A line of the readout is of a kind that the form does not have."
            "Ask the manufacturer whether its release should name this record type. Else read the unit out again.";
        ImageRecordCount
            "The readout has more or fewer lines than it says of itself: some were lost or added."
            "Copy the file again. If it is the same, read the unit out again.";
        ImageChecksum
            "A line of the readout has a wrong checksum: the file was damaged or changed."
            "Copy the file again. If the same line is shown, read the unit out again.";
        ImageOverlap
            "The readout gives two contents for one address."
            "Read the unit out again. If it is the same, IT: look at the settings of the reader.";
        ImageAddressWrap
            "The readout runs over the end of the address space."
            "Read the unit out again. If it is the same, IT: look at the base address in the reader's settings.";
        ImageEndMissing
            "The readout has no end: it was broken off."
            "Wait until the reader has finished, or read the unit out again.";
        ImageDataAfterEnd
            "Something stands after the end of the readout."
            "Read the unit out again into a fresh file. Do not join files.";
        ImageElfMalformed
            "The readout is a damaged ELF file."
            "Copy the file again. If it is the same, write it anew with the tool that made it.";
        ImageTooLarge
            "The readout is larger than the gate reads."
            "Look whether it is the right file. IT: read out the areas that the release names, not the whole address space.";
        ImageTooManySegments
            "The readout is broken into more pieces than any genuine one."
            "IT: set the reader to write whole blocks, and read the unit out again.";
        ImageRangeMalformed
            "An area that is to be measured has no sensible begin and end."
            "Ask the manufacturer to correct the ranges in its release manifest. In a command: give START below END.";
        ImageRangeLimit
            "More areas are to be measured than the gate measures in one image."
            "Ask the manufacturer for a release manifest that names fewer ranges.";
        ImageReadFailed
            "The readout file could not be read to its end."
            "IT: look at the disk, the network share and the cable. Then copy or read out again.";
    },
    group! { "Papers against the unit"
        ManifestAbsent
            "No signed paper came with this unit."
            "Ask the supplier for the maker's shipment manifest and release manifest. The unit is judged again when they arrive.";
        ManifestMalformed
            "A paper of this unit cannot be read."
            "Ask the supplier for the paper as the maker signed it. The unit is judged again when it arrives.";
        ShipmentAbsent
            "The maker's signed delivery list for this unit is missing."
            "Ask the supplier for the shipment manifest that lists this serial. The unit is judged again when it arrives.";
        ReleaseAbsent
            "The maker's signed description of the firmware is missing."
            "Ask the supplier for the release manifest that belongs to this part. The unit is judged again when it arrives.";
        ManifestExpired
            "A paper of this unit has run out."
            "Ask the manufacturer to sign it again with new dates. Says nothing bad about the unit.";
        ManifestNotYetValid
            "A paper of this unit is not valid yet."
            "IT: look at the clock of this station first. If it is right, wait until the date shown or ask the manufacturer.";
        ManifestAmbiguous
            "Two signed papers say different things about the same unit."
            "Ask the manufacturer which of them counts, and to withdraw the other. Keep both as evidence.";
        ConsigneeDiffers
            "The delivery list was made for somebody else."
            "Ask the supplier whether the unit was sent to the wrong place or diverted. Do not send it on before that is known.";
        SerialNotListed
            "This serial number is not on the maker's delivery list."
            "Compare the serial on the housing with the list, letter by letter. Then ask the manufacturer about the unit.";
        SerialListedTwice
            "This serial number stands twice on one delivery list."
            "Ask the manufacturer for a corrected shipment manifest. One serial is one unit.";
        PartDiffers
            "The part number on the label is not the one in the maker's papers."
            "Look whether the right label was scanned. Then ask the supplier which part was delivered.";
        HardwareDiffers
            "The hardware revision on the list is not one that this firmware is made for."
            "Ask the manufacturer which release belongs to this hardware revision.";
        ReleaseDiffers
            "The description of the firmware that belongs to this unit is not among the papers given."
            "Ask the supplier for the release manifest that the shipment manifest names for this serial.";
        ConditionDiffers
            "The unit was announced as new and presented as returned, or the other way round."
            "Look at the delivery note and at the unit for traces of use. Ask the supplier what was sent.";
        DevelopmentImage
            "The firmware is a development version, which never goes into a vehicle."
            "Ask the manufacturer for a unit with production firmware.";
        SecurityVersionRolledBack
            "The firmware is older, in its security fixes, than what this site has taken for this part before."
            "Ask the manufacturer for a unit with current firmware, or why an old one was shipped.";
    },
    group! { "The firmware in the unit"
        FirmwareDiffers
            "The firmware in this unit is not the firmware the maker signed."
            "Keep the unit and the readout. The manufacturer can tell a wrong release from a manipulation.";
        FirmwareNotRead
            "The firmware was not read out, and the rules ask for it."
            "Read the unit out and scan it again. If it cannot be read, the trust officers decide about its part family.";
        ComponentUnknown
            "A readout was given for a component that the maker's release does not name."
            "Give the readout under a name that the release has (shown as expected).";
        ComponentNotRead
            "One of the components of this unit was not read out."
            "Read out the component shown and scan the unit again.";
        IdentityFieldDiffers
            "The unit names itself differently inside than on its label."
            "Look whether the readout was taken from another unit. If it is this one's, keep the unit and ask the manufacturer.";
        BindingNotEstablished
            "Nothing in the readout shows that it was taken from this very unit, and the rules ask for that."
            "Ask the manufacturer for a release that names an identity field. Or trust officers: set the minimum to measured-unbound.";
        UniqueAreaReused
            "An area that is different in every unit has been seen in another one."
            "One of the two units is a copy. Keep this one, find the other by the ledger entry shown, and tell the manufacturer.";
        ReadoutReused
            "The very same readout was given for another unit before."
            "Read this unit out again, at the bench, under the eyes of a second person. Find the other by the entry shown.";
    },
    group! { "The identity of the unit"
        IdentityBelowMinimum
            "It is not established well enough which unit this is."
            "Look at the other findings: each names what is missing. Trust officers: the policy sets the minimum.";
        DeviceProofMissing
            "The unit was asked to prove itself with its own key and gave no answer."
            "Connect the unit to the reader and let it answer. If it has no device key, ask the supplier.";
        DeviceProofUnsupported
            "An answer of the unit's own key was given, but this version of the gate cannot judge it."
            "IT: present the unit without it, or install a version that reads device proofs. Nothing was assumed.";
        IdentitySeenBefore
            "A unit with this identity has been accepted before."
            "One of the two is a copy. Find the first by the ledger entry shown, set both apart, and tell the manufacturer.";
        IdentitySuspectBefore
            "A unit with this identity was suspect before and was not cleared."
            "Find out what became of it by the ledger entry shown. Two persons must clear it before it can be judged anew.";
        IdentityVoided
            "A unit with this identity was accepted and undone at the dock."
            "Look at the entry shown: who undid it, and why. An identity that was used is not free again.";
        IdentityShipped
            "A unit with this identity has already left this site."
            "Ask whether it came back. A return needs its return authorisation; without one this is a second unit.";
        IdentityReturnUnknown
            "The unit is presented as returned, but nothing here shows that it ever left or may come back."
            "Ask the supplier or customer for the return authorisation. The unit is judged again when it arrives.";
        IdentityLegacy
            "A unit with this identity was here before the gate was set up."
            "Look in the old stock: if that unit is still there, this one is a copy. Count the shelf before anything else.";
        IdentityLeased
            "This identity is being received at another site at this moment."
            "Ask the other site whether it has the box. One identity cannot be in two places.";
        KeyNotTheSame
            "A unit with this serial was here before, but with another chip or key inside."
            "Keep the unit. Compare it with the ledger entry shown: box, label or electronics have been exchanged.";
        AttemptReused
            "The number of an earlier attempt was used again with something else."
            "Scan the box again as a new attempt. IT: if it comes back, look at the program that gives the attempt numbers.";
        SightingsLimit
            "This identity has been seen more often than any genuine unit."
            "Keep the unit. IT: list the entries of this identity in the ledger; somebody may be flooding it.";
    },
];
