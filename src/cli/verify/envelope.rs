//! `ecugate verify envelope`: a DSSE envelope and the in-toto statement in it. What the statement says is not judged.

use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::documents::envelope::{Envelope as Dsse, PAYLOAD_TYPE};
use ecugate_verifier::documents::statement::About;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;

/// An envelope, and the key that is said to have signed it.
#[derive(clap::Args)]
pub(crate) struct Envelope {
    /// The envelope (`-`: standard input)
    file: PathBuf,

    #[command(flatten)]
    key: KeySource,

    /// The payload type that the envelope must state; under another than the default the payload stays unread
    #[arg(long, value_name = "TYPE", default_value = PAYLOAD_TYPE)]
    payload_type: String,

    /// The predicate type that the statement must state; without it, any
    #[arg(long, value_name = "TYPE")]
    predicate_type: Option<String>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct KeySource {
    /// The key: DER SubjectPublicKeyInfo
    #[arg(long, value_name = "SPKI.der")]
    key: Option<PathBuf>,

    /// A certificate that holds the key, PEM or DER; nothing else of it is looked at
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

impl Seam for Envelope {
    const COMMAND: &'static str = "verify envelope";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        if let (Some(asked), true) = (&self.predicate_type, self.payload_type != PAYLOAD_TYPE) {
            let expected = "no predicate type where the payload is no in-toto statement";
            return Err(Finding::new(Reason::Usage, "--predicate-type", expected, asked));
        }
        let (key, source) = self.key.read(world)?;
        let limits = Limits::STANDARD;
        let bytes = world.bytes(&self.file, limits.document_bytes)?;
        let envelope = Dsse::parse(&bytes, &limits).map_err(|fault| fault.finding())?;
        let described = |answer: Answer| {
            let payload = Sha256::of(envelope.payload());
            answer
                .with("payload_type", envelope.payload_type())
                .with("payload_sha256", payload.to_string())
                .with("key_sha256", key.id().to_string())
                .with("key_from", source.word())
                .line(format!("payload   {}, sha256 {payload}", envelope.payload_type()))
                .line(format!("key       sha256 {}{}", key.id(), source.remark()))
        };
        Ok(match self.verify(&envelope, &key, &limits) {
            Ok(about) => self.told(about, described(Answer::accept())),
            Err(finding) => described(Answer::refuse(finding)),
        })
    }
}

impl Envelope {
    /// What the statement is about; `None` where the payload is no statement and was not to be one.
    fn verify(&self, envelope: &Dsse, key: &PublicKey, limits: &Limits) -> Result<Option<About>, Finding> {
        if self.payload_type != PAYLOAD_TYPE {
            return match envelope.verify_foreign(&self.payload_type, key) {
                Ok(_) => Ok(None),
                Err(fault) => Err(fault.finding()),
            };
        }
        let verified = envelope.verify_with(key).map_err(|fault| fault.finding())?;
        let about = About::read(&verified, limits).map_err(|fault| fault.finding())?;
        match &self.predicate_type {
            Some(asked) if *asked != about.predicate_type => {
                Err(Finding::new(Reason::PredicateTypeWrong, "predicateType", asked, about.predicate_type))
            }
            _ => Ok(Some(about)),
        }
    }

    fn told(&self, about: Option<About>, answer: Answer) -> Answer {
        let Some(About { predicate_type, subject }) = about else {
            return answer
                .with("predicate_type", Value::Null)
                .with("subjects", Value::Null)
                .line("subjects  not read: the payload is of a foreign type");
        };
        let subjects: Vec<Value> = subject
            .iter()
            .map(|subject| json!({"name": subject.name.as_str(), "sha256": subject.digest.to_string()}))
            .collect();
        let mut answer = answer.line(format!("predicate {predicate_type}"));
        for subject in &subject {
            answer = answer.line(format!("subject   sha256 {} {}", subject.digest, subject.name));
        }
        answer.with("predicate_type", predicate_type).with("subjects", subjects)
    }
}

/// Where the key came from.
#[derive(Clone, Copy)]
enum Source {
    Key,
    Certificate,
}

impl Source {
    const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Certificate => "certificate",
        }
    }

    const fn remark(self) -> &'static str {
        match self {
            Self::Key => "",
            Self::Certificate => " (the certificate gave the key; nothing else of it was looked at)",
        }
    }
}

impl KeySource {
    fn read(&self, world: &World) -> Result<(PublicKey, Source), Finding> {
        if let Some(path) = &self.certificate {
            let certificate = papers::one_certificate(world, path)?;
            let key = certificate.public_key().map_err(|fault| {
                let expected = "a usable key in the certificate";
                Finding::new(fault.reason(), papers::shown(path), expected, fault.to_string())
            })?;
            return Ok((key, Source::Certificate));
        }
        let path = self.key.clone().unwrap_or_default();
        let spki = papers::key_bytes(world, &path)?;
        let key =
            PublicKey::from_spki(&spki).map_err(|fault| papers::key_fault(&spki, fault, &papers::shown(&path)))?;
        Ok((key, Source::Key))
    }
}
