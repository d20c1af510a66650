//! The pathological cases of x509-limbo, from the corpora that `ECUGATE_CORPORA` names.

use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, find_path};
use ecugate_verifier::syntax::certificate::certificates;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One case: the files' bytes, and what is due.
pub(crate) struct Case {
    pub(crate) id: String,
    accept: bool,
    at: Time,
    max_depth: Option<usize>,
    leaf: Vec<u8>,
    untrusted: Vec<u8>,
    trusted: Vec<u8>,
}

#[derive(serde::Deserialize)]
struct Listed {
    case: String,
    id: String,
    expected: String,
    time: serde_json::Value,
    max_depth: Option<usize>,
}

/// The cases, or why there are none.
pub(crate) fn pathological() -> Result<Vec<Case>, String> {
    let folder = std::env::var_os("ECUGATE_CORPORA").map(PathBuf::from).ok_or("ECUGATE_CORPORA is not set")?;
    let unpacked = tempfile::tempdir().unwrap();
    let archive = folder.join("x509-limbo-core.tar.gz");
    let tar = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(unpacked.path()).status();
    if !tar.is_ok_and(|status| status.success()) {
        return Err(format!("tar could not unpack {}", archive.display()));
    }
    let root = unpacked.path().join("limbo-core");
    let listed: Vec<Listed> = serde_json::from_slice(&std::fs::read(root.join("index.json")).unwrap()).unwrap();
    let pathological = listed.into_iter().filter(|listed| listed.id.starts_with("pathological::"));
    Ok(pathological.map(|listed| Case::read(&root, listed)).collect())
}

impl Case {
    fn read(root: &Path, listed: Listed) -> Self {
        let file = |name: &str| std::fs::read(root.join(&listed.case).join(name)).unwrap();
        // without a time the certificates are valid now
        let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        Self {
            accept: listed.expected == "accept",
            at: Time::from_unix_seconds(listed.time.as_i64().unwrap_or_else(now)).unwrap(),
            max_depth: listed.max_depth,
            leaf: file("leaf.pem"),
            untrusted: file("untrusted.pem"),
            trusted: file("trusted.pem"),
            id: listed.id,
        }
    }

    /// Reads the certificates and looks for a path.
    pub(crate) fn ends_as_expected(&self) -> bool {
        let limits = Limits::STANDARD;
        let many = |pem: &[u8]| match pem.trim_ascii() {
            [] => Ok(Vec::new()),
            pem => certificates(pem, &limits),
        };
        let options = PathOptions {
            at: self.at,
            max_intermediates: self.max_depth,
            purpose: Purpose::Any,
            revocation: Revocation::Off,
            limits: &limits,
        };
        let found = match (many(&self.leaf), many(&self.untrusted), many(&self.trusted)) {
            (Ok(leaf), Ok(bag), Ok(anchors)) => {
                leaf.first().is_some_and(|leaf| find_path(leaf, &bag, &anchors, &[], &options).is_ok())
            }
            _ => false,
        };
        found == self.accept
    }
}
