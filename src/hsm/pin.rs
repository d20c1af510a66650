//! A PIN and where it comes from. Read from a file that only its owner can read, or handed in by the face; wiped when
//! dropped, never shown.

use super::fault::TokenFault;
use core::fmt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::{Zeroize as _, Zeroizing};

/// Longest PIN: 255 bytes, the longest that SoftHSM takes; hardware takes less. Stops a PIN file without end.
const PIN_BYTES: usize = 255;

/// A secret that opens a token. It has no `Display`, and its `Debug` shows no part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes a PIN that came by another way than a file.
    ///
    /// # Errors
    /// [`TokenFault::PinMissing`] if it is empty, longer than 255 bytes, or holds a control character.
    pub fn new(text: Zeroizing<String>, source_name: &str) -> Result<Self, TokenFault> {
        let missing =
            |found: &str| TokenFault::PinMissing { source_name: source_name.to_owned(), found: found.to_owned() };
        if text.is_empty() {
            return Err(missing("it is empty"));
        }
        if text.len() > PIN_BYTES {
            return Err(missing("it is longer than 255 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(missing("it holds a control character or a second line"));
        }
        Ok(Self(text))
    }

    /// Reads a PIN from a regular file of mode 0600 or stricter; one line end after it is dropped.
    ///
    /// # Errors
    /// [`TokenFault::PinExposed`] for a file that others may read or write, else [`TokenFault::PinMissing`].
    pub fn from_file(path: &Path) -> Result<Self, TokenFault> {
        let name = path.display().to_string();
        let missing = |found: String| TokenFault::PinMissing { source_name: format!("the file {name:?}"), found };
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let before = std::fs::metadata(path).map_err(|error| missing(file_words(&error)))?;
        if !before.is_file() {
            return Err(missing("it is no regular file".to_owned()));
        }
        let mut file = std::fs::File::open(path).map_err(|error| missing(file_words(&error)))?;
        let opened = file.metadata().map_err(|error| missing(file_words(&error)))?;
        let mode = opened.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(TokenFault::PinExposed { path: name, mode });
        }
        // Room for all of it from the start: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(PIN_BYTES + 3));
        let most = (PIN_BYTES + 3) as u64;
        file.by_ref().take(most).read_to_end(&mut bytes).map_err(|error| missing(file_words(&error)))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| missing("it is not UTF-8".to_owned()))?;
        let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
        Self::new(Zeroizing::new(text.to_owned()), &format!("the file {name:?}"))
    }

    /// Takes a PIN from the value of the variable `name`, as the face read it.
    ///
    /// # Errors
    /// [`TokenFault::PinMissing`] if there is no such variable, and as for [`Pin::new`].
    pub fn from_variable(name: &str, value: Option<OsString>) -> Result<Self, TokenFault> {
        let source_name = format!("the variable {name}");
        let missing =
            |found: &str| TokenFault::PinMissing { source_name: source_name.clone(), found: found.to_owned() };
        let value = value.ok_or_else(|| missing("it is not set"))?;
        let text = value.into_string().map_err(|value| {
            value.into_encoded_bytes().zeroize();
            missing("it is not UTF-8")
        })?;
        Self::new(Zeroizing::new(text), &source_name)
    }

    /// The secret itself: for the call that gives it to the module, and for a pipe to a helper.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(not shown)")
    }
}

/// Where a PIN is. In text: `file:` and a path, `env:` and the name of a variable, or `prompt`.
///
/// A command is none of them: it would run with the rights of the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// A file of mode 0600 or stricter.
    File(PathBuf),
    /// A variable of the environment. The face reads it.
    Environment(String),
    /// The person at the terminal. The face asks.
    Prompt,
}

/// Why a text names no source of a PIN. Nothing of the text is in it: it may be the PIN itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinSourceFault {
    /// A command (`|…`).
    #[error("expected {TAKEN}, found a command: none is run for a PIN")]
    Command,
    /// A file on another machine.
    #[error("expected a file of this machine, found the name of a host after file://")]
    OtherHost,
    /// A path that is empty, or holds a control character or a `%`, which has no meaning there.
    #[error("expected the path of a file after file:, without % and control characters")]
    Path,
    /// The name of a variable has other characters than letters, digits and `_`.
    #[error("expected the name of a variable after env:, of letters, digits and _")]
    Variable,
    /// Anything else, also a PIN in place of its source.
    #[error(
        "expected {TAKEN}, found another text: a PIN itself does not stand here, and one that did should be changed"
    )]
    Unknown,
}

/// The three forms, for messages.
const TAKEN: &str = "file:PATH, env:NAME or prompt";

impl PinSourceFault {
    /// The fault as a finding.
    #[must_use]
    pub fn finding(self) -> Finding {
        let finding = |expected, found| Finding::new(Reason::Usage, "", expected, found);
        match self {
            Self::Command => finding(TAKEN, "a command: none is run for a PIN"),
            Self::OtherHost => finding("a file of this machine", "the name of a host after file://"),
            Self::Path => finding("the path of a file after file:", "none, or one with % or control characters"),
            Self::Variable => finding("a name of letters, digits and _ after env:", "another name"),
            Self::Unknown => finding(TAKEN, "another text (if it is a PIN, change it)"),
        }
    }
}

impl PinSource {
    /// Reads `file:PATH`, `env:NAME` or `prompt`. `file:///PATH` is the same as `file:/PATH` (RFC 8089 appendix B).
    ///
    /// # Errors
    /// [`PinSourceFault`], also for what RFC 7512 section 2.4 would have: a command.
    pub fn parse(text: &str) -> Result<Self, PinSourceFault> {
        if text == "prompt" {
            return Ok(Self::Prompt);
        }
        if text.starts_with('|') {
            return Err(PinSourceFault::Command);
        }
        if let Some(name) = text.strip_prefix("env:") {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            return if is_name { Ok(Self::Environment(name.to_owned())) } else { Err(PinSourceFault::Variable) };
        }
        let path = text.strip_prefix("file:").ok_or(PinSourceFault::Unknown)?;
        let path = match path.strip_prefix("//") {
            Some(rest) if rest.starts_with('/') => rest,
            Some(_) => return Err(PinSourceFault::OtherHost),
            None => path,
        };
        if path.is_empty() || path.contains('%') || path.chars().any(char::is_control) {
            return Err(PinSourceFault::Path);
        }
        Ok(Self::File(PathBuf::from(path)))
    }

    /// The same source with a relative path taken from `folder`.
    #[must_use]
    pub fn from_folder(&self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            other => other.clone(),
        }
    }

    /// Reads the PIN where no face is needed for it: from a file.
    ///
    /// # Errors
    /// As [`Pin::from_file`]; [`TokenFault::PinMissing`] for the two other sources.
    pub fn read_file(&self) -> Result<Pin, TokenFault> {
        let (source_name, found) = match self {
            Self::File(path) => return Pin::from_file(path),
            Self::Environment(name) => (format!("the variable {name}"), "this program hands no variable in"),
            Self::Prompt => ("the terminal".to_owned(), "this program asks nobody"),
        };
        Err(TokenFault::PinMissing { source_name, found: found.to_owned() })
    }
}

impl fmt::Display for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::Prompt => f.write_str("prompt"),
        }
    }
}

impl serde::Serialize for PinSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PinSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SourceText)
    }
}

/// Reads a source from a text, and says of nothing else what it was: `pin = 4711` is a PIN in a configuration, and the
/// messages that serde makes by itself would repeat it.
struct SourceText;

impl SourceText {
    fn unknown<E: serde::de::Error>() -> E {
        E::custom(PinSourceFault::Unknown)
    }
}

impl serde::de::Visitor<'_> for SourceText {
    type Value = PinSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TAKEN)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PinSource, E> {
        PinSource::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<PinSource, E> {
        Err(Self::unknown())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<PinSource, E> {
        Err(Self::unknown())
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<PinSource, E> {
        Err(Self::unknown())
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<PinSource, E> {
        Err(Self::unknown())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<PinSource, E> {
        Err(Self::unknown())
    }
}

fn file_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this account may not read it".to_owned(),
        kind => format!("it cannot be read ({kind})"),
    }
}

/// How a PIN crosses a pipe. [`Pin`] itself is not `Serialize`, so that no document or log can take one by mistake.
pub(super) mod wire {
    use super::Pin;
    use serde::Deserialize as _;
    use zeroize::Zeroizing;

    pub(crate) fn serialize<S: serde::Serializer>(pin: &Pin, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(pin.expose())
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Pin, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Pin::new(text, "the request").map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pin, PinSource, PinSourceFault, TokenFault};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    fn file(contents: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        std::fs::write(&path, contents).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_pin_file_that_group_or_others_may_touch_is_refused() {
        for mode in [0o644, 0o640, 0o660, 0o604, 0o602, 0o610, 0o601] {
            let (_folder, path) = file(b"4711\n", mode);
            let fault = Pin::from_file(&path).unwrap_err();
            assert_eq!(fault, TokenFault::PinExposed { path: path.display().to_string(), mode });
        }
        for mode in [0o600, 0o400] {
            let (_folder, path) = file(b"4711\n", mode);
            assert_eq!(Pin::from_file(&path).unwrap().expose(), "4711");
        }
    }

    #[test]
    fn one_line_end_is_dropped_and_everything_else_is_part_of_the_pin_or_refused() {
        for (contents, pin) in [("12 34\r\n", "12 34"), (" 12", " 12"), ("12\n", "12")] {
            let (_folder, path) = file(contents.as_bytes(), 0o600);
            assert_eq!(Pin::from_file(&path).unwrap().expose(), pin);
        }
        for contents in [&b""[..], b"\n", b"12\n\n", b"12\n34", b"1\x002", &[0xff, 0xfe], &[b'1'; 256], &[b'1'; 9_000]]
        {
            let (_folder, path) = file(contents, 0o600);
            assert_eq!(Pin::from_file(&path).unwrap_err().reason().code(), "pin-missing", "{contents:?}");
        }
    }

    #[test]
    fn a_folder_or_no_file_in_place_of_the_pin_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let found = |path: &std::path::Path| Pin::from_file(path).unwrap_err().finding().found;
        assert_eq!(found(folder.path()), "it is no regular file");
        assert_eq!(found(&folder.path().join("none")), "there is no such file");
    }

    #[test]
    fn a_pin_is_in_no_debug_text_and_in_no_fault() {
        let (_folder, path) = file(b"s3cr3t-4711", 0o600);
        let pin = Pin::from_file(&path).unwrap();
        assert_eq!(format!("{pin:?} {pin:#?}"), "Pin(not shown) Pin(not shown)");
        let (_folder, path) = file(b"s3cr3t\n4711", 0o600);
        let fault = Pin::from_file(&path).unwrap_err();
        assert!(!format!("{fault} {fault:?} {:?}", fault.finding()).contains("s3cr3t"));
    }

    #[test]
    fn a_source_is_a_file_a_variable_or_the_prompt_and_reads_back_the_same() {
        let file = |path: &str| Ok(PinSource::File(PathBuf::from(path)));
        for (text, read) in [
            ("file:/etc/token_pin", file("/etc/token_pin")),
            ("file:///etc/token pin", file("/etc/token pin")),
            ("file:pins/signer.pin", file("pins/signer.pin")),
            ("file:./prompt", file("./prompt")),
            ("env:ECUGATE_PIN", Ok(PinSource::Environment("ECUGATE_PIN".to_owned()))),
            ("env:_a1", Ok(PinSource::Environment("_a1".to_owned()))),
            ("prompt", Ok(PinSource::Prompt)),
        ] {
            assert_eq!(PinSource::parse(text), read, "{text}");
            assert_eq!(PinSource::parse(&read.clone().unwrap().to_string()), read);
        }
    }

    #[test]
    fn a_command_another_scheme_and_a_bare_text_are_no_source() {
        for (text, fault) in [
            ("|/usr/bin/pin", PinSourceFault::Command),
            ("file://host/etc/pin", PinSourceFault::OtherHost),
            ("file://", PinSourceFault::OtherHost),
            ("file:", PinSourceFault::Path),
            ("file:/a%20b", PinSourceFault::Path),
            ("file:/a\nb", PinSourceFault::Path),
            ("env:", PinSourceFault::Variable),
            ("env:1A", PinSourceFault::Variable),
            ("env:A B", PinSourceFault::Variable),
            ("env:A=4711", PinSourceFault::Variable),
            ("", PinSourceFault::Unknown),
            ("4711", PinSourceFault::Unknown),
            ("Prompt", PinSourceFault::Unknown),
            ("prompt ", PinSourceFault::Unknown),
            ("/etc/token_pin", PinSourceFault::Unknown),
            ("FILE:/etc/token_pin", PinSourceFault::Unknown),
            ("https://example.org/pin", PinSourceFault::Unknown),
        ] {
            assert_eq!(PinSource::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_relative_file_starts_at_the_folder_and_nothing_else_does() {
        let beside = |text: &str| PinSource::parse(text).unwrap().from_folder(Path::new("/site")).to_string();
        assert_eq!(beside("file:pins/a"), "file:/site/pins/a");
        assert_eq!(beside("file:/pins/a"), "file:/pins/a");
        assert_eq!((beside("prompt"), beside("env:A")), ("prompt".to_owned(), "env:A".to_owned()));
    }

    #[test]
    fn a_variable_that_is_absent_empty_or_no_text_gives_no_pin_and_is_named() {
        let fault = |value| Pin::from_variable("ACME_PIN", value).unwrap_err();
        for (value, found) in [
            (None, "it is not set"),
            (Some(OsString::new()), "it is empty"),
            (Some(OsString::from("47\n11")), "it holds a control character or a second line"),
            (Some(OsString::from_vec(vec![0xff])), "it is not UTF-8"),
        ] {
            let finding = fault(value).finding();
            assert_eq!((finding.reason.code(), finding.place.as_str()), ("pin-missing", "the variable ACME_PIN"));
            assert_eq!(finding.found, found);
        }
        assert_eq!(Pin::from_variable("A", Some(OsString::from("47 11"))).unwrap().expose(), "47 11");
    }

    #[test]
    fn without_a_face_only_a_file_gives_a_pin() {
        let (_folder, path) = file(b"4711", 0o600);
        assert_eq!(PinSource::File(path).read_file().unwrap().expose(), "4711");
        for source in [PinSource::Prompt, PinSource::Environment("PATH".to_owned())] {
            assert_eq!(source.read_file().unwrap_err().reason().code(), "pin-missing");
        }
    }

    /// Attack class 37: a PIN in a configuration that more people read than should.
    #[test]
    fn attack_37_a_pin_in_place_of_its_source_is_refused_and_not_repeated() {
        #[derive(serde::Deserialize, Debug)]
        struct Text {
            #[serde(rename = "pin")]
            _pin: PinSource,
        }
        for pin in ["\"47110815\"", "47110815", "-47110815", "47110815.5", "\"env:47110815\"", "[47110815]"] {
            let fault = toml::from_str::<Text>(&format!("pin = {pin}")).unwrap_err();
            assert!(!fault.message().contains("47110815"), "{pin}: {}", fault.message());
        }
        assert!(toml::from_str::<Text>("pin = \"file:pins/a\"").is_ok());
    }
}
