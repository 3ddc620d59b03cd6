//! Waiting without sleep: between two kernels the other threads of the pool look for work all the time.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::Yield;

/// Idle rounds after which a waiting thread lets other programs run between two looks.
const PATIENCE: u32 = 10_000;

/// Runs `work` on the pool of the calling thread, whose other threads wait for pieces of it without going to sleep.
///
/// A kernel takes tens of microseconds, and to wake a thread takes about as long: rayon's threads go to sleep between kernels,
/// and come late to each. The price is that the pool's threads are busy until `work` ends.
pub fn keep_awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        let worker = rayon::current_thread_index();
        let done = &done;
        let _guard = Done(done);
        scope.spawn_broadcast(move |_, context| {
            // Each thread gets this once, the working one too, while it waits for a piece of work.
            if Some(context.index()) == worker {
                return;
            }
            let mut idle = 0;
            while !done.load(Ordering::Relaxed) {
                match rayon::yield_now() {
                    Some(Yield::Executed) => idle = 0,
                    _ if idle < PATIENCE => {
                        idle += 1;
                        std::hint::spin_loop();
                    }
                    _ => std::thread::yield_now(),
                }
            }
        });
        work()
    })
}

/// Ends the waiting when dropped, after a panic too.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
