//! Why a token could not do what it was asked.

use super::name::{TokenKey, TokenName};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;

/// Why a module, a token, a PIN or a key on a token cannot be used.
///
/// The message is ours. What the module itself said (a `CKR_…` word, a loader's line) stands in the field `detail`,
/// for the log only: the specification's texts mislead whoever holds the box.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum TokenFault {
    /// There is no file that could be the module.
    #[error("the PKCS#11 module {path:?} is not there: expected {expected}, found {found}")]
    ModuleMissing {
        /// The path as it was given.
        path: String,
        /// What the path should name.
        expected: String,
        /// What it names.
        found: String,
    },
    /// The file is there and cannot be loaded or started.
    #[error("the PKCS#11 module {path:?} does not work: {found}")]
    ModuleFailed {
        /// The module's path.
        path: String,
        /// In which step, and how.
        found: String,
        /// What the loader or the module said.
        detail: String,
    },
    /// No token of this label.
    #[error("no token is called {wanted}: {}", present_words(present, unreadable))]
    TokenAbsent {
        /// The token asked for.
        wanted: TokenName,
        /// The tokens that are there.
        present: Vec<TokenName>,
        /// Slots that could not be read, each with the reason.
        unreadable: Vec<String>,
    },
    /// A token of this label has another serial number: it was exchanged or made anew.
    #[error("the token called {:?} has serial {}, not {:?}", wanted.label, found.join(", "), wanted.serial)]
    TokenWrongSerial {
        /// The token asked for.
        wanted: TokenName,
        /// The serial numbers under that label.
        found: Vec<String>,
    },
    /// More than one token has this label and this serial number.
    #[error("{count} tokens are called {wanted}")]
    TokenAmbiguous {
        /// The token asked for.
        wanted: TokenName,
        /// How many answer to it.
        count: usize,
    },
    /// The token is there and did not do what it was asked.
    #[error("the token {token} failed while {doing}: {found}")]
    TokenFailed {
        /// The token.
        token: Box<TokenName>,
        /// What it was asked to do.
        doing: String,
        /// How it failed.
        found: String,
        /// What the module said.
        detail: String,
    },
    /// Something could not be written to a token, or into the folder of a trial token.
    #[error("{what} could not be written: {found}")]
    NotWritten {
        /// The object or the file.
        what: String,
        /// How it failed.
        found: String,
        /// What the module or the system said.
        detail: String,
    },
    /// No PIN: no file, an empty one, or the token has none set.
    #[error("there is no PIN from {source_name}: {found}")]
    PinMissing {
        /// Where it should come from: a file, a token.
        source_name: String,
        /// What is there instead.
        found: String,
    },
    /// A PIN file that others than its owner may read or write.
    #[error("the PIN file {path:?} has mode {mode:04o}: expected 0600 or stricter")]
    PinExposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The token refused the PIN. It was tried once.
    #[error("the token {token} refused the PIN")]
    PinWrong {
        /// The token.
        token: TokenName,
    },
    /// The token has locked its PIN.
    #[error("the PIN of the token {token} is locked")]
    PinLocked {
        /// The token.
        token: TokenName,
    },
    /// The token would lock its PIN at the next wrong one, so it was not tried.
    #[error("the token {token} has one try left for its PIN; it was not spent")]
    PinLastTry {
        /// The token.
        token: TokenName,
    },
    /// No such key, or nobody is logged in who can see it.
    #[error("there is no private key {key}, or nobody is logged in who can see it")]
    KeyMissing {
        /// The key.
        key: Box<TokenKey>,
    },
    /// A key that is there and cannot be used.
    #[error("the key {key} cannot be used: expected {expected}, found {found}")]
    KeyUnusable {
        /// The key.
        key: Box<TokenKey>,
        /// What would have been right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The token answered a request to sign with an error.
    #[error("the key {key} did not sign: {found}")]
    SignerFailed {
        /// The key.
        key: Box<TokenKey>,
        /// How it failed.
        found: String,
        /// What the module said.
        detail: String,
    },
    /// The token answered with something that is no signature of its own public key over the message.
    #[error("the key {key} gave {found}")]
    SignerLied {
        /// The key.
        key: Box<TokenKey>,
        /// What it gave.
        found: String,
    },
}

fn present_words(present: &[TokenName], unreadable: &[String]) -> String {
    let mut words = if present.is_empty() {
        "no token is there".to_owned()
    } else {
        let names: Vec<String> = present.iter().map(ToString::to_string).collect();
        format!("there are {}", names.join(", "))
    };
    for note in unreadable {
        words.push_str("; ");
        words.push_str(note);
    }
    words
}

impl From<TokenFault> for Finding {
    fn from(fault: TokenFault) -> Self {
        fault.finding()
    }
}

impl TokenFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::ModuleMissing { .. } => Reason::ModuleMissing,
            Self::ModuleFailed { .. } => Reason::ModuleFailed,
            // A slot that cannot be read may be the token: nobody says that it is not there.
            Self::TokenAbsent { unreadable, .. } if !unreadable.is_empty() => Reason::TokenFailed,
            Self::TokenAbsent { .. } => Reason::TokenAbsent,
            Self::TokenWrongSerial { .. } => Reason::TokenWrongSerial,
            Self::TokenAmbiguous { .. } => Reason::TokenAmbiguous,
            Self::TokenFailed { .. } => Reason::TokenFailed,
            Self::NotWritten { .. } => Reason::TokenNotWritten,
            Self::PinMissing { .. } => Reason::PinMissing,
            Self::PinExposed { .. } => Reason::PinExposed,
            Self::PinWrong { .. } => Reason::PinWrong,
            Self::PinLocked { .. } => Reason::PinLocked,
            Self::PinLastTry { .. } => Reason::PinLastTry,
            Self::KeyMissing { .. } => Reason::TokenKeyMissing,
            Self::KeyUnusable { .. } => Reason::TokenKeyUnusable,
            Self::SignerFailed { .. } => Reason::SignerFailed,
            Self::SignerLied { .. } => Reason::SignerLied,
        }
    }

    /// What the module, the loader or the system itself said, for the log. Empty where it said nothing.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::ModuleFailed { detail, .. }
            | Self::TokenFailed { detail, .. }
            | Self::NotWritten { detail, .. }
            | Self::SignerFailed { detail, .. } => detail,
            _ => "",
        }
    }

    /// The fault as a finding: facts only.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let finding = |place: String, expected: &str, found: &str| Finding::new(self.reason(), place, expected, found);
        match self {
            Self::ModuleMissing { path, expected, found } => finding(path.clone(), expected, found),
            Self::ModuleFailed { path, found, .. } => {
                finding(path.clone(), "a PKCS#11 module that starts and answers", found)
            }
            Self::TokenAbsent { wanted, present, unreadable } => {
                finding("token".to_owned(), &wanted.to_string(), &present_words(present, unreadable))
            }
            Self::TokenWrongSerial { wanted, found } => {
                finding(format!("token {:?}", wanted.label), &wanted.serial, &found.join(", "))
            }
            Self::TokenAmbiguous { wanted, count } => {
                finding(format!("token {wanted}"), "one token", &format!("{count} tokens"))
            }
            Self::TokenFailed { token, doing, found, .. } => {
                finding(format!("token {token}, {doing}"), "a token that answers", found)
            }
            Self::NotWritten { what, found, .. } => finding(what.clone(), "to be written", found),
            Self::PinMissing { source_name, found } => finding(source_name.clone(), "a PIN", found),
            Self::PinExposed { path, mode } => finding(path.clone(), "mode 0600", &format!("mode {mode:04o}")),
            Self::PinWrong { token } => finding(format!("token {token}"), "its PIN", "another PIN"),
            Self::PinLocked { token } => finding(format!("token {token}"), "a PIN that is not locked", "a locked one"),
            Self::PinLastTry { token } => {
                finding(format!("token {token}"), "a PIN with more than one try left", "one try left")
            }
            Self::KeyMissing { key } => finding(format!("key {key}"), "a private key", "none"),
            Self::KeyUnusable { key, expected, found } => finding(format!("key {key}"), expected, found),
            Self::SignerFailed { key, found, .. } => finding(format!("key {key}"), "a signature", found),
            Self::SignerLied { key, found } => finding(format!("key {key}"), "a signature of its public key", found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TokenFault, TokenKey, TokenName};

    #[test]
    fn an_absent_token_says_which_are_there_and_which_slots_could_not_be_read() {
        let fault = TokenFault::TokenAbsent {
            wanted: TokenName::new("ecugate-trust", "00a1"),
            present: vec![TokenName::new("payroll", "77")],
            unreadable: vec!["slot 4: the module says it is broken".to_owned()],
        };
        assert_eq!(
            fault.to_string(),
            "no token is called \"ecugate-trust\" (serial \"00a1\"): there are \"payroll\" (serial \"77\"); \
             slot 4: the module says it is broken"
        );
        assert_eq!(fault.finding().reason.code(), "token-failed", "the unreadable slot may be the token");
        let nothing_unreadable = TokenFault::TokenAbsent {
            wanted: TokenName::new("ecugate-trust", "00a1"),
            present: Vec::new(),
            unreadable: Vec::new(),
        };
        assert_eq!(nothing_unreadable.finding().reason.code(), "token-absent");
        assert_eq!(fault.finding().expected, "\"ecugate-trust\" (serial \"00a1\")");
    }

    #[test]
    fn what_the_module_said_is_in_the_detail_and_neither_in_the_message_nor_in_the_finding() {
        let fault = TokenFault::SignerFailed {
            key: Box::new(TokenKey::new(&TokenName::new("ecugate-signer", "1"), "station")),
            found: "the module reports an error of its own".to_owned(),
            detail: "C_Sign: GeneralError".to_owned(),
        };
        assert_eq!(fault.detail(), "C_Sign: GeneralError");
        assert!(!fault.to_string().contains("GeneralError"), "{fault}");
        assert!(!format!("{:?}", fault.finding()).contains("GeneralError"));
    }

    #[test]
    fn a_fault_crosses_a_pipe_unchanged() {
        let fault = TokenFault::PinExposed { path: "/site/pins/signer.pin".to_owned(), mode: 0o644 };
        let text = serde_json::to_string(&fault).expect("plain data");
        assert_eq!(serde_json::from_str::<TokenFault>(&text).expect("its own text"), fault);
        assert_eq!(
            fault.to_string(),
            "the PIN file \"/site/pins/signer.pin\" has mode 0644: expected 0600 or stricter"
        );
    }
}
