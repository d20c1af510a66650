//! T11: bags of certificates that are made to explode. CPU time from bytes to answer.

use super::clock::{Spread, milliseconds};
use super::limbo;
use super::pki::{AT, Kind, Party, Spec, pem};
use super::row::{Target, print, print_missing};
use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, find_path};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const ROUNDS: usize = 5;
/// Milliseconds.
const BOUND: f64 = 200.0;

/// A leaf, a bag, the root, and whether there is a path.
struct Bag {
    name: String,
    leaf: Vec<u8>,
    bag: Vec<Vec<u8>>,
    root: Vec<u8>,
    valid: bool,
}

pub(crate) fn measure() {
    let bags: Vec<Bag> = [Kind::Ed25519, Kind::P256, Kind::P384].iter().flat_map(of_keys).collect();
    let mut times = vec![(Vec::new(), Vec::new()); bags.len()];
    let (folder, mut missed) = (tempfile::tempdir().unwrap(), 0);
    for _ in 0..ROUNDS {
        for (bag, (ours, openssl)) in bags.iter().zip(&mut times) {
            let mut found = false;
            ours.push(milliseconds(|| found = has_path(bag)));
            assert!(bag.valid || !found, "{}: a path that does not exist", bag.name);
            // a search that ends at a cap is a refusal; how often it comes to that is for the conformance tests
            missed += usize::from(bag.valid && !found);
            openssl.push(openssl_verify(folder.path(), bag));
        }
    }
    if missed > 0 {
        println!("| T11 | paths that exist and were not found within the caps | | {missed} of {} | |", 3 * ROUNDS);
    }
    for (bag, (ours, openssl)) in bags.iter().zip(times) {
        print("T11", &bag.name, " ms", Target::AtMost(BOUND), Spread::of(ours));
        let what = format!("beside: `openssl verify`, whole process, wall: {}", bag.name);
        print("T11", &what, " ms", Target::Beside, Spread::of(openssl));
    }
    match limbo::pathological() {
        Err(why) => print_missing("T11", "x509-limbo, pathological", &why),
        Ok(cases) => {
            for case in cases {
                let times = (0..ROUNDS).map(|_| milliseconds(|| assert!(case.ends_as_expected(), "{}", case.id)));
                print("T11", &format!("x509-limbo {}", case.id), " ms", Target::AtMost(BOUND), Spread::of(times));
            }
        }
    }
}

/// CAs that have all certified each other, one of them certified by the root or not; and a thousand renewals of one.
fn of_keys(kind: &Kind) -> Vec<Bag> {
    let ca = |number| Party::root(Spec::ca(&format!("CA {number}")).with(|spec| spec.kind = kind.clone()));
    let cas: Vec<Party> = (0..30).map(ca).collect();
    let root = Party::root(Spec::ca("Root"));
    let leaf = cas[0].issue(Spec::leaf("Leaf"));
    let renewal = |serial| cas[1].certify(cas[0].spec.clone().with(|spec| spec.serial = serial), &cas[0].key).der;
    let mut reaching = mesh(&cas[..10]);
    reaching.push(root.certify(cas[9].spec.clone(), &cas[9].key).der);
    // Names lead to the root from everywhere, and its signature is nowhere: the search has to spend its checks.
    let impostor = Party::root(root.spec.clone().with(|spec| spec.kind = kind.clone()));
    let by_impostor = |ca: &Party| impostor.certify(ca.spec.clone(), &ca.key).der;
    let led_astray = mesh(&cas).into_iter().chain(cas.iter().map(by_impostor)).collect();
    let astray = |serial| impostor.certify(cas[0].spec.clone().with(|spec| spec.serial = serial), &cas[0].key).der;
    let bags = [
        ("10 CAs that have certified each other, one reaches the root", reaching, true),
        ("10 CAs that have certified each other, none reaches the root", mesh(&cas[..10]), false),
        ("30 CAs that have certified each other, none reaches the root", mesh(&cas), false),
        ("1,000 renewals of one CA, none reaches the root", (0..1_000).map(renewal).collect(), false),
        ("30 CAs that have certified each other, all certified by an impostor of the root", led_astray, false),
        ("1,000 renewals of one CA by an impostor of the root", (0..1_000).map(astray).collect(), false),
    ];
    let bag = |(what, bag, valid)| Bag {
        name: format!("{kind:?}: {what}"),
        leaf: leaf.der.clone(),
        bag,
        root: root.der.clone(),
        valid,
    };
    bags.map(bag).into()
}

/// Each of them certified by each of the others.
fn mesh(cas: &[Party]) -> Vec<Vec<u8>> {
    let pairs = cas.iter().flat_map(|issuer| cas.iter().map(move |subject| (issuer, subject)));
    let pairs = pairs.filter(|(issuer, subject)| issuer.spec.name != subject.spec.name);
    pairs.map(|(issuer, subject)| issuer.certify(subject.spec.clone(), &subject.key).der).collect()
}

fn has_path(bag: &Bag) -> bool {
    let limits = Limits::STANDARD;
    let read = |der: &Vec<u8>| Certificate::from_der(der, &limits).expect("a certificate");
    let options = PathOptions {
        at: Time::from_unix_seconds(i64::try_from(AT).unwrap()).unwrap(),
        max_intermediates: None,
        purpose: Purpose::Oid(purpose::RELEASE),
        revocation: Revocation::Off,
        limits: &limits,
    };
    let certificates: Vec<Certificate> = bag.bag.iter().map(read).collect();
    find_path(&read(&bag.leaf), &certificates, &[read(&bag.root)], &[], &options).is_ok()
}

/// Wall milliseconds of `openssl verify`, whatever it answers: it follows one path and does not go back.
fn openssl_verify(folder: &Path, bag: &Bag) -> f64 {
    let write = |name: &str, ders: &[Vec<u8>]| {
        std::fs::write(folder.join(name), ders.iter().map(|der| pem("CERTIFICATE", der)).collect::<String>()).unwrap();
    };
    write("leaf.pem", std::slice::from_ref(&bag.leaf));
    write("bag.pem", &bag.bag);
    write("root.pem", std::slice::from_ref(&bag.root));
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-x509_strict", "-attime", &AT.to_string(), "-trusted", "root.pem"]);
    command.args(["-untrusted", "bag.pem", "leaf.pem"]);
    let begun = Instant::now();
    command.output().expect("openssl: Debian package `openssl`");
    begun.elapsed().as_secs_f64() * 1e3
}
