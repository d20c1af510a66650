//! Data objects on a token: small values that are written once, beside those that are there, and all read again.
//!
//! A module may let anybody write such an object, and some let anybody remove one. So what is read is a claim, and
//! whoever uses it verifies it.

use super::certificates::{bytes, flag, objects_at_most, refuses_attributes};
use super::exchange::{DataToWrite, DataWritten, SkipReason, SkippedObject, StoredData, TokenData};
use super::fault::TokenFault;
use super::name::TokenName;
use super::rv;
use super::tokens::State;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use std::collections::BTreeSet;

/// Largest value that is read or written: 16 KiB. A checkpoint with sixteen cosignatures has 3 KiB.
const VALUE_BYTES: usize = 16 << 10;

/// Most objects that are looked at, and most bytes of their values in all: 16,384 and 4 MiB, a checkpoint every thousand
/// entries for sixteen million of them. More is a fault, since those left out could be the ones that count.
const OBJECTS: usize = 1 << 14;
const ALL_BYTES: usize = 4 << 20;

/// Reads every data object of one application and label.
pub(super) fn read(state: &State, token: &TokenName, application: &str, label: &str) -> Result<TokenData, TokenFault> {
    let (slot, _) = state.find(token)?;
    // Whoever is logged in in this process is so in this session too, and sees private objects.
    let session = state.pkcs11.open_ro_session(slot).map_err(rv::failed(token, "reading data objects"))?;
    let template = [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Application(application.as_bytes().to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let mut values = BTreeSet::new();
    let mut skipped = Vec::new();
    let mut all_bytes = 0_usize;
    for object in objects_at_most(&session, token, &template, OBJECTS)? {
        let skip = |why| SkippedObject { label: label.to_owned(), id: String::new(), why };
        let value = value(&session, object);
        all_bytes = all_bytes.saturating_add(value.as_ref().map_or(0, Vec::len));
        if all_bytes > ALL_BYTES {
            return Err(TokenFault::TokenFailed {
                token: Box::new(token.clone()),
                doing: format!("reading data objects {label:?}"),
                found: format!("they hold more than {ALL_BYTES} bytes"),
                detail: String::new(),
            });
        }
        match value {
            Ok(value) if values.contains(&value) => skipped.push(skip(SkipReason::Copy)),
            Ok(value) => drop(values.insert(value)),
            Err(why) => skipped.push(skip(why)),
        }
    }
    // A token that vanished answers a search with nothing.
    state.still_there(token)?;
    skipped.sort_by_key(|object| object.why);
    Ok(TokenData { objects: values.into_iter().map(|value| StoredData { value }).collect(), skipped })
}

fn value(session: &Session, object: ObjectHandle) -> Result<Vec<u8>, SkipReason> {
    // The size first: a module may offer gigabytes.
    match session.get_attribute_info(object, &[AttributeType::Value]).as_deref() {
        Ok([AttributeInfo::Available(0)]) => return Err(SkipReason::Empty),
        Ok([AttributeInfo::Available(size)]) if *size > VALUE_BYTES => return Err(SkipReason::TooLong),
        Ok([AttributeInfo::Available(_)]) => {}
        Ok([AttributeInfo::Unavailable | AttributeInfo::TypeInvalid]) => return Err(SkipReason::Empty),
        _ => return Err(SkipReason::Unreadable),
    }
    match bytes(session, object, AttributeType::Value) {
        value if value.is_empty() => Err(SkipReason::Unreadable),
        value if value.len() > VALUE_BYTES => Err(SkipReason::TooLong),
        value => Ok(value),
    }
}

/// One set of wishes, from firmest to plainest.
struct Wish {
    private: bool,
    fixed: bool,
    permanent: bool,
}

/// Seen by everybody where the module can, so that an auditor needs no PIN. TPM modules take private data alone.
const LADDER: [Wish; 6] = [
    Wish { private: false, fixed: true, permanent: true },
    Wish { private: false, fixed: true, permanent: false },
    Wish { private: true, fixed: true, permanent: true },
    Wish { private: true, fixed: true, permanent: false },
    Wish { private: false, fixed: false, permanent: false },
    Wish { private: true, fixed: false, permanent: false },
];

/// Writes one data object and says what stuck.
pub(super) fn write(state: &State, token: &TokenName, data: &DataToWrite) -> Result<DataWritten, TokenFault> {
    let what = format!("the data object {:?} on the token {token}", data.label);
    let refused = |found: String| TokenFault::NotWritten { what: what.clone(), found, detail: String::new() };
    if data.value.is_empty() || data.value.len() > VALUE_BYTES {
        return Err(refused(format!("it has {} bytes: 1 to {VALUE_BYTES} are taken", data.value.len())));
    }
    if !state.open.contains_key(token) {
        return Err(refused("nobody is logged in".to_owned()));
    }
    let not_written = rv::not_written(&what);
    let (slot, _) = state.find(token)?;
    let session = state.pkcs11.open_rw_session(slot).map_err(&not_written)?;
    let before = all(&session, token)?;
    let mut last = None;
    for wish in &LADDER {
        match session.create_object(&template(data, wish)) {
            Ok(object) => return read_back(&session, object, data, &what),
            Err(error) if refuses_attributes(&error) => last = Some(error),
            Err(error) => return Err(not_written(error)),
        }
        remove_remnants(&session, token, &before)?;
    }
    Err(last.map_or_else(|| refused("nothing was tried".to_owned()), &not_written))
}

fn template(data: &DataToWrite, wish: &Wish) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Private(wish.private),
        Attribute::Application(data.application.as_bytes().to_vec()),
        Attribute::Label(data.label.as_bytes().to_vec()),
        Attribute::Value(data.value.clone()),
    ];
    if wish.fixed {
        template.push(Attribute::Modifiable(false));
    }
    if wish.permanent {
        template.push(Attribute::Destroyable(false));
    }
    template
}

fn read_back(
    session: &Session,
    object: ObjectHandle,
    data: &DataToWrite,
    what: &str,
) -> Result<DataWritten, TokenFault> {
    let stuck = [
        (AttributeType::Value, data.value.as_slice()),
        (AttributeType::Label, data.label.as_bytes()),
        (AttributeType::Application, data.application.as_bytes()),
    ];
    if stuck.into_iter().any(|(kind, written)| bytes(session, object, kind) != written) {
        return Err(TokenFault::NotWritten {
            what: what.to_owned(),
            found: "the token gives other bytes back than were written".to_owned(),
            detail: String::new(),
        });
    }
    Ok(DataWritten {
        private: flag(session, object, AttributeType::Private),
        modifiable: flag(session, object, AttributeType::Modifiable),
        destroyable: flag(session, object, AttributeType::Destroyable),
    })
}

/// Handles of everything on the token.
fn all(session: &Session, token: &TokenName) -> Result<BTreeSet<String>, TokenFault> {
    Ok(objects_at_most(session, token, &[], OBJECTS)?.iter().map(ToString::to_string).collect())
}

/// Removes what a refused write has left: an object without value that was not there before.
fn remove_remnants(session: &Session, token: &TokenName, before: &BTreeSet<String>) -> Result<(), TokenFault> {
    for object in objects_at_most(session, token, &[], OBJECTS)? {
        let class = session.get_attributes(object, &[AttributeType::Class]);
        let other = matches!(class.as_deref(), Ok([Attribute::Class(class)]) if *class != ObjectClass::DATA);
        let empty = bytes(session, object, AttributeType::Value).is_empty();
        if empty && !other && !before.contains(&object.to_string()) {
            session.destroy_object(object).map_err(rv::not_written("the removal of a remnant"))?;
        }
    }
    Ok(())
}
