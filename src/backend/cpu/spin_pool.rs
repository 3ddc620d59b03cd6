//! Waiting without sleep: between the halves of a step the other threads of the pool look for work all the time.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// How long a thread that finds no work stays awake. A step has gaps of some microseconds; longer ones are for sleep, as
/// other programs and batteries suffer from threads that wait awake.
const PATIENCE: Duration = Duration::from_micros(200);

/// Idle rounds after which a waiting thread lets other programs run between two looks.
const SPINS: u32 = 2_000;

thread_local! {
    static IS_WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the threads of a pool awake from one step to the next.
///
/// A half of a step takes tens of microseconds, and to wake a thread takes about as long.
#[derive(Debug, Default)]
pub(super) struct SpinPool {
    /// Threads that wait awake, or have been told to.
    waiting: Arc<AtomicUsize>,
}

impl SpinPool {
    /// Has the other threads of the caller's pool wait awake, if some do not.
    pub(super) fn call(&self) {
        let others = rayon::current_num_threads() - 1;
        let Some(caller) = rayon::current_thread_index() else {
            return;
        };
        if self.waiting.load(Ordering::Relaxed) >= others {
            return;
        }
        self.waiting.fetch_add(others, Ordering::Relaxed);
        let waiting = Arc::clone(&self.waiting);
        rayon::spawn_broadcast(move |context| {
            // The caller gets this too, while it waits for a piece of work.
            if context.index() != caller {
                wait();
                waiting.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
}

/// Does what work there is, until there has been none for [`PATIENCE`].
fn wait() {
    // A thread may be told again while it waits.
    if IS_WAITING.replace(true) {
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
        if idle % 16 == 15 && since.elapsed() > PATIENCE {
            break;
        }
    }
    IS_WAITING.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn all_threads_but_the_callers_are_told_once() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (busy, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            pool.install(|| {
                // So that none of them has done waiting before it is looked.
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
                let awake = SpinPool::default();
                for _ in 0..2 {
                    awake.call();
                    assert_eq!(awake.waiting.load(Ordering::Relaxed), threads - 1);
                }
                release.store(true, Ordering::Relaxed);
            });
        }
    }

    #[test]
    fn threads_wait_for_a_while_and_then_sleep() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let awake = SpinPool::default();
            for _ in 0..3 {
                pool.install(|| {
                    awake.call();
                    let (a, b) = rayon::join(|| 1, || 2);
                    assert_eq!(a + b, 3);
                });
                let begin = Instant::now();
                while awake.waiting.load(Ordering::Relaxed) > 0 {
                    assert!(begin.elapsed() < Duration::from_secs(10), "still awake");
                    std::thread::sleep(PATIENCE);
                }
            }
        }
    }
}
