//! Tokens as the module shows them, found by name at every call, and those that are open.

use super::exchange::{KeyKind, Role, TokenSeen, TokensSeen};
use super::fault::TokenFault;
use super::name::TokenName;
use super::pin::Pin;
use super::rv;
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the slots are looked at while one of them cannot be read, and how long between two looks: half a second
/// in all, many times the few milliseconds that a login takes.
const SURVEYS: u32 = 50;
const BETWEEN_SURVEYS: Duration = Duration::from_millis(10);

/// What may be touched by one caller at a time: a session is not to be shared between threads.
pub(super) struct State {
    pub(super) pkcs11: Pkcs11,
    pub(super) path: String,
    /// Tokens that are logged in: the session is kept, since closing the last one logs out.
    pub(super) open: BTreeMap<TokenName, OpenToken>,
    /// PINs that a token has refused: not given to it again, tokens count wrong tries and lock.
    refused: Vec<(TokenName, Role, Pin)>,
}

impl State {
    pub(super) fn new(pkcs11: Pkcs11, path: String) -> Self {
        Self { pkcs11, path, open: BTreeMap::new(), refused: Vec::new() }
    }
}

/// A token that is logged in, and the keys found on it so far.
pub(super) struct OpenToken {
    pub(super) session: Session,
    pub(super) keys: BTreeMap<String, Key>,
}

/// A signing key on an open token.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) private: ObjectHandle,
    pub(super) kind: KeyKind,
    /// `CKA_ID` of both halves.
    pub(super) id: Vec<u8>,
    /// The public half as the token states it, DER SubjectPublicKeyInfo.
    pub(super) spki: Vec<u8>,
}

impl OpenToken {
    pub(super) fn new(session: Session) -> Self {
        Self { session, keys: BTreeMap::new() }
    }
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// A read-only session.
    Read,
    /// A session that may write to the token.
    Write,
}

/// What the module shows at this moment.
pub(super) struct Survey {
    pub(super) tokens: Vec<(TokenName, Slot, TokenInfo)>,
    pub(super) unreadable: Vec<String>,
}

impl State {
    /// Looks at every slot anew. One that cannot be read is a note: it must not hide the others.
    pub(super) fn survey(&self) -> Result<Survey, TokenFault> {
        let slots =
            self.pkcs11.get_slots_with_token().map_err(|error| self.failed("it does not list its slots", &error))?;
        let mut survey = Survey { tokens: Vec::new(), unreadable: Vec::new() };
        for slot in slots {
            match self.pkcs11.get_token_info(slot) {
                Ok(token) if token.token_initialized() => survey.tokens.push((name(&token), slot, token)),
                Ok(_) => {}
                Err(error) => survey.unreadable.push(format!("slot {slot} cannot be read: {}", rv::words(&error))),
            }
        }
        survey.tokens.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Ok(survey)
    }

    /// The tokens by everything that a URI may name them by. While a slot cannot be read it is looked at again, for the
    /// reason that [`State::find`] has.
    pub(super) fn list(&self) -> Result<TokensSeen, TokenFault> {
        let mut survey = self.survey()?;
        for _ in 1..SURVEYS {
            if survey.unreadable.is_empty() {
                break;
            }
            std::thread::sleep(BETWEEN_SURVEYS);
            survey = self.survey()?;
        }
        let seen = |(name, _, token): (TokenName, Slot, TokenInfo)| TokenSeen {
            name,
            manufacturer: unpadded(token.manufacturer_id()),
            model: unpadded(token.model()),
        };
        Ok(TokensSeen { tokens: survey.tokens.into_iter().map(seen).collect(), unreadable: survey.unreadable })
    }

    /// The one token of this label and serial number. While it is not among the readable ones and a slot cannot be
    /// read it may be that slot: SoftHSM rewrites a token's file whenever any process logs in, and who reads it at that
    /// moment is told of an error. So the survey is repeated for a moment.
    pub(super) fn find(&self, wanted: &TokenName) -> Result<(Slot, TokenInfo), TokenFault> {
        for _ in 1..SURVEYS {
            match self.find_once(wanted) {
                Err(TokenFault::TokenAbsent { unreadable, .. }) if !unreadable.is_empty() => {
                    std::thread::sleep(BETWEEN_SURVEYS);
                }
                found => return found,
            }
        }
        self.find_once(wanted)
    }

    fn find_once(&self, wanted: &TokenName) -> Result<(Slot, TokenInfo), TokenFault> {
        let Survey { tokens, unreadable } = self.survey()?;
        let present: Vec<TokenName> = tokens.iter().map(|(name, ..)| name.clone()).collect();
        select(&present, unreadable, wanted)?;
        let found = tokens.into_iter().find(|(name, ..)| name == wanted);
        found.map(|(_, slot, token)| (slot, token)).ok_or_else(|| TokenFault::TokenAbsent {
            wanted: wanted.clone(),
            present,
            unreadable: Vec::new(),
        })
    }

    /// Opens a token for its user and keeps it open.
    pub(super) fn log_in(&mut self, token: &TokenName, pin: Pin) -> Result<(), TokenFault> {
        if self.open.contains_key(token) {
            return Ok(());
        }
        let session = self.authenticated(token, Role::User, pin, Access::Read)?;
        self.open.insert(token.clone(), OpenToken::new(session));
        Ok(())
    }

    /// A session in which `role` is logged in. The PIN is given to the token once, and not at all if that could lock it.
    pub(super) fn authenticated(
        &mut self,
        token: &TokenName,
        role: Role,
        pin: Pin,
        access: Access,
    ) -> Result<Session, TokenFault> {
        let known =
            |(name, whose, refused): &(TokenName, Role, Pin)| name == token && *whose == role && *refused == pin;
        if self.refused.iter().any(known) {
            return Err(TokenFault::PinWrong { token: token.clone() });
        }
        let (slot, seen) = self.find(token)?;
        let (locked, last_try) = match role {
            Role::User => (seen.user_pin_locked(), seen.user_pin_final_try()),
            Role::Officer => (seen.so_pin_locked(), seen.so_pin_final_try()),
        };
        if locked {
            return Err(TokenFault::PinLocked { token: token.clone() });
        }
        if last_try {
            return Err(TokenFault::PinLastTry { token: token.clone() });
        }
        let session = match access {
            Access::Read => self.pkcs11.open_ro_session(slot),
            Access::Write => self.pkcs11.open_rw_session(slot),
        };
        let session = session.map_err(rv::failed(token, "opening a session"))?;
        let user = match role {
            Role::User => UserType::User,
            Role::Officer => UserType::So,
        };
        match session.login(user, Some(&auth(&pin))) {
            // One process, one login: if somebody here has logged in before us, the token is open to us too.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                self.refused.push((token.clone(), role, pin));
                Err(TokenFault::PinWrong { token: token.clone() })
            }
            Err(Error::Pkcs11(RvError::PinLocked | RvError::PinExpired, _)) => {
                Err(TokenFault::PinLocked { token: token.clone() })
            }
            Err(Error::Pkcs11(RvError::UserPinNotInitialized, _)) => Err(TokenFault::PinMissing {
                source_name: format!("the token {token}"),
                found: "no PIN has been set for its user".to_owned(),
            }),
            Err(error) => Err(rv::failed(token, "logging in")(error)),
        }
    }

    /// Is the token that was just read still the one that it was? A token that vanishes answers a search with nothing,
    /// not with an error.
    pub(super) fn still_there(&self, token: &TokenName) -> Result<(), TokenFault> {
        self.find(token).map(|_| ())
    }

    fn failed(&self, found: &str, error: &Error) -> TokenFault {
        TokenFault::ModuleFailed {
            path: self.path.clone(),
            found: format!("{found}: {}", rv::words(error)),
            detail: rv::detail(error),
        }
    }
}

/// Is there exactly one token of the wanted label and serial number? The first of several is never taken.
fn select(present: &[TokenName], unreadable: Vec<String>, wanted: &TokenName) -> Result<(), TokenFault> {
    match present.iter().filter(|name| *name == wanted).count() {
        1 => return Ok(()),
        0 => {}
        count => return Err(TokenFault::TokenAmbiguous { wanted: wanted.clone(), count }),
    }
    let found: Vec<String> =
        present.iter().filter(|name| name.label == wanted.label).map(|name| name.serial.clone()).collect();
    if found.is_empty() {
        return Err(TokenFault::TokenAbsent { wanted: wanted.clone(), present: present.to_vec(), unreadable });
    }
    Err(TokenFault::TokenWrongSerial { wanted: wanted.clone(), found })
}

/// The name by which a token is known: its texts without padding (some modules pad with zeros).
fn name(token: &TokenInfo) -> TokenName {
    TokenName::new(unpadded(token.label()), unpadded(token.serial_number()))
}

fn unpadded(text: &str) -> String {
    text.trim_end_matches([' ', '\0']).to_owned()
}

/// The PIN in the form that the module's wrapper takes; wiped there too.
pub(super) fn auth(pin: &Pin) -> AuthPin {
    AuthPin::from(pin.expose())
}

#[cfg(test)]
mod tests {
    use super::{TokenFault, TokenName, select};

    /// Attack class 32: two tokens with one label. SoftHSM itself aborts over two tokens with one serial number.
    #[test]
    fn attack_32_two_tokens_of_one_label_and_serial_are_ambiguous() {
        let trust = |serial: &str| TokenName::new("ecugate-trust", serial);
        let present = [trust("1"), trust("2"), trust("2"), TokenName::new("payroll", "3")];
        assert_eq!(select(&present, Vec::new(), &trust("1")), Ok(()));
        let ambiguous = TokenFault::TokenAmbiguous { wanted: trust("2"), count: 2 };
        assert_eq!(select(&present, Vec::new(), &trust("2")), Err(ambiguous));
    }

    /// Attack class 33: the first token taken.
    #[test]
    fn attack_33_the_only_token_is_not_taken_for_another() {
        let present = [TokenName::new("ecugate-trust", "1")];
        let wanted = TokenName::new("ecugate-trust", "9");
        let wrong = TokenFault::TokenWrongSerial { wanted: wanted.clone(), found: vec!["1".to_owned()] };
        assert_eq!(select(&present, Vec::new(), &wanted), Err(wrong));
        let wanted = TokenName::new("ecugate-signer", "1");
        let notes = vec!["slot 2 cannot be read: the token is gone".to_owned()];
        let absent =
            TokenFault::TokenAbsent { wanted: wanted.clone(), present: present.to_vec(), unreadable: notes.clone() };
        assert_eq!(select(&present, notes, &wanted), Err(absent));
    }
}
