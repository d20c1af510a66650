//! Certificates, revocation, our own trust, and what a signer may say.

use super::{Group, group};

pub(super) const GROUPS: &[Group] = &[
    group! { "Certificates, paths, revocation"
        CertificateMalformed
            "A certificate is damaged or not in its one correct form."
            "Copy it again. If it is still refused, ask the sender for the certificate as it was issued.";
        CertificateMissing
            "A signed paper came without the certificate of its signer."
            "Ask the supplier for the paper with the signer's certificate chain (x5c) in it.";
        CertificateExpired
            "A certificate of the signer has run out."
            "Ask the manufacturer to sign the paper again with a current certificate. Says nothing bad about the unit.";
        CertificateNotYetValid
            "A certificate of the signer is not valid yet."
            "IT: look at the clock of this station first. If it is right, wait until the date shown or ask the manufacturer.";
        CertificateWeakKey
            "A certificate on the way to the manufacturer has a key too weak to count."
            "Ask the manufacturer for a chain with keys of at least RSA 2,048 bits or P-256.";
        CertificateWeakSignature
            "A certificate was signed by a method that can be forged, such as SHA-1."
            "Ask the manufacturer for a chain that is signed with SHA-256 or better.";
        CertificateSignatureInvalid
            "A certificate was not signed by the one that it names as its issuer."
            "Keep the papers as evidence. Ask the manufacturer, on a way you trust, which certificate is genuine.";
        PathNotFound
            "The signer's certificate leads to no manufacturer that this site trusts."
            "Trust officer: decide whether this manufacturer is to be listed. Until then nothing that it signs counts.";
        PathLimit
            "The certificates that came along are too many or too tangled to follow."
            "Ask the supplier for the signer's chain alone. Nobody needs more than eight certificates.";
        PathLengthExceeded
            "There are more certificate authorities in the chain than one of them allows."
            "Keep the papers as evidence. Ask the manufacturer whether the signer's certificate is genuine.";
        PathInvalid
            "The chain of certificates breaks a rule of its standard (RFC 5280)."
            "Ask the manufacturer to look at the chain; the rule that it breaks is shown as expected and found.";
        CaFlagMissing
            "A certificate issued another one without being allowed to issue any."
            "Keep the papers as evidence and tell the manufacturer: this is how forged certificates are made.";
        KeyUsageWrong
            "A certificate was used for something that it is not allowed to be used for."
            "Ask the manufacturer for papers signed with a certificate that may sign documents.";
        NameConstraintViolated
            "A certificate bears a name that its issuer may not give."
            "Keep the papers as evidence. Ask the manufacturer whether the signer's certificate is genuine.";
        CriticalExtensionUnknown
            "A certificate states a condition that must be understood, and the gate does not know it."
            "Trust officer: ask the manufacturer what the condition means and for a certificate without it.";
        PurposeMissing
            "The signer's certificate does not say that it may sign this kind of paper."
            "Ask the manufacturer for papers signed with the certificate made for them (purposes: docs/formats.md).";
        PurposeArcTooLarge
            "The signer's certificate states a purpose with a number too large to be read."
            "Ask the manufacturer for a certificate whose purpose numbers stay below 2^32 in every part.";
        LeafIsCa
            "The paper was signed with a certificate that is made for issuing certificates."
            "Ask the manufacturer to sign papers with a certificate of their own, never with an authority.";
        LeafIsAnchor
            "The paper was signed with the manufacturer's root key itself."
            "Ask the manufacturer to sign papers with a certificate below its root.";
        SignerRevoked
            "The manufacturer has withdrawn the signer's certificate."
            "Ask the manufacturer why it was withdrawn and whether this unit is genuine. Keep unit and papers.";
        IssuerRevoked
            "A certificate authority between signer and manufacturer has been withdrawn."
            "Ask the manufacturer why it was withdrawn and whether this unit is genuine. Other deliveries may be affected.";
        CrlMissing
            "There is no list of withdrawn certificates for one of the issuers."
            "IT: fetch the issuer's current CRL and give it to the gate. Says nothing bad about the unit.";
        CrlStale
            "The list of withdrawn certificates is past its own end date."
            "IT: fetch the issuer's current CRL. If there is none, ask the manufacturer. Says nothing bad about the unit.";
        CrlNotYetValid
            "The list of withdrawn certificates is dated in the future."
            "IT: look at the clock of this station first. If it is right, ask the manufacturer for a correct CRL.";
        CrlUnusable
            "The list of withdrawn certificates is of a kind that does not answer the question."
            "IT: fetch the issuer's complete CRL (no delta, no partial scope) and give it to the gate.";
        CrlMalformed
            "The list of withdrawn certificates is damaged."
            "IT: fetch it again. If it is still damaged, ask the manufacturer.";
        CrlTooOld
            "The list of withdrawn certificates is older than the trust officers allow."
            "IT: fetch the issuer's newest CRL. If there is none, the trust officers decide about the allowed age.";
        CrlRolledBack
            "The list of withdrawn certificates is older than one that this site has used before."
            "IT: fetch the newest CRL and find out who put the older one there.";
    },
    group! { "Our trust: anchors, their list, policy"
        AnchorsEmpty
            "None of the certificates on the trust token is on the list of those that count."
            "Trust officer: load the listed manufacturer certificates onto the token, or sign a list that names those on it.";
        AnchorListMissing
            "The signed list of trusted manufacturers is not there, or this account may not read it."
            "IT: put the current anchor list where the site configuration says. Trust officer: sign one if there is none.";
        AnchorListMalformed
            "The list of trusted manufacturers cannot be read."
            "IT: copy it again. If it is still refused, trust officer: write and sign it anew.";
        AnchorListThreshold
            "Too few officers, or the wrong ones, have signed the list of trusted manufacturers."
            "Trust officers: as many of you as the site demands sign the list, each with the own key.";
        AnchorListExpired
            "The list of trusted manufacturers has run out."
            "Trust officers: look through the list and sign a new version.";
        AnchorListNotYetValid
            "The list of trusted manufacturers is dated in the future."
            "IT: look at the clock of this station. If it is right, trust officers: correct the date and sign again.";
        AnchorListRolledBack
            "The list of trusted manufacturers is older than one that this site has used before."
            "IT: publish the newest list again (ecugate anchors publish). If a publication did not just end in the middle, find out who put the old list back.";
        AnchorListOrigin
            "The list of trusted manufacturers is made for another site."
            "IT: put this site's own list there. Trust officers: sign one for this site.";
        AnchorListNotNext
            "The new list of trusted manufacturers does not follow on the one in force."
            "Trust officers: propose it anew from the list in force, compare it on paper, and sign that one.";
        PolicyMissing
            "The signed rules of this site (its policy) are not there, or this account may not read them."
            "IT: put the current policy where the site configuration says. Trust officer: sign one if there is none.";
        PolicyMalformed
            "The signed rules of this site cannot be read."
            "IT: copy the policy again. If it is still refused, trust officer: write and sign it anew.";
        PolicyThreshold
            "Too few officers, or the wrong ones, have signed the rules of this site."
            "Trust officers: as many of you as the site demands sign the policy, each with the own key.";
        PolicyExpired
            "The signed rules of this site have run out."
            "Trust officers: look through the policy and sign a new version.";
        PolicyNotYetValid
            "The signed rules of this site are dated in the future."
            "IT: look at the clock of this station. If it is right, trust officers: correct the policy's date and sign again.";
        PolicyRolledBack
            "The signed rules of this site are older than ones that it has used before."
            "IT: publish the newest policy again (ecugate policy publish). If a publication did not just end in the middle, find out who put the old one back.";
        PolicyOrigin
            "The signed rules are made for another site."
            "IT: put this site's own policy there. Trust officers: sign one for this site.";
        PolicyNotNext
            "The new rules of this site do not follow on those in force."
            "Trust officers: write them anew against the policy in force, compare them on paper, and sign those.";
        PartNotGated
            "This part is not one that the gate looks at. Nothing was judged."
            "Put it away as usual. Trust officer: if it should be looked at, take it out of the family that is not gated.";
        PartObserved
            "This part is only being watched for now: it was judged and recorded, but the gate lets none in."
            "A person decides about the box, as before the gate. Trust officers: set the family to gated to let accepted units in.";
        ThresholdZero
            "The site is set up so that no officer has to sign anything."
            "IT: set the threshold of the authority to 1 or more; 2 is the rule.";
        ThresholdNotMet
            "Too few different persons have signed."
            "The persons who have not signed yet sign the same document. Two keys of one person count once.";
        AuthorityKeyShared
            "Two persons are listed with one and the same key."
            "IT and trust officers: give every person a key of their own and correct the list of officers.";
        OfficerSignedAlready
            "This officer has signed the document before."
            "Another officer signs it. Two signatures of one person count once.";
    },
    group! { "What a signer may say"
        RoleNotListed
            "The signer is known but may not sign this kind of paper."
            "Ask the supplier for a paper signed by whoever may. Trust officer: only you can give the manufacturer this role.";
        PartOutsideScope
            "The signer is known but may not speak for this part."
            "Ask the supplier who makes this part. Trust officer: only you can widen the scope on the anchor list.";
        SerialsNotPermitted
            "The sender may ship units but may not vouch for their serial numbers."
            "Ask the supplier for the manufacturer's own shipment manifest.";
        AnchorNotInDates
            "The manufacturer stands on the list, but not for today."
            "Trust officers: decide whether the dates are to be changed, and sign a new list.";
        ManufacturerMismatch
            "The papers of this unit come from different manufacturers."
            "Ask the supplier for papers that one manufacturer has signed for this unit. Keep these as evidence.";
    },
];
