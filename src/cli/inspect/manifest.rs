//! `ecugate inspect manifest`: what a signed document claims. No signature is verified.

use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::documents::document::{Document, DocumentFault, read_unverified};
use ecugate_verifier::documents::envelope::{Envelope, EnvelopeSignature};
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::Shipment;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::documents::statement::{Predicate as _, predicate_type_of};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Lines of claims shown to a person; JSON has all of them.
const SHOWN: usize = 200;

/// A signed document: release, shipment, anchor list, policy or receipt.
#[derive(clap::Args)]
pub(crate) struct Manifest {
    /// The document (`-`: standard input)
    file: PathBuf,
}

impl Seam for Manifest {
    const COMMAND: &'static str = "inspect manifest";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = &Limits::STANDARD;
        let bytes = world.bytes(&self.file, limits.document_bytes)?;
        let envelope = Envelope::parse(&bytes, limits).map_err(|fault| fault.finding())?;
        let kind = predicate_type_of(&envelope, limits).map_err(|fault| fault.finding())?;
        let read = match kind.as_str() {
            Release::TYPE => claims::<Release>("release", &envelope, limits),
            Shipment::TYPE => claims::<Shipment>("shipment", &envelope, limits),
            AnchorList::TYPE => claims::<AnchorList>("anchor-list", &envelope, limits),
            PolicyText::TYPE => claims::<PolicyText>("policy", &envelope, limits),
            Receipt::TYPE => claims::<Receipt>("receipt", &envelope, limits),
            _ => {
                let expected = "a release, shipment, anchor list, policy or receipt";
                return Ok(signed(
                    Answer::refuse(Finding::new(Reason::PredicateTypeWrong, "predicateType", expected, &kind)),
                    &envelope,
                    &kind,
                    limits,
                ));
            }
        };
        Ok(match read {
            Ok(claims) => told(&claims, signed(Answer::accept(), &envelope, &kind, limits)),
            Err(fault) => signed(Answer::refuse(fault.finding()), &envelope, &kind, limits),
        })
    }
}

/// What a document claims, as plain JSON.
struct Claims {
    kind: &'static str,
    subjects: Vec<(String, Sha256)>,
    predicate: Value,
}

fn claims<D: Document + Clone>(
    kind: &'static str,
    envelope: &Envelope,
    limits: &Limits,
) -> Result<Claims, DocumentFault> {
    let document = read_unverified::<D>(envelope, limits)?;
    let predicate = serde_json::to_value(&document).unwrap_or(Value::Null);
    Ok(Claims { kind, subjects: document.subjects(), predicate })
}

/// The envelope, and what stands beside its signatures: hints, covered by nothing.
fn signed(answer: Answer, envelope: &Envelope, kind: &str, limits: &Limits) -> Answer {
    let signatures: Vec<Value> = envelope.signatures().iter().map(|one| signature(one, limits)).collect();
    let mut answer = answer
        .with("verified", false)
        .with("sha256", envelope.digest().to_string())
        .with("predicate_type", kind)
        .line("NOT VERIFIED: this is what the file says, whoever wrote it")
        .line(format!("sha256    {}", envelope.digest()))
        .line(format!("kind      {kind}"));
    for one in envelope.signatures() {
        let first = one.chain().first().map(|der| Certificate::from_der(der, limits));
        let said = match first {
            None => "without a certificate".to_owned(),
            Some(Ok(certificate)) => format!("with a certificate of {}", certificate.subject_text()),
            Some(Err(_)) => "with a certificate that cannot be read".to_owned(),
        };
        answer = answer.line(format!("signature not verified, {said}"));
    }
    answer.with("signatures", signatures)
}

fn signature(signature: &EnvelopeSignature, limits: &Limits) -> Value {
    let chain = signature.chain().iter().map(|der| {
        Certificate::from_der(der, limits).map_or_else(
            |_| json!({"sha256": Sha256::of(der).to_string(), "malformed": true}),
            |certificate| papers::described(&certificate),
        )
    });
    json!({"key_id_hint": signature.key_id_hint(), "chain": chain.collect::<Vec<Value>>()})
}

fn told(claims: &Claims, answer: Answer) -> Answer {
    let subjects: Vec<Value> =
        claims.subjects.iter().map(|(name, digest)| json!({"name": name, "sha256": digest.to_string()})).collect();
    let mut lines = Vec::new();
    leaves("", &claims.predicate, &mut lines);
    let left_out = lines.len().saturating_sub(SHOWN);
    let mut answer = answer;
    for line in lines.into_iter().take(SHOWN) {
        answer = answer.line(format!("says      {line}"));
    }
    if left_out > 0 {
        answer = answer.line(format!("says      … and {left_out} more lines, which --json has"));
    }
    answer.with("kind", claims.kind).with("subjects", subjects).with("claims", claims.predicate.clone())
}

/// Every single value with its path, in the order of the keys.
fn leaves(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(&path, value, lines);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}[{index}]"), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path} {text}")),
        other => lines.push(format!("{path} {other}")),
    }
}
