//! `ecugate receive`: one box through the gate. Only exit status 0 may enter inventory.

use super::inputs::World;
use super::seam::Form;
use super::system::System;
use super::verdict_screen;
use clap::ArgGroup;
use ecugate::gate::{Arrival, Gate, GateError, Handover, ImageSource, Outcome, Papers, Stored};
use ecugate::site::Site;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One box.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("scan").required(true))]
pub(crate) struct Receive {
    /// What the scanner read, as text
    #[arg(long, value_name = "TEXT", group = "scan", allow_hyphen_values = true)]
    label: Option<String>,

    /// What the scanner read, as hex digits: keeps control characters that a shell would lose
    #[arg(long, value_name = "HEX", group = "scan")]
    label_hex: Option<String>,

    /// A file with what the scanner read, byte for byte
    #[arg(long, value_name = "FILE", group = "scan")]
    label_file: Option<PathBuf>,

    /// A release or shipment manifest (DSSE envelope). None: those that intake holds for the label
    #[arg(long, value_name = "FILE")]
    manifest: Vec<PathBuf>,

    /// A readout of the unit; COMPONENT= names the component where the release has several
    #[arg(long, value_name = "[COMPONENT=]FILE")]
    image: Vec<String>,

    /// Certificates from which paths may be built (PEM or DER), beside those that intake holds. They give no trust
    #[arg(long, value_name = "FILE")]
    untrusted: Vec<PathBuf>,

    /// Certificate revocation lists (PEM or DER), beside those that intake holds
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,

    /// The device's answer to our challenge; not supported yet, so a box presented with one is held
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,

    /// In what condition the box came
    #[arg(long, value_enum, default_value_t = ConditionFlag::New)]
    condition: ConditionFlag,

    /// Who holds the box: a claim, recorded as one
    #[arg(long, value_name = "ID")]
    operator: Option<String>,

    /// The station (default: the site's)
    #[arg(long, value_name = "ID")]
    station: Option<String>,

    /// The order that the box belongs to: a claim
    #[arg(long, value_name = "TEXT")]
    order: Option<String>,

    /// The folder of the trial site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

/// The condition as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ConditionFlag {
    /// Never used
    New,
    /// Come back from the field, or repaired
    Returned,
}

impl Receive {
    /// Receives the box and answers with the exit status of DESIGN's table.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        let mut shown = Ok(());
        // The attempt is over once the screen has it: a process that dies before has told nobody.
        let received = self.receive(|outcome, papers| {
            shown = verdict_screen::show_outcome(form, "receive", outcome, papers);
            if shown.is_ok() { Handover::Done } else { Handover::Failed }
        });
        match received {
            Ok(outcome) => verdict_screen::status(&outcome, &shown),
            Err(error) => verdict_screen::show_error(form, "receive", &error),
        }
    }

    fn receive(&self, show: impl FnOnce(&Outcome, &Papers) -> Handover) -> Result<Outcome, GateError> {
        let site = Site::open(&self.site)?;
        let world = World::here();
        let images = self.images(&world)?;
        let arrival = self.arrival(&world, images)?;
        let gate = Gate::open(site, Box::new(System))?;
        let papers = gate.papers(arrival.label.as_deref(), &arrival.manifests)?;
        gate.receive_shown(papers.with(arrival), |outcome| show(outcome, &papers))
    }

    fn arrival<'a>(&self, world: &World, images: Vec<ImageSource<'a>>) -> Result<Arrival<'a>, Finding> {
        let limits = Limits::STANDARD;
        let all = |paths: &[PathBuf], cap: usize| -> Result<Vec<Vec<u8>>, Finding> {
            paths.iter().map(|path| world.bytes(path, cap)).collect()
        };
        Ok(Arrival {
            attempt: None,
            station: self.station.as_deref().map(|text| name("--station", text)).transpose()?,
            label: Some(self.scanned(world)?),
            housing_label: None,
            manifests: all(&self.manifest, limits.document_bytes)?,
            images,
            untrusted: all(&self.untrusted, limits.certificate_bytes.saturating_mul(16))?,
            crls: all(&self.crl, limits.crl_bytes)?,
            device_proof: self.proof.as_deref().map(|path| world.bytes(path, limits.document_bytes)).transpose()?,
            condition: match self.condition {
                ConditionFlag::New => Condition::New,
                ConditionFlag::Returned => Condition::Returned,
            },
            operator: self.operator.as_deref().map(|text| name("--operator", text)).transpose()?,
            order: self.order.as_deref().map(|text| name("--order", text)).transpose()?,
            stored: Stored::default(),
        })
    }

    fn scanned(&self, world: &World) -> Result<Vec<u8>, Finding> {
        match (&self.label, &self.label_hex, &self.label_file) {
            (Some(text), None, None) => Ok(text.as_bytes().to_vec()),
            (None, Some(digits), None) => hex::decode(digits).ok_or_else(|| {
                Finding::new(Reason::Usage, "--label-hex", "an even number of hex digits", digits.as_str())
            }),
            (None, None, Some(path)) => world.bytes(path, Limits::STANDARD.label_bytes),
            _ => {
                Err(Finding::new(Reason::Usage, "label", "one of --label, --label-hex, --label-file", "another number"))
            }
        }
    }

    fn images(&self, world: &World) -> Result<Vec<ImageSource<'static>>, Finding> {
        let mut images = Vec::new();
        for text in &self.image {
            let (component, path) = match text.split_once('=') {
                Some((component, path)) => (Some(name("--image", component)?), path),
                None => (None, text.as_str()),
            };
            let reader = Box::new(world.open(Path::new(path))?.at_most(Limits::STANDARD.image_file_bytes)?);
            images.push(ImageSource { component, reader });
        }
        Ok(images)
    }
}

fn name(flag: &str, text: &str) -> Result<Name, Finding> {
    Name::new(text).map_err(|fault| Finding::new(Reason::Usage, flag, "a name", format!("{text:?} {fault}")))
}
