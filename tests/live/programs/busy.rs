// SPDX-License-Identifier: Apache-2.0

//! A Rust program under load: threads, collections, formatting, a caught panic now and then. Runs
//! until it is killed.

use std::collections::{BTreeMap, HashMap};
use std::panic;
use std::ptr;
use std::thread;

/// Keeps a value from being optimized away (std::hint's is newer than some compilers).
fn black_box<T>(value: T) -> T {
    unsafe { ptr::read_volatile(&&value) };
    value
}

#[inline(never)]
fn words(seed: u64) -> Vec<String> {
    let mut state = seed;
    (0..400)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            format!("word-{}", (state >> 33) % 97)
        })
        .collect()
}

#[inline(never)]
fn count(words: &[String]) -> BTreeMap<&str, usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in words {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts.into_iter().collect()
}

#[inline(never)]
fn fibonacci(n: u32) -> u64 {
    if n < 2 { n.into() } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[inline(never)]
fn risky(n: u64) -> Result<u64, ()> {
    panic::catch_unwind(|| if n % 16 == 0 { panic!("now and then") } else { n }).map_err(|_| ())
}

fn work(id: u64) {
    for round in 0.. {
        let words = words(id * 1_000_003 + round);
        let mut sorted: Vec<_> = count(&words).into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        black_box(&sorted);
        black_box(fibonacci(12));
        let _ = black_box(risky(round));
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let threads: Vec<_> = (1..3).map(|id| thread::spawn(move || work(id))).collect();
    work(0);
    for thread in threads {
        thread.join().unwrap();
    }
}
