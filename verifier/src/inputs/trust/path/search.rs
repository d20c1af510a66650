//! The search for candidate paths: depth first, the shortest first, bounded in every direction.
//!
//! Names only say who may have issued a certificate; a signature decides, and each pair is checked once. A bag made to
//! explode (RUSTSEC-2023-0052) ends at one of four caps, and then the answer is no.

use super::engine::{Engine, Parsed};
use super::fault::PathFault;
use super::question::{PathOptions, Revocation};
use super::revocation::{CrlUse, Issued, Lists, Status};
use super::rules;
use crate::syntax::certificate::Certificate;
use crate::syntax::crl::Crl;
use crate::values::keys::Algorithm;
use crate::values::reason::Reason;
use crate::values::verified::VerifiedSignatures;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One search, for one leaf.
pub(super) struct Search<'a> {
    options: &'a PathOptions<'a>,
    engine: Engine,
    nodes: Vec<&'a Certificate>,
    /// Nodes from here on are anchors; the leaf is node 0.
    first_anchor: usize,
    issuers: BTreeMap<&'a [u8], Rc<[usize]>>,
    parsed: BTreeMap<usize, Option<Rc<Parsed>>>,
    /// By certificate and key: namesakes with one key are checked once.
    signatures: BTreeMap<(usize, &'a [u8]), bool>,
    /// How many intermediates stand, going by names alone, at least between each node and an anchor.
    distances: Vec<Option<usize>>,
    statuses: BTreeMap<(usize, usize), Status>,
    lists: Lists<'a>,
    checks: usize,
    candidates: usize,
    steps: usize,
    exhausted: bool,
    most: usize,
    telling: Option<PathFault>,
}

/// What was found, in the caller's certificates.
pub(super) struct Found<'a> {
    pub(super) intermediates: Vec<&'a Certificate>,
    pub(super) anchor: &'a Certificate,
    pub(super) crls: Vec<CrlUse>,
}

const LEAF: usize = 0;

impl<'a> Search<'a> {
    pub(super) fn new(
        leaf: &'a Certificate,
        untrusted: &'a [Certificate],
        anchors: &'a [Certificate],
        crls: &'a [Crl],
        options: &'a PathOptions<'a>,
        signatures: &VerifiedSignatures,
    ) -> Self {
        let mut seen = BTreeSet::from([leaf.digest()]);
        seen.extend(anchors.iter().map(Certificate::digest));
        let mut nodes = vec![leaf];
        nodes.extend(untrusted.iter().filter(|certificate| seen.insert(certificate.digest())));
        // The order of the bag must not matter, nor whoever chose it: by flag and dates, then by digest.
        if let Some(pool) = nodes.get_mut(1..) {
            pool.sort_by_key(|one| (!one.is_ca(), !one.is_valid_at(options.at), one.digest()));
        }
        let first_anchor = nodes.len();
        let mut seen = BTreeSet::new();
        nodes.extend(anchors.iter().filter(|anchor| seen.insert(anchor.digest())));
        let distances = distances(&nodes, first_anchor, options.limits.path_depth);
        let mut issuers: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for (node, certificate) in nodes.iter().enumerate().skip(1) {
            issuers.entry(certificate.subject_key()).or_default().push(node);
        }
        Self {
            options,
            engine: Engine::new(signatures),
            nodes,
            first_anchor,
            issuers: issuers.into_iter().map(|(name, nodes)| (name, nodes.into())).collect(),
            parsed: BTreeMap::new(),
            signatures: BTreeMap::new(),
            distances,
            statuses: BTreeMap::new(),
            lists: Lists::new(crls),
            checks: 0,
            candidates: 0,
            steps: 0,
            exhausted: false,
            // leaf and anchor count in the depth
            most: options.limits.path_depth.saturating_sub(2).min(options.max_intermediates.unwrap_or(usize::MAX)),
            telling: None,
        }
    }

    pub(super) fn run(mut self) -> Result<Found<'a>, PathFault> {
        for length in 0..=self.most {
            if let Some(found) = self.extend(&mut vec![LEAF], length) {
                return Ok(found);
            }
            if self.exhausted {
                break;
            }
        }
        let leaf = self.node(LEAF);
        let fallback = || leaf.map(|leaf| not_found(leaf, "none that leads to an anchor"));
        let none = || PathFault::of_call(Reason::PathNotFound, "a path to an anchor", "none");
        Err(self.telling.or_else(fallback).unwrap_or_else(none))
    }

    /// Tries all issuers of the last node; `left` intermediates stand between it and the anchor.
    fn extend(&mut self, chain: &mut Vec<usize>, left: usize) -> Option<Found<'a>> {
        let current = *chain.last()?;
        let certificate = self.node(current)?;
        let Some(issuers) = self.issuers.get(certificate.issuer_key()).cloned() else {
            self.tell(not_found(certificate, "none"));
            return None;
        };
        for issuer in self.ordered(certificate, &issuers) {
            let is_anchor = issuer >= self.first_anchor;
            if self.repeats(chain, issuer) {
                continue;
            }
            let leads = if is_anchor { left == 0 } else { self.leads_to_anchor(chain, issuer, left) };
            if !leads {
                continue;
            }
            if !self.step(certificate) {
                return None;
            }
            if !self.is_signed_by(current, issuer) {
                continue;
            }
            let found = if is_anchor {
                self.candidate(chain, issuer)
            } else {
                chain.push(issuer);
                let found = self.extend(chain, left - 1);
                chain.pop();
                found
            };
            if found.is_some() || self.exhausted {
                return found;
            }
        }
        None
    }

    /// Those whose key identifier fits come first. It is a hint: an attacker can write any.
    fn ordered(&self, certificate: &Certificate, issuers: &[usize]) -> Vec<usize> {
        let mut ordered = issuers.to_vec();
        ordered.sort_by_key(|node| !self.node(*node).is_some_and(|issuer| certificate.points_at(issuer)));
        ordered
    }

    /// The same name with the same key a second time leads nowhere new.
    fn repeats(&self, chain: &[usize], issuer: usize) -> bool {
        let Some(issuer) = self.node(issuer) else { return true };
        chain.iter().filter_map(|node| self.node(*node)).any(|earlier| {
            earlier.digest() == issuer.digest()
                || (earlier.subject_key() == issuer.subject_key() && earlier.spki() == issuer.spki())
        })
    }

    /// Whether names leave a way from `node`, as the next of `left` intermediates, to an anchor. Signatures are spent
    /// only where they do: in a bag of CAs that all certified each other few of them lead anywhere.
    fn leads_to_anchor(&mut self, chain: &[usize], node: usize, left: usize) -> bool {
        let Some(distance) = self.distances.get(node).copied().flatten() else { return false };
        if chain.len() + distance > self.most
            && let Some(certificate) = self.node(node)
        {
            let expected = format!("a path with at most {} intermediates", self.most);
            self.tell(PathFault::new(Reason::PathLimit, certificate, expected, "a longer one"));
        }
        distance < left
    }

    fn step(&mut self, certificate: &Certificate) -> bool {
        self.steps += 1;
        if self.steps > self.options.limits.path_steps {
            self.exhaust(certificate, "steps", self.options.limits.path_steps);
        }
        !self.exhausted
    }

    fn is_signed_by(&mut self, child: usize, issuer: usize) -> bool {
        let (Some(certificate), Some(key)) = (self.node(child), self.node(issuer).map(Certificate::spki)) else {
            return false;
        };
        if let Some(known) = self.signatures.get(&(child, key)) {
            return *known;
        }
        if let Err(fault) = rules::signature(certificate) {
            self.tell(fault);
            return false;
        }
        self.checks += self.node(issuer).map_or(DEAREST, cost);
        if self.checks > self.options.limits.path_signature_checks {
            self.exhaust(certificate, "signature checks", self.options.limits.path_signature_checks);
            return false;
        }
        let signed = match (self.read(child), self.read(issuer)) {
            (Some(child), Some(issuer)) => self.engine.is_signed_by(&child, &issuer),
            _ => false,
        };
        if !signed {
            let expected = format!("a signature of {}", certificate.issuer_text());
            let found = "one that its key did not make";
            self.tell(PathFault::new(Reason::CertificateSignatureInvalid, certificate, expected, found));
        }
        self.signatures.insert((child, key), signed);
        signed
    }

    fn read(&mut self, node: usize) -> Option<Rc<Parsed>> {
        if let Some(known) = self.parsed.get(&node) {
            return known.clone();
        }
        let certificate = self.node(node)?;
        let parsed = Parsed::read(certificate).map(Rc::new);
        if parsed.is_none() {
            let expected = "a certificate in strict DER with extensions of RFC 5280";
            self.tell(match rules::large_arc(certificate) {
                Err(fault) => fault,
                Ok(()) => PathFault::new(Reason::CertificateMalformed, certificate, expected, "another form"),
            });
        }
        self.parsed.insert(node, parsed.clone());
        parsed
    }

    /// One complete path: our rules, RFC 5280, revocation. What contradicts is told before what is only out of date.
    fn candidate(&mut self, chain: &[usize], anchor: usize) -> Option<Found<'a>> {
        let top = self.node(anchor)?;
        self.candidates += 1;
        if self.candidates > self.options.limits.path_candidates {
            self.exhaust(top, "candidate paths", self.options.limits.path_candidates);
            return None;
        }
        match self.validate(chain, anchor) {
            Ok(crls) => Some(Found {
                intermediates: chain.iter().skip(1).filter_map(|node| self.node(*node)).collect(),
                anchor: top,
                crls,
            }),
            Err(fault) => {
                self.tell(fault);
                None
            }
        }
    }

    fn validate(&mut self, chain: &[usize], anchor: usize) -> Result<Vec<CrlUse>, PathFault> {
        let gone = || PathFault::of_call(Reason::PathInvalid, "certificates that can be read", "another");
        let top = self.node(anchor).ok_or_else(gone)?;
        rules::anchor(top, self.options)?;
        let mut below = Vec::new();
        for node in chain {
            below.push((self.node(*node).ok_or_else(gone)?, self.read(*node).ok_or_else(gone)?));
        }
        for (certificate, _) in below.iter().skip(1) {
            rules::issuer(certificate, self.options)?;
        }
        let path: Vec<&Certificate> = below.iter().map(|(certificate, _)| *certificate).chain([top]).collect();
        let dates = rules::dates(&path, self.options);
        let parts: Vec<(&Certificate, &Parsed)> = below.iter().map(|(one, parsed)| (*one, parsed.as_ref())).collect();
        self.engine.validate(&parts, top, dates.is_ok(), self.options)?;

        let asked = match self.options.revocation {
            Revocation::Chain => chain.len(),
            Revocation::LeafOnly => 1,
            Revocation::Off => 0,
        };
        let issuers = chain.iter().copied().skip(1).chain([anchor]);
        let pairs: Vec<(usize, usize)> = chain.iter().copied().zip(issuers).take(asked).collect();
        let (mut used, mut undetermined) = (Vec::new(), None);
        for (node, issuer) in pairs {
            match self.status(node, issuer).ok_or_else(gone)? {
                Status::Good(crl) => used.push(crl),
                Status::Revoked(fault) => return Err(fault),
                Status::Undetermined(fault) => undetermined = undetermined.or(Some(fault)),
            }
        }
        dates?;
        undetermined.map_or(Ok(used), Err)
    }

    fn status(&mut self, node: usize, issuer: usize) -> Option<Status> {
        if let Some(known) = self.statuses.get(&(node, issuer)) {
            return Some(known.clone());
        }
        let parsed = self.read(node)?;
        let issued = Issued {
            certificate: self.node(node)?,
            parsed: &parsed,
            issuer: self.node(issuer)?,
            issuer_is_anchor: issuer >= self.first_anchor,
            is_leaf: node == LEAF,
        };
        let status = self.lists.status(&self.engine, &issued, self.options.at);
        self.statuses.insert((node, issuer), status.clone());
        Some(status)
    }

    fn node(&self, node: usize) -> Option<&'a Certificate> {
        self.nodes.get(node).copied()
    }

    fn exhaust(&mut self, certificate: &Certificate, what: &str, most: usize) {
        self.exhausted = true;
        let expected = format!("a path within {most} {what}");
        self.tell(PathFault::new(Reason::PathLimit, certificate, expected, "none within them"));
    }

    /// Keeps the most telling fault, of equals the first.
    fn tell(&mut self, fault: PathFault) {
        if self.telling.as_ref().is_none_or(|kept| kept.weight() < fault.weight()) {
            self.telling = Some(fault);
        }
    }
}

/// For each node, how many intermediates stand at least between it and an anchor, going by names. `None`: no way.
fn distances(nodes: &[&Certificate], first_anchor: usize, depth: usize) -> Vec<Option<usize>> {
    let mut of_name: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut distances = vec![None; nodes.len()];
    let (below, anchors) = nodes.split_at(first_anchor.min(nodes.len()));
    let anchors: BTreeSet<&[u8]> = anchors.iter().map(|anchor| anchor.subject_key()).collect();
    for _ in 0..depth {
        for (certificate, distance) in below.iter().zip(&mut distances) {
            if distance.is_none() {
                let issuer = certificate.issuer_key();
                *distance = if anchors.contains(issuer) { Some(0) } else { of_name.get(issuer).map(|known| known + 1) };
            }
        }
        for (certificate, distance) in below.iter().zip(&distances) {
            if let Some(distance) = distance {
                let known = of_name.entry(certificate.subject_key()).or_insert(*distance);
                *known = (*known).min(*distance);
            }
        }
    }
    distances
}

/// The most that one signature check counts.
const DEAREST: usize = 4;

/// What a check with this key counts: P-384 takes about three times as long as P-256, RSA beyond 4,096 bits more yet.
fn cost(issuer: &Certificate) -> usize {
    match issuer.public_key().map(|key| key.algorithm()) {
        Ok(Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256) => 1,
        Ok(Algorithm::EcdsaP384Sha384) => 3,
        Ok(Algorithm::RsaPssSha256 | Algorithm::RsaPkcs1Sha256) if issuer.spki().len() < 600 => 1,
        _ => DEAREST,
    }
}

fn not_found(certificate: &Certificate, found: &str) -> PathFault {
    let expected = format!("an issuer {} on the way to an anchor", certificate.issuer_text());
    PathFault::new(Reason::PathNotFound, certificate, expected, found)
}
