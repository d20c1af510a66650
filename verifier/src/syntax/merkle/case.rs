//! One proof in a JSON file, with the fields of the public Merkle corpus (`transparency-dev/merkle`, `testdata`):
//! the input of `ecugate verify inclusion` and `ecugate verify consistency`.
//!
//! It has its own reader because it differs from our signed documents in two points: indices and sizes reach 2^64 − 1,
//! and `proof: null` is the empty list. Otherwise it is as strict: UTF-8, every field once, no unknown field, nothing
//! after the end.

use super::proof::{ProofFault, verify_consistency, verify_inclusion};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use base64::Engine as _;
use core::fmt;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

/// Why a file holds no proof, or a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseFault {
    /// Over `Limits::document_bytes`.
    #[error("the file has {found} bytes, more than {most}")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
        /// The cap.
        most: usize,
    },
    /// The file is no UTF-8.
    #[error("byte {offset} is not part of UTF-8 text")]
    NotUtf8 {
        /// The first wrong byte, counted from 0.
        offset: usize,
    },
    /// The file is no JSON.
    #[error("line {line} column {column}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What the JSON reader says.
        message: String,
    },
    /// The file is JSON, but a field is unknown, missing, repeated or of another type.
    #[error("line {line} column {column}: {message}")]
    Shape {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What the JSON reader says.
        message: String,
    },
    /// A hash is not 32 bytes long.
    #[error("{field} has {found} bytes; a SHA-256 has 32")]
    HashLength {
        /// Which field.
        field: &'static str,
        /// Its bytes.
        found: usize,
    },
    /// The proof was read and is wrong.
    #[error(transparent)]
    Wrong(#[from] ProofFault),
}

impl CaseFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLarge { .. } => Reason::InputTooLarge,
            Self::NotUtf8 { .. } => Reason::TextNotUtf8,
            Self::Syntax { .. } => Reason::JsonSyntax,
            Self::Shape { .. } => Reason::ProofMalformed,
            Self::HashLength { .. } => Reason::ProofWrong,
            Self::Wrong(fault) => fault.reason(),
        }
    }
}

impl From<CaseFault> for Finding {
    fn from(fault: CaseFault) -> Self {
        let expected = match &fault {
            CaseFault::Wrong(fault) => return (*fault).into(),
            CaseFault::TooLarge { .. } => "a file within the cap",
            CaseFault::NotUtf8 { .. } => "UTF-8 text",
            CaseFault::Syntax { .. } => "JSON",
            CaseFault::Shape { .. } => "the fields of a proof file, each once",
            CaseFault::HashLength { .. } => "hashes of 32 bytes in base64",
        };
        Self::new(fault.reason(), "proof file", expected, fault.to_string())
    }
}

/// The claim that a leaf stands at an index of a tree, with its proof. Read, not verified.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InclusionCase {
    /// Index of the leaf, from 0.
    #[serde(rename = "leafIdx")]
    pub index: u64,
    /// Leaves of the tree.
    #[serde(rename = "treeSize")]
    pub size: u64,
    /// Root of the tree.
    #[serde(deserialize_with = "base64_bytes")]
    pub root: Vec<u8>,
    /// Hash of the leaf.
    #[serde(deserialize_with = "base64_bytes")]
    pub leaf_hash: Vec<u8>,
    /// Hashes from the leaf up.
    #[serde(deserialize_with = "hashes")]
    pub proof: Vec<Vec<u8>>,
    /// What the author says about it. Not used.
    #[serde(default)]
    pub desc: Option<String>,
    /// What a corpus expects. Not used by the verifier.
    #[serde(default)]
    pub want_err: Option<bool>,
}

impl InclusionCase {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CaseFault`] for anything but one object with these fields.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, CaseFault> {
        read(bytes, limits)
    }

    /// Verifies the proof.
    ///
    /// # Errors
    /// [`CaseFault::HashLength`] and [`CaseFault::Wrong`].
    pub fn verify(&self) -> Result<(), CaseFault> {
        let root = hash("root", &self.root)?;
        let leaf = hash("leafHash", &self.leaf_hash)?;
        Ok(verify_inclusion(&leaf, self.index, self.size, &proof(&self.proof)?, &root)?)
    }
}

/// The claim that one tree is the beginning of another, with its proof. Read, not verified.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyCase {
    /// Leaves of the first tree.
    pub size1: u64,
    /// Leaves of the second tree.
    pub size2: u64,
    /// Root of the first tree.
    #[serde(deserialize_with = "base64_bytes")]
    pub root1: Vec<u8>,
    /// Root of the second tree.
    #[serde(deserialize_with = "base64_bytes")]
    pub root2: Vec<u8>,
    /// Hashes of the proof.
    #[serde(deserialize_with = "hashes")]
    pub proof: Vec<Vec<u8>>,
    /// What the author says about it. Not used.
    #[serde(default)]
    pub desc: Option<String>,
    /// What a corpus expects. Not used by the verifier.
    #[serde(default, rename = "wantErr")]
    pub want_err: Option<bool>,
}

impl ConsistencyCase {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CaseFault`] for anything but one object with these fields.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, CaseFault> {
        read(bytes, limits)
    }

    /// Verifies the proof. Trees of one size above 0 with an empty proof are compared as the corpus has it: the roots
    /// byte for byte, without asking what they are, since nothing is hashed.
    ///
    /// # Errors
    /// [`CaseFault::HashLength`] and [`CaseFault::Wrong`].
    pub fn verify(&self) -> Result<(), CaseFault> {
        if self.size1 == self.size2 && self.size1 > 0 && self.proof.is_empty() && self.root1 == self.root2 {
            return Ok(());
        }
        let first = hash("root1", &self.root1)?;
        let second = hash("root2", &self.root2)?;
        Ok(verify_consistency(self.size1, &first, self.size2, &second, &proof(&self.proof)?)?)
    }
}

fn read<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], limits: &Limits) -> Result<T, CaseFault> {
    if bytes.len() > limits.document_bytes {
        return Err(CaseFault::TooLarge { found: bytes.len(), most: limits.document_bytes });
    }
    let text = core::str::from_utf8(bytes).map_err(|error| CaseFault::NotUtf8 { offset: error.valid_up_to() })?;
    serde_json::from_str(text).map_err(|error| {
        let (line, column, message) = (error.line(), error.column(), error.to_string());
        if error.is_data() {
            CaseFault::Shape { line, column, message }
        } else {
            CaseFault::Syntax { line, column, message }
        }
    })
}

fn hash(field: &'static str, bytes: &[u8]) -> Result<Sha256, CaseFault> {
    let array = bytes.try_into().map_err(|_| CaseFault::HashLength { field, found: bytes.len() })?;
    Ok(Sha256::from_bytes(array))
}

fn proof(hashes: &[Vec<u8>]) -> Result<Vec<Sha256>, CaseFault> {
    hashes.iter().map(|bytes| hash("proof", bytes)).collect()
}

fn base64_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
    base64::engine::general_purpose::STANDARD
        .decode(&text)
        .map_err(|fault| D::Error::custom(format!("no base64 of RFC 4648 section 4 with padding: {fault}")))
}

struct Base64Bytes(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        base64_bytes(deserializer).map(Self)
    }
}

/// A list or `null`. The cap holds while reading: a list of 10^6 hashes is not first kept and then counted.
fn hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    struct Hashes;

    impl<'de> Visitor<'de> for Hashes {
        type Value = Vec<Vec<u8>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of base64 texts, or null")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let most = Limits::STANDARD.proof_hashes;
            let mut hashes = Vec::new();
            while let Some(Base64Bytes(hash)) = list.next_element()? {
                if hashes.len() == most {
                    return Err(A::Error::custom(format!("more than {most} hashes in one proof")));
                }
                hashes.push(hash);
            }
            Ok(hashes)
        }
    }

    deserializer.deserialize_any(Hashes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference;
    use super::super::{consistency_proof, inclusion_proof};
    use super::{CaseFault, ConsistencyCase, InclusionCase};
    use crate::values::finding::Finding;
    use crate::values::limits::Limits;
    use crate::values::reason::Reason;
    use base64::Engine as _;
    use proptest::prelude::{ProptestConfig, any, proptest};

    const LIMITS: Limits = Limits::STANDARD;

    fn base64(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn inclusion_text() -> String {
        let whole = reference();
        let proof = inclusion_proof(5, 8, |level, index| whole.node(level, index)).unwrap().unwrap();
        let proof: Vec<String> = proof.iter().map(|hash| base64(hash.as_bytes())).collect();
        format!(
            r#"{{"leafIdx":5,"treeSize":8,"root":"{}","leafHash":"{}","proof":{proof:?}}}"#,
            base64(whole.edges[8].root().as_bytes()),
            base64(whole.leaves[5].as_bytes()),
        )
    }

    fn reason_of(text: &str) -> Reason {
        match InclusionCase::from_json(text.as_bytes(), &LIMITS) {
            Err(fault) => Finding::from(fault).reason,
            Ok(case) => Finding::from(case.verify().expect_err(text)).reason,
        }
    }

    #[test]
    fn a_proof_file_without_the_authors_remarks_is_read_and_verified() {
        let case = InclusionCase::from_json(inclusion_text().as_bytes(), &LIMITS).unwrap();
        assert_eq!((case.index, case.size, case.proof.len(), &case.desc, case.want_err), (5, 8, 3, &None, None));
        assert_eq!(case.verify(), Ok(()));

        let whole = reference();
        let proof = consistency_proof(6, 8, |level, index| whole.node(level, index)).unwrap().unwrap();
        let case = ConsistencyCase {
            size1: 6,
            size2: 8,
            root1: whole.edges[6].root().as_bytes().to_vec(),
            root2: whole.edges[8].root().as_bytes().to_vec(),
            proof: proof.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            desc: None,
            want_err: None,
        };
        assert_eq!(case.verify(), Ok(()));
        assert_eq!(
            ConsistencyCase { size1: 7, ..case }.verify().map_err(|fault| fault.reason()),
            Err(Reason::ProofWrong)
        );
    }

    #[test]
    fn a_repeated_unknown_missing_or_ill_typed_field_is_refused() {
        let good = inclusion_text();
        for (old, new) in [
            (r#""leafIdx":5"#, r#""leafIdx":5,"leafIdx":5"#),
            (r#""leafIdx":5"#, r#""leafIdx":5,"le\u0061fIdx":6"#),
            (r#""leafIdx":5"#, r#""leafIdx":5,"LeafIdx":5"#),
            (r#""leafIdx":5,"#, ""),
            (r#""leafIdx":5"#, r#""leafIdx":5.0"#),
            (r#""leafIdx":5"#, r#""leafIdx":-5"#),
            (r#""leafIdx":5"#, r#""leafIdx":"5""#),
            (r#""leafIdx":5"#, r#""leafIdx":18446744073709551616"#),
            (r#""proof":["#, r#""proof":[null,"#),
            (r#""proof":["#, r#""proof":["AA","#),
            (r#""proof":["#, r#""proof":["AB==","#),
            (r#""proof":["#, r#""proof":["_-8=","#),
        ] {
            assert_eq!(reason_of(&good.replacen(old, new, 1)), Reason::ProofMalformed, "{new}");
        }
        let (head, _) = good.split_once(r#","proof""#).unwrap();
        assert_eq!(reason_of(&format!("{head}}}")), Reason::ProofMalformed);
        assert_eq!(reason_of(&format!("{head},\"proof\":null}}")), Reason::ProofWrong);
        assert_eq!(
            reason_of(&good.replacen(r#""leafIdx":5"#, r#""leafIdx":18446744073709551615"#, 1)),
            Reason::ProofWrong
        );
        for text in
            [format!("{good}{good}"), format!("\u{feff}{good}"), good[..good.len() - 1].to_owned(), String::new()]
        {
            assert_eq!(reason_of(&text), Reason::JsonSyntax, "{text}");
        }
        assert_eq!(InclusionCase::from_json(b"{\"desc\":\"\xff\"}", &LIMITS), Err(CaseFault::NotUtf8 { offset: 9 }));
    }

    /// Attack class 47: endless data.
    #[test]
    fn attack_47_a_million_hashes_in_one_proof_are_refused_at_the_129th() {
        let (head, _) = inclusion_text().split_once(r#""proof""#).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let many = vec!["\"\""; 1_000_000].join(",");
        let text = format!("{head}\"proof\":[{many}]}}");
        let fault = InclusionCase::from_json(text.as_bytes(), &LIMITS).unwrap_err();
        assert_eq!(fault.reason(), Reason::ProofMalformed);
        assert!(fault.to_string().contains("more than 128 hashes"), "{fault}");
        let endless = vec![b' '; LIMITS.document_bytes + 1];
        assert_eq!(
            InclusionCase::from_json(&endless, &LIMITS).map_err(|fault| fault.reason()),
            Err(Reason::InputTooLarge)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>()) {
            let _ = InclusionCase::from_json(&bytes, &LIMITS);
            let _ = ConsistencyCase::from_json(&bytes, &LIMITS);
        }

        #[test]
        fn one_changed_byte_is_refused_or_proves_nothing(place in any::<usize>(), byte in any::<u8>()) {
            let good = inclusion_text().into_bytes();
            let mut bytes = good.clone();
            let place = place % bytes.len();
            bytes[place] = byte;
            // One blank between values for another is the same document (RFC 8259 section 2).
            let blank = |byte: u8| b" \t\r\n".contains(&byte);
            if bytes != good && !(blank(good[place]) && blank(byte)) {
                let verdict = InclusionCase::from_json(&bytes, &LIMITS).and_then(|case| case.verify());
                assert!(verdict.is_err(), "{place}: {}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}
