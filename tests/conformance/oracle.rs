//! The differential oracle: `openssl verify -x509_strict -crl_check_all` over the same chains. What we accept,
//! OpenSSL accepts; where only it accepts, the rule of ours stands in a table.

use crate::corpus::{Row, trial};
use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, ValidPath, find_path};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::syntax::crl::Crl;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

mod cases;
#[path = "../support/pki.rs"]
pub(crate) mod pki;

use cases::Case;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("oracle: what we accept, openssl accepts", openssl(), |version| compare(&version))]
}

/// The version of the `openssl` in the search path, or why there is none.
pub(crate) fn openssl() -> Result<String, String> {
    match Command::new("openssl").arg("version").output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Ok(output) => Err(format!("openssl that works, not one that ends with {}", output.status)),
        Err(_) => Err("openssl in the search path".to_owned()),
    }
}

fn compare(version: &str) -> Result<(), Failed> {
    println!("{version}");
    let folder = tempfile::tempdir()?;
    let stricter: BTreeMap<(&str, &str), &str> = table(include_str!("exceptions/stricter-than-openssl.txt"))
        .map(|[fault, reason, why]| ((fault, reason), why))
        .collect();
    let patient: BTreeMap<&str, &str> =
        table(include_str!("exceptions/openssl-does-not-backtrack.txt")).map(|[fault, how, _]| (fault, how)).collect();
    let mut row =
        Row { set: "openssl oracle", cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let (mut seen_stricter, mut seen_patient) = (BTreeSet::new(), BTreeSet::new());
    let mut run = BTreeSet::new();
    let (mut faults, mut both_accept, mut both_refuse) = (Vec::new(), 0, 0);
    for case in cases::all().ok_or("openssl made no RSA key")? {
        let (ours, time) = judge(&case);
        row.worst = row.worst.max(time);
        run.extend(case.faults.iter().map(|fault| (*fault).to_owned()).chain([case.name.clone()]));
        row.cases += 1;
        let theirs = ask(folder.path(), &case.leaf, &case.bag, &case.anchors, &case.crls)?;
        match (&ours, &theirs) {
            (Ok(_), Ok(())) => both_accept += 1,
            (Err(_), Err(_)) => both_refuse += 1,
            (Ok(path), Err(error)) => {
                // Asked about the very path that we found, it must agree; and only decoys may have led it astray.
                let bag: Vec<Vec<u8>> = path.intermediates().iter().map(|one| one.der().to_vec()).collect();
                let listed = case.faults.iter().find(|fault| patient.contains_key(*fault));
                let mut crls = case.crls.clone();
                if listed.and_then(|fault| patient.get(*fault)) == Some(&"lists") {
                    crls.retain(|crl| path.crls_used().iter().any(|used| used.digest == Sha256::of(crl)));
                }
                let again = ask(folder.path(), &case.leaf, &bag, &[path.anchor().der().to_vec()], &crls)?;
                match (again, listed) {
                    (Ok(()), Some(fault)) => drop(seen_patient.insert(*fault)),
                    (again, _) => {
                        row.false_accepts += 1;
                        faults
                            .push(format!("{}: we accept, openssl says {error}; about our path: {again:?}", case.name));
                        continue;
                    }
                }
            }
            (Err(fault), Ok(())) => {
                let reason = fault.reason.code();
                let fits = |(name, code): &(&'static str, &str)| {
                    *code == reason && (case.faults.contains(name) || case.name == *name)
                };
                let Some(listed) = stricter.keys().find(|key| fits(key)) else {
                    row.false_refusals += 1;
                    faults.push(format!("{}: openssl accepts, we say {fault:?}", case.name));
                    continue;
                };
                seen_stricter.insert(*listed);
            }
        }
        row.right += 1;
    }
    row.print();
    println!("both accept {both_accept}, both refuse {both_refuse}, the rest is in the tables");
    for unseen in stricter.keys().filter(|key| run.contains(key.0) && !seen_stricter.contains(*key)) {
        faults.push(format!("{unseen:?} is listed as stricter than openssl and did not occur"));
    }
    for unseen in patient.keys().filter(|key| run.contains(**key) && !seen_patient.contains(*key)) {
        faults.push(format!("{unseen} is listed as misleading openssl and did not occur"));
    }
    if row.cases < 60 {
        faults.push(format!("only {} cases", row.cases));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Our answer to the question that receiving asks: release manifests, revocation of the whole chain.
fn judge(case: &Case) -> (Result<ValidPath, Finding>, Duration) {
    let begun = Instant::now();
    let outcome = path(case);
    (outcome, begun.elapsed())
}

fn path(case: &Case) -> Result<ValidPath, Finding> {
    let limits = Limits::STANDARD;
    let read =
        |ders: &[Vec<u8>]| ders.iter().map(|der| Certificate::from_der(der, &limits)).collect::<Result<Vec<_>, _>>();
    let (leaf, bag, anchors) = (Certificate::from_der(&case.leaf, &limits)?, read(&case.bag)?, read(&case.anchors)?);
    let crls = case.crls.iter().map(|der| Crl::from_der(der, &limits)).collect::<Result<Vec<_>, _>>()?;
    let options = PathOptions {
        at: Time::from_unix_seconds(i64::try_from(pki::AT).expect("fits")).expect("a time"),
        max_intermediates: None,
        purpose: Purpose::Oid(purpose::RELEASE),
        revocation: Revocation::Chain,
        limits: &limits,
    };
    Ok(find_path(&leaf, &bag, &anchors, &crls, &options)?)
}

/// OpenSSL's answer: its error line where it refuses.
fn ask(
    folder: &Path,
    leaf: &[u8],
    bag: &[Vec<u8>],
    anchors: &[Vec<u8>],
    crls: &[Vec<u8>],
) -> Result<Result<(), String>, Failed> {
    let write = |name: &str, label: &str, ders: &[Vec<u8>]| {
        std::fs::write(folder.join(name), ders.iter().map(|der| pki::pem(label, der)).collect::<String>())
    };
    write("leaf.pem", "CERTIFICATE", &[leaf.to_vec()])?;
    write("bag.pem", "CERTIFICATE", bag)?;
    write("anchors.pem", "CERTIFICATE", anchors)?;
    write("crls.pem", "X509 CRL", crls)?;
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-x509_strict", "-crl_check_all", "-no-CApath", "-no-CAstore"]);
    command.args(["-attime", &pki::AT.to_string(), "-CAfile", "anchors.pem"]);
    if !bag.is_empty() {
        command.args(["-untrusted", "bag.pem"]);
    }
    if !crls.is_empty() {
        command.args(["-CRLfile", "crls.pem"]);
    }
    let output = command.arg("leaf.pem").output()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    match (output.status.code(), text.lines().find(|line| line.starts_with("error "))) {
        (Some(0), _) => Ok(Ok(())),
        (Some(2), Some(error)) => Ok(Err(error.to_owned())),
        _ => Err(format!("openssl did not judge: {text}").into()),
    }
}

/// Lines of a table: fields between tabs.
fn table<const FIELDS: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; FIELDS]> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        line.split('\t').collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("{FIELDS} fields: {line:?}"))
    })
}
