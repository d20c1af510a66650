//! From a URI to the one token and the one key that it names. What it states and we cannot hold against the token is
//! refused, never passed over.

use super::exchange::{TokenSeen, TokensSeen};
use super::fault::TokenFault;
use super::name::TokenName;
use super::uri::{ObjectClass, Pkcs11Uri};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;

/// The token that a URI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedToken {
    /// Its label and serial number.
    pub name: TokenName,
    /// Whether the URI states its serial number. If not, the token is the only one of its label at this moment, and
    /// whoever asked should be told which one it was.
    pub serial_was_stated: bool,
}

/// The one token that `uri` names among those that a module shows. The first of several is never taken.
///
/// # Errors
/// [`Reason::Usage`] for a URI without `token`, or with an attribute of library or slot; [`Reason::TokenAbsent`],
/// [`Reason::TokenWrongSerial`], [`Reason::TokenAmbiguous`]; [`Reason::TokenFailed`] where a slot cannot be read that
/// could be the one, or a second one.
pub fn select(uri: &Pkcs11Uri, seen: &TokensSeen) -> Result<SelectedToken, Finding> {
    refuse_what_names_no_token(uri)?;
    let Some(label) = uri.token.as_deref().filter(|label| !label.is_empty()) else {
        return Err(Finding::new(Reason::Usage, "token", "the label of a token: token=LABEL", "none"));
    };
    let labelled: Vec<&TokenSeen> = seen.tokens.iter().filter(|token| token.name.label == label).collect();
    let found: Vec<&TokenSeen> = match &uri.serial {
        Some(serial) => labelled.iter().copied().filter(|token| token.name.serial == *serial).collect(),
        None => labelled.clone(),
    };
    match (found.as_slice(), &uri.serial) {
        ([one], serial) => {
            require_claims(uri, one)?;
            if serial.is_none() && !seen.unreadable.is_empty() {
                return Err(unreadable(label, seen));
            }
            Ok(SelectedToken { name: one.name.clone(), serial_was_stated: serial.is_some() })
        }
        ([], Some(serial)) if !labelled.is_empty() => {
            let found = labelled.iter().map(|token| token.name.serial.clone()).collect();
            Err(TokenFault::TokenWrongSerial { wanted: TokenName::new(label, serial), found }.into())
        }
        ([], _) if !seen.unreadable.is_empty() => Err(unreadable(label, seen)),
        ([], _) => Err(Finding::new(Reason::TokenAbsent, "token", format!("{label:?}"), present(seen))),
        (several, Some(serial)) => {
            Err(TokenFault::TokenAmbiguous { wanted: TokenName::new(label, serial), count: several.len() }.into())
        }
        (several, None) => {
            let names: Vec<String> = several.iter().map(|token| token.name.to_string()).collect();
            let found = format!("{}: add serial= of the right one", names.join(", "));
            Err(Finding::new(Reason::TokenAmbiguous, format!("token {label:?}"), "one token", found))
        }
    }
}

/// The label of the private key that `uri` names.
///
/// # Errors
/// [`Reason::Usage`] for a URI without `object`, or of another class of object.
pub fn key_label(uri: &Pkcs11Uri) -> Result<&str, Finding> {
    match uri.class {
        None | Some(ObjectClass::Private) => {}
        Some(other) => {
            return Err(Finding::new(Reason::Usage, "type", "private, or no type", other.word()));
        }
    }
    uri.object
        .as_deref()
        .filter(|label| !label.is_empty())
        .ok_or_else(|| Finding::new(Reason::Usage, "object", "the label of a key: object=LABEL", "none"))
}

/// Slots and libraries are read from the URI and name nothing here: the number of a slot changes from run to run, and
/// texts of a module are claims that two modules may share.
fn refuse_what_names_no_token(uri: &Pkcs11Uri) -> Result<(), Finding> {
    let stated = [
        ("slot-id", uri.slot_id.is_some()),
        ("slot-description", uri.slot_description.is_some()),
        ("slot-manufacturer", uri.slot_manufacturer.is_some()),
        ("library-description", uri.library_description.is_some()),
        ("library-manufacturer", uri.library_manufacturer.is_some()),
        ("library-version", uri.library_version.is_some()),
    ];
    match stated.into_iter().find(|(_, stated)| *stated) {
        None => Ok(()),
        Some((name, _)) => {
            let found = format!("{name}: leave it out, a slot or library is not what a token is known by");
            Err(Finding::new(Reason::Usage, name, "a token by token= and serial=", found))
        }
    }
}

/// Maker and model decide nothing, but where they are stated they must be true.
fn require_claims(uri: &Pkcs11Uri, token: &TokenSeen) -> Result<(), Finding> {
    for (name, stated, found) in
        [("manufacturer", &uri.manufacturer, &token.manufacturer), ("model", &uri.model, &token.model)]
    {
        if let Some(stated) = stated.as_ref().filter(|stated| *stated != found) {
            let place = format!("{name} of the token {}", token.name);
            return Err(Finding::new(Reason::TokenAbsent, place, format!("{stated:?}"), format!("{found:?}")));
        }
    }
    Ok(())
}

fn unreadable(label: &str, seen: &TokensSeen) -> Finding {
    let found = format!("{}; {}", present(seen), seen.unreadable.join("; "));
    Finding::new(Reason::TokenFailed, "token", format!("{label:?}, and every slot readable"), found)
}

fn present(seen: &TokensSeen) -> String {
    if seen.tokens.is_empty() {
        return "no token is there".to_owned();
    }
    let names: Vec<String> = seen.tokens.iter().map(|token| token.name.to_string()).collect();
    format!("there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{SelectedToken, TokenName, TokenSeen, TokensSeen, key_label, select};
    use crate::hsm::uri::Pkcs11Uri;
    use ecugate_verifier::values::finding::Finding;

    fn seen(tokens: &[(&str, &str)]) -> TokensSeen {
        let token = |(label, serial): &(&str, &str)| TokenSeen {
            name: TokenName::new(*label, *serial),
            manufacturer: "SoftHSM project".to_owned(),
            model: "SoftHSM v2".to_owned(),
        };
        TokensSeen { tokens: tokens.iter().map(token).collect(), unreadable: Vec::new() }
    }

    fn selected(uri: &str, seen: &TokensSeen) -> Result<SelectedToken, Finding> {
        select(&Pkcs11Uri::parse(uri).unwrap(), seen)
    }

    fn reason(uri: &str, seen: &TokensSeen) -> String {
        selected(uri, seen).unwrap_err().reason.to_string()
    }

    /// Attack class 33: the first token, or the only one, taken for the one that was meant.
    #[test]
    fn attack_33_a_uri_takes_the_token_of_its_label_and_serial_or_none() {
        let there = seen(&[("signer", "1"), ("trust", "2")]);
        let taken = |label: &str, serial: &str, serial_was_stated| {
            Ok(SelectedToken { name: TokenName::new(label, serial), serial_was_stated })
        };
        assert_eq!(selected("pkcs11:token=trust;serial=2", &there), taken("trust", "2", true));
        assert_eq!(selected("pkcs11:token=trust", &there), taken("trust", "2", false));
        assert_eq!(reason("pkcs11:token=trust;serial=1", &there), "token-wrong-serial");
        assert_eq!(reason("pkcs11:token=trust;serial=", &there), "token-wrong-serial");
        assert_eq!(reason("pkcs11:token=Trust;serial=2", &there), "token-absent");
        assert_eq!(reason("pkcs11:token=trust%20;serial=2", &there), "token-absent");
        assert_eq!(reason("pkcs11:token=trust", &seen(&[])), "token-absent");
        for nameless in ["pkcs11:", "pkcs11:serial=2", "pkcs11:token=;serial=2", "pkcs11:object=key"] {
            assert_eq!(reason(nameless, &there), "usage", "{nameless}");
        }
        assert_eq!(reason("pkcs11:token=", &seen(&[("", "")])), "usage");
    }

    /// Attack class 32: two tokens of one label.
    #[test]
    fn attack_32_a_uri_without_serial_is_refused_where_two_tokens_fit_and_names_both() {
        let there = seen(&[("signer", "1"), ("signer", "2"), ("trust", "2")]);
        let finding = selected("pkcs11:token=signer", &there).unwrap_err();
        assert_eq!(finding.reason.code(), "token-ambiguous");
        assert_eq!(finding.found, "\"signer\" (serial \"1\"), \"signer\" (serial \"2\"): add serial= of the right one");
        assert!(selected("pkcs11:token=signer;serial=2", &there).is_ok());
        let twins = seen(&[("signer", "1"), ("signer", "1")]);
        assert_eq!(reason("pkcs11:token=signer;serial=1", &twins), "token-ambiguous");
    }

    #[test]
    fn a_slot_that_cannot_be_read_may_be_the_token_or_a_second_one_of_its_label() {
        let mut there = seen(&[("signer", "1")]);
        there.unreadable.push("slot 4 cannot be read: the token is gone".to_owned());
        assert_eq!(reason("pkcs11:token=signer", &there), "token-failed");
        assert_eq!(reason("pkcs11:token=trust;serial=2", &there), "token-failed");
        assert!(selected("pkcs11:token=signer;serial=1", &there).is_ok());
    }

    #[test]
    fn every_other_attribute_is_held_against_the_token_or_refused() {
        let there = seen(&[("signer", "1")]);
        let stated = "pkcs11:token=signer;serial=1;manufacturer=SoftHSM%20project;model=SoftHSM%20v2";
        assert!(selected(stated, &there).is_ok());
        for wrong in ["manufacturer=SoftHSM", "manufacturer=", "model=SoftHSM%20v3"] {
            assert_eq!(reason(&format!("pkcs11:token=signer;serial=1;{wrong}"), &there), "token-absent", "{wrong}");
        }
        for refused in [
            "slot-id=0",
            "slot-description=a",
            "slot-manufacturer=a",
            "library-version=2.6",
            "library-description=a",
            "library-manufacturer=",
        ] {
            let finding = selected(&format!("pkcs11:token=signer;serial=1;{refused}"), &there).unwrap_err();
            assert_eq!(finding.reason.code(), "usage", "{refused}");
            assert!(refused.starts_with(&finding.place), "{finding:?}");
        }
    }

    #[test]
    fn a_key_is_a_private_one_and_has_a_label() {
        let label = |uri: &str| key_label(&Pkcs11Uri::parse(uri).unwrap()).map(str::to_owned);
        assert_eq!(label("pkcs11:object=release"), Ok("release".to_owned()));
        assert_eq!(label("pkcs11:object=release;type=private"), Ok("release".to_owned()));
        for refused in ["pkcs11:", "pkcs11:object=", "pkcs11:id=%01", "pkcs11:object=a;type=public"] {
            assert_eq!(label(refused).unwrap_err().reason.code(), "usage", "{refused}");
        }
    }
}
