//! `ecugate maker sign`: a payload becomes a signed manifest, and is read back by the verifier before it is written.

use super::outcome::{Made, deliver};
use crate::cli::inputs::World;
use crate::cli::seam::Form;
use crate::cli::system::System;
use ecugate::hsm::uri::{Pkcs11Uri, holds_a_pin, is_meant};
use ecugate::hsm::{Guarded, HelperStart, TokenName, Tokens};
use ecugate::maker::key::PemSigner;
use ecugate::maker::sign::{Signed, sign};
use ecugate::maker::token_key;
use ecugate::surroundings::Surroundings as _;
use ecugate_verifier::syntax::certificate::{Certificate, certificates};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// A payload, and who signs it.
#[derive(clap::Args)]
#[command(
    override_usage = "ecugate maker sign <PAYLOAD> --key <KEY.pem|pkcs11:URI> --chain <FILE>... [--out <ENVELOPE>]"
)]
pub(crate) struct Sign {
    /// What `maker release` or `maker shipment` wrote (`-`: standard input)
    payload: PathBuf,

    /// The private key, Ed25519 or P-256: PEM without pass phrase, or the PKCS#11 URI of a key on a token
    #[arg(long, value_name = "KEY.pem|pkcs11:URI")]
    key: PathBuf,

    /// The PKCS#11 module of that token, by absolute path, where the URI does not name it
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,

    /// Certificates, PEM or DER: the signer's own first, then those of the CAs above it
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    chain: Vec<PathBuf>,

    /// The new file for the manifest, instead of standard output
    #[arg(long, value_name = "ENVELOPE")]
    out: Option<PathBuf>,
}

/// Where the private key is.
enum Key {
    File(PathBuf),
    OnToken { uri: Box<Pkcs11Uri>, module: PathBuf },
}

/// How long the manufacturer's module may take: a person may have to touch its token.
const MODULE_SECONDS: u64 = 60;

/// The manufacturer's own module, with the manufacturer's own environment, in a process of its own.
fn makers_module(module: &Path) -> Result<Arc<dyn Tokens>, Finding> {
    let start = HelperStart {
        program: System.helper()?,
        module: module.to_owned(),
        environment: std::env::vars_os().collect(),
        deadline: Duration::from_secs(MODULE_SECONDS),
    };
    Ok(Arc::new(Guarded::start(start)?))
}

impl Sign {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        deliver(form, "maker sign", self.out.as_deref(), |world| Ok(self.sign(world)?))
    }

    fn sign(&self, world: &World) -> Result<Made, Finding> {
        // Before any input: whoever put a PIN there should hear of that.
        let key = self.key()?;
        let payload = world.bytes(&self.payload, Limits::STANDARD.document_bytes)?;
        let chain = self.certificates(world)?;
        let (signed, token) = self.signed(&key, payload, &chain, world.system_time()?)?;
        let Made { bytes, mut answer } = Made::document(signed.envelope.bytes().to_vec(), &signed.summary);
        let subject = chain.first().map(Certificate::subject_text).unwrap_or_default();
        answer = answer
            .with("signer", subject)
            .with("certificates", chain.len())
            .with("notes", signed.notes.clone())
            .line(format!("signer    {subject}"));
        if let Some(TokenName { label, serial }) = token {
            answer = answer
                .line(format!("token     {}", TokenName::new(&label, &serial)))
                .with("token", json!({ "label": label, "serial": serial }));
        }
        for note in signed.notes {
            answer = answer.line(format!("note      {note}"));
        }
        Ok(Made { bytes, answer })
    }

    fn key(&self) -> Result<Key, Finding> {
        match self.key.to_str().filter(|text| is_meant(text) || holds_a_pin(text)) {
            None if self.module.is_some() => {
                let expected = "--module beside the pkcs11: URI of a key";
                Err(Finding::new(Reason::Usage, "--module", expected, "--module beside a key file"))
            }
            None => Ok(Key::File(self.key.clone())),
            Some(text) => {
                let within = |finding: Finding| finding.within("--key");
                let uri = Pkcs11Uri::parse(text).map_err(|fault| within(fault.finding()))?;
                let module = token_key::module_of(&uri, self.module.as_deref()).map_err(within)?;
                Ok(Key::OnToken { uri: Box::new(uri), module })
            }
        }
    }

    /// Signed with the key in the file, or with the one on the token that is named too then.
    fn signed(
        &self,
        key: &Key,
        payload: Vec<u8>,
        chain: &[Certificate],
        now: Time,
    ) -> Result<(Signed, Option<TokenName>), Finding> {
        match key {
            Key::File(path) => {
                let signer = PemSigner::read(path)?;
                Ok((sign(payload, &signer, chain, now).map_err(|fault| fault.finding())?, None))
            }
            Key::OnToken { uri, module } => {
                let tokens = makers_module(module)?;
                let opened = token_key::open(uri, tokens, |source, token| System.pin(source, token))?;
                let mut signed = sign(payload, &opened.signer, chain, now).map_err(|fault| fault.finding())?;
                signed.notes.extend(opened.notes);
                Ok((signed, Some(opened.signer.key().token.clone())))
            }
        }
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
