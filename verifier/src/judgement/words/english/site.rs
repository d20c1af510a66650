//! Our own side: memory, clock, proofs, tokens, the ledger. Read by the person for IT.

use super::{Group, group};

pub(super) const GROUPS: &[Group] = &[
    group! { "Memory and clock"
        MemoryIncomplete
            "The ledger is new or was restored and may have forgotten units."
            "Trust officers: sign that the ledger is complete, after stock taking and import of what was received before.";
        MemoryMalformed
            "What the ledger remembers of this unit cannot be read."
            "IT: verify the ledger. In verify unit: correct the file memory.";
        MemoryMoved
            "Another entry about this unit was written at the same moment."
            "Scan again. If it comes back, look for a second box with the same label at another station.";
        ClockBehind
            "The clock of this station is behind the last entry of the ledger."
            "IT: set the clock from a source that is trusted. Do not change the ledger.";
        ClockAhead
            "The clock of this station is more than a day ahead of the last entry of the ledger."
            "Keep the box. IT: look whether the clock is right. If it is, trust officers sign that with ecugate ledger clock-step; if not, set it.";
        DossierMalformed
            "The stored inputs of a verdict cannot be read back whole."
            "IT: take the dossier from a backup, or export it again. Do not mend it by hand.";
        CheckNotRun
            "A check could not be made because something it needs was missing."
            "Look at the other findings: each names what is missing. A check that did not run never counts as passed.";
    },
    group! { "Merkle proofs, notes, leaves"
        ProofMalformed
            "A proof that an entry stands in the ledger is not in its correct form."
            "Export the proof again from the ledger.";
        ProofWrong
            "A proof does not show what it claims: the entry is not in that ledger, or the ledger was changed."
            "Keep everything as it is. Compare the checkpoint with the witnesses' copies before anything else is recorded.";
        NoteMalformed
            "A signed note (checkpoint) is not in its correct form."
            "Copy it again without changing line ends, or export it again from the ledger.";
        NoteSignatureMissing
            "A note does not bear the signature that is needed."
            "Take the note from the ledger whose key is expected, or give the key of the ledger that the note is of.";
        NoteSignatureInvalid
            "A signature on a note is wrong: the note was changed, or another key made it."
            "Keep the note as evidence. Take a fresh one from the ledger itself and compare them.";
        CheckpointMalformed
            "A checkpoint does not say the size and root of a ledger in the correct form."
            "Export the checkpoint again from the ledger.";
        CheckpointOrigin
            "A checkpoint is of another ledger than the one expected."
            "Take the checkpoint of the ledger that made the record. A trial ledger never stands for a production one.";
        LeafMalformed
            "An entry of the ledger is not in the one form that entries have."
            "IT: verify the ledger, and take the entry from a backup if it is damaged. Do not mend it by hand.";
        LeafDiffers
            "An entry of the ledger is not that of the document shown with it."
            "Keep both as evidence. Take document and entry together from the ledger again.";
    },
    group! { "The manufacturer's side"
        DescriptionMalformed
            "A description of a release or shipment has a field that is missing, misspelt or wrong."
            "Correct the line shown and run the command again. docs/maker.md lists every field.";
        ImageRangeGap
            "A range that is to be signed has a gap in the image, and nothing says what stands there."
            "Name the byte that fills gaps (fill), or let the range end before the gap.";
        SigningKeyDiffers
            "The private key and the certificate do not belong together."
            "Give the key and the certificate of one signer. The signer's certificate stands first in the chain.";
        OutputExists
            "Where the result was to be written there is a file already."
            "Name another file, or move that one away. Nothing is overwritten.";
        OutputUnwritable
            "The result could not be written."
            "Look at the folder, its rights and the space on the disk, and run the command again.";
    },
    group! { "The token"
        ModuleMissing
            "The program that speaks to the security token is not installed where it should be."
            "IT: install the PKCS#11 module, or correct its path in the site configuration.";
        ModuleFailed
            "The program that speaks to the security token stopped, hung or answered nonsense."
            "IT: look at the token and its driver, then start the gate again. Report it to the maker of the module.";
        TokenAbsent
            "The security token is not plugged in, or not seen."
            "Plug the token in. If it is in, IT: look at reader, cable and slot.";
        TokenAmbiguous
            "More than one security token answers to the name that was configured."
            "IT: leave the right one in, or name it by label and serial number in the site configuration.";
        TokenWrongSerial
            "A security token with the right name but another serial number is plugged in."
            "IT: find the right token, and find out who put the other one there.";
        PinMissing
            "The PIN of the security token is not there."
            "IT: put the PIN where the site configuration says, or where the command says (pin-source).";
        PinWrong
            "The security token refused its PIN."
            "IT: correct the PIN before trying again: a few more wrong ones lock the token.";
        PinLocked
            "The security token is locked after too many wrong PINs."
            "IT: unlock it with its officer PIN, and find out where the wrong PINs came from.";
        PinLastTry
            "The token would lock at the next wrong PIN, so it was not tried."
            "IT: enter the right PIN once with the vendor's own tool, then correct the PIN file.";
        PinExposed
            "Others than the account of the gate can read the file with the PIN."
            "IT: change its mode to 0600, change the PIN, and find out who read it.";
        TokenFailed
            "The token did not answer as it should."
            "Try again. If it stays so, IT: look at the token and its module.";
        TokenNotWritten
            "Something could not be written to the token or beside it."
            "IT: look at the rights, the space and the token; then do it again.";
        TokenKeyMissing
            "The key of this station is not on the security token."
            "IT: make or load the key as the ceremony describes, or correct its name in the site configuration.";
        TokenKeyUnusable
            "A key on the token is not the one that this site was set up with."
            "IT: put the right token in. If it is the right one, somebody replaced a key: stop and tell the trust officers.";
        StandbyMissing
            "There are no standby keys that could take over from those that sign here."
            "Trust officers: found a new site with new tokens and a new log, and keep the old ledger to be looked at.";
        SignerFailed
            "The security token could not sign just now."
            "Wait and scan again. If it stays so, IT: look at the token.";
        SignerLied
            "The security token gave a signature that is not one of its own key."
            "IT: take the token out of service and keep it. Nothing that it signed since its last good signature was recorded.";
    },
    group! { "The ledger and the site"
        SiteMissing
            "There is no site folder or configuration where it was looked for."
            "IT: name the folder with --site, or set the site up first. Nothing was judged.";
        SiteMalformed
            "The site configuration holds a mistake."
            "IT: correct the line shown. Nothing was judged.";
        SiteExists
            "There is already a site where a new one was to be made."
            "Choose another folder. An existing site is never overwritten.";
        SiteNotWritten
            "The folder of the site could not be written."
            "IT: look at the rights and the space, remove what was begun, and do it again.";
        LedgerMissing
            "The ledger of this site is not there."
            "IT: find it or restore it from its backup. Never start a new one in its place: it would have forgotten every unit.";
        LedgerExists
            "There is a ledger where a new one was to be made."
            "Name another folder. A ledger is never overwritten.";
        LedgerNewer
            "The ledger was written by a newer version of the gate."
            "IT: install that version on this station.";
        LedgerBusy
            "Another program is using the ledger at this moment."
            "Wait and scan again. If it stays so, IT: look which program holds the ledger open.";
        LedgerFailed
            "The ledger could not be read or written."
            "Wait and scan again. If it stays so, IT: look at the disk and the database.";
        LedgerUnusable
            "The gate may not read or write its ledger, or the disk is full."
            "IT: give the account of the gate the rights to the file shown and to its folder, and room on the disk.";
        LedgerDiffers
            "The ledger is not the one that its last signed checkpoint describes: it was changed, cut or rolled back."
            "IT: stop receiving and keep the ledger as it is. Compare it with its backup and with the witnesses' checkpoints.";
        LedgerRolledBack
            "The ledger is shorter than it once was: somebody put an older copy in its place, or cut it."
            "IT: stop receiving, keep this copy, and find the one with as many entries as the mark shows. Never remove the mark.";
        LedgerForked
            "The ledger is not the one that the mark was made from: its history is another one."
            "IT: stop receiving, and keep this ledger and the mark. Find the copy that goes with the mark; call the trust officers.";
        MarkMissing
            "The mark outside of the ledger is gone or holds nothing signed: nobody can tell whether the ledger was put back."
            "IT: put the mark back from where it was; look whether its disk is there. Never make an empty one.";
        LedgerEntryMissing
            "The ledger holds no entry of the kind that was asked for."
            "Look at the number, tag or serial again, and whether it is the ledger of this site. An entry is never removed.";
        LedgerEntryUnfit
            "An entry that was to be written breaks a rule of the ledger."
            "Keep the box. IT: this is a fault of the gate or a key in wrong hands; send the log to its makers.";
        NotConfirmed
            "It is not known whether the verdict was recorded."
            "Leave the box where it is and scan this very box again: it gets its own record. If that does not help, IT: look whether the entry shown stands in the ledger.";
        IntakeBusy
            "Another program is taking documents in at this moment."
            "Wait and try again. If it stays so, IT: look which program holds the lock of the intake folder.";
        IntakeUnusable
            "The folder of the intake store cannot be read or written."
            "IT: give the account of the gate the rights to the folder shown, and room on the disk. Its index may be removed: it is made again.";
    },
    group! { "The journal of attempts"
        JournalMissing
            "The journal in which the gate notes what it begins is not there."
            "IT: find its folder or restore it. A new one forgets which boxes on the hold shelf are not in the ledger yet: look at their tags first.";
        JournalUnusable
            "The gate may not read or write its journal, or the disk is full."
            "IT: give the account of the gate the rights to the file shown and to its folder, and room on the disk.";
        JournalBusy
            "Another program is writing to the journal at this moment."
            "Wait and scan again. If it stays so, IT: look which program holds the lock of the journal.";
        JournalDiffers
            "A line of the journal does not follow from those before it: the journal was changed or damaged."
            "IT: stop receiving, keep the folder as it is, and find out who wrote to it. Then begin a new journal as its page describes.";
        AttemptInProgress
            "The box with this number is being worked on at this moment."
            "Wait for its outcome, or ask again in a while.";
    },
    group! { "The way into inventory"
        AdmissionNoAccept
            "The record shown is no accept: the gate has let nothing into inventory by it."
            "Do not book it. Ask for the admission of the entry in which the gate accepted the unit, if there is one.";
        AdmissionBlocked
            "The unit was accepted, and must not move any more: something was recorded against it since."
            "Do not book it. Find the unit, set it apart, and ask the quality office; the entry shown says why.";
        AdmissionTaken
            "The admission of this unit is another inventory system's."
            "Do not book it. Each unit enters one inventory once: look which system asked first, and whether that was right.";
        AdmissionUnknown
            "This admission is none of this site's ledger: it was made up, changed, or is of another site."
            "Do not book it. Keep the file as evidence, and ask this gate for the admission of the unit again.";
        AdmissionEnvironment
            "A trial admits nothing into production, and production nothing into a trial."
            "Do not book it. IT: let each inventory system ask the gate of its own environment.";
        AdmissionRedeemed
            "This unit stands in inventory already: its one admission was used."
            "Look in the books under the reference shown. A second unit with this identity goes through the gate.";
        RedemptionConfirmed
            "This booking was confirmed already, under another number."
            "Look in the books which number is right. What is recorded is not changed.";
    },
];
