//! A PIN: read from a file that only its owner can read, wiped when dropped, never shown.

use super::fault::TokenFault;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

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

    /// The secret itself: for the call that gives it to the module, and for a pipe to a helper.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(not shown)")
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
    use super::{Pin, TokenFault};
    use std::os::unix::fs::PermissionsExt as _;

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
}
