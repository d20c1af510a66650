use super::writers::{ask, span};
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{limits::Limits, reason::Reason},
};

fn refusal(plan: &Plan, limits: &Limits) -> Reason {
    struct Untouched;
    impl std::io::Read for Untouched {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("a plan is refused before the file is read")
        }
    }
    measure(&mut Untouched, plan, limits).unwrap_err().reason
}

#[test]
fn a_range_or_field_that_ends_at_or_before_its_start_is_refused() {
    for (start, end) in [(0, 0), (5, 5), (6, 5)] {
        let plan = Plan { ranges: vec![ask(start, end, None)], ..Plan::of(Form::Raw) };
        assert_eq!(refusal(&plan, &Limits::STANDARD), Reason::ImageRangeMalformed);
        let plan = Plan { fields: vec![span(start, end)], ..Plan::of(Form::Raw) };
        assert_eq!(refusal(&plan, &Limits::STANDARD), Reason::ImageRangeMalformed);
    }
}

#[test]
fn a_field_over_256_bytes_is_refused() {
    let plan = Plan { fields: vec![span(1, 258)], ..Plan::of(Form::Raw) };
    assert_eq!(refusal(&plan, &Limits::STANDARD), Reason::ImageRangeMalformed);
}

#[test]
fn more_ranges_and_fields_than_the_cap_are_refused() {
    let plan = Plan { ranges: vec![ask(0, 1, None); 1024], fields: vec![span(0, 1)], ..Plan::of(Form::Raw) };
    assert_eq!(refusal(&plan, &Limits::STANDARD), Reason::ImageRangeLimit);
}

#[test]
fn more_bytes_to_hash_than_the_cap_are_refused_and_one_start_counts_once() {
    let limits = Limits { image_range_bytes: 100, ..Limits::STANDARD };
    let plan = Plan { ranges: vec![ask(0, 60, None), ask(1, 42, None)], ..Plan::of(Form::Raw) };
    assert_eq!(refusal(&plan, &limits), Reason::ImageRangeLimit);
    let plan = Plan { ranges: vec![ask(0, 60, Some(0)), ask(0, 60, Some(1))], ..Plan::of(Form::Raw) };
    assert_eq!(refusal(&plan, &limits), Reason::ImageRangeLimit);
    let plan = Plan { ranges: vec![ask(0, 60, None), ask(0, 100, None), ask(0, 60, None)], ..Plan::of(Form::Raw) };
    assert!(
        measure(&mut [0; 100].as_slice(), &plan, &limits).unwrap().ranges.iter().all(|range| range.sha256.is_some())
    );
    let plan = Plan { ranges: vec![ask(0, u64::MAX, Some(0)), ask(1, u64::MAX, Some(0))], ..Plan::of(Form::Raw) };
    assert_eq!(refusal(&plan, &Limits::STANDARD), Reason::ImageRangeLimit);
}
