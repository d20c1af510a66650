//! Makes certificates and CRLs for tests: good ones by default, and every fault by one field.
//!
//! Included with `#[path]` where it is needed; not every includer uses everything.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints,
    PublicKeyData, SanType, SerialNumber, SigningKey as _,
};
use std::sync::Arc;
use x509_parser::prelude::FromDer as _;

/// The time at which everything made by default is valid: 2026-06-01T00:00:00Z, in seconds since 1970.
pub const AT: u64 = 1_780_272_000;
/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// What a leaf is for by default: the purpose of release manifests (`values::ident::purpose::RELEASE`).
pub const RELEASE: &[u64] =
    &[1, 2, 840, 113_556, 1, 8000, 2554, 31_775, 27_966, 21_160, 19_209, 40_548, 13_677_477, 16_260_135, 1];

/// The kind of key that a party has.
#[derive(Clone, Debug)]
pub enum Kind {
    Ed25519,
    P256,
    P384,
    /// An RSA key in PKCS#8 PEM: there is nobody here who could make one.
    Rsa(String),
}

impl Kind {
    pub fn key(&self) -> KeyPair {
        match self {
            Self::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            Self::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            Self::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
            Self::Rsa(pem) => KeyPair::from_pkcs8_pem_and_sign_algo(pem, &rcgen::PKCS_RSA_SHA256).unwrap(),
        }
    }
}

/// What a certificate says. The constructors give good ones; a test changes what it is about.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    /// Also in the subject, where it is not empty.
    pub organization: String,
    pub kind: Kind,
    pub serial: u64,
    /// Seconds since 1970.
    pub not_before: u64,
    pub not_after: u64,
    pub is_ca: IsCa,
    pub usages: Vec<KeyUsagePurpose>,
    pub purposes: Vec<Vec<u64>>,
    pub dns_names: Vec<String>,
    /// `(permitted, excluded)` DNS names.
    pub dns_constraints: Option<(Vec<String>, Vec<String>)>,
    pub distribution_points: Vec<String>,
    /// OID, critical, contents.
    pub extensions: Vec<(Vec<u64>, bool, Vec<u8>)>,
    pub authority_key_id: bool,
    /// The subject key identifier, where it is not the digest of the key.
    pub key_id: Option<Vec<u8>>,
}

impl Spec {
    /// A CA, valid from 2020 to 2040.
    pub fn ca(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            organization: String::new(),
            kind: Kind::Ed25519,
            serial: 1,
            not_before: AT - 2_000 * DAY,
            not_after: AT + 5_000 * DAY,
            is_ca: IsCa::Ca(BasicConstraints::Unconstrained),
            usages: vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            purposes: Vec::new(),
            dns_names: Vec::new(),
            dns_constraints: None,
            distribution_points: Vec::new(),
            extensions: Vec::new(),
            authority_key_id: true,
            key_id: None,
        }
    }

    /// A signer of release manifests, valid for a year.
    pub fn leaf(name: &str) -> Self {
        Self {
            serial: 100,
            not_before: AT - 100 * DAY,
            not_after: AT + 265 * DAY,
            is_ca: IsCa::ExplicitNoCa,
            usages: vec![KeyUsagePurpose::DigitalSignature],
            purposes: vec![RELEASE.to_vec()],
            ..Self::ca(name)
        }
    }

    /// The same with one change: `Spec::leaf("x").with(|s| s.serial = 7)`.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if !self.organization.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, self.organization.as_str());
        }
        params.distinguished_name.push(DnType::CommonName, self.name.as_str());
        params.serial_number = Some(SerialNumber::from(self.serial));
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(self.not_before);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(self.not_after);
        params.is_ca = self.is_ca;
        params.key_usages.clone_from(&self.usages);
        params.extended_key_usages =
            self.purposes.iter().map(|oid| ExtendedKeyUsagePurpose::Other(oid.clone())).collect();
        params.subject_alt_names =
            self.dns_names.iter().map(|name| SanType::DnsName(name.as_str().try_into().unwrap())).collect();
        params.name_constraints = self.dns_constraints.as_ref().map(|(permitted, excluded)| NameConstraints {
            permitted_subtrees: permitted.iter().cloned().map(GeneralSubtree::DnsName).collect(),
            excluded_subtrees: excluded.iter().cloned().map(GeneralSubtree::DnsName).collect(),
        });
        params.crl_distribution_points =
            self.distribution_points.iter().map(|uri| CrlDistributionPoint { uris: vec![uri.clone()] }).collect();
        params.custom_extensions = self
            .extensions
            .iter()
            .map(|(oid, critical, contents)| {
                let mut extension = CustomExtension::from_oid_content(oid, contents.clone());
                extension.set_criticality(*critical);
                extension
            })
            .collect();
        params.use_authority_key_identifier_extension = self.authority_key_id;
        if let Some(id) = &self.key_id {
            params.key_identifier_method = KeyIdMethod::PreSpecified(id.clone());
        }
        params
    }
}

/// Somebody with a key and a certificate.
#[derive(Clone, Debug)]
pub struct Party {
    pub spec: Spec,
    pub der: Vec<u8>,
    pub key: Arc<KeyPair>,
}

impl Party {
    /// A self-signed certificate with a new key.
    pub fn root(spec: Spec) -> Self {
        let key = Arc::new(spec.kind.key());
        let der = spec.params().self_signed(&*key).unwrap().der().to_vec();
        Self { spec, der, key }
    }

    /// A certificate with a new key, signed by this party.
    pub fn issue(&self, spec: Spec) -> Self {
        let key = Arc::new(spec.kind.key());
        self.certify(spec, &key)
    }

    /// A certificate for a key that is there already: cross-signing.
    pub fn certify(&self, spec: Spec, key: &Arc<KeyPair>) -> Self {
        let der = self.certify_key(&spec, &**key);
        Self { spec, der, key: Arc::clone(key) }
    }

    /// A certificate for a key of which only the public half is there.
    pub fn certify_key(&self, spec: &Spec, key: &impl PublicKeyData) -> Vec<u8> {
        let params = self.spec.params();
        spec.params().signed_by(key, &Issuer::from_params(&params, &*self.key)).unwrap().der().to_vec()
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).unwrap()
    }

    /// The key identifier that its certificate states.
    pub fn key_id(&self) -> Vec<u8> {
        self.spec.params().key_identifier(&*self.key)
    }

    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// A CRL of this party.
    pub fn crl(&self, list: &List) -> Vec<u8> {
        let name = subject_of(&self.der);
        let algorithm = self.signature_algorithm();
        let mut revoked = Vec::new();
        for serial in &list.revoked {
            let mut entry = [integer(*serial), time(AT - 10 * DAY)].concat();
            if let Some((oid, critical)) = &list.entry_extension {
                entry.extend(tlv(0x30, &extension(oid, *critical, &[5, 0])));
            }
            revoked.extend(tlv(0x30, &entry));
        }
        let mut extensions = Vec::new();
        for (oid, critical, contents) in &list.extensions {
            extensions.extend(extension(oid, *critical, contents));
        }
        if let Some(number) = list.number {
            extensions.extend(extension(&[2, 5, 29, 20], false, &integer(number)));
        }
        if list.authority_key_id {
            let id = tlv(0x30, &tlv(0x80, &self.key_id()));
            extensions.extend(extension(&[2, 5, 29, 35], false, &id));
        }
        let mut tbs = [integer(1), algorithm.clone(), name, time(list.this_update)].concat();
        if let Some(next) = list.next_update {
            tbs.extend(time(next));
        }
        if !revoked.is_empty() {
            tbs.extend(tlv(0x30, &revoked));
        }
        tbs.extend(tlv(0xa0, &tlv(0x30, &extensions)));
        let tbs = tlv(0x30, &tbs);
        let signature = self.sign(&tbs);
        tlv(0x30, &[tbs, algorithm, tlv(0x03, &[&[0], &signature[..]].concat())].concat())
    }

    fn signature_algorithm(&self) -> Vec<u8> {
        match self.spec.kind {
            Kind::Ed25519 => tlv(0x30, &oid(&[1, 3, 101, 112])),
            Kind::P256 => tlv(0x30, &oid(&[1, 2, 840, 10045, 4, 3, 2])),
            Kind::P384 => tlv(0x30, &oid(&[1, 2, 840, 10045, 4, 3, 3])),
            Kind::Rsa(_) => tlv(0x30, &[oid(&[1, 2, 840, 113_549, 1, 1, 11]), vec![5, 0]].concat()),
        }
    }
}

/// What a CRL says; by default one that revokes nobody, made yesterday, valid for a month.
#[derive(Clone, Debug)]
pub struct List {
    pub this_update: u64,
    pub next_update: Option<u64>,
    pub number: Option<u64>,
    pub revoked: Vec<u64>,
    pub extensions: Vec<(Vec<u64>, bool, Vec<u8>)>,
    pub entry_extension: Option<(Vec<u64>, bool)>,
    pub authority_key_id: bool,
}

impl Default for List {
    fn default() -> Self {
        Self {
            this_update: AT - DAY,
            next_update: Some(AT + 30 * DAY),
            number: Some(7),
            revoked: Vec::new(),
            extensions: Vec::new(),
            entry_extension: None,
            authority_key_id: true,
        }
    }
}

impl List {
    pub fn revoking(serial: u64) -> Self {
        Self { revoked: vec![serial], ..Self::default() }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A public key without its private half, for `Party::certify_key`: an RSA key by its RFC 8017 `RSAPublicKey`.
#[derive(Clone, Debug)]
pub struct RsaKey(pub Vec<u8>);

impl RsaKey {
    /// Of a modulus of this many bits. Nobody knows its factors, and it verifies nothing.
    pub fn of_bits(bits: usize) -> Self {
        let mut modulus = vec![0_u8; bits / 8 + 1];
        modulus[1] = 0xc1;
        modulus[bits / 8] = 0x0b;
        Self(tlv(0x30, &[tlv(0x02, &modulus), integer(65_537)].concat()))
    }
}

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// `-----BEGIN label-----` and so on (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The same certificate or CRL with the last bit of its signature changed.
pub fn broken(der: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    // The third last byte: still a number below the order for ECDSA and Ed25519.
    let at = der.len() - 3;
    der[at] ^= 1;
    der
}

/// The DER subject of a certificate.
pub fn subject_of(der: &[u8]) -> Vec<u8> {
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(der).unwrap();
    certificate.subject().as_raw().to_vec()
}

/// One DER element.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match contents.len() {
        length @ 0..=0x7f => out.push(u8::try_from(length).unwrap()),
        length => {
            let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(0x80 | u8::try_from(octets.len()).unwrap());
            out.extend(octets);
        }
    }
    out.extend(contents);
    out
}

/// A DER INTEGER that is not negative.
pub fn integer(value: u64) -> Vec<u8> {
    let mut octets: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    if octets.first().is_none_or(|octet| octet & 0x80 != 0) {
        octets.insert(0, 0);
    }
    tlv(0x02, &octets)
}

/// A DER OBJECT IDENTIFIER.
pub fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut contents = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let digits = (1..10).find(|digits| arc >> (7 * digits) == 0).unwrap();
        contents.extend(
            (0..digits)
                .rev()
                .map(|at| u8::try_from((arc >> (7 * at)) & 0x7f).unwrap() | if at == 0 { 0 } else { 0x80 }),
        );
    }
    tlv(0x06, &contents)
}

/// A DER UTCTime of seconds since 1970.
pub fn time(seconds: u64) -> Vec<u8> {
    let text = utc(seconds);
    tlv(0x17, &text.as_bytes()[2..])
}

/// `YYYYMMDDHHMMSSZ` of seconds since 1970.
pub fn utc(seconds: u64) -> String {
    let (days, second) = (i64::try_from(seconds / DAY).unwrap(), seconds % DAY);
    // Days to a civil date: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

fn extension(arcs: &[u64], critical: bool, contents: &[u8]) -> Vec<u8> {
    let mut fields = oid(arcs);
    if critical {
        fields.extend([1, 1, 0xff]);
    }
    fields.extend(tlv(0x04, contents));
    tlv(0x30, &fields)
}

/// The same certificate under another signature algorithm (a DER AlgorithmIdentifier) and signature.
pub fn resigned(der: &[u8], algorithm: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (certificate, _) = split(der);
    let (tbs, _) = split(certificate);
    let version = tbs.len() - split(tbs).1.len();
    let after_version = &tbs[version..];
    let serial = after_version.len() - split(after_version).1.len();
    let after_algorithm = split(&after_version[serial..]).1;
    let tbs = tlv(0x30, &[&tbs[..version + serial], algorithm, after_algorithm].concat());
    let signature = sign(&tbs);
    tlv(0x30, &[tbs, algorithm.to_vec(), tlv(0x03, &[&[0], &signature[..]].concat())].concat())
}

/// The contents of the first DER element, and what follows it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, begin) = match bytes[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        long => {
            let digits = usize::from(long & 0x7f);
            (bytes[2..2 + digits].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + digits)
        }
    };
    (&bytes[begin..begin + length], &bytes[begin + length..])
}
