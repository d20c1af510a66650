//! Faults by name, round trips, arbitrary bytes, and the attacks on images.

mod attacks;
mod digits;
mod elf;
mod guess;
mod intel_hex;
mod plan;
mod properties;
mod raw;
mod s_record;
mod writers;
