use super::{PathFault, PathOptions, Purpose, Revocation, ValidPath, find_path};
use crate::pki::{AT, List, Party, Spec};
use crate::syntax::certificate::Certificate;
use crate::syntax::crl::Crl;
use crate::values::ident::purpose;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;

mod attacks;
mod bags;
mod revocation;

/// A question with the answers that receiving would give: release manifests, revocation of the whole chain.
struct Ask {
    leaf: Vec<u8>,
    bag: Vec<Vec<u8>>,
    anchors: Vec<Vec<u8>>,
    crls: Vec<Vec<u8>>,
    at: u64,
    most: Option<usize>,
    purpose: Purpose<'static>,
    revocation: Revocation,
    limits: Limits,
}

impl Ask {
    fn new(leaf: &Party, bag: &[&Party], anchors: &[&Party]) -> Self {
        Self {
            leaf: leaf.der.clone(),
            bag: ders(bag),
            anchors: ders(anchors),
            crls: bag.iter().chain(anchors).map(|party| party.crl(&List::default())).collect(),
            at: AT,
            most: None,
            purpose: Purpose::Oid(purpose::RELEASE),
            revocation: Revocation::Chain,
            limits: Limits::STANDARD,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn find(&self) -> Result<ValidPath, PathFault> {
        self.try_find().expect("certificates and lists that can be read")
    }

    /// `None` where something cannot even be read.
    fn try_find(&self) -> Option<Result<ValidPath, PathFault>> {
        let read = |der: &Vec<u8>| Certificate::from_der(der, &self.limits).ok();
        let leaf = read(&self.leaf)?;
        let bag = self.bag.iter().map(read).collect::<Option<Vec<Certificate>>>()?;
        let anchors = self.anchors.iter().map(read).collect::<Option<Vec<Certificate>>>()?;
        let crls = self.crls.iter().map(|der| Crl::from_der(der, &self.limits).ok()).collect::<Option<Vec<Crl>>>()?;
        let options = PathOptions {
            at: seconds(self.at),
            max_intermediates: self.most,
            purpose: self.purpose,
            revocation: self.revocation,
            limits: &self.limits,
        };
        Some(find_path(&leaf, &bag, &anchors, &crls, &options))
    }

    fn is_accepted(&self) -> bool {
        self.try_find().is_some_and(|outcome| outcome.is_ok())
    }

    /// The reason of the refusal and the certificate that it names.
    fn refusal(&self) -> (Reason, String) {
        match self.find() {
            Ok(path) => panic!("a path of {} intermediates was found", path.intermediates().len()),
            Err(fault) => (fault.reason(), fault.certificate().to_owned()),
        }
    }
}

fn seconds(seconds: u64) -> Time {
    Time::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

fn ders(parties: &[&Party]) -> Vec<Vec<u8>> {
    parties.iter().map(|party| party.der.clone()).collect()
}

fn refused(reason: Reason, name: &str) -> (Reason, String) {
    (reason, format!("CN={name}"))
}

/// A root, a CA below it, a release signer below that.
fn three() -> (Party, Party, Party) {
    let root = Party::root(Spec::ca("Root"));
    let ca = root.issue(Spec::ca("CA").with(|s| s.serial = 2));
    let leaf = ca.issue(Spec::leaf("Leaf"));
    (root, ca, leaf)
}

#[test]
fn a_good_path_hands_out_the_certificates_and_lists_it_was_validated_with() {
    let (root, ca, leaf) = three();
    let path = Ask::new(&leaf, &[&ca], &[&root]).find().unwrap();
    assert_eq!(path.leaf().der(), leaf.der);
    assert_eq!(path.leaf_key().spki(), path.leaf().spki());
    assert_eq!(path.intermediates().iter().map(Certificate::der).collect::<Vec<_>>(), [&ca.der[..]]);
    assert_eq!(path.anchor().der(), root.der);
    let used: Vec<_> = path.crls_used().iter().map(|used| used.issuer.as_str()).collect();
    assert_eq!(used, ["CN=CA", "CN=Root"]);
    let first = &path.crls_used()[0];
    assert_eq!(first.digest, crate::values::digest::Sha256::of(&ca.crl(&List::default())));
    assert_eq!((first.number.as_ref().unwrap().to_string().as_str(), first.this_update), ("07", seconds(AT - 86_400)));
}

#[test]
fn a_leaf_right_below_the_anchor_needs_no_bag() {
    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Leaf"));
    assert!(Ask::new(&leaf, &[], &[&root]).find().unwrap().intermediates().is_empty());
}

#[test]
fn an_anchor_that_is_not_self_signed_ends_the_path() {
    let (_, ca, leaf) = three();
    let path = Ask::new(&leaf, &[], &[&ca]).find().unwrap();
    assert_eq!(path.anchor().der(), ca.der);
    assert_eq!(path.crls_used().len(), 1);
}

#[test]
fn two_anchors_of_one_name_and_key_do_not_hinder_each_other() {
    let (root, ca, leaf) = three();
    let renewed = Party::root(Spec::ca("Other"));
    let twin = renewed.certify(Spec::ca("Root").with(|s| s.serial = 9), &root.key);
    for anchors in [[&root, &twin], [&twin, &root]] {
        assert!(Ask::new(&leaf, &[&ca], &anchors).find().is_ok());
    }
}

#[test]
fn six_intermediates_are_a_path_and_seven_are_too_many() {
    let root = Party::root(Spec::ca("CA 0"));
    let mut chain = vec![root.clone()];
    for number in 1..=7 {
        let next = chain.last().unwrap().issue(Spec::ca(&format!("CA {number}")));
        chain.push(next);
    }
    let ask = |length: usize| {
        let leaf = chain[length].issue(Spec::leaf("Leaf"));
        Ask::new(&leaf, &chain[1..=length].iter().collect::<Vec<_>>(), &[&root])
    };
    assert_eq!(ask(6).find().unwrap().intermediates().len(), 6);
    assert_eq!(ask(7).refusal().0, Reason::PathLimit);
    assert_eq!(ask(2).with(|ask| ask.most = Some(1)).refusal().0, Reason::PathLimit);
    assert!(ask(2).with(|ask| ask.most = Some(2)).find().is_ok());
}

#[test]
fn a_day_is_compared_to_the_second_and_its_last_second_counts() {
    let (root, ca, leaf) = three();
    let ask = |at| {
        Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
            ask.at = at;
            ask.revocation = Revocation::Off;
        })
    };
    assert!(ask(leaf.spec.not_before).find().is_ok() && ask(leaf.spec.not_after).find().is_ok());
    assert_eq!(ask(leaf.spec.not_before - 1).refusal(), refused(Reason::CertificateNotYetValid, "Leaf"));
    assert_eq!(ask(leaf.spec.not_after + 1).refusal(), refused(Reason::CertificateExpired, "Leaf"));
}

#[test]
fn the_first_second_of_1970_does_not_switch_the_dates_off() {
    let (root, ca, leaf) = three();
    let ask = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.at = 0);
    assert_eq!(ask.refusal(), refused(Reason::CertificateNotYetValid, "Leaf"));
    let since = |spec: Spec| spec.with(|s| s.not_before = 0);
    let root = Party::root(since(Spec::ca("Root")));
    let leaf = root.issue(since(Spec::leaf("Leaf")));
    for revocation in [Revocation::Chain, Revocation::Off] {
        assert!(Ask::new(&leaf, &[], &[&root]).with(|ask| (ask.at, ask.revocation) = (0, revocation)).find().is_err());
    }
}

#[test]
fn any_purpose_switches_our_leaf_rules_off_and_nothing_else() {
    let root = Party::root(Spec::ca("Root"));
    let plain = |s: &mut Spec| (s.purposes, s.usages) = (Vec::new(), Vec::new());
    let leaf = root.issue(Spec::leaf("Leaf").with(plain));
    let any = |ask: &mut Ask| ask.purpose = Purpose::Any;
    assert!(Ask::new(&leaf, &[], &[&root]).with(any).find().is_ok());
    let ca = root.issue(Spec::ca("CA").with(|s| s.is_ca = rcgen::IsCa::ExplicitNoCa));
    let leaf = ca.issue(Spec::leaf("Leaf").with(plain));
    let ask = Ask::new(&leaf, &[&ca], &[&root]).with(any);
    assert_eq!(ask.refusal(), refused(Reason::CaFlagMissing, "CA"));
}
