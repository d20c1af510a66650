//! Raw images: constant memory, whatever their length.

use super::{
    fault::ImageFault,
    measurement::Measurement,
    plan::Plan,
    source::{BUFFER, Source},
    sweep::Sweep,
};
use crate::values::{limits::Limits, reason::Reason};

pub(super) fn measure(source: &mut Source<'_>, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
    let mut sweep = Sweep::new(plan, limits);
    let mut buffer = vec![0; BUFFER];
    let mut address = plan.base;
    loop {
        let count = source.fill_raw(&mut buffer)?;
        let contents = buffer.get(..count).unwrap_or_default();
        let end = u64::try_from(count).ok().and_then(|count| address.checked_add(count)).ok_or_else(|| {
            let expected = "contents that end below 2^64";
            ImageFault::new(Reason::ImageAddressWrap, expected, "more").at_address(address)
        })?;
        sweep.take(address, contents)?;
        address = end;
        if count < buffer.len() {
            break;
        }
    }
    let swept = sweep.finish();
    // the file is its one segment, which is hashed once
    let [segment] = swept.segments.as_slice() else {
        return Err(ImageFault::new(Reason::ImageEmpty, "at least one byte", "an empty file"));
    };
    Ok(Measurement {
        file_sha256: segment.sha256,
        file_length: source.length(),
        form: plan.form,
        segments: swept.segments,
        ranges: swept.ranges,
        fields: swept.fields,
    })
}
