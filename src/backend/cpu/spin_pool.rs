//! Threads that spin instead of sleeping between the phases of a step.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rayon::Yield;

/// Time that an idle thread spins before it sleeps. Gaps within a step last a few microseconds; spinning longer would only cost
/// CPU time and battery.
const SPIN_TIME: Duration = Duration::from_micros(200);

/// Number of checks without a task after which a spinning thread also yields to other programs between checks.
const SPINS: u32 = 2_000;

/// Number of cores. If the pool has more threads, the others sleep, because a spinning thread would only take time from a
/// working thread.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));

thread_local! {
    static IS_SPINNING: Cell<bool> = const { Cell::new(false) };
}

/// The spinning threads of a rayon pool, which stay awake from one step to the next.
///
/// A phase of a step takes tens of microseconds, and waking a sleeping thread takes about as long.
#[derive(Debug, Default)]
pub(super) struct SpinPool {
    /// Number of threads that spin or are about to.
    spinning: Arc<AtomicUsize>,
}

impl SpinPool {
    /// Makes the other threads of the caller's pool spin, one per core, unless they already do.
    pub(super) fn keep_spinning(&self) {
        let threads = rayon::current_num_threads();
        let others = threads.min(*CORES) - 1;
        let Some(caller) = rayon::current_thread_index() else {
            return;
        };
        if self.spinning.load(Ordering::Relaxed) >= others {
            return;
        }
        self.spinning.fetch_add(others, Ordering::Relaxed);
        let spinning = Arc::clone(&self.spinning);
        rayon::spawn_broadcast(move |context| {
            // The calling thread also runs this closure, while it waits for a task to finish, and must not spin. The calling
            // thread is the last one in this count.
            if (context.index() + threads - caller - 1) % threads < others {
                spin_until_idle();
                spinning.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
}

/// Runs tasks of the pool until none has arrived for [`SPIN_TIME`].
fn spin_until_idle() {
    // A spinning thread may receive another call of this function as a task; the inner call returns at once.
    if IS_SPINNING.replace(true) {
        return;
    }
    let (mut idle, mut since) = (0_u32, Instant::now());
    loop {
        match rayon::yield_now() {
            Some(Yield::Executed) => (idle, since) = (0, Instant::now()),
            _ => idle += 1,
        }
        if idle > SPINS {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
        if idle % 16 == 15 && since.elapsed() > SPIN_TIME {
            break;
        }
    }
    IS_SPINNING.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn spinning_uses_one_thread_per_core() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (busy, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            pool.install(|| {
                // The other threads stay busy, so that none stops spinning before the check.
                for _ in 1..threads {
                    let (busy, release) = (Arc::clone(&busy), Arc::clone(&release));
                    rayon::spawn(move || {
                        busy.fetch_add(1, Ordering::Relaxed);
                        while !release.load(Ordering::Relaxed) {
                            std::thread::yield_now();
                        }
                    });
                }
                while busy.load(Ordering::Relaxed) < threads - 1 {
                    std::thread::yield_now();
                }
                let spin_pool = SpinPool::default();
                for _ in 0..2 {
                    spin_pool.keep_spinning();
                    assert_eq!(spin_pool.spinning.load(Ordering::Relaxed), threads.min(*CORES) - 1);
                }
                release.store(true, Ordering::Relaxed);
            });
        }
    }

    #[test]
    fn threads_sleep_after_spin_time() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let spin_pool = SpinPool::default();
            for _ in 0..3 {
                pool.install(|| {
                    spin_pool.keep_spinning();
                    let (a, b) = rayon::join(|| 1, || 2);
                    assert_eq!(a + b, 3);
                });
                let begin = Instant::now();
                while spin_pool.spinning.load(Ordering::Relaxed) > 0 {
                    assert!(begin.elapsed() < Duration::from_secs(10), "still spinning");
                    std::thread::sleep(SPIN_TIME);
                }
            }
        }
    }
}
