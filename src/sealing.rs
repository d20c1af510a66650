//! Signing documents of the site with keys on tokens, each answer verified on the host.

use crate::hsm::{TokenFault, TokenSigner};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, SealFault, seal};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;

/// Signs a document, once for each signer, in their order.
pub(crate) fn seal_by<D: Document>(document: D, signers: &[&TokenSigner]) -> Result<Envelope, Finding> {
    let payload = document::payload(document, &Limits::STANDARD).map_err(|fault| fault.finding())?;
    let signers: Vec<(&TokenSigner, &[Vec<u8>])> = signers.iter().map(|signer| (*signer, [].as_slice())).collect();
    seal(payload, &signers).map_err(unsealed)
}

pub(crate) fn unsealed(fault: SealFault<TokenFault>) -> Finding {
    match fault {
        SealFault::Signer(fault) => fault.finding(),
        SealFault::SignerLied { fault, .. } => {
            Finding::new(Reason::SignerLied, "signing key", "a signature of the document", fault.to_string())
        }
        SealFault::Envelope(fault) => fault.finding(),
    }
}
