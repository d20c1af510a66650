//! `ecugate inspect certificate`: what certificates claim. No path is looked for.

use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::certificate::Certificate as Parsed;
use ecugate_verifier::values::finding::Finding;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// A file of certificates.
#[derive(clap::Args)]
pub(crate) struct Certificate {
    /// The certificates, PEM with one or many, or DER (`-`: standard input)
    file: PathBuf,
}

impl Seam for Certificate {
    const COMMAND: &'static str = "inspect certificate";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let read = papers::certificates(world, &self.file)?;
        let mut answer = Answer::accept().line("NOT VERIFIED: this is what the file says, whoever wrote it");
        for certificate in &read {
            answer = lines(certificate, answer);
        }
        Ok(answer.with("verified", false).with("certificates", read.iter().map(claims).collect::<Vec<Value>>()))
    }
}

fn claims(certificate: &Parsed) -> Value {
    let mut claims = match papers::described(certificate) {
        Value::Object(claims) => claims,
        _ => Map::new(),
    };
    let (algorithm, fault) = match certificate.public_key() {
        Ok(key) => (Some(key.algorithm().name()), None),
        Err(fault) => (None, Some(fault.reason().code())),
    };
    for (name, value) in [
        ("algorithm", algorithm.into()),
        ("key_fault", fault.into()),
        ("is_ca", certificate.is_ca().into()),
        ("path_length", certificate.path_length().into()),
        ("may_sign_documents", certificate.may_sign_documents().into()),
        ("may_sign_certificates", certificate.may_sign_certificates().into()),
        ("may_sign_crls", certificate.may_sign_crls().into()),
        ("purposes", certificate.purposes().into()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    Value::Object(claims)
}

fn lines(certificate: &Parsed, answer: Answer) -> Answer {
    let key = match certificate.public_key() {
        Ok(key) => key.algorithm().name().to_owned(),
        Err(fault) => fault.to_string(),
    };
    let usages: Vec<&str> = [
        (certificate.is_ca(), "is a CA"),
        (certificate.may_sign_documents(), "signs documents"),
        (certificate.may_sign_certificates(), "signs certificates"),
        (certificate.may_sign_crls(), "signs CRLs"),
    ]
    .into_iter()
    .filter_map(|(holds, words)| holds.then_some(words))
    .collect();
    let mut answer = answer
        .line(format!("subject   {}", certificate.subject_text()))
        .line(format!("issuer    {}", certificate.issuer_text()))
        .line(format!("serial    {}", certificate.serial_text()))
        .line(format!("valid     {} to {}", certificate.not_before(), certificate.not_after()))
        .line(format!("sha256    {}", certificate.digest()))
        .line(format!("key       {key}"))
        .line(format!("usage     {}", if usages.is_empty() { "none stated".to_owned() } else { usages.join(", ") }));
    for purpose in certificate.purposes() {
        answer = answer.line(format!("purpose   {purpose}"));
    }
    answer
}
