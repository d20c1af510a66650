//! x509-limbo (C2SP): 105 certification paths that nobody of this project wrote. No host name, no purpose; where a
//! case has CRLs, the leaf's revocation is looked up.

use crate::corpus::{Row, folder, trial, unpack};
use crate::oracle::pki::{self, Kind, Party, Spec};
use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, find_path};
use ecugate_verifier::syntax::certificate::{Certificate, certificates};
use ecugate_verifier::syntax::crl::{Crl, crls};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Most time for one case in a release build: T11 of the performance bounds, hostile bags.
const BOUND: Duration = Duration::from_millis(200);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("limbo: every path ends as expected", folder(), |_| every_path_ends_as_expected()),
        Trial::test("paths: hostile bags end within the bound", hostile_bags_end_within_the_bound),
    ]
}

#[derive(serde::Deserialize)]
pub(crate) struct Case {
    pub(crate) case: String,
    pub(crate) id: String,
    expected: String,
    pub(crate) time: serde_json::Value,
    pub(crate) max_depth: Option<usize>,
    pub(crate) crls: bool,
}

/// The cases of the unpacked corpus.
pub(crate) fn cases(root: &Path) -> Result<Vec<Case>, Failed> {
    Ok(serde_json::from_slice(&std::fs::read(root.join("index.json"))?)?)
}

fn every_path_ends_as_expected() -> Result<(), Failed> {
    let unpacked = unpack("x509-limbo-core.tar.gz")?;
    let root = unpacked.path().join("limbo-core");
    let cases = cases(&root)?;
    let mut exceptions = exceptions();
    let mut row =
        Row { set: "x509-limbo core", cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let (mut faults, mut slowest) = (Vec::new(), String::new());
    for case in &cases {
        let (outcome, time) = judge(&root.join(&case.case), case)?;
        if time > row.worst {
            row.worst = time;
            slowest.clone_from(&case.id);
        }
        row.cases += 1;
        let right = outcome.is_ok() == (case.expected == "accept");
        match (right, outcome.is_ok()) {
            (true, _) => row.right += 1,
            (false, true) => row.false_accepts += 1,
            (false, false) => row.false_refusals += 1,
        }
        let listed = exceptions.remove(case.id.as_str());
        if right == listed.is_some() {
            faults.push(format!(
                "{}: expected {}, listed as exception: {listed:?}, is {outcome:?}",
                case.id, case.expected
            ));
        }
        if std::env::var_os("ECUGATE_LIMBO_SHOW").is_some() {
            println!("{:>9.2} ms  {}  {outcome:?}", time.as_secs_f64() * 1e3, case.id);
        }
    }
    row.print();
    println!("slowest: {slowest}");
    faults.extend(exceptions.into_keys().map(|id| format!("{id}: an exception for a case that is not there")));
    if !cfg!(debug_assertions) && row.worst > BOUND {
        faults.push(format!("{slowest} took {:?}, the bound is {BOUND:?}", row.worst));
    }
    if row.cases != 105 {
        faults.push(format!("{} cases, not 105", row.cases));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Bags made to explode: CAs that have all certified each other, and many namesakes, with the dearest keys there are.
fn hostile_bags_end_within_the_bound() -> Result<(), Failed> {
    let root = Party::root(Spec::ca("Root"));
    let mut row =
        Row { set: "hostile bags", cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    for kind in [Kind::Ed25519, Kind::P256, Kind::P384] {
        let cas: Vec<Party> = (0..30)
            .map(|number| Party::root(Spec::ca(&format!("CA {number}")).with(|s| s.kind = kind.clone())))
            .collect();
        let leaf = cas[0].issue(Spec::leaf("Leaf"));
        let namesakes: Vec<Party> = (0..1_000)
            .map(|serial| cas[1].certify(cas[0].spec.clone().with(|s| s.serial = serial), &cas[0].key))
            .collect();
        let reached = root.certify(cas[9].spec.clone(), &cas[9].key);
        let powerless = root.certify(cas[9].spec.clone().with(|s| s.is_ca = rcgen::IsCa::ExplicitNoCa), &cas[9].key);
        let [mut reaching, mut misleading] = [mesh(&cas[..10]), mesh(&cas[..10])];
        reaching.push(reached.der);
        misleading.push(powerless.der);
        let namesakes = namesakes.into_iter().map(|party| party.der).collect();
        // Names lead to the root from everywhere, and its signature is nowhere.
        let impostor = Party::root(root.spec.clone().with(|s| s.kind = kind.clone()));
        let by_impostor = |ca: &Party| impostor.certify(ca.spec.clone(), &ca.key).der;
        let led_astray = mesh(&cas).into_iter().chain(cas.iter().map(by_impostor)).collect();
        let astray = |serial| impostor.certify(cas[0].spec.clone().with(|s| s.serial = serial), &cas[0].key).der;
        let astray = (0..1_000).map(astray).collect();
        let nowhere = [misleading, mesh(&cas[..10]), mesh(&cas), namesakes, led_astray, astray];
        let nowhere = nowhere.map(|bag| (bag, false));
        for (bag, valid) in [(reaching, true)].into_iter().chain(nowhere) {
            let begun = Instant::now();
            let outcome = release(&leaf.der, &bag, &root.der);
            let time = begun.elapsed();
            println!("{:>9.2} ms  {kind:?}, a bag of {}: {outcome:?}", time.as_secs_f64() * 1e3, bag.len());
            row.worst = row.worst.max(time);
            row.cases += 1;
            match (outcome.is_ok(), valid) {
                (true, false) => row.false_accepts += 1,
                (false, true) => row.false_refusals += 1,
                _ => row.right += 1,
            }
        }
    }
    row.print();
    if row.right < row.cases || (!cfg!(debug_assertions) && row.worst > BOUND) {
        return Err(format!("{} of {} right, worst {:?}, bound {BOUND:?}", row.right, row.cases, row.worst).into());
    }
    Ok(())
}

/// Each of them certified by each of the others.
fn mesh(cas: &[Party]) -> Vec<Vec<u8>> {
    let pairs = cas.iter().flat_map(|issuer| cas.iter().map(move |subject| (issuer, subject)));
    pairs
        .filter(|(issuer, subject)| issuer.spec.name != subject.spec.name)
        .map(|(issuer, subject)| issuer.certify(subject.spec.clone(), &subject.key).der)
        .collect()
}

fn release(leaf: &[u8], bag: &[Vec<u8>], anchor: &[u8]) -> Result<usize, String> {
    let limits = Limits::STANDARD;
    let read = |der: &[u8]| Certificate::from_der(der, &limits).map_err(|fault| fault.to_string());
    let bag = bag.iter().map(|der| read(der)).collect::<Result<Vec<_>, _>>()?;
    let options = PathOptions {
        at: Time::from_unix_seconds(i64::try_from(pki::AT).expect("fits")).expect("a time"),
        max_intermediates: None,
        purpose: Purpose::Oid(purpose::RELEASE),
        revocation: Revocation::Off,
        limits: &limits,
    };
    let path = find_path(&read(leaf)?, &bag, &[read(anchor)?], &[], &options);
    path.map(|path| path.intermediates().len()).map_err(|fault| fault.reason().to_string())
}

/// What our answer is, and how long it took from bytes to answer.
pub(crate) fn judge(folder: &Path, case: &Case) -> Result<(Result<(), Finding>, Duration), Failed> {
    let read = |name: &str| std::fs::read(folder.join(name));
    let (leaf, untrusted, anchors) = (read("leaf.pem")?, read("untrusted.pem")?, read("trusted.pem")?);
    let lists = if case.crls { read("crls.pem")? } else { Vec::new() };
    let at = match case.time.as_i64() {
        Some(seconds) => Time::from_unix_seconds(seconds),
        // The corpus was made with certificates that are valid now.
        None => Time::from_unix_seconds(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_secs())?),
    }
    .ok_or("a time beyond 9999")?;

    let begun = Instant::now();
    let outcome = path(&leaf, &untrusted, &anchors, &lists, case, at);
    Ok((outcome, begun.elapsed()))
}

fn path(leaf: &[u8], untrusted: &[u8], anchors: &[u8], lists: &[u8], case: &Case, at: Time) -> Result<(), Finding> {
    let limits = Limits::STANDARD;
    let many = |input: &[u8]| -> Result<Vec<Certificate>, Finding> {
        if input.trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        Ok(certificates(input, &limits)?)
    };
    let leaf = many(leaf)?.into_iter().next().ok_or_else(|| Finding::bare(Reason::CertificateMissing))?;
    let lists: Vec<Crl> = if case.crls { crls(lists, &limits)? } else { Vec::new() };
    let options = PathOptions {
        at,
        max_intermediates: case.max_depth,
        purpose: Purpose::Any,
        revocation: if case.crls { Revocation::LeafOnly } else { Revocation::Off },
        limits: &limits,
    };
    find_path(&leaf, &many(untrusted)?, &many(anchors)?, &lists, &options)?;
    Ok(())
}

/// Cases in which we differ on purpose: `id`, a tab, the reason. One that ends as expected after all fails too.
fn exceptions() -> BTreeMap<&'static str, &'static str> {
    include_str!("exceptions/limbo.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("id, tab, reason"))
        .collect()
}
