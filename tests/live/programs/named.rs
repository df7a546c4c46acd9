// SPDX-License-Identifier: Apache-2.0
// named SECONDS: a Rust method whose name must be read back from its mangled form.
use std::ptr;
use std::time::{Duration, Instant};

/// Keeps a value from being optimized away (std::hint's is newer than some compilers).
fn black_box<T>(value: T) -> T {
    unsafe { ptr::read_volatile(&&value) };
    value
}

mod shop {
    pub struct Basket<T>(pub Vec<T>);

    impl<T> Basket<T> {
        #[inline(never)]
        pub fn fill(&self, n: u64) -> u64 {
            (0..n).fold(self.0.len() as u64, |a, b| super::black_box(a ^ b))
        }
    }
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).map_or(1.0, |s| s.parse().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let basket = shop::Basket(vec![1u8, 2, 3]);
    while Instant::now() < end {
        black_box(basket.fill(100_000));
    }
}
