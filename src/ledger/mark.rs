//! Marks outside of the ledger's file: each keeps a signed checkpoint, so that a ledger which was put back, cut short or
//! replaced is noticed by whoever still has a later one.

use ecugate_verifier::values::finding::Finding;

/// The size of a note, where it counts: signed by the log key that is entitled at that size.
pub type Counts<'a> = &'a dyn Fn(&str) -> Option<u64>;

/// A place that outlives the ledger's file: files on another disk, objects on a token.
///
/// What it holds is not believed: the ledger takes the largest note that verifies under its own key, and reports the
/// others. An unsigned or huge one must not stop a site.
pub trait Mark: Send {
    /// What it is, for messages: a path, a token.
    fn name(&self) -> String;

    /// Whether the ledger stays closed while this mark is away or holds nothing that counts. One at least should be.
    fn is_required(&self) -> bool {
        true
    }

    /// Every note that stands in it, in any order, unverified.
    ///
    /// # Errors
    /// A finding where it is not there or cannot be read. A mark that was never written is an error too
    /// ([`MarkMissing`](ecugate_verifier::values::reason::Reason::MarkMissing)): whoever may remove a mark could put
    /// the ledger back.
    fn read(&self) -> Result<Vec<String>, Finding>;

    /// Makes it, for a new ledger, with that ledger's first checkpoint; durably.
    ///
    /// # Errors
    /// A finding, also where it stands already: it is of another ledger then.
    fn begin(&mut self, size: u64, note: &str) -> Result<(), Finding>;

    /// Keeps a signed checkpoint of `size` entries, durably: a power cut in the middle leaves an earlier one that counts.
    /// Never gives up a larger one that counts for it, and never makes a mark that is away. What does not count is in
    /// nobody's way, and may be written over.
    ///
    /// # Errors
    /// A finding; nothing is admitted on an entry that no required mark covers.
    fn raise(&mut self, size: u64, note: &str, counts: Counts<'_>) -> Result<(), Finding>;
}
