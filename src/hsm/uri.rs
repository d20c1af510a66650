//! PKCS#11 URIs (RFC 7512): a token, a key on it, where its PIN and its module are, in one line of text.
//!
//! The grammar of section 2.3, read strictly. Each attribute that the RFC names is read; none is dropped. An attribute
//! that it does not name is refused, vendors' own ones too: what they ask for could not be honoured. `pin-value` is
//! refused, since arguments can be read by every account of the machine (section 7).
//!
//! No fault repeats text of the URI but the names of known attributes: the rest may be a PIN in the wrong place.

use super::pin::{PinSource, PinSourceFault};
use core::fmt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::path::{Path, PathBuf};

/// Longest URI: 4,096 bytes, the longest path of a module and some more. Stops a text without end.
const URI_BYTES: usize = 4_096;

/// How a URI begins. Upper case counts too (RFC 3986 section 3.1).
const SCHEME: &str = "pkcs11:";

/// A PKCS#11 URI. What it does not state is `None`; an empty value is a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer` of the token.
    pub manufacturer: Option<String>,
    /// `serial`: the token's serial number.
    pub serial: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `library-manufacturer`.
    pub library_manufacturer: Option<String>,
    /// `library-description`.
    pub library_description: Option<String>,
    /// `library-version`: digits, or digits, a dot and digits.
    pub library_version: Option<String>,
    /// `object`: the label of an object (`CKA_LABEL`).
    pub object: Option<String>,
    /// `type`: the class of an object (`CKA_CLASS`).
    pub class: Option<ObjectClass>,
    /// `id` of an object (`CKA_ID`): any bytes.
    pub id: Option<Vec<u8>>,
    /// `slot-manufacturer`.
    pub slot_manufacturer: Option<String>,
    /// `slot-description`.
    pub slot_description: Option<String>,
    /// `slot-id`.
    pub slot_id: Option<u64>,
    /// `pin-source`: where the PIN of the token's user is.
    pub pin_source: Option<PinSource>,
    /// `module-name`.
    pub module_name: Option<String>,
    /// `module-path`: the module, by absolute path.
    pub module_path: Option<PathBuf>,
}

/// The classes of object that a URI can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectClass {
    /// `public`: a public key.
    Public,
    /// `private`: a private key.
    Private,
    /// `cert`: a certificate.
    Certificate,
    /// `secret-key`.
    SecretKey,
    /// `data`.
    Data,
}

impl ObjectClass {
    const ALL: [Self; 5] = [Self::Public, Self::Private, Self::Certificate, Self::SecretKey, Self::Data];

    /// The word in a URI.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Certificate => "cert",
            Self::SecretKey => "secret-key",
            Self::Data => "data",
        }
    }
}

/// The two parts of a URI, before and after its `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Attributes between `;`: they say what is named.
    Path,
    /// Attributes between `&`: they say how to get at it.
    Query,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
        })
    }
}

/// Why a text is no PKCS#11 URI that is taken here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriFault {
    /// It does not begin with `pkcs11:`.
    #[error("expected a text that begins with pkcs11:")]
    Scheme,
    /// It is longer than 4,096 bytes.
    #[error("expected at most {URI_BYTES} bytes, found {found}")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// A PIN stands in it.
    #[error("expected pin-source=file:/path, found the PIN itself (pin-value): others can read it here, so change it")]
    PinValue,
    /// An attribute is not `name=value`.
    #[error("attribute {number} of the {part}: expected name=value")]
    NotAnAttribute {
        /// In which part.
        part: Part,
        /// Which one, from 1.
        number: usize,
    },
    /// The RFC names no such attribute in this part.
    #[error("attribute {number} of the {part}: expected a name that RFC 7512 has in the {part}, found another name")]
    UnknownAttribute {
        /// In which part.
        part: Part,
        /// Which one, from 1.
        number: usize,
    },
    /// An attribute stands twice.
    #[error("{name}: expected once, found twice")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A value is not what its attribute may hold.
    #[error("{name}: expected {expected}, found {found}")]
    Value {
        /// The attribute.
        name: &'static str,
        /// What it may hold.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// `pin-source` is none that is taken.
    #[error("pin-source: {0}")]
    PinSource(PinSourceFault),
}

impl UriFault {
    /// The fault as a finding. It holds no text of the URI.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let finding = |place: &str, expected: &str, found: &str| Finding::new(Reason::Usage, place, expected, found);
        match self {
            Self::Scheme => finding("", "a text that begins with pkcs11:", "another text"),
            Self::TooLong { found } => finding("", &format!("at most {URI_BYTES} bytes"), &found.to_string()),
            Self::PinValue => {
                finding("pin-value", "pin-source=file:/path", "the PIN itself: others can read it here, so change it")
            }
            Self::NotAnAttribute { part, number } => {
                finding(&format!("attribute {number} of the {part}"), "name=value", "no = after a name")
            }
            Self::UnknownAttribute { part, number } => {
                let expected = format!("a name that RFC 7512 has in the {part}");
                finding(&format!("attribute {number} of the {part}"), &expected, "another name")
            }
            Self::Twice { name } => finding(name, "once", "twice"),
            Self::Value { name, expected, found } => finding(name, expected, found),
            Self::PinSource(fault) => fault.finding().within("pin-source"),
        }
    }
}

/// Is this text meant as a PKCS#11 URI, and not as the name of a file? A file of such a name is given as `./pkcs11:…`.
#[must_use]
pub fn is_meant(text: &str) -> bool {
    text.get(..SCHEME.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEME))
}

/// Does a PIN stand in this text as it would in a URI? Then no message may repeat any of it.
#[must_use]
pub fn holds_a_pin(text: &str) -> bool {
    text.to_ascii_lowercase().contains("pin-value=")
}

impl Pkcs11Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`UriFault`] for whatever the grammar of RFC 7512 section 2.3 does not have, or has and is not taken.
    pub fn parse(text: &str) -> Result<Self, UriFault> {
        if !is_meant(text) {
            return Err(UriFault::Scheme);
        }
        if text.len() > URI_BYTES {
            return Err(UriFault::TooLong { found: text.len() });
        }
        let body = text.get(SCHEME.len()..).unwrap_or_default();
        let (path, query) = body.split_once('?').unwrap_or((body, ""));
        let attributes = || attributes(Part::Path, path).chain(attributes(Part::Query, query));
        // Before everything else, and wherever it stands: whoever reads the answer should change that PIN.
        if attributes().any(|(_, _, attribute)| name_of(attribute).eq_ignore_ascii_case("pin-value")) {
            return Err(UriFault::PinValue);
        }
        let mut read = Self::default();
        for (part, number, attribute) in attributes() {
            let Some((name, value)) = attribute.split_once('=') else {
                return Err(UriFault::NotAnAttribute { part, number });
            };
            match part {
                Part::Path => read.take_from_path(name, value, number)?,
                Part::Query => read.take_from_query(name, value, number)?,
            }
        }
        Ok(read)
    }

    fn take_from_path(&mut self, name: &str, value: &str, number: usize) -> Result<(), UriFault> {
        match name {
            "token" => text_into(&mut self.token, "token", value),
            "manufacturer" => text_into(&mut self.manufacturer, "manufacturer", value),
            "serial" => text_into(&mut self.serial, "serial", value),
            "model" => text_into(&mut self.model, "model", value),
            "library-manufacturer" => text_into(&mut self.library_manufacturer, "library-manufacturer", value),
            "library-description" => text_into(&mut self.library_description, "library-description", value),
            "library-version" => once(&mut self.library_version, "library-version", version(value)?),
            "object" => text_into(&mut self.object, "object", value),
            "type" => once(&mut self.class, "type", class(value)?),
            "id" => once(&mut self.id, "id", decoded(Part::Path, "id", value)?),
            "slot-manufacturer" => text_into(&mut self.slot_manufacturer, "slot-manufacturer", value),
            "slot-description" => text_into(&mut self.slot_description, "slot-description", value),
            "slot-id" => once(&mut self.slot_id, "slot-id", slot(value)?),
            _ => Err(UriFault::UnknownAttribute { part: Part::Path, number }),
        }
    }

    fn take_from_query(&mut self, name: &str, value: &str, number: usize) -> Result<(), UriFault> {
        match name {
            "pin-source" => once(&mut self.pin_source, "pin-source", pin_source(value)?),
            "module-name" => once(&mut self.module_name, "module-name", text(Part::Query, "module-name", value)?),
            "module-path" => once(&mut self.module_path, "module-path", module_path(value)?),
            _ => Err(UriFault::UnknownAttribute { part: Part::Query, number }),
        }
    }
}

/// The attributes of one part with their numbers; none where it is empty.
fn attributes(part: Part, text: &str) -> impl Iterator<Item = (Part, usize, &str)> {
    let between = match part {
        Part::Path => ';',
        Part::Query => '&',
    };
    let some = if text.is_empty() { None } else { Some(text.split(between)) };
    some.into_iter().flatten().zip(1..).map(move |(attribute, number)| (part, number, attribute))
}

fn name_of(attribute: &str) -> &str {
    attribute.split('=').next().unwrap_or_default()
}

fn once<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), UriFault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriFault::Twice { name }),
    }
}

fn text_into(place: &mut Option<String>, name: &'static str, value: &str) -> Result<(), UriFault> {
    once(place, name, text(Part::Path, name, value)?)
}

/// Text is UTF-8 under its escapes (section 2.3).
fn text(part: Part, name: &'static str, value: &str) -> Result<String, UriFault> {
    String::from_utf8(decoded(part, name, value)?).map_err(|_| UriFault::Value {
        name,
        expected: "UTF-8 under the escapes",
        found: "other bytes",
    })
}

/// The bytes of a value: `pk11-pchar` in the path, `pk11-qchar` in the query.
fn decoded(part: Part, name: &'static str, value: &str) -> Result<Vec<u8>, UriFault> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                let found = "a % without them";
                return Err(UriFault::Value { name, expected: "two hex digits after each %", found });
            };
            bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
        } else if is_plain(part, byte) {
            bytes.push(byte);
        } else {
            let expected = "characters that RFC 7512 allows there, others as % and two hex digits";
            return Err(UriFault::Value { name, expected, found: "one that stands as it is" });
        }
    }
    Ok(bytes)
}

/// May this byte stand as it is? `unreserved` of RFC 3986, and what RFC 7512 makes available in this part.
const fn is_plain(part: Part, byte: u8) -> bool {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
        b':' | b'[' | b']' | b'@' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' => true,
        b'&' => matches!(part, Part::Path),
        b'/' | b'?' | b'|' => matches!(part, Part::Query),
        _ => false,
    }
}

fn class(value: &str) -> Result<ObjectClass, UriFault> {
    ObjectClass::ALL.into_iter().find(|class| class.word() == value).ok_or(UriFault::Value {
        name: "type",
        expected: "public, private, cert, secret-key or data",
        found: "another word",
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn version(value: &str) -> Result<String, UriFault> {
    let (major, minor) = value.split_once('.').unwrap_or((value, "0"));
    if is_number(major) && is_number(minor) {
        return Ok(value.to_owned());
    }
    Err(UriFault::Value { name: "library-version", expected: "a version like 1.23", found: "another text" })
}

fn slot(value: &str) -> Result<u64, UriFault> {
    let number = if is_number(value) { value.parse().ok() } else { None };
    number.ok_or(UriFault::Value { name: "slot-id", expected: "a number below 2^64", found: "another text" })
}

/// Where a PIN is. In a URI a file has an absolute path: nobody can see from which folder another one would start.
fn pin_source(value: &str) -> Result<PinSource, UriFault> {
    let source = PinSource::parse(&text(Part::Query, "pin-source", value)?).map_err(UriFault::PinSource)?;
    match &source {
        PinSource::File(path) if !path.is_absolute() => {
            let (expected, found) = ("the absolute path of a file", "a relative one");
            Err(UriFault::Value { name: "pin-source", expected, found })
        }
        _ => Ok(source),
    }
}

fn module_path(value: &str) -> Result<PathBuf, UriFault> {
    let path = PathBuf::from(text(Part::Query, "module-path", value)?);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(UriFault::Value { name: "module-path", expected: "an absolute path", found: "a relative one" })
}

impl fmt::Display for Pkcs11Uri {
    /// Writes the URI; it reads back as the same one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        let number = self.slot_id.map(|slot| slot.to_string());
        let path = [
            ("token", self.token.as_deref()),
            ("manufacturer", self.manufacturer.as_deref()),
            ("serial", self.serial.as_deref()),
            ("model", self.model.as_deref()),
            ("library-manufacturer", self.library_manufacturer.as_deref()),
            ("library-description", self.library_description.as_deref()),
            ("library-version", self.library_version.as_deref()),
            ("object", self.object.as_deref()),
            ("type", self.class.map(ObjectClass::word)),
            ("slot-manufacturer", self.slot_manufacturer.as_deref()),
            ("slot-description", self.slot_description.as_deref()),
            ("slot-id", number.as_deref()),
        ];
        let mut path: Vec<String> = path
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(Part::Path, value?.as_bytes()))))
            .collect();
        // All of it escaped, as section 2.3 recommends for an id.
        let id = self.id.as_ref().map(|id| id.iter().map(|byte| format!("%{byte:02X}")).collect::<String>());
        path.extend(id.map(|id| format!("id={id}")));
        let source = self.pin_source.as_ref().map(ToString::to_string);
        let module_path = self.module_path.as_deref().map(Path::to_string_lossy);
        let query = [
            ("pin-source", source.as_deref()),
            ("module-name", self.module_name.as_deref()),
            ("module-path", module_path.as_deref()),
        ];
        let query: Vec<String> = query
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(Part::Query, value?.as_bytes()))))
            .collect();
        f.write_str(&path.join(";"))?;
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
    }
}

fn encoded(part: Part, bytes: &[u8]) -> String {
    let one = |byte: &u8| if is_plain(part, *byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
