//! A key on a token as a [`Signer`]: every signature is verified here before anybody sees it.

use super::exchange::{Answer, Request, Tokens, wrong_answer};
use super::fault::TokenFault;
use super::name::TokenKey;
use super::pin::Pin;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::sync::Arc;

/// Which public key a token must state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedKey {
    /// The one that was recorded: SHA-256 of its SubjectPublicKeyInfo.
    Recorded(Sha256),
    /// Whichever is there. For keys that were made a moment ago: anything later could be a key put in their place.
    JustMade,
    /// Whichever is there; before anything is signed the caller holds it against the certificate of the signer.
    OfCertificate,
}

/// Signs with a key on a token.
pub struct TokenSigner {
    tokens: Arc<dyn Tokens>,
    key: TokenKey,
    public_key: PublicKey,
    verified: VerifiedSignatures,
}

impl TokenSigner {
    /// Opens the token with the PIN, once, and reads the public half.
    ///
    /// # Errors
    /// [`TokenFault::PinWrong`] and the like from logging in; [`TokenFault::KeyMissing`]; [`TokenFault::KeyUnusable`]
    /// if the public key is no good one or not the expected one.
    pub fn open(tokens: Arc<dyn Tokens>, key: TokenKey, pin: Pin, expected: ExpectedKey) -> Result<Self, TokenFault> {
        tokens.log_in(&key.token, pin)?;
        let spki = tokens.public_key(&key.token, &key.label)?;
        let unusable =
            |expected: String, found: String| TokenFault::KeyUnusable { key: Box::new(key.clone()), expected, found };
        let public_key = PublicKey::from_spki(&spki)
            .map_err(|fault| unusable("a sound public key".to_owned(), fault.to_string()))?;
        match expected {
            ExpectedKey::Recorded(id) if id != public_key.id() => {
                Err(unusable(format!("key {id}"), format!("key {}", public_key.id())))
            }
            _ => Ok(Self { tokens, key, public_key, verified: VerifiedSignatures::up_to(1) }),
        }
    }

    /// Keeps its signatures, which it verifies, where they are asked for again.
    #[must_use]
    pub fn keeping(self, verified: &VerifiedSignatures) -> Self {
        Self { verified: verified.clone(), ..self }
    }

    /// Where the key is.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        &self.key
    }
}

impl Signer for TokenSigner {
    type Error = TokenFault;

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Signs, and verifies with the public key that was read at opening.
    ///
    /// # Errors
    /// [`TokenFault::SignerFailed`] if the token gives none, [`TokenFault::SignerLied`] if it gives a wrong one.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let TokenKey { token, label } = &self.key;
        let request = Request::Sign { token: token.clone(), key: label.clone(), message: message.to_vec() };
        let Answer::UnverifiedSignature(signature) = self.tokens.ask(request)? else {
            return Err(wrong_answer(token, "signing"));
        };
        self.public_key
            .verify_among(message, &signature, &self.verified)
            .map_err(|fault| TokenFault::SignerLied { key: Box::new(self.key.clone()), found: fault.to_string() })?;
        Ok(signature)
    }

    fn verified(&self) -> &VerifiedSignatures {
        &self.verified
    }
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSigner").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::name::TokenName;
    use ed25519_dalek::Signer as _;
    use ed25519_dalek::pkcs8::EncodePublicKey as _;
    use std::sync::Mutex;
    use zeroize::Zeroizing;

    type Say<T> = Box<dyn Fn(&[u8]) -> T + Send + Sync>;

    /// A token that answers as it is told and counts the questions.
    struct Scripted {
        log_in: Result<(), TokenFault>,
        stated: ed25519_dalek::SigningKey,
        signing: Say<Answer>,
        asked: Mutex<Vec<&'static str>>,
    }

    impl Tokens for Scripted {
        fn ask(&self, request: Request) -> Result<Answer, TokenFault> {
            let (word, answer) = match request {
                Request::LogIn { .. } => ("log-in", self.log_in.clone().map(|()| Answer::LoggedIn)),
                Request::ReadPublicKey { .. } => {
                    let spki = self.stated.verifying_key().to_public_key_der().unwrap();
                    ("public-key", Ok(Answer::PublicKey(spki.as_bytes().to_vec())))
                }
                Request::Sign { message, .. } => ("sign", Ok((self.signing)(&message))),
                other => panic!("not asked here: {other:?}"),
            };
            self.asked.lock().unwrap().push(word);
            answer
        }
    }

    fn token() -> TokenName {
        TokenName::new("ecugate-signer", "1")
    }

    fn scripted(signing: impl Fn(&[u8]) -> Answer + Send + Sync + 'static) -> Scripted {
        Scripted {
            log_in: Ok(()),
            stated: ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
            signing: Box::new(signing),
            asked: Mutex::new(Vec::new()),
        }
    }

    fn open(tokens: &Arc<Scripted>, expected: ExpectedKey) -> Result<TokenSigner, TokenFault> {
        let pin = Pin::new(Zeroizing::new("4711".to_owned()), "a test").unwrap();
        let key = TokenKey { token: token(), label: "log".to_owned() };
        TokenSigner::open(Arc::clone(tokens) as Arc<dyn Tokens>, key, pin, expected)
    }

    /// Attack class 39: a module that lies.
    #[test]
    fn attack_39_a_signature_of_another_key_or_message_or_no_signature_never_leaves() {
        let own = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let other = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
        let answers: [Say<Vec<u8>>; 4] = [
            Box::new(move |message| other.sign(message).to_bytes().to_vec()),
            Box::new(move |_| own.sign(b"another message").to_bytes().to_vec()),
            Box::new(|_| vec![0; 64]),
            Box::new(|_| Vec::new()),
        ];
        for answer in answers {
            let tokens = Arc::new(scripted(move |message| Answer::UnverifiedSignature(answer(message))));
            let fault = open(&tokens, ExpectedKey::JustMade).unwrap().sign(b"a receipt").unwrap_err();
            assert_eq!(fault.reason().code(), "signer-lied", "{fault}");
        }
    }

    #[test]
    fn a_true_signature_leaves_and_an_answer_to_another_question_does_not() {
        let own = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let tokens =
            Arc::new(scripted(move |message| Answer::UnverifiedSignature(own.sign(message).to_bytes().to_vec())));
        let signer = open(&tokens, ExpectedKey::JustMade).unwrap();
        let signature = signer.sign(b"a receipt").unwrap();
        assert_eq!(signer.public_key().verify(b"a receipt", &signature), Ok(()));

        let tokens = Arc::new(scripted(|_| Answer::LoggedIn));
        let fault = open(&tokens, ExpectedKey::JustMade).unwrap().sign(b"a receipt").unwrap_err();
        assert_eq!(fault, wrong_answer(&token(), "signing"));
    }

    #[test]
    fn a_refused_pin_is_given_once_and_nothing_is_asked_after_it() {
        let mut tokens = scripted(|_| Answer::LoggedIn);
        tokens.log_in = Err(TokenFault::PinWrong { token: token() });
        let tokens = Arc::new(tokens);
        assert_eq!(open(&tokens, ExpectedKey::JustMade).unwrap_err(), TokenFault::PinWrong { token: token() });
        assert_eq!(*tokens.asked.lock().unwrap(), ["log-in"]);
    }

    #[test]
    fn a_key_put_in_place_of_the_recorded_one_is_not_used() {
        let tokens = Arc::new(scripted(|_| Answer::LoggedIn));
        let recorded = open(&tokens, ExpectedKey::JustMade).unwrap().public_key().id();
        assert!(open(&tokens, ExpectedKey::Recorded(recorded)).is_ok());
        let fault = open(&tokens, ExpectedKey::Recorded(Sha256::of(b"another"))).unwrap_err();
        assert_eq!(fault.reason().code(), "token-key-unusable");
        assert_eq!(fault.finding().found, format!("key {recorded}"));
    }
}
