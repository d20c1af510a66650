//! CPU time of this thread, and what many rounds of a figure come to.

use std::fmt;

/// CPU time of this thread in nanoseconds (`proc_pid_schedstat(5)`: the first field).
pub(crate) fn cpu_nanoseconds() -> u64 {
    // the kernel adds up at the next tick, or now if the thread gives way
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel with schedstat");
    text.split(' ').next().unwrap().parse().unwrap()
}

/// CPU milliseconds of one call.
pub(crate) fn milliseconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = cpu_nanoseconds();
    std::hint::black_box(work());
    (cpu_nanoseconds() - begun) as f64 / 1e6
}

/// Median, least and most of a figure.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self { median: figures[figures.len() / 2], least: figures[0], most: figures[figures.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.least == self.most {
            return write!(f, "{:.2}", self.median);
        }
        write!(f, "{:.2} [{:.2}–{:.2}]", self.median, self.least, self.most)
    }
}
