//! Chains for the oracle: good ones of several lengths and algorithms, and every fault alone and in pairs.

use super::pki::{AT, DAY, Kind, List, Party, RsaKey, Spec, broken, integer, oid, resigned, tlv, utc};
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// One question, in DER.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) faults: Vec<&'static str>,
    pub(super) leaf: Vec<u8>,
    pub(super) bag: Vec<Vec<u8>>,
    pub(super) anchors: Vec<Vec<u8>>,
    pub(super) crls: Vec<Vec<u8>>,
}

/// What is going to be made. Position 0 is the root, `cas` follow downwards.
struct Plan {
    specs: Vec<Spec>,
    leaf: Spec,
    lists: Vec<(usize, List)>,
    weak_leaf: bool,
    after: Vec<fn(&mut Made)>,
}

/// What was made, for faults that stand outside of a certificate.
struct Made {
    issuers: Vec<Party>,
    case: Case,
}

impl Plan {
    /// The issuer of the leaf.
    fn ca(&mut self) -> &mut Spec {
        self.specs.last_mut().expect("a root at least")
    }

    fn root(&mut self) -> &mut Spec {
        &mut self.specs[0]
    }

    /// The list of the leaf's issuer.
    fn list(&mut self) -> &mut List {
        let lowest = self.specs.len() - 1;
        &mut self.lists.iter_mut().find(|(issuer, _)| *issuer == lowest).expect("its list").1
    }

    fn make(self, name: String, faults: Vec<&'static str>) -> Case {
        let mut issuers: Vec<Party> = Vec::new();
        for spec in self.specs {
            let next = match issuers.last() {
                Some(issuer) => issuer.issue(spec),
                None => Party::root(spec),
            };
            issuers.push(next);
        }
        let lowest = issuers.last().expect("a root");
        let leaf = if self.weak_leaf {
            lowest.certify_key(&self.leaf, &RsaKey::of_bits(1_024))
        } else {
            lowest.issue(self.leaf).der
        };
        let case = Case {
            name,
            faults,
            leaf,
            bag: issuers[1..].iter().map(|party| party.der.clone()).collect(),
            anchors: vec![issuers[0].der.clone()],
            crls: self.lists.iter().map(|(issuer, list)| issuers[*issuer].crl(list)).collect(),
        };
        let mut made = Made { issuers, case };
        for change in self.after {
            change(&mut made);
        }
        made.case
    }
}

/// A chain without a fault. `kind` gives each position its key; the leaf has position `length + 1`.
fn good(length: usize, kind: Keys<'_>) -> Plan {
    let ca = |position: usize| {
        Spec::ca(&format!("CA {position}")).with(|s| (s.serial, s.kind) = (position as u64 + 1, kind(position)))
    };
    Plan {
        specs: (0..=length).map(ca).collect(),
        leaf: Spec::leaf("Leaf").with(|s| s.kind = kind(length + 1)),
        lists: (0..=length).map(|issuer| (issuer, List::default())).collect(),
        weak_leaf: false,
        after: Vec::new(),
    }
}

/// The kind of key of each position.
type Keys<'a> = &'a dyn Fn(usize) -> Kind;

/// A name, and what it does to a good chain.
type Fault = (&'static str, fn(&mut Plan));

/// Every which pair of faults is judged in an ordinary run. All of them take a minute: `ECUGATE_ORACLE_PAIRS=1`.
const PAIRS: usize = 4;

/// All cases. `None` where `openssl` cannot make the RSA keys.
pub(super) fn all() -> Option<Vec<Case>> {
    let (rsa_2048, rsa_3072) = (rsa_keys(2_048)?, rsa_keys(3_072)?);
    let rsa = |keys: &[String; 3], position: usize| Kind::Rsa(keys[position % 3].clone());
    let mixed = |position: usize| match position {
        0 => rsa(&rsa_3072, 0),
        1 => Kind::P384,
        2 => Kind::Ed25519,
        _ => Kind::P256,
    };
    let mut cases = Vec::new();
    let elliptic: [(&str, Kind); 3] = [("ed25519", Kind::Ed25519), ("p256", Kind::P256), ("p384", Kind::P384)];
    for length in 0..=3 {
        for (name, kind) in &elliptic {
            cases.push(good(length, &|_| kind.clone()).make(format!("good {name} {length}"), Vec::new()));
        }
        cases.push(good(length, &mixed).make(format!("good mixed {length}"), Vec::new()));
    }
    for length in 0..=1 {
        for (name, keys) in [("rsa-2048", &rsa_2048), ("rsa-3072", &rsa_3072)] {
            cases.push(good(length, &|at| rsa(keys, at)).make(format!("good {name} {length}"), Vec::new()));
        }
    }
    let faults: Vec<Fault> =
        leaf_faults().into_iter().chain(issuer_faults()).chain(list_faults()).chain(bag_faults()).collect();
    let kinds: [(&str, usize, Keys<'_>); 4] = [
        ("ed25519", 1, &|_| Kind::Ed25519),
        ("p256", 2, &|_| Kind::P256),
        ("rsa-2048", 1, &|at| rsa(&rsa_2048, at)),
        ("mixed", 3, &mixed),
    ];
    for (kind, length, key) in kinds {
        for (name, fault) in &faults {
            let mut plan = good(length, key);
            fault(&mut plan);
            cases.push(plan.make(format!("{name} ({kind} {length})"), vec![name]));
        }
    }
    let pairs = faults.iter().enumerate().flat_map(|(at, one)| faults[at + 1..].iter().map(move |other| (one, other)));
    let every = std::env::var("ECUGATE_ORACLE_PAIRS").ok().and_then(|every| every.parse().ok()).unwrap_or(PAIRS);
    for ((one, first), (other, second)) in pairs.step_by(every) {
        let mut plan = good(2, &|_| Kind::P256);
        first(&mut plan);
        second(&mut plan);
        cases.push(plan.make(format!("{one} + {other}"), vec![one, other]));
    }
    cases.push(weak_signature(&rsa_2048));
    Some(cases)
}

/// Somebody else under the same name, with an own key.
fn namesake(party: &Party) -> Party {
    Party::root(party.spec.clone().with(|s| s.kind = Kind::P256))
}

const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 1];

fn unknown_critical(spec: &mut Spec) {
    spec.extensions.push((UNKNOWN.to_vec(), true, vec![5, 0]));
}

fn leaf_faults() -> Vec<Fault> {
    vec![
        ("leaf-expired", |p| p.leaf.not_after = AT - 1),
        ("leaf-early", |p| p.leaf.not_before = AT + 1),
        ("leaf-no-purpose", |p| p.leaf.purposes.clear()),
        ("leaf-any-purpose", |p| p.leaf.purposes = vec![vec![2, 5, 29, 37, 0]]),
        ("leaf-other-purpose", |p| p.leaf.purposes = vec![vec![1, 3, 6, 1, 5, 5, 7, 3, 3]]),
        ("leaf-large-arc", |p| p.leaf.purposes.push(vec![2, 25, 1 << 40])),
        ("leaf-is-ca", |p| {
            p.leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            p.leaf.usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        }),
        ("leaf-no-usage", |p| p.leaf.usages.clear()),
        ("leaf-other-usage", |p| p.leaf.usages = vec![KeyUsagePurpose::KeyAgreement]),
        ("leaf-unknown-critical", |p| unknown_critical(&mut p.leaf)),
        ("leaf-key-window", |p| {
            let window = tlv(0x30, &tlv(0x81, utc(AT - 1).as_bytes()));
            p.leaf.extensions.push((vec![2, 5, 29, 16], false, window));
        }),
        ("leaf-weak-key", |p| p.weak_leaf = true),
        ("leaf-no-check", |p| p.leaf.extensions.push((vec![1, 3, 6, 1, 5, 5, 7, 48, 1, 5], false, vec![5, 0]))),
        ("leaf-broken", |p| p.after.push(|m| m.case.leaf = broken(&m.case.leaf))),
        ("leaf-of-a-namesake", |p| {
            p.after.push(|m| {
                let namesake = namesake(m.issuers.last().expect("a root"));
                m.case.leaf = namesake.issue(Spec::leaf("Leaf")).der;
            });
        }),
        ("leaf-has-anchor-key", |p| {
            p.after.push(|m| {
                let (root, lowest) = (&m.issuers[0], m.issuers.last().expect("a root"));
                m.case.leaf = lowest.certify(Spec::leaf("Leaf"), &Arc::clone(&root.key)).der;
            });
        }),
        ("leaf-name-forbidden", |p| {
            p.ca().dns_constraints = Some((vec!["maker.example".to_owned()], Vec::new()));
            p.leaf.dns_names = vec!["other.example".to_owned()];
        }),
        ("leaf-name-permitted", |p| {
            p.ca().dns_constraints = Some((vec!["maker.example".to_owned()], Vec::new()));
            p.leaf.dns_names = vec!["a.maker.example".to_owned()];
        }),
    ]
}

fn issuer_faults() -> Vec<Fault> {
    vec![
        ("ca-expired", |p| p.ca().not_after = AT - 1),
        ("ca-early", |p| p.ca().not_before = AT + 1),
        ("ca-flag-false", |p| p.ca().is_ca = IsCa::ExplicitNoCa),
        ("ca-flag-absent", |p| p.ca().is_ca = IsCa::NoCa),
        ("ca-no-usage", |p| p.ca().usages.clear()),
        ("ca-no-certificate-sign", |p| p.ca().usages = vec![KeyUsagePurpose::CrlSign]),
        ("ca-no-crl-sign", |p| p.ca().usages = vec![KeyUsagePurpose::KeyCertSign]),
        ("ca-unknown-critical", |p| unknown_critical(p.ca())),
        ("ca-other-purpose", |p| p.ca().purposes = vec![vec![1, 3, 6, 1, 5, 5, 7, 3, 3]]),
        ("ca-broken", |p| p.after.push(|m| m.case.bag.last_mut().into_iter().for_each(|ca| *ca = broken(ca)))),
        ("ca-absent", |p| p.after.push(|m| drop(m.case.bag.pop()))),
        ("root-allows-no-ca", |p| p.root().is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
        ("root-expired", |p| p.root().not_after = AT - 1),
        ("root-early", |p| p.root().not_before = AT + 1),
        ("root-flag-false", |p| p.root().is_ca = IsCa::ExplicitNoCa),
        ("root-no-certificate-sign", |p| p.root().usages = vec![KeyUsagePurpose::CrlSign]),
        ("root-in-bag-only", |p| {
            p.after.push(|m| {
                m.case.bag.append(&mut m.case.anchors);
                m.case.anchors = vec![Party::root(Spec::ca("Somebody")).der];
            });
        }),
        ("root-namesake", |p| p.after.push(|m| m.case.anchors = vec![namesake(&m.issuers[0]).der])),
    ]
}

fn point(list: &mut List, flags: &[u8]) {
    list.extensions.retain(|(oid, ..)| oid[..] != [2, 5, 29, 28]);
    list.extensions.push((vec![2, 5, 29, 28], true, tlv(0x30, flags)));
}

/// `fullName` of one URI, as IssuingDistributionPoint, CRLDistributionPoints and FreshestCRL have it.
fn full_name(uri: &str) -> Vec<u8> {
    tlv(0xa0, &tlv(0xa0, &tlv(0x86, uri.as_bytes())))
}

fn list_faults() -> Vec<Fault> {
    vec![
        ("crl-absent", |p| p.after.push(|m| drop(m.case.crls.pop()))),
        ("crl-of-root-absent", |p| p.lists.retain(|(issuer, _)| *issuer != 0)),
        ("crl-stale", |p| p.list().next_update = Some(AT - 1)),
        ("crl-future", |p| p.list().this_update = AT + 1),
        ("crl-endless", |p| p.list().next_update = None),
        ("crl-without-number", |p| p.list().number = None),
        ("crl-broken", |p| p.after.push(|m| m.case.crls.last_mut().into_iter().for_each(|crl| *crl = broken(crl)))),
        ("crl-of-a-namesake", |p| {
            p.after.push(|m| {
                let namesake = namesake(m.issuers.last().expect("a root"));
                m.case.crls.pop();
                m.case.crls.push(namesake.crl(&List::default()));
            });
        }),
        ("crl-unknown-critical", |p| p.list().extensions.push((UNKNOWN.to_vec(), true, vec![5, 0]))),
        ("crl-entry-unknown-critical", |p| {
            (p.list().revoked, p.list().entry_extension) = (vec![55], Some((UNKNOWN.to_vec(), true)));
        }),
        ("crl-delta", |p| p.list().extensions.push((vec![2, 5, 29, 27], true, integer(6)))),
        ("crl-beside-a-delta", |p| {
            let delta =
                List { number: Some(8), extensions: vec![(vec![2, 5, 29, 27], true, integer(6))], ..List::default() };
            p.lists.push((p.specs.len() - 1, delta));
        }),
        ("crl-names-a-delta", |p| {
            let points = tlv(0x30, &tlv(0x30, &full_name("http://crl.example/delta")));
            p.list().extensions.push((vec![2, 5, 29, 46], false, points));
        }),
        ("crl-of-cas-only", |p| point(p.list(), &tlv(0x82, &[0xff]))),
        ("crl-of-users-only", |p| point(p.list(), &tlv(0x81, &[0xff]))),
        ("crl-of-attributes-only", |p| point(p.list(), &tlv(0x85, &[0xff]))),
        ("crl-of-some-reasons", |p| point(p.list(), &tlv(0x83, &[6, 0x40]))),
        ("crl-indirect", |p| point(p.list(), &tlv(0x84, &[0xff]))),
        ("crl-of-another-point", |p| point(p.list(), &full_name("http://crl.example/other"))),
        ("crl-of-the-same-point", |p| {
            p.leaf.distribution_points = vec!["http://crl.example/one".to_owned()];
            point(p.list(), &full_name("http://crl.example/one"));
        }),
        ("leaf-revoked", |p| p.list().revoked = vec![100]),
        ("ca-revoked", |p| {
            let serial = p.ca().serial;
            p.lists.iter_mut().for_each(|(_, list)| list.revoked.push(serial));
        }),
        ("older-clean-crl", |p| {
            p.list().revoked = vec![100];
            let older = List { this_update: AT - 5 * DAY, number: Some(6), ..List::default() };
            p.lists.insert(0, (p.specs.len() - 1, older));
        }),
        ("older-revoking-crl", |p| {
            let older = List { this_update: AT - 5 * DAY, number: Some(6), ..List::revoking(100) };
            p.lists.insert(0, (p.specs.len() - 1, older));
        }),
    ]
}

fn bag_faults() -> Vec<Fault> {
    vec![
        ("decoy-namesake", |p| {
            p.after.push(|m| {
                let namesake = namesake(m.issuers.last().expect("a root"));
                m.case.bag.insert(0, namesake.der);
            });
        }),
        ("decoy-same-key-id", |p| {
            p.after.push(|m| {
                let lowest = m.issuers.last().expect("a root");
                let same = |s: &mut Spec| (s.key_id, s.kind) = (Some(lowest.key_id()), Kind::P256);
                m.case.bag.insert(0, Party::root(lowest.spec.clone().with(same)).der);
            });
        }),
        ("decoy-self-signed", |p| {
            p.after.push(|m| {
                let lowest = m.issuers.last().expect("a root");
                m.case.bag.insert(0, lowest.certify(lowest.spec.clone(), &lowest.key).der);
            });
        }),
        ("decoy-cross-signed", |p| {
            p.after.push(|m| {
                let (lowest, other) = (m.issuers.last().expect("a root"), Party::root(Spec::ca("Elsewhere")));
                m.case.bag.insert(0, other.certify(lowest.spec.clone(), &lowest.key).der);
                m.case.bag.insert(0, other.der);
            });
        }),
        ("decoy-expired-twin", |p| {
            p.after.push(|m| {
                let [.., above, lowest] = &m.issuers[..] else { return };
                let twin = lowest.spec.clone().with(|s| s.not_after = AT - 1);
                m.case.bag.insert(0, above.certify(twin, &lowest.key).der);
            });
        }),
        ("anchor-cross-signed", |p| {
            p.after.push(|m| {
                let lowest = m.issuers.last().expect("a root");
                let other = Party::root(Spec::ca("Second root"));
                m.case.bag.push(other.certify(lowest.spec.clone().with(|s| s.serial = 50), &lowest.key).der);
                m.case.crls.push(other.crl(&List::default()));
                m.case.anchors.push(other.der);
            });
        }),
    ]
}

/// A leaf whose signature is right, and over SHA-1.
fn weak_signature(keys: &[String; 3]) -> Case {
    let mut case = good(1, &|at| Kind::Rsa(keys[at % 3].clone())).make("leaf-sha-1".to_owned(), vec!["leaf-sha-1"]);
    let algorithm = tlv(0x30, &[oid(&[1, 2, 840, 113_549, 1, 1, 5]), vec![5, 0]].concat());
    case.leaf = resigned(&case.leaf, &algorithm, |tbs| {
        let folder = tempfile::tempdir().expect("a folder");
        let (key, message) = (folder.path().join("key"), folder.path().join("message"));
        std::fs::write(&key, &keys[1]).expect("a file");
        std::fs::write(&message, tbs).expect("a file");
        let output = Command::new("openssl").args(["dgst", "-sha1", "-sign"]).args([key, message]).output();
        output.expect("openssl runs").stdout
    });
    case
}

fn rsa_keys(bits: usize) -> Option<[String; 3]> {
    let key = || {
        let size = format!("rsa_keygen_bits:{bits}");
        let output = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &size])
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then_some(String::from_utf8(output.stdout).ok()?)
    };
    Some([key()?, key()?, key()?])
}
