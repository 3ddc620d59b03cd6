//! Starts the threads of the program, one after the other, so that too little memory for them is an error.

use std::hint::black_box;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{io, thread};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::io::limits;

/// Size of the stack of a thread, in bytes. With an explicit size, RUST_MIN_STACK cannot make the stacks too small.
const STACK: usize = 2 << 20;

/// Address space, in bytes, that glibc reserves for a moment at the first allocation of a thread (`new_heap` in its
/// `malloc/arena.c`). It keeps half of it.
const FIRST_ALLOCATION: usize = 128 << 20;

/// Starts a pool of `count` threads.
///
/// # Errors
/// Returns [`io::ErrorKind::OutOfMemory`] if the address space does not suffice, or the error of the OS.
pub fn start_pool(count: usize) -> io::Result<ThreadPool> {
    let mut failure = None;
    let builder = ThreadPoolBuilder::new().num_threads(count).spawn_handler(|thread| {
        let started = start(|builder, ready| {
            builder.spawn(move || {
                ready.send();
                thread.run();
            })
        });
        started.map(drop).map_err(|error| {
            let kind = error.kind();
            failure = Some(error);
            kind.into()
        })
    });
    let pool = builder.build();
    pool.map_err(|error| failure.unwrap_or_else(|| io::Error::other(error)))
}

/// Starts a thread with `spawn`, which must call [`Ready::send`] at the beginning of the thread, and waits for that call.
///
/// If threads made their first allocation at the same time, they could exhaust a limited address space (`ulimit -v`), and the
/// process would abort.
///
/// # Errors
/// Returns [`io::ErrorKind::OutOfMemory`] if the address space does not suffice, or the error of `spawn`.
pub fn start<T>(spawn: impl FnOnce(thread::Builder, Ready) -> io::Result<T>) -> io::Result<T> {
    limits::check_address_space(STACK + FIRST_ALLOCATION)
        .map_err(|error| io::Error::new(error.kind(), "not enough memory"))?;
    let (sender, receiver) = sync_channel(1);
    let thread = spawn(thread::Builder::new().stack_size(STACK), Ready(sender))?;
    // An error means that the thread has ended without the call.
    let _ = receiver.recv();
    Ok(thread)
}

/// Tells [`start`] that a thread has memory.
pub struct Ready(SyncSender<()>);

impl Ready {
    /// Allocates memory, and then lets [`start`] return.
    pub fn send(self) {
        drop(black_box(Box::new([0_u8; 64])));
        // `start` waits for the message, so the receiver exists.
        let _ = self.0.send(());
    }
}
