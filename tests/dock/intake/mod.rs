//! `ecugate intake`, and boxes that are received by the papers that it took in.

mod choosing;
mod taking;

use crate::delivery::{Delivery, without};
use crate::faults::object;
use crate::receive::trial;
use ecugate::ledger::Depth;
use libtest_mimic::Trial;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trial("papers_that_came_in_before_their_boxes_are_found_by_the_label", choosing::found_by_label),
        trial("papers_that_come_after_the_box_make_it_good", choosing::papers_after),
        trial("the_same_document_again_is_known_and_not_entered_twice", taking::twice),
        trial("a_refused_file_is_set_aside_with_its_exact_reason", taking::set_aside),
        trial("attack_16_an_archive_bomb_is_never_unpacked_at_intake", taking::archive_bomb),
        trial("attack_47_an_endless_file_a_device_or_a_pipe_at_intake_is_refused_unread", taking::endless),
        trial("attack_44_a_supplier_or_file_named_like_a_path_reaches_no_path", taking::names),
        trial("attack_58_hostile_names_at_intake_reach_no_terminal", taking::hostile_names),
        trial(
            "a_poisoned_index_makes_a_unit_found_or_unproven_and_never_another_ones_accept",
            choosing::poisoned_index,
        ),
        trial("without_token_or_ledger_nothing_is_taken_and_every_file_stays", taking::no_token_no_ledger),
        trial("an_intake_killed_at_any_moment_enters_nothing_twice_and_loses_nothing", taking::killed),
        trial("a_file_that_cannot_be_moved_is_entered_once_and_moved_later", taking::unmovable),
        trial(
            "attack_13_a_forged_shipment_in_the_store_keeps_no_genuine_unit_out_and_lets_no_forged_one_in",
            choosing::forged,
        ),
        trial("attack_22_a_forged_shipment_alone_is_suspect_and_was_told_at_intake", choosing::forged_alone),
        trial("a_manifest_that_was_replaced_before_it_ended_does_not_keep_units_out", choosing::replaced),
        trial("attack_25_the_newest_list_of_an_issuer_counts_however_many_older_ones_are_stored", choosing::newest_crl),
        trial("attack_25_a_forged_list_of_another_supplier_does_not_displace_the_issuers_own", choosing::forged_crl),
        trial("certificates_that_a_manifest_does_not_carry_come_from_the_store", choosing::stored_certificates),
        trial("manifests_that_are_presented_replace_the_stored_ones_and_lists_are_added", choosing::presented),
        trial("a_label_that_names_no_unit_finds_no_papers_and_is_held_for_the_label", choosing::no_unit),
        trial("what_is_stored_is_listed_with_the_days_left_of_the_lists", taking::listed),
        trial("watched_folders_are_taken_in_as_files_come", taking::watched),
        trial("every_wrong_call_of_intake_is_one_json_object", taking::wrong_calls),
    ]
    .into()
}

/// The files of a whole delivery.
const PAPERS: [&str; 4] = ["release.json", "shipment.json", "root.crl", "issuing.crl"];

impl Delivery {
    /// Puts a file into a supplier's watched folder, as one that has been there for a while.
    pub(super) fn drop_in(&self, supplier: &str, name: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.path("site/intake/in").join(supplier);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let earlier = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(earlier).unwrap();
        path
    }

    pub(super) fn drop_papers(&self) {
        for paper in PAPERS {
            self.drop_in("acme", paper, &fs::read(self.path(paper)).unwrap());
        }
    }

    pub(super) fn intake(&self, more: &[&str]) -> (i32, Value) {
        let said = self.run(&[&["intake", "--site", "site", "--json"], more].concat());
        let object = object(&said);
        assert_eq!(object["command"], "intake");
        (said.status, object)
    }

    /// With everything of the delivery in the ledger.
    pub(super) fn stocked() -> Self {
        let delivery = Self::founded();
        delivery.drop_papers();
        let (status, said) = delivery.intake(&[]);
        assert_eq!((status, &said["entered"]), (0, &4.into()), "{said}");
        delivery
    }

    /// Presents a box with nothing but its label and image.
    pub(super) fn receive_bare(&self, serial: &str) -> (i32, Value) {
        self.receive(serial, without_papers)
    }

    /// Entries of kind document.
    fn documents(&self) -> usize {
        self.ledger().documents_from(0, 1_000).unwrap().len()
    }

    fn audited(&self) {
        let audit = self.ledger().audit(Depth::Signatures, &[7; 32]).unwrap();
        assert!(audit.is_clean(), "{audit:?}");
    }
}

/// Takes the papers out of the arguments of a box.
pub(crate) fn without_papers(arguments: &mut Vec<String>) {
    PAPERS.iter().for_each(|paper| without(arguments, paper));
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The document that is called so in an answer of intake.
fn document<'v>(said: &'v Value, file: &str) -> &'v Value {
    let all = said["documents"].as_array().unwrap();
    all.iter().find(|one| one["file"].as_str().unwrap().ends_with(file)).unwrap_or_else(|| panic!("{file}: {said}"))
}
