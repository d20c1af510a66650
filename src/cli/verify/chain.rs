//! `ecugate verify chain`: a certification path and its revocation (RFC 5280), by the code that receiving uses.

use crate::cli::flag;
use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::inputs::trust::path::{CrlUse, PathOptions, Purpose, Revocation, ValidPath, find_path};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A certificate, and what may lead from it to an anchor.
#[derive(clap::Args)]
pub(crate) struct Chain {
    /// The certificate asked about, PEM or DER (`-`: standard input)
    leaf: PathBuf,

    /// Certificates taken as anchors, PEM or DER
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,

    /// Certificates from which a path may be built, PEM or DER; an empty file is an empty bag
    #[arg(long, value_name = "FILE")]
    untrusted: Vec<PathBuf>,

    /// Certificate revocation lists, PEM or DER
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,

    /// The time to judge at (RFC 3339); without it, the time of the system
    #[arg(long, value_name = "TIME", value_parser = flag::instant)]
    at: Option<Time>,

    /// Most certificates between leaf and anchor
    #[arg(long, value_name = "N")]
    max_intermediates: Option<usize>,

    /// What the leaf must be certified for; without it anything, and our own rules on a leaf are off
    #[arg(long, value_name = "OID", value_parser = flag::object_identifier)]
    purpose: Option<String>,

    /// Whose revocation is looked up: `chain` where a CRL is given, else `off`
    #[arg(long, value_name = "WHOSE")]
    revocation: Option<Whose>,
}

/// Whose revocation is looked up.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Whose {
    /// Every certificate of the path but the anchor
    Chain,
    /// The leaf alone
    Leaf,
    /// Nobody's
    Off,
}

impl Seam for Chain {
    const COMMAND: &'static str = "verify chain";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let at = world.time(self.at)?;
        let whose = self.whose();
        let asked = |answer: Answer| {
            answer
                .with("at", at.to_string())
                .with("purpose", self.purpose.as_deref())
                .with("revocation", whose.word())
                .line(format!("at        {at}"))
                .line(format!("revoked?  {}", whose.asked()))
        };
        let leaf = papers::one_certificate(world, &self.leaf)?;
        let anchors = papers::all_certificates(world, &self.anchor)?;
        let untrusted = self.bag(world)?;
        let crls = papers::all_lists(world, &self.crl)?;
        let options = PathOptions {
            at,
            max_intermediates: self.max_intermediates,
            purpose: self.purpose.as_deref().map_or(Purpose::Any, Purpose::Oid),
            revocation: whose.revocation(),
            limits: &Limits::STANDARD,
        };
        Ok(match find_path(&leaf, &untrusted, &anchors, &crls, &options) {
            Ok(path) => found(&path, asked(Answer::accept())),
            Err(fault) => asked(Answer::refuse(fault.finding())),
        })
    }
}

impl Chain {
    fn whose(&self) -> Whose {
        let default = if self.crl.is_empty() { Whose::Off } else { Whose::Chain };
        self.revocation.unwrap_or(default)
    }

    /// A bag gives no trust, so that an empty one is no fault.
    fn bag(&self, world: &World) -> Result<Vec<Certificate>, Finding> {
        let mut bag = Vec::new();
        for path in &self.untrusted {
            match papers::certificates(world, path) {
                Ok(read) => bag.extend(read),
                Err(finding) if finding.reason == Reason::InputEmpty => {}
                Err(finding) => return Err(finding),
            }
        }
        Ok(bag)
    }
}

impl Whose {
    const fn revocation(self) -> Revocation {
        match self {
            Self::Chain => Revocation::Chain,
            Self::Leaf => Revocation::LeafOnly,
            Self::Off => Revocation::Off,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Leaf => "leaf",
            Self::Off => "off",
        }
    }

    const fn asked(self) -> &'static str {
        match self {
            Self::Chain => "asked of every certificate but the anchor",
            Self::Leaf => "asked of the leaf alone",
            Self::Off => "not asked",
        }
    }
}

/// The path with the leaf first and the anchor last, and the lists that it relied on.
fn found(path: &ValidPath, mut answer: Answer) -> Answer {
    let certificates: Vec<&Certificate> =
        std::iter::once(path.leaf()).chain(path.intermediates()).chain([path.anchor()]).collect();
    let described: Vec<Value> = certificates.iter().map(|certificate| papers::described(certificate)).collect();
    let lists: Vec<Value> = path.crls_used().iter().map(list).collect();
    for (number, certificate) in certificates.iter().enumerate() {
        let place = match number {
            0 => "leaf",
            _ if number + 1 == certificates.len() => "anchor",
            _ => "issuer",
        };
        answer = answer.line(format!("{place:<9} {}", certificate.subject_text()));
    }
    for used in path.crls_used() {
        answer = answer.line(format!("crl       {} of {}, next {}", used.issuer, used.this_update, used.next_update));
    }
    answer.with("path", described).with("crls", lists)
}

fn list(used: &CrlUse) -> Value {
    json!({
        "issuer": used.issuer,
        "number": used.number.as_ref().map(ToString::to_string),
        "this_update": used.this_update.to_string(),
        "next_update": used.next_update.to_string(),
        "sha256": used.digest.to_string(),
    })
}
