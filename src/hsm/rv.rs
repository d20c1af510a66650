//! What a module's return values mean, in our words. The specification's own texts are paragraphs that mislead.

use super::fault::TokenFault;
use super::name::TokenName;
use cryptoki::error::{Error, RvError};

/// What happened, in words for a finding.
pub(super) fn words(error: &Error) -> &'static str {
    let Error::Pkcs11(value, _) = error else {
        return match error {
            Error::LibraryLoading(_) => "the file is no shared object that can be loaded here",
            Error::MissingSymbol(_) => "the file is no PKCS#11 module: it does not export C_GetFunctionList",
            Error::NullFunctionPointer | Error::NotSupported => "the module does not have this function",
            _ => "the module answered with a value that makes no sense",
        };
    };
    match value {
        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::SlotIdInvalid => "the token is gone",
        RvError::TokenNotRecognized => "the token cannot be recognised",
        RvError::SessionHandleInvalid | RvError::SessionClosed => "the module has closed the session",
        RvError::ObjectHandleInvalid | RvError::KeyHandleInvalid => "the object is gone",
        RvError::UserNotLoggedIn => "nobody is logged in",
        RvError::PinIncorrect => "the PIN was refused",
        RvError::PinLocked => "the PIN is locked",
        RvError::PinLenRange | RvError::PinInvalid => "the PIN has a length or characters that the token does not take",
        RvError::MechanismInvalid | RvError::MechanismParamInvalid => "the token does not have this algorithm",
        RvError::CurveNotSupported => "the token does not have this curve",
        RvError::KeyFunctionNotPermitted | RvError::KeyTypeInconsistent => "the key may not be used for this",
        RvError::SessionReadOnly | RvError::TokenWriteProtected => "the token may not be written to",
        RvError::AttributeReadOnly | RvError::TemplateInconsistent | RvError::AttributeValueInvalid => {
            "the token does not take an object with these attributes"
        }
        RvError::HostMemory | RvError::DeviceMemory => "memory is used up",
        RvError::SessionReadOnlyExists | RvError::SessionExists => "this process has a session open that is in the way",
        RvError::SessionCount => "the token has no session left",
        RvError::FunctionNotSupported => "the module does not have this function",
        RvError::CryptokiNotInitialized => "the module has been shut down",
        RvError::DeviceError => "the token reports an error of its device",
        _ => "the module reports an error of its own and no cause",
    }
}

/// The raw answer, for the field `detail`: `C_Sign: GeneralError`.
pub(super) fn detail(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => format!("C_{function:?}: {value:?}"),
        other => other.to_string(),
    }
}

/// A [`TokenFault::TokenFailed`] of this error.
pub(super) fn failed<'a>(token: &'a TokenName, doing: &'a str) -> impl Fn(Error) -> TokenFault + use<'a> {
    move |error| TokenFault::TokenFailed {
        token: Box::new(token.clone()),
        doing: doing.to_owned(),
        found: words(&error).to_owned(),
        detail: detail(&error),
    }
}

/// A [`TokenFault::NotWritten`] of this error.
pub(super) fn not_written<'a>(what: &'a str) -> impl Fn(Error) -> TokenFault + use<'a> {
    move |error| TokenFault::NotWritten {
        what: what.to_owned(),
        found: words(&error).to_owned(),
        detail: detail(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::{detail, words};
    use cryptoki::context::Function;
    use cryptoki::error::{Error, RvError};

    #[test]
    fn the_specifications_prose_is_never_shown() {
        for value in [RvError::GeneralError, RvError::FunctionFailed, RvError::PinIncorrect, RvError::DeviceRemoved] {
            let error = Error::Pkcs11(value, Function::Sign);
            assert!(words(&error).len() < 80, "{}", words(&error));
            assert!(!words(&error).contains("horrible"));
            assert_eq!(detail(&error), format!("C_Sign: {value:?}"));
        }
    }
}
