//! What is wrong with the store's own folder.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::io;
use std::path::Path;

/// The finding of a folder or file of the store that does not serve.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Finding {
    let expected = "a folder of the intake store that can be read and written";
    Finding::new(Reason::IntakeUnusable, path.display().to_string(), expected, error.to_string())
}
