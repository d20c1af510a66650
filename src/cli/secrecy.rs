//! PINs and private keys in memory: no copy of it on a disk, no look into it from another process.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Takes core dumps and debuggers from this process. The limit goes on to every process that it starts. It alone would
/// not do: where cores are piped to a program the kernel does not look at it (core(5)).
pub(crate) fn keep_memory_off_the_disk() -> Result<(), Finding> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable)).map_err(
        |error| Finding::new(Reason::Usage, "this process", "that it can go without core dumps", error.to_string()),
    )
}
