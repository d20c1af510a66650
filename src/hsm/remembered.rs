//! PINs that a gate remembers over the processes of its module: those that opened a token, to open it again in the
//! next process, and those that were refused, to give them to no token again.

use super::exchange::{Request, Role};
use super::fault::TokenFault;
use super::name::TokenName;
use super::pin::Pin;

/// PINs by what became of them. Wiped when dropped.
#[derive(Default)]
pub(super) struct Remembered {
    opened: Vec<Opened>,
    refused: Vec<Refused>,
}

/// A token that was opened, and stays so for whoever asks.
struct Opened {
    token: TokenName,
    pin: Pin,
    /// Why it is not given its PIN again by itself: that try was spent and failed.
    shut: Option<TokenFault>,
}

/// Tokens count wrong tries and lock.
struct Refused {
    token: TokenName,
    role: Role,
    pin: Pin,
    fault: TokenFault,
}

impl Remembered {
    /// Why this request must not be asked: its PIN was refused before.
    pub(super) fn refusal(&self, request: &Request) -> Option<TokenFault> {
        let (token, role, pin) = pin_of(request)?;
        let is = |refused: &&Refused| refused.token == *token && refused.role == role && refused.pin == *pin;
        self.refused.iter().find(is).map(|refused| refused.fault.clone())
    }

    /// The PIN that opens a token again, if it was open. `Err` where that failed before.
    pub(super) fn opens(&self, token: &TokenName) -> Result<Option<Pin>, TokenFault> {
        match self.opened.iter().find(|opened| opened.token == *token) {
            Some(Opened { shut: Some(fault), .. }) => Err(fault.clone()),
            Some(opened) => Ok(Some(opened.pin.clone())),
            None => Ok(None),
        }
    }

    /// A token was opened with this PIN. One that opens it already stays: a module that has the token open looks at no
    /// second one.
    pub(super) fn keep(&mut self, token: TokenName, pin: Pin) {
        if let Ok(Some(_)) = self.opens(&token) {
            return;
        }
        self.opened.retain(|opened| opened.token != token);
        self.opened.push(Opened { token, pin, shut: None });
    }

    /// A request with a PIN came back with this fault.
    pub(super) fn learn(&mut self, request: &Request, fault: &TokenFault) {
        let (Some((token, role, pin)), TokenFault::PinWrong { .. } | TokenFault::PinLocked { .. }) =
            (pin_of(request), fault)
        else {
            return;
        };
        self.refused.push(Refused { token: token.clone(), role, pin: pin.clone(), fault: fault.clone() });
    }

    /// A token could not be opened again. Where its PIN may have been spent in that, it is not given a second time.
    pub(super) fn not_opened_again(&mut self, token: &TokenName, fault: &TokenFault) {
        let is_unspent = matches!(
            fault,
            TokenFault::TokenAbsent { .. }
                | TokenFault::TokenWrongSerial { .. }
                | TokenFault::TokenAmbiguous { .. }
                | TokenFault::PinLastTry { .. }
        );
        if is_unspent {
            return;
        }
        if let Some(opened) = self.opened.iter_mut().find(|opened| opened.token == *token) {
            opened.shut = Some(fault.clone());
        }
    }
}

/// The PIN that a request gives to a token to be tried.
fn pin_of(request: &Request) -> Option<(&TokenName, Role, &Pin)> {
    match request {
        Request::LogIn { token, pin } => Some((token, Role::User, pin)),
        Request::WriteCertificates { token, role, pin, .. } | Request::RemoveCertificates { token, role, pin, .. } => {
            Some((token, *role, pin))
        }
        // Sets PINs: nothing is tried.
        Request::InitToken { .. }
        | Request::Describe
        | Request::ReadCertificates { .. }
        | Request::ListTokens
        | Request::ReadPublicKey { .. }
        | Request::ReadKeyId { .. }
        | Request::ReadData { .. }
        | Request::WriteData { .. }
        | Request::Sign { .. }
        | Request::GenerateKey { .. } => None,
    }
}
