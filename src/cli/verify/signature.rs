//! `ecugate verify signature`: one signature, by the one rule that documents, notes and tokens share.

use crate::cli::flag::{self, Hex};
use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{Answer, Seam};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{Algorithm, Encoding, KeyFault, verify_untrusted};
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;

/// Bytes of the longest signature looked at: eight times the longest there is (RSA with 8,192 bits).
const SIGNATURE_BYTES: usize = 8 << 10;

/// A key, a message and a signature.
#[derive(clap::Args)]
pub(crate) struct Signature {
    /// The algorithm; it must belong to the kind of key
    #[arg(long, value_parser = algorithms())]
    alg: Algorithm,

    #[command(flatten)]
    key: KeySource,

    #[command(flatten)]
    message: MessageSource,

    #[command(flatten)]
    signature: SignatureSource,

    /// How an ECDSA signature is written; the other algorithms have one form
    #[arg(long, value_name = "FORM", default_value = "der")]
    encoding: Form,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct KeySource {
    /// The key: DER SubjectPublicKeyInfo (`-`: standard input)
    #[arg(long, value_name = "SPKI.der")]
    key: Option<PathBuf>,

    /// The key: DER SubjectPublicKeyInfo as hex digits
    #[arg(long, value_name = "HEX", value_parser = flag::hex)]
    key_hex: Option<Hex>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct MessageSource {
    /// The bytes that were signed; there may be none
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,

    /// The bytes that were signed, as hex digits
    #[arg(long, value_name = "HEX", value_parser = flag::hex)]
    message_hex: Option<Hex>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct SignatureSource {
    /// The signature
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,

    /// The signature as hex digits
    #[arg(long, value_name = "HEX", value_parser = flag::hex)]
    signature_hex: Option<Hex>,
}

/// How an ECDSA signature is written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    /// A DER sequence of r and s
    Der,
    /// r and s, each as long as the order of the curve
    P1363,
}

impl Seam for Signature {
    const COMMAND: &'static str = "verify signature";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let key = match (&self.key.key_hex, &self.key.key) {
            (Some(Hex(bytes)), _) => bytes.clone(),
            (None, Some(path)) => papers::key_bytes(world, path)?,
            (None, None) => Vec::new(),
        };
        let message = match (&self.message.message_hex, &self.message.message) {
            (Some(Hex(bytes)), _) => bytes.clone(),
            (None, Some(path)) => world.open(path)?.bytes(Limits::STANDARD.image_memory)?,
            (None, None) => Vec::new(),
        };
        let signature = match (&self.signature.signature_hex, &self.signature.signature) {
            (Some(Hex(bytes)), _) => bytes.clone(),
            (None, Some(path)) => world.bytes(path, SIGNATURE_BYTES)?,
            (None, None) => Vec::new(),
        };
        let encoding = match self.encoding {
            Form::Der => Encoding::Der,
            Form::P1363 => Encoding::P1363,
        };
        let answer = match verify_untrusted(&key, self.alg, encoding, &message, &signature) {
            Ok(()) => Answer::accept(),
            Err(fault) => Answer::refuse(self.finding(&key, signature.len(), fault)),
        };
        let (key, message) = (Sha256::of(&key), Sha256::of(&message));
        Ok(answer
            .with("alg", self.alg.name())
            .with("key_sha256", key.to_string())
            .with("message_sha256", message.to_string())
            .line(format!("alg       {}", self.alg.name()))
            .line(format!("key       sha256 {key}"))
            .line(format!("message   sha256 {message}")))
    }
}

impl Signature {
    fn finding(&self, key: &[u8], signature_bytes: usize, fault: KeyFault) -> Finding {
        match fault {
            KeyFault::WrongAlgorithm => {
                let expected = "the algorithm of the key's kind";
                Finding::new(fault.reason(), "alg", expected, self.alg.name())
            }
            KeyFault::SignatureMalformed => {
                let expected = "a signature of the form that the algorithm has";
                Finding::new(fault.reason(), "signature", expected, format!("{signature_bytes} bytes of another form"))
            }
            KeyFault::SignatureInvalid => {
                let expected = "a signature of this key over this message";
                Finding::new(fault.reason(), "signature", expected, "another")
            }
            _ => papers::key_fault(key, fault, "key"),
        }
    }
}

fn algorithms() -> impl clap::builder::TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::name)).try_map(|name| {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or("expected a known algorithm")
    })
}
