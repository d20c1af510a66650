//! `ecugate maker sign`: a payload becomes a signed manifest, and is read back by the verifier before it is written.

use super::outcome::{Made, deliver};
use crate::cli::inputs::World;
use crate::cli::seam::Form;
use ecugate::maker::key::PemSigner;
use ecugate::maker::sign::sign;
use ecugate_verifier::syntax::certificate::{Certificate, certificates};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;
use std::process::ExitCode;

/// A payload, and who signs it.
#[derive(clap::Args)]
#[command(override_usage = "ecugate maker sign <PAYLOAD> --key <KEY.pem> --chain <FILE>... [--out <ENVELOPE>]")]
pub(crate) struct Sign {
    /// What `maker release` or `maker shipment` wrote (`-`: standard input)
    payload: PathBuf,

    /// The private key: Ed25519 or P-256, PEM, without pass phrase
    #[arg(long, value_name = "KEY.pem")]
    key: PathBuf,

    /// Certificates, PEM or DER: the signer's own first, then those of the CAs above it
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    chain: Vec<PathBuf>,

    /// The new file for the manifest, instead of standard output
    #[arg(long, value_name = "ENVELOPE")]
    out: Option<PathBuf>,
}

impl Sign {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        deliver(form, "maker sign", self.out.as_deref(), |world| Ok(self.sign(world)?))
    }

    fn sign(&self, world: &World) -> Result<Made, Finding> {
        let payload = world.bytes(&self.payload, Limits::STANDARD.document_bytes)?;
        let chain = self.certificates(world)?;
        let signer = PemSigner::read(&self.key).map_err(|fault| fault.finding())?;
        let signed = sign(payload, &signer, &chain, world.system_time()?).map_err(|fault| fault.finding())?;
        let Made { bytes, mut answer } = Made::document(signed.envelope.bytes().to_vec(), &signed.summary);
        let subject = chain.first().map(Certificate::subject_text).unwrap_or_default();
        answer = answer
            .with("signer", subject)
            .with("certificates", chain.len())
            .with("notes", signed.notes.clone())
            .line(format!("signer    {subject}"));
        for note in signed.notes {
            answer = answer.line(format!("note      {note}"));
        }
        Ok(Made { bytes, answer })
    }

    fn certificates(&self, world: &World) -> Result<Vec<Certificate>, Finding> {
        let limits = Limits::STANDARD;
        let most = limits.certificate_bytes.saturating_mul(limits.chain_certificates).saturating_mul(2);
        let mut chain = Vec::new();
        for file in &self.chain {
            let bytes = world.bytes(file, most)?;
            let found = certificates(&bytes, &limits);
            chain.extend(found.map_err(|fault| fault.finding().within(&file.display().to_string()))?);
        }
        Ok(chain)
    }
}
