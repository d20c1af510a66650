//! in-toto Statement v1 (in-toto/attestation, `spec/v1/statement.md`): what a signed document is about, and of which
//! kind it is.

use super::envelope::{Envelope, EnvelopeFault, Verified};
use crate::syntax::json::{self, Json, JsonFault};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeSet;

/// The type of the statement layer.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What one kind of document says. The kind is checked before anything of it is read.
pub trait Predicate {
    /// The predicate type: `urn:ecugate:<kind>:v1`.
    const TYPE: &'static str;
}

/// A statement: subjects, and what is said about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<P> {
    /// What it is about, by digest. At least one, each name once.
    pub subject: Vec<Subject>,
    /// What is said.
    pub predicate: P,
}

/// One subject of a statement. Names are for people; what it is about is the digest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What people call it.
    pub name: Name,
    /// SHA-256 of it. Other algorithms are refused.
    #[serde(with = "digest_set")]
    pub digest: Sha256,
}

/// What an envelope claims, its signature not looked at. For showing, for planning what to measure, and for choosing
/// which keys to try; never for a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed<T>(T);

impl<T> Claimed<T> {
    /// What is claimed. Nobody has proven it.
    #[must_use]
    pub fn unproven(&self) -> &T {
        &self.0
    }
}

impl<P: Predicate + DeserializeOwned> Statement<P> {
    /// Reads the statement from a payload whose signatures were verified.
    ///
    /// # Errors
    /// [`StatementFault`]: not strict JSON, another statement or predicate type, unknown or missing fields.
    pub fn read(verified: &Verified<'_>, limits: &Limits) -> Result<Self, StatementFault> {
        read(verified.payload(), limits)
    }

    /// Reads what an envelope claims, its signature not looked at.
    ///
    /// # Errors
    /// [`StatementFault`], as [`Statement::read`], and another payload type.
    pub fn read_unverified(envelope: &Envelope, limits: &Limits) -> Result<Claimed<Self>, StatementFault> {
        envelope.require_payload_type()?;
        read(envelope.payload(), limits).map(Claimed)
    }

    /// Reads a payload that nobody has signed yet: what somebody is about to sign.
    ///
    /// # Errors
    /// [`StatementFault`], as [`Statement::read`].
    pub fn read_unsigned(payload: &[u8], limits: &Limits) -> Result<Claimed<Self>, StatementFault> {
        read(payload, limits).map(Claimed)
    }
}

impl<P: Predicate + serde::Serialize> Statement<P> {
    /// Writes the payload: compact JSON, fields in the order of the specification.
    ///
    /// # Errors
    /// [`StatementFault`] if a reader of [`Statement::read`]'s strictness would refuse it.
    pub fn to_payload(&self) -> Result<Vec<u8>, StatementFault> {
        require_subjects(&self.subject)?;
        let (subject, predicate) = (&self.subject, &self.predicate);
        let text = Written { statement_type: STATEMENT_TYPE, subject, predicate_type: P::TYPE, predicate };
        let bytes = serde_json::to_vec(&text).map_err(|error| StatementFault::Unwritable(error.to_string()))?;
        json::parse(&bytes, &Limits::STANDARD)?;
        Ok(bytes)
    }
}

/// What a statement of any kind is about, without its predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Of which kind it is.
    pub predicate_type: String,
    /// What it is about, by digest. At least one, each name once.
    pub subject: Vec<Subject>,
}

impl About {
    /// Reads what a verified statement is about. What it says is not read, so nothing can be concluded from it.
    ///
    /// # Errors
    /// [`StatementFault`], as [`Statement::read`], whatever the predicate type.
    pub fn read(verified: &Verified<'_>, limits: &Limits) -> Result<Self, StatementFault> {
        let json = json::parse(verified.payload(), limits)?;
        require_statement(&json)?;
        let predicate_type = text_member(&json, "predicateType")?.to_owned();
        let Text { subject, .. } = json::from_json::<Text<IgnoredAny>>(json)?;
        require_subjects(&subject)?;
        Ok(Self { predicate_type, subject })
    }
}

/// The predicate type that an envelope claims, unproven: which kind of document it may be.
///
/// # Errors
/// [`StatementFault`]: another payload type, not strict JSON, no statement.
pub fn predicate_type_of(envelope: &Envelope, limits: &Limits) -> Result<String, StatementFault> {
    envelope.require_payload_type()?;
    let json = json::parse(envelope.payload(), limits)?;
    require_statement(&json)?;
    Ok(text_member(&json, "predicateType")?.to_owned())
}

fn read<P: Predicate + DeserializeOwned>(payload: &[u8], limits: &Limits) -> Result<Statement<P>, StatementFault> {
    let json = json::parse(payload, limits)?;
    require_statement(&json)?;
    let found = text_member(&json, "predicateType")?;
    if found != P::TYPE {
        return Err(StatementFault::PredicateType { expected: P::TYPE, found: found.to_owned() });
    }
    let Text { subject, predicate, .. } = json::from_json::<Text<P>>(json)?;
    require_subjects(&subject)?;
    Ok(Statement { subject, predicate })
}

fn require_statement(json: &Json) -> Result<(), StatementFault> {
    match text_member(json, "_type")? {
        STATEMENT_TYPE => Ok(()),
        found => Err(StatementFault::StatementType { found: found.to_owned() }),
    }
}

fn text_member<'j>(json: &'j Json, key: &str) -> Result<&'j str, JsonFault> {
    let members = json
        .members()
        .ok_or_else(|| JsonFault::field(Reason::JsonWrongType, "", "a statement: an object", json.kind()))?;
    match members.iter().find(|(name, _)| name == key) {
        Some((_, Json::String(text))) => Ok(text),
        Some((_, other)) => Err(JsonFault::field(Reason::JsonWrongType, key, "a string", other.kind())),
        None => Err(JsonFault::field(Reason::JsonMissingField, "", format!("the field {key:?}"), "none")),
    }
}

/// At least one, as the other readers of in-toto ask; each name once (`statement.md`, `subject`).
fn require_subjects(subjects: &[Subject]) -> Result<(), JsonFault> {
    let mut names = BTreeSet::new();
    if subjects.is_empty() {
        return Err(JsonFault::field(Reason::JsonValue, "subject", "at least one subject", "none"));
    }
    for (index, subject) in subjects.iter().enumerate() {
        if !names.insert(&subject.name) {
            let (path, found) = (format!("subject[{index}].name"), format!("{:?} again", subject.name.as_str()));
            return Err(JsonFault::field(Reason::JsonValue, path, "each name once", found));
        }
    }
    Ok(())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<P> {
    #[serde(rename = "_type")]
    _statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    _predicate_type: String,
    predicate: P,
}

#[derive(serde::Serialize)]
struct Written<'a, P> {
    #[serde(rename = "_type")]
    statement_type: &'static str,
    subject: &'a [Subject],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a P,
}

/// `{"sha256": "…"}` and no other algorithm.
mod digest_set {
    use crate::values::digest::Sha256;
    use serde::{Deserialize as _, Serialize as _};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct DigestSet {
        sha256: Sha256,
    }

    pub(super) fn serialize<S: serde::Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
        DigestSet { sha256: *digest }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        DigestSet::deserialize(deserializer).map(|set| set.sha256)
    }
}

/// Why a payload is not the statement that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// Not strict JSON, or not its fields.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// The envelope holds something else than a statement.
    #[error(transparent)]
    Envelope(#[from] EnvelopeFault),
    /// Another version or another thing than a statement.
    #[error("_type {STATEMENT_TYPE:?} expected, found {found:?}")]
    StatementType {
        /// The type it states.
        found: String,
    },
    /// A document of another kind.
    #[error("predicateType {expected:?} expected, found {found:?}")]
    PredicateType {
        /// The kind asked for.
        expected: &'static str,
        /// The kind it states.
        found: String,
    },
    /// Could not be written as JSON.
    #[error("could not be written: {0}")]
    Unwritable(String),
}

impl StatementFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Json(fault) => fault.reason(),
            Self::Envelope(fault) => fault.reason(),
            Self::StatementType { .. } => Reason::StatementTypeWrong,
            Self::PredicateType { .. } => Reason::PredicateTypeWrong,
            Self::Unwritable(_) => Reason::JsonValue,
        }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self {
            Self::Json(fault) => fault.finding(),
            Self::Envelope(fault) => fault.finding(),
            Self::StatementType { found } => Finding::new(self.reason(), "_type", STATEMENT_TYPE, found),
            Self::PredicateType { expected, found } => Finding::new(self.reason(), "predicateType", *expected, found),
            Self::Unwritable(why) => Finding::new(self.reason(), "", "a writable value", why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Predicate, STATEMENT_TYPE, Statement, StatementFault, Subject, predicate_type_of};
    use crate::documents::envelope::pen::Pen;
    use crate::documents::envelope::{Envelope, pae, seal};
    use crate::values::digest::Sha256;
    use crate::values::ident::Name;
    use crate::values::keys::Signer as _;
    use crate::values::limits::Limits;
    use crate::values::reason::Reason;
    use base64::Engine as _;
    use proptest::prelude::{ProptestConfig, any, proptest};
    use serde_json::{Value, json};

    const LIMITS: Limits = Limits::STANDARD;

    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Release {
        version: u64,
    }

    impl Predicate for Release {
        const TYPE: &'static str = "urn:ecugate:release:v1";
    }

    /// Another kind with the same fields.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Receipt {
        version: u64,
    }

    impl Predicate for Receipt {
        const TYPE: &'static str = "urn:ecugate:receipt:v1";
    }

    fn statement() -> Statement<Release> {
        let subject = Subject { name: Name::new("image.bin").unwrap(), digest: Sha256::of(b"image") };
        Statement { subject: vec![subject], predicate: Release { version: 3 } }
    }

    fn sealed(payload: Vec<u8>) -> Envelope {
        seal(payload, &[(&Pen::ed25519(1), [].as_slice())]).unwrap()
    }

    fn read(envelope: &Envelope) -> Result<Statement<Release>, StatementFault> {
        Statement::read(&envelope.verify_with(Pen::ed25519(1).public_key()).unwrap(), &LIMITS)
    }

    /// What a well-signed statement is refused for when something in it is changed.
    fn refusal(change: impl FnOnce(&mut Value)) -> StatementFault {
        let mut text: Value = serde_json::from_slice(&statement().to_payload().unwrap()).unwrap();
        change(&mut text);
        read(&sealed(text.to_string().into_bytes())).unwrap_err()
    }

    #[test]
    fn the_payload_has_the_form_of_the_specification() {
        let digest = Sha256::of(b"image");
        let expected = format!(
            r#"{{"_type":"{STATEMENT_TYPE}","subject":[{{"name":"image.bin","digest":{{"sha256":"{digest}"}}}}],"predicateType":"urn:ecugate:release:v1","predicate":{{"version":3}}}}"#
        );
        assert_eq!(String::from_utf8(statement().to_payload().unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_verified_statement_is_read() {
        let envelope = sealed(statement().to_payload().unwrap());
        assert_eq!(read(&envelope), Ok(statement()));
        let claimed = Statement::<Release>::read_unverified(&envelope, &LIMITS).unwrap();
        assert_eq!(claimed.unproven(), &statement());
        assert_eq!(predicate_type_of(&envelope, &LIMITS).unwrap(), Release::TYPE);
    }

    /// Attack class 7: a receipt replayed as a manifest, signed by the right key.
    #[test]
    fn attack_07_a_document_of_another_kind_is_refused_by_its_predicate_type() {
        let receipt = Statement { subject: statement().subject, predicate: Receipt { version: 3 } };
        let envelope = sealed(receipt.to_payload().unwrap());
        let fault = read(&envelope).unwrap_err();
        assert_eq!(fault, StatementFault::PredicateType { expected: Release::TYPE, found: Receipt::TYPE.to_owned() });
        assert_eq!(fault.reason(), Reason::PredicateTypeWrong);
        assert_eq!(Statement::<Release>::read_unverified(&envelope, &LIMITS).unwrap_err(), fault);
        for found in ["urn:ecugate:release:v2", "urn:ecugate:RELEASE:v1", "urn:ecugate:release:v1 ", ""] {
            assert_eq!(refusal(|text| text["predicateType"] = json!(found)).reason(), Reason::PredicateTypeWrong);
        }
    }

    /// Attack class 7: the kind is judged before the predicate is, so that no fault of another kind hides it.
    #[test]
    fn attack_07_the_kind_is_judged_before_the_predicate_is_read() {
        let fault = refusal(|text| {
            text["predicateType"] = json!("urn:ecugate:receipt:v1");
            text["predicate"] = json!("not even an object");
            text["extra"] = json!(1);
        });
        assert_eq!(fault.reason(), Reason::PredicateTypeWrong);
        let fault = refusal(|text| {
            text["_type"] = json!("https://in-toto.io/Statement/v0.1");
            text["predicateType"] = json!("urn:ecugate:receipt:v1");
        });
        assert_eq!(fault, StatementFault::StatementType { found: "https://in-toto.io/Statement/v0.1".to_owned() });
        assert_eq!(fault.reason(), Reason::StatementTypeWrong);
    }

    /// Attack class 7: an unverified reading looks at the payload type as well.
    #[test]
    fn attack_07_a_claim_under_another_payload_type_is_refused() {
        let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let payload = statement().to_payload().unwrap();
        let signature = Pen::ed25519(1).sign(&pae("application/json", &payload)).unwrap();
        let text = json!({"payload": base64(&payload), "payloadType": "application/json", "signatures": [{"sig": base64(&signature)}]});
        let envelope = Envelope::parse(text.to_string().as_bytes(), &LIMITS).unwrap();
        let fault = Statement::<Release>::read_unverified(&envelope, &LIMITS).unwrap_err();
        assert_eq!(fault.reason(), Reason::PayloadTypeWrong);
        assert_eq!(predicate_type_of(&envelope, &LIMITS).unwrap_err().reason(), Reason::PayloadTypeWrong);
    }

    /// Attack classes 12 and 13: signed or not, a statement is read strictly.
    #[test]
    fn attack_13_a_statement_with_one_bad_part_is_refused() {
        let digest = Sha256::of(b"image").to_string();
        let subject = |name: &str, digest: Value| json!({"name": name, "digest": digest});
        for (field, value, expected, path) in [
            ("extra", json!(1), Reason::JsonUnknownField, "extra"),
            ("subject", json!([]), Reason::JsonValue, "subject"),
            ("subject", json!([subject("a", json!({}))]), Reason::JsonMissingField, "subject[0].digest"),
            (
                "subject",
                json!([subject("a", json!({"sha512": digest}))]),
                Reason::JsonUnknownField,
                "subject[0].digest.sha512",
            ),
            (
                "subject",
                json!([subject("a", json!({"sha256": digest.to_uppercase()}))]),
                Reason::JsonValue,
                "subject[0].digest.sha256",
            ),
            ("subject", json!([subject("", json!({"sha256": digest}))]), Reason::JsonValue, "subject[0].name"),
            (
                "subject",
                json!([subject("a", json!({"sha256": digest})), subject("a", json!({"sha256": digest}))]),
                Reason::JsonValue,
                "subject[1].name",
            ),
            ("subject", json!({"name": "a"}), Reason::JsonWrongType, "subject"),
            ("predicate", json!({}), Reason::JsonMissingField, "predicate"),
            ("predicate", json!([3]), Reason::JsonWrongType, "predicate"),
            ("predicate", json!({"version": 3, "x": 0}), Reason::JsonUnknownField, "predicate.x"),
            ("predicate", json!({"version": -3}), Reason::JsonValue, "predicate.version"),
            ("predicate", json!(null), Reason::JsonWrongType, "predicate"),
            ("predicateType", json!(1), Reason::JsonWrongType, "predicateType"),
            ("_type", json!(null), Reason::JsonWrongType, "_type"),
        ] {
            let fault = refusal(|text| text[field] = value.clone());
            assert_eq!((fault.reason(), fault.finding().place.as_str()), (expected, path), "{value}: {fault}");
        }
        for field in ["_type", "subject", "predicateType", "predicate"] {
            let fault = refusal(|text| drop(text.as_object_mut().unwrap().remove(field)));
            assert_eq!(fault.reason(), Reason::JsonMissingField, "{field}");
        }
        assert_eq!(read(&sealed(b"[]".to_vec())).unwrap_err().reason(), Reason::JsonWrongType);
        let twice = String::from_utf8(statement().to_payload().unwrap()).unwrap();
        let twice = twice.replace(r#""version":3"#, r#""version":3,"version":4"#);
        assert_eq!(read(&sealed(twice.into_bytes())).unwrap_err().reason(), Reason::JsonDuplicateKey);
    }

    #[test]
    fn what_a_statement_is_about_is_read_as_strictly_whatever_its_kind() {
        let about = |payload: &[u8]| {
            let envelope = sealed(payload.to_vec());
            About::read(&envelope.verify_with(Pen::ed25519(1).public_key()).unwrap(), &LIMITS)
        };
        let text = String::from_utf8(statement().to_payload().unwrap()).unwrap();
        let foreign =
            text.replace(Release::TYPE, "https://slsa.dev/provenance/v1").replace(r#"{"version":3}"#, "[null]");
        let read = about(foreign.as_bytes()).unwrap();
        assert_eq!(read.predicate_type, "https://slsa.dev/provenance/v1");
        assert_eq!(read.subject, statement().subject);
        for (from, to, reason) in [
            ("Statement/v1", "Statement/v0.1", Reason::StatementTypeWrong),
            (r#""predicate":"#, r#""extra":1,"predicate":"#, Reason::JsonUnknownField),
            (r#""predicate":{"version":3}"#, r#""x":0"#, Reason::JsonUnknownField),
            (r#","predicate":{"version":3}"#, "", Reason::JsonMissingField),
            (r#""version":3"#, r#""version":3,"version":3"#, Reason::JsonDuplicateKey),
            ("sha256", "sha512", Reason::JsonUnknownField),
        ] {
            assert_eq!(about(text.replace(from, to).as_bytes()).unwrap_err().reason(), reason, "{to}");
        }
    }

    #[test]
    fn what_no_reader_would_take_is_not_written() {
        let nothing = Statement { subject: Vec::new(), predicate: Release { version: 3 } };
        assert_eq!(nothing.to_payload().unwrap_err().reason(), Reason::JsonValue);
        let large = Statement { subject: statement().subject, predicate: Release { version: 1 << 53 } };
        assert_eq!(large.to_payload().unwrap_err().reason(), Reason::JsonNumber);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_statement_reads_back_as_written(names in proptest::collection::btree_set("[!-~]{1,20}", 1..5), version in 0..1_u64 << 53) {
            let subject = names.into_iter().map(|name| Subject { digest: Sha256::of(name.as_bytes()), name: Name::new(name).unwrap() });
            let statement = Statement { subject: subject.collect(), predicate: Release { version } };
            assert_eq!(read(&sealed(statement.to_payload().unwrap())), Ok(statement));
        }

        /// Attack class 14.
        #[test]
        fn attack_14_an_arbitrary_payload_is_never_a_panic(payload in proptest::collection::vec(any::<u8>(), 1..200)) {
            let envelope = sealed(payload);
            assert!(read(&envelope).is_err());
            assert!(predicate_type_of(&envelope, &LIMITS).is_err());
        }
    }
}
