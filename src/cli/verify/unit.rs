//! `ecugate verify unit`: one dossier from a folder, start to verdict, with no token and no ledger. Admits nothing.

use crate::cli::flag;
use crate::cli::folder::Folder;
use crate::cli::inputs::{Input, World};
use crate::cli::papers;
use crate::cli::seam::{Answer, Outcome, Seam};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::receipt::{CheckLine, Ruling};
use ecugate_verifier::inputs::dossier::{Dossier, Environment, Inputs};
use ecugate_verifier::inputs::evidence::{Presentation, Readout};
use ecugate_verifier::inputs::memory::{Known, Memory};
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::judgement::appraisal::{Appraisal, appraise};
use ecugate_verifier::judgement::verdict::Verdict;
use ecugate_verifier::syntax::json;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{IdentFault, Name};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::{Class, Reason};
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A folder with everything that is known of one unit.
#[derive(clap::Args)]
pub(crate) struct Unit {
    /// The folder: label, manifests/, chain/, crls/, anchors/, anchor-list, policy, image*, proof, memory
    dir: PathBuf,

    /// The time to judge at (RFC 3339); without it, the time of the system
    #[arg(long, value_name = "TIME", value_parser = flag::instant)]
    at: Option<Time>,

    /// Keys of the officers: SubjectPublicKeyInfo in DER or PEM, or certificates
    #[arg(long, value_name = "KEY", required = true)]
    authority: Vec<PathBuf>,

    /// How many officers must have signed the anchor list and the policy
    #[arg(long, value_name = "K", default_value_t = 2)]
    threshold: usize,

    /// The lowest version of an anchor list that counts
    #[arg(long, value_name = "N", default_value_t = 0)]
    list_min_version: u64,
}

impl Seam for Unit {
    const COMMAND: &'static str = "verify unit";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = &Limits::STANDARD;
        let answer = match self.inputs(world, limits) {
            Ok((inputs, memory)) => {
                let at = inputs.now;
                let dossier = Dossier::assemble(inputs, limits);
                let appraisal = appraise(&dossier);
                let verdict = Verdict::reach(&appraisal);
                told(&appraisal, &verdict, memory, at)
            }
            Err(finding) if finding.reason.class() == Class::Usage => Answer::refuse(finding),
            // What was there and could not be taken: nothing was judged, so nothing is said about the unit.
            Err(finding) => Answer::of_unit(Outcome::Hold, Some(finding)),
        };
        Ok(answer.with("admission", Value::Null).line("admission none: only receiving admits"))
    }
}

/// Whether the folder says what was seen before.
#[derive(Clone, Copy)]
enum MemorySource {
    Given,
    TakenAsEmpty,
}

impl Unit {
    fn inputs(&self, world: &World, limits: &Limits) -> Result<(Inputs, MemorySource), Finding> {
        let now = world.time(self.at)?;
        let authority = self.authority(world, limits)?;
        let folder = Folder::open(world, &self.dir)?;
        let (memory, source) = match folder.memory(world)? {
            Some(bytes) => (memory(&bytes, limits), MemorySource::Given),
            None => (Memory::Known(Box::new(Known::empty())), MemorySource::TakenAsEmpty),
        };
        let policy = folder.policy(world)?;
        let mut presentation = Presentation {
            label: folder.label(world)?,
            housing_label: None,
            manifests: folder.manifests(world, limits)?,
            untrusted: folder.chain(world, limits)?,
            crls: folder.crls(world, limits)?,
            readouts: Vec::new(),
            device_proof: folder.proof(world)?,
            condition: Condition::New,
            operator: None,
            order: None,
        };
        presentation.readouts = readouts(&presentation, folder.images(world, limits)?, limits);
        let inputs = Inputs {
            // Always the same: nothing is recorded under it.
            attempt: Attempt { station: name("verify-unit")?, nonce: Nonce::from_bytes([0; 16]) },
            now,
            environment: Environment::Trial,
            site: site(policy.as_deref(), limits)?,
            authority,
            token: folder.anchors(world, limits)?,
            anchor_list: folder.anchor_list(world)?,
            policy,
            presentation,
            memory,
        };
        Ok((inputs, source))
    }

    /// Each key is an authority of its own: whose it is, the call does not say.
    fn authority(&self, world: &World, limits: &Limits) -> Result<Authority, Finding> {
        let usage = |expected: String, found: String| Finding::new(Reason::Usage, "--authority", expected, found);
        let mut holders = Vec::new();
        let mut seen = BTreeSet::new();
        for (number, path) in (1..).zip(&self.authority) {
            let key = papers::key_of_person(world, path)?;
            if !seen.insert(key.id()) {
                return Err(usage("each key once".to_owned(), format!("the key of {} again", papers::shown(path))));
            }
            holders.push((name(&format!("authority-{number}"))?, key));
        }
        if self.threshold == 0 || self.threshold > holders.len() {
            let expected = format!("1 to {}, the number of keys", holders.len());
            return Err(Finding::new(Reason::Usage, "--threshold", expected, self.threshold.to_string()));
        }
        if holders.len() > limits.authority_keys {
            return Err(usage(format!("at most {} keys", limits.authority_keys), holders.len().to_string()));
        }
        Authority::new(holders, self.threshold, self.list_min_version, 0, limits)
    }
}

/// Measures each image by what the presented, still unverified releases name.
fn readouts(presentation: &Presentation, images: Vec<(Option<Name>, Input)>, limits: &Limits) -> Vec<Readout> {
    let evidence = presentation.read(&Rules::default(), limits);
    images.into_iter().map(|(component, mut image)| evidence.measure(component, &mut image, limits)).collect()
}

/// A memory that cannot be read is none, which is never an empty one.
fn memory(bytes: &[u8], limits: &Limits) -> Memory {
    json::read(bytes, limits).unwrap_or_else(|fault| {
        let finding = fault.finding();
        let found = format!("{} ({})", finding.found, finding.reason);
        Memory::Unavailable(Finding { reason: Reason::MemoryMalformed, found, ..finding }.within("memory"))
    })
}

/// The site that the policy claims to be for; the appraisal verifies the policy and holds everything else to it.
/// Without a readable policy it is one that no document names, and the unit is held for want of a policy.
fn site(policy: Option<&[u8]>, limits: &Limits) -> Result<Name, Finding> {
    let claimed = policy
        .and_then(|bytes| Envelope::parse(bytes, limits).ok())
        .and_then(|envelope| document::read_unverified::<PolicyText>(&envelope, limits).ok());
    claimed.map_or_else(|| name("no site: the policy cannot be read"), |policy| Ok(policy.site))
}

fn name(text: &str) -> Result<Name, Finding> {
    Name::new(text).map_err(|fault: IdentFault| Finding::new(Reason::Usage, text, "a name", fault.to_string()))
}

fn told(appraisal: &Appraisal, verdict: &Verdict, memory: MemorySource, at: Time) -> Answer {
    let outcome = match verdict.ruling() {
        Ruling::Accept => Outcome::Accept,
        Ruling::Suspect | Ruling::Unproven => Outcome::Quarantine,
        Ruling::HoldPassing | Ruling::HoldPerson | Ruling::NotGated => Outcome::Hold,
    };
    let (findings, minimum) = (verdict.findings(), appraisal.minimum());
    let unit = appraisal.unit();
    let stated: Vec<&str> = [
        unit.manufacturer.as_ref().map(|text| text.as_str()),
        unit.part.as_ref().map(|text| text.as_str()),
        unit.serial.as_ref().map(|text| text.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (memory, remark) = match memory {
        MemorySource::Given => ("given", "as given in the folder"),
        MemorySource::TakenAsEmpty => ("taken-as-empty", "none given: taken as empty and complete"),
    };
    let checks: Vec<CheckLine> = appraisal.answers().lines().collect();
    let mut answer = Answer::of_unit(outcome, findings.first().cloned())
        .with("ruling", verdict.ruling().word())
        .with("at", at.to_string())
        .with("memory", memory)
        .with("unit", value(unit))
        .with(
            "assurance",
            json!({
                "identity": value(&appraisal.identity()),
                "firmware": value(&appraisal.firmware()),
                "minimum": value(&minimum),
            }),
        )
        .with("checks", value(&checks))
        .with("findings", value(&findings))
        .with("waived", waived(appraisal))
        .line(format!("unit      {}", if stated.is_empty() { "unknown".to_owned() } else { stated.join(" ") }))
        .line(format!("identity  {} (at least {})", appraisal.identity().word(), minimum.identity.word()))
        .line(format!("firmware  {} (at least {})", appraisal.firmware().word(), minimum.firmware.word()))
        .line(format!("at        {at}"))
        .line(format!("memory    {remark}"));
    for check in &checks {
        answer =
            answer.line(format!("check     {:<17} {:<8} {}", check.check.word(), check.answer.word(), check.found));
    }
    for finding in findings {
        answer = answer.line(format!("finding   {}", facts(finding)));
    }
    answer
}

/// A finding in one line, without the facts that it does not have.
fn facts(Finding { reason, place, expected, found }: &Finding) -> String {
    let mut line = reason.code().to_owned();
    for (name, text) in [("at", place), ("expected", expected), ("found", found)] {
        if !text.is_empty() {
            line.push_str(&format!("  {name} {text}"));
        }
    }
    line
}

fn waived(appraisal: &Appraisal) -> Vec<Value> {
    let waived = appraisal.waived().iter();
    waived.map(|(check, finding)| json!({"check": check.word(), "finding": value(finding)})).collect()
}

/// Our plain values have one JSON each; what could not be written would be missing, never invented.
fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}
