//! A module in a process of its own: one that exits, aborts, hangs or lies on load is a fault, and takes nobody with it.
//!
//! A request is answered once or fails. It is never repeated after it was sent: nobody knows how far it came, and a PIN
//! could be spent by it. What comes after a failure is asked of a new process, in which the tokens that were open are
//! opened again when they are needed.
//!
//! # What it does not establish
//! That an answer is true: a module can say what it likes in its own process. Signatures are verified by
//! [`TokenSigner`](super::TokenSigner), and certificates count only by the signed anchor list.

use super::child::{Broken, HelperStart, Running};
use super::environment::Environment;
use super::exchange::{Answer, Request, Tokens};
use super::fault::TokenFault;
use super::name::TokenName;
use super::remembered::Remembered;
use super::wire;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Tokens of a module that runs in a process of its own. One request at a time; who asks meanwhile waits.
pub struct Guarded {
    start: HelperStart,
    asked: Mutex<Asked>,
}

/// What belongs to whoever asks at the moment.
struct Asked {
    running: Option<Running>,
    /// Tokens that are open in this process.
    open: BTreeSet<TokenName>,
    remembered: Remembered,
}

impl Guarded {
    /// Starts the process and loads the module.
    ///
    /// # Errors
    /// What loading gives ([`Module::open`](super::Module::open)), and [`TokenFault::ModuleFailed`] where the process
    /// does not start, ends, hangs, or says what means nothing.
    pub fn start(start: HelperStart) -> Result<Self, TokenFault> {
        let running = Running::start(&start)?;
        let asked = Asked { running: Some(running), open: BTreeSet::new(), remembered: Remembered::default() };
        Ok(Self { start, asked: Mutex::new(asked) })
    }

    /// All variables that the module sees.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.start.environment
    }
}

impl Tokens for Guarded {
    fn ask(&self, request: Request) -> Result<Answer, TokenFault> {
        // A panic of another asker left a stream in the middle of something at worst: that shows as nonsense.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = asked.remembered.refusal(&request) {
            return Err(refused);
        }
        asked.require_running(&self.start)?;
        if let Some(token) = needs_open(&request) {
            asked.open_again(&self.start, token)?;
        }
        asked.exchange(&self.start, request)
    }
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").field("module", &self.start.module).finish_non_exhaustive()
    }
}

impl Asked {
    /// A process that is found dead before it was asked is replaced.
    fn require_running(&mut self, start: &HelperStart) -> Result<(), TokenFault> {
        if self.running.as_ref().is_some_and(|running| !running.has_ended()) {
            return Ok(());
        }
        self.running = None;
        self.open.clear();
        self.running = Some(Running::start(start)?);
        Ok(())
    }

    /// Opens a token that was open in an earlier process.
    fn open_again(&mut self, start: &HelperStart, token: &TokenName) -> Result<(), TokenFault> {
        if self.open.contains(token) {
            return Ok(());
        }
        let Some(pin) = self.remembered.opens(token)? else { return Ok(()) };
        let opened = self.exchange(start, Request::LogIn { token: token.clone(), pin });
        opened.map(|_| ()).inspect_err(|fault| self.remembered.not_opened_again(token, fault))
    }

    fn exchange(&mut self, start: &HelperStart, request: Request) -> Result<Answer, TokenFault> {
        let failed = |found: String| TokenFault::ModuleFailed {
            path: start.module.display().to_string(),
            found,
            detail: String::new(),
        };
        let frame = wire::frame(&request).map_err(|fault| failed(format!("the request is {fault}")))?;
        let Some(running) = &self.running else { return Err(failed("it does not run".to_owned())) };
        let answer = match running.ask(&frame) {
            Ok(Ok(answer)) if !fits(&request, &answer) => {
                Err(Broken::Nonsense("the answer to another question".into()))
            }
            other => other,
        };
        match answer {
            Ok(answer) => self.answered(request, answer),
            Err(broken) => {
                let how = self.running.take().map_or_else(String::new, |running| running.bury(&broken));
                Err(failed(format!("{how} while {}", doing(&request))))
            }
        }
    }

    /// Keeps in mind what an answer means for later requests.
    fn answered(&mut self, request: Request, answer: Result<Answer, TokenFault>) -> Result<Answer, TokenFault> {
        match &answer {
            Ok(_) => {
                if let Request::LogIn { token, pin } = request
                    && self.open.insert(token.clone())
                {
                    self.remembered.keep(token, pin);
                }
            }
            Err(fault) => {
                self.remembered.learn(&request, fault);
                // The token may have gone, and may come back. Modules keep what they knew of it; SoftHSM sees it again
                // in a new process only.
                if let TokenFault::TokenAbsent { .. }
                | TokenFault::TokenFailed { .. }
                | TokenFault::SignerFailed { .. } = fault
                {
                    self.running = None;
                }
            }
        }
        answer
    }
}

/// The token that must be open for this request.
fn needs_open(request: &Request) -> Option<&TokenName> {
    match request {
        Request::ReadPublicKey { token, .. }
        | Request::ReadKeyId { token, .. }
        | Request::Sign { token, .. }
        | Request::GenerateKey { token, .. }
        | Request::ReadData { token, .. }
        | Request::WriteData { token, .. } => Some(token),
        Request::Describe
        | Request::ListTokens
        | Request::ReadCertificates { .. }
        | Request::LogIn { .. }
        | Request::InitToken { .. }
        | Request::WriteCertificates { .. }
        | Request::RemoveCertificates { .. } => None,
    }
}

fn fits(request: &Request, answer: &Answer) -> bool {
    matches!(
        (request, answer),
        (Request::Describe, Answer::Described(_))
            | (Request::ReadCertificates { .. }, Answer::Certificates(_))
            | (Request::LogIn { .. }, Answer::LoggedIn)
            | (Request::ReadPublicKey { .. } | Request::GenerateKey { .. }, Answer::PublicKey(_))
            | (Request::Sign { .. }, Answer::UnverifiedSignature(_))
            | (Request::InitToken { .. }, Answer::Token(_))
            | (Request::WriteCertificates { .. }, Answer::Written(_))
            | (Request::RemoveCertificates { .. }, Answer::Removed(_))
            | (Request::ListTokens, Answer::Tokens(_))
            | (Request::ReadKeyId { .. }, Answer::KeyId(_))
            | (Request::ReadData { .. }, Answer::Data(_))
            | (Request::WriteData { .. }, Answer::DataWritten(_))
    )
}

fn doing(request: &Request) -> &'static str {
    match request {
        Request::Describe => "describing itself",
        Request::ReadCertificates { .. } => "reading certificates",
        Request::LogIn { .. } => "logging in",
        Request::ReadPublicKey { .. } => "reading a public key",
        Request::Sign { .. } => "signing",
        Request::InitToken { .. } => "making a token",
        Request::GenerateKey { .. } => "making a key",
        Request::WriteCertificates { .. } => "writing certificates",
        Request::RemoveCertificates { .. } => "removing certificates",
        Request::ListTokens => "listing its tokens",
        Request::ReadKeyId { .. } => "reading the number of a key",
        Request::ReadData { .. } => "reading data objects",
        Request::WriteData { .. } => "writing a data object",
    }
}

#[cfg(test)]
mod tests;
