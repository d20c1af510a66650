//! Certificates on a token: read in a read-only session without PIN, written by its officer.

use super::exchange::{
    CertificateRemoved, CertificateToWrite, CertificateWritten, Permanence, Role, SkipReason, SkippedObject,
    StoredCertificate, TokenCertificates,
};
use super::fault::TokenFault;
use super::name::TokenName;
use super::pin::Pin;
use super::rv;
use super::tokens::{Access, State};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;
use std::collections::BTreeSet;

/// Reads every certificate object of a token once.
pub(super) fn read(state: &State, token: &TokenName) -> Result<TokenCertificates, TokenFault> {
    let failed = rv::failed(token, "reading certificates");
    let (slot, _) = state.find(token)?;
    let session = state.pkcs11.open_ro_session(slot).map_err(&failed)?;
    let mut answer = TokenCertificates { certificates: Vec::new(), skipped: Vec::new() };
    for object in objects(&session, token, &[Attribute::Class(ObjectClass::CERTIFICATE)])? {
        let label = String::from_utf8_lossy(&bytes(&session, object, AttributeType::Label)).into_owned();
        let id = hex(&bytes(&session, object, AttributeType::Id));
        match certificate(&session, object) {
            Ok(der) => {
                let trusted = flag(&session, object, AttributeType::Trusted);
                answer.certificates.push(StoredCertificate { der, label, id, trusted });
            }
            Err(why) => answer.skipped.push(SkippedObject { label, id, why }),
        }
    }
    state.still_there(token)?;
    // A module's own order changes from run to run.
    answer.certificates.sort_by(|a, b| (&a.der, &a.label, &a.id).cmp(&(&b.der, &b.label, &b.id)));
    let mut seen = BTreeSet::new();
    let (first, copies): (Vec<_>, Vec<_>) =
        answer.certificates.into_iter().partition(|certificate| seen.insert(certificate.der.clone()));
    answer.certificates = first;
    let copies = copies.into_iter().map(|copy| SkippedObject { label: copy.label, id: copy.id, why: SkipReason::Copy });
    answer.skipped.extend(copies);
    answer.skipped.sort_by(|a, b| (&a.label, &a.id, a.why).cmp(&(&b.label, &b.id, b.why)));
    Ok(answer)
}

/// Writes certificates and says what stuck.
pub(super) fn write(
    state: &mut State,
    token: &TokenName,
    role: Role,
    pin: Pin,
    certificates: &[CertificateToWrite],
    permanence: Permanence,
) -> Result<Vec<CertificateWritten>, TokenFault> {
    let session = state.authenticated(token, role, pin, Access::Write)?;
    let written = certificates.iter().map(|certificate| write_one(&session, token, certificate, permanence)).collect();
    // Logging out would close the token to whoever else in this process has opened it with the same PIN.
    if role == Role::Officer || !state.open.contains_key(token) {
        session.logout().map_err(rv::failed(token, "logging out"))?;
    }
    written
}

/// Removes certificates, all copies of each, and looks again: what a module will not let go is said and no fault.
pub(super) fn remove(
    state: &mut State,
    token: &TokenName,
    role: Role,
    pin: Pin,
    certificates: &[Sha256],
) -> Result<Vec<CertificateRemoved>, TokenFault> {
    let session = state.authenticated(token, role, pin, Access::Write)?;
    let removed = certificates.iter().map(|sha256| remove_one(&session, token, sha256)).collect();
    if role == Role::Officer || !state.open.contains_key(token) {
        session.logout().map_err(rv::failed(token, "logging out"))?;
    }
    removed
}

fn remove_one(session: &Session, token: &TokenName, sha256: &Sha256) -> Result<CertificateRemoved, TokenFault> {
    let holding = |session: &Session| -> Result<Vec<ObjectHandle>, TokenFault> {
        let all = objects(session, token, &[Attribute::Class(ObjectClass::CERTIFICATE)])?;
        let is = |object: &ObjectHandle| certificate(session, *object).is_ok_and(|der| Sha256::of(&der) == *sha256);
        Ok(all.into_iter().filter(is).collect())
    };
    let mut why = "it is still found after its removal".to_owned();
    for object in holding(session)? {
        if let Err(error) = session.destroy_object(object) {
            rv::words(&error).clone_into(&mut why);
        }
    }
    let still_there = (!holding(session)?.is_empty()).then_some(why);
    Ok(CertificateRemoved { sha256: *sha256, still_there })
}

/// One set of wishes, from firmest to plainest. What a module refuses differs from module to module.
struct Wish {
    trusted: bool,
    fixed: bool,
    permanent: bool,
    no_copies: bool,
}

const LADDER: [Wish; 7] = [
    Wish { trusted: true, fixed: true, permanent: true, no_copies: true },
    Wish { trusted: true, fixed: true, permanent: false, no_copies: true },
    Wish { trusted: true, fixed: true, permanent: false, no_copies: false },
    Wish { trusted: false, fixed: true, permanent: true, no_copies: true },
    Wish { trusted: false, fixed: true, permanent: false, no_copies: true },
    Wish { trusted: false, fixed: true, permanent: false, no_copies: false },
    Wish { trusted: false, fixed: false, permanent: false, no_copies: false },
];

fn write_one(
    session: &Session,
    token: &TokenName,
    certificate: &CertificateToWrite,
    permanence: Permanence,
) -> Result<CertificateWritten, TokenFault> {
    let what = format!("the certificate {:?}", certificate.label);
    let not_written = rv::not_written(&what);
    let plain = template(certificate).ok_or_else(|| TokenFault::NotWritten {
        what: what.clone(),
        found: "it is no DER certificate that ends where the input ends".to_owned(),
        detail: String::new(),
    })?;
    let before: BTreeSet<_> = objects(session, token, &[])?.into_iter().map(key).collect();
    let mut last = None;
    for wish in LADDER.iter().filter(|wish| !wish.permanent || permanence == Permanence::UntilTokenIsErased) {
        let mut attributes = plain.clone();
        for (wanted, attribute) in [
            (wish.trusted, Attribute::Trusted(true)),
            (wish.fixed, Attribute::Modifiable(false)),
            (wish.permanent, Attribute::Destroyable(false)),
            (wish.no_copies, Attribute::Copyable(false)),
        ] {
            if wanted {
                attributes.push(attribute);
            }
        }
        match session.create_object(&attributes) {
            Ok(object) => return read_back(session, object, certificate, &what),
            Err(error) if refuses_attributes(&error) => last = Some(error),
            Err(error) => return Err(not_written(error)),
        }
        remove_ghosts(session, token, &before)?;
    }
    Err(last.map_or_else(
        || TokenFault::NotWritten { what: what.clone(), found: "nothing was tried".to_owned(), detail: String::new() },
        &not_written,
    ))
}

/// The attributes that every module wants for an X.509 certificate (PKCS#11 3.1 section 4.6.3).
fn template(certificate: &CertificateToWrite) -> Option<Vec<Attribute>> {
    let (rest, parsed) = x509_parser::parse_x509_certificate(&certificate.der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let id = Sha256::of(&certificate.der);
    let mut serial = vec![0x02, u8::try_from(parsed.raw_serial().len()).ok().filter(|length| *length < 0x80)?];
    serial.extend_from_slice(parsed.raw_serial());
    Some(vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(certificate.label.as_bytes().to_vec()),
        Attribute::Id(id.as_bytes().to_vec()),
        Attribute::Subject(parsed.subject().as_raw().to_vec()),
        Attribute::Issuer(parsed.issuer().as_raw().to_vec()),
        Attribute::SerialNumber(serial),
        Attribute::Value(certificate.der.clone()),
    ])
}

/// Does this error mean that other attributes may do? Besides the clear ones, NSS answers a general error.
pub(super) fn refuses_attributes(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::AttributeReadOnly
                | RvError::AttributeTypeInvalid
                | RvError::AttributeValueInvalid
                | RvError::TemplateInconsistent
                | RvError::ActionProhibited
                | RvError::GeneralError
                | RvError::FunctionFailed,
            _
        )
    )
}

/// Removes what a refused write has left: SoftHSM keeps an object without value. Only objects that were not there
/// before are touched.
fn remove_ghosts(session: &Session, token: &TokenName, before: &BTreeSet<String>) -> Result<(), TokenFault> {
    for object in objects(session, token, &[])? {
        let class = session.get_attributes(object, &[AttributeType::Class]);
        let other = matches!(class.as_deref(), Ok([Attribute::Class(class)]) if *class != ObjectClass::CERTIFICATE);
        let empty = bytes(session, object, AttributeType::Value).is_empty();
        if empty && !other && !before.contains(&key(object)) {
            session.destroy_object(object).map_err(rv::not_written("the removal of a remnant"))?;
        }
    }
    Ok(())
}

fn read_back(
    session: &Session,
    object: ObjectHandle,
    certificate: &CertificateToWrite,
    what: &str,
) -> Result<CertificateWritten, TokenFault> {
    if bytes(session, object, AttributeType::Value) != certificate.der {
        return Err(TokenFault::NotWritten {
            what: what.to_owned(),
            found: "the token gives other bytes back than were written".to_owned(),
            detail: String::new(),
        });
    }
    Ok(CertificateWritten {
        label: String::from_utf8_lossy(&bytes(session, object, AttributeType::Label)).into_owned(),
        trusted: flag(session, object, AttributeType::Trusted),
        modifiable: flag(session, object, AttributeType::Modifiable),
        destroyable: flag(session, object, AttributeType::Destroyable),
        copyable: flag(session, object, AttributeType::Copyable),
    })
}

fn certificate(session: &Session, object: ObjectHandle) -> Result<Vec<u8>, SkipReason> {
    let most = Limits::STANDARD.certificate_bytes;
    // The size first: a module may offer gigabytes.
    match session.get_attribute_info(object, &[AttributeType::Value]).as_deref() {
        Ok([AttributeInfo::Available(0)]) => return Err(SkipReason::Empty),
        Ok([AttributeInfo::Available(size)]) if *size > most => return Err(SkipReason::TooLong),
        Ok([AttributeInfo::Available(_)]) => {}
        Ok([AttributeInfo::Unavailable | AttributeInfo::TypeInvalid]) => return Err(SkipReason::Empty),
        _ => return Err(SkipReason::Unreadable),
    }
    match session.get_attributes(object, &[AttributeType::CertificateType]).as_deref() {
        Ok([Attribute::CertificateType(kind)]) if *kind != CertificateType::X_509 => return Err(SkipReason::OtherKind),
        _ => {} // a module that does not say leaves it to the bytes
    }
    let der = bytes(session, object, AttributeType::Value);
    match x509_parser::parse_x509_certificate(&der) {
        _ if der.is_empty() => Err(SkipReason::Unreadable),
        _ if der.len() > most => Err(SkipReason::TooLong),
        Ok(([], _)) => Ok(der),
        _ => Err(SkipReason::NotACertificate),
    }
}

/// Every object that fits, at most `Limits::bag_certificates`.
pub(super) fn objects(
    session: &Session,
    token: &TokenName,
    template: &[Attribute],
) -> Result<Vec<ObjectHandle>, TokenFault> {
    objects_at_most(session, token, template, Limits::STANDARD.bag_certificates)
}

/// Every object that fits; more than `most` are a fault, since those that are left out could be the ones that count.
pub(super) fn objects_at_most(
    session: &Session,
    token: &TokenName,
    template: &[Attribute],
    most: usize,
) -> Result<Vec<ObjectHandle>, TokenFault> {
    let failed = rv::failed(token, "listing objects");
    let found: Result<Vec<ObjectHandle>, Error> =
        session.iter_objects(template).map_err(&failed)?.take(most + 1).collect();
    let found = found.map_err(&failed)?;
    if found.len() > most {
        return Err(TokenFault::TokenFailed {
            token: Box::new(token.clone()),
            doing: "listing objects".to_owned(),
            found: format!("it lists more than {most} objects"),
            detail: String::new(),
        });
    }
    Ok(found)
}

/// An attribute's bytes; empty where the module does not give them. The wrapper leaves such attributes out without a
/// word, so the answer is matched by its kind and never by its place.
pub(super) fn bytes(session: &Session, object: ObjectHandle, kind: AttributeType) -> Vec<u8> {
    let Ok(attributes) = session.get_attributes(object, &[kind]) else { return Vec::new() };
    attributes
        .into_iter()
        .find_map(|attribute| match (kind, attribute) {
            (AttributeType::Value, Attribute::Value(bytes))
            | (AttributeType::Label, Attribute::Label(bytes))
            | (AttributeType::Id, Attribute::Id(bytes))
            | (AttributeType::Application, Attribute::Application(bytes))
            | (AttributeType::EcParams, Attribute::EcParams(bytes))
            | (AttributeType::EcPoint, Attribute::EcPoint(bytes)) => Some(bytes),
            _ => None,
        })
        .unwrap_or_default()
}

pub(super) fn flag(session: &Session, object: ObjectHandle, kind: AttributeType) -> Option<bool> {
    session.get_attributes(object, &[kind]).ok()?.into_iter().find_map(|attribute| match (kind, attribute) {
        (AttributeType::Trusted, Attribute::Trusted(flag))
        | (AttributeType::Private, Attribute::Private(flag))
        | (AttributeType::Modifiable, Attribute::Modifiable(flag))
        | (AttributeType::Destroyable, Attribute::Destroyable(flag))
        | (AttributeType::Copyable, Attribute::Copyable(flag)) => Some(flag),
        _ => None,
    })
}

fn key(object: ObjectHandle) -> String {
    object.to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
