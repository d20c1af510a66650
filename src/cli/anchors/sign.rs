//! `ecugate anchors sign`: one officer's signature on a list.

use super::show::Review;
use crate::cli::desk::{self, could_not, write_signed};
use crate::cli::seam::{self, Answer, Form};
use ecugate::ceremony::{OfficerKey, open_officer};
use ecugate::hsm::PinSource;
use ecugate::site::Site;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use std::path::PathBuf;
use std::process::ExitCode;

/// Who signs, and with which key.
#[derive(clap::Args)]
pub(crate) struct Officer {
    /// The officer who signs
    #[arg(long, value_name = "PERSON")]
    officer: String,

    /// The label of the officer's key on the token (default: the officer's name)
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,

    /// Where the token's PIN is: `file:PATH`, `env:NAME` or `prompt` (default: where the trial site says). Never the PIN
    /// itself
    #[arg(long, value_name = "SOURCE")]
    pin: Option<String>,

    /// The payload's SHA-256 as it stands on paper: a file with another one is not signed
    #[arg(long, value_name = "SHA256", value_parser = desk::digest)]
    pub(crate) compare: Option<Sha256>,
}

impl Officer {
    pub(crate) fn key(&self) -> Result<OfficerKey, Finding> {
        let pin = self.pin.as_deref().map(PinSource::parse).transpose();
        let pin = match pin.map_err(|fault| fault.finding().within("--pin"))? {
            // A path of a command starts where the command does.
            Some(PinSource::File(path)) => Some(PinSource::File(std::path::absolute(&path).unwrap_or(path))),
            other => other,
        };
        let person = desk::person("--officer", &self.officer)?;
        Ok(OfficerKey { person, label: self.key.clone(), pin })
    }
}

/// A list, and who signs it.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// What `anchors propose` wrote, or what another officer has signed of it: gets the signature
    file: PathBuf,

    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    #[command(flatten)]
    officer: Officer,

    /// A new file for what is signed, instead of the one that was read
    #[arg(long, value_name = "ENVELOPE")]
    out: Option<PathBuf>,
}

impl Sign {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "anchors sign", &self.sign().unwrap_or_else(could_not))
    }

    fn sign(&self) -> Result<Answer, Finding> {
        // Before any input: whoever put a PIN there should hear of that.
        let officer = self.officer.key()?;
        desk::require_file(&self.file)?;
        let review = Review::of(Site::open(&self.site)?, &self.file)?;
        let answer = review.answer();
        let Review { desk, sheet, annex, .. } = review;
        desk::require_compared(self.officer.compare, sheet.payload_digest())?;
        sheet.require_unsigned_by(&officer.person)?;
        let signer = open_officer(&desk, &officer)?;
        let authority = desk.site().authority();
        let signed = sheet.sign(&officer.person, &signer, authority)?;
        let written = write_signed(&self.file, self.out.as_deref(), signed.bytes(), Some(&annex))?;
        let answer = desk::signatures(answer, signed.persons(), authority.threshold());
        let written = written.display().to_string();
        Ok(answer.line(format!("written   {written}")).with("out", written))
    }
}
