//! The program: parses the command line, opens the backend, runs the command and prints the error. Only this file names the
//! backend types, so Burn's GPU code is compiled with this binary and not with the library.

#[cfg(not(any(feature = "ndarray", feature = "wgpu")))]
compile_error!("lenet needs a backend: build it with the feature ndarray, wgpu, or both");

use std::num::NonZero;
use std::process::ExitCode;

use lenet::cli::args::{
    Backend, Cli, Command, CompareArgs, ComputeArgs, DataAction, DataCommand, EvalArgs,
    PredictArgs, ReportArgs, TrainArgs,
};
use lenet::cli::commands::OnBackend;
use lenet::cli::commands::doctor::{Speeds, speed};
use lenet::cli::error::Error;
use lenet::cli::threads::start_pool;
use lenet::cli::ui;
use lenet::io::limits;

/// Runs the program. It is public for `tests/allocations`.
pub fn main() -> ExitCode {
    ui::exit_status(|| {
        // Prints help and usage errors itself, and then exits: with status 0 after help, 2 after an error.
        let cli = Cli::from_command_line();
        run(&cli.command)
    })
}

/// Runs `command` in a pool of as many threads as it can use, so that commands start no further threads, whose memory would not
/// be checked.
fn run(command: &Command) -> Result<(), Error> {
    let threads = match command {
        Command::Train(TrainArgs { compute, .. })
        | Command::Eval(EvalArgs { compute, .. })
        | Command::Predict(PredictArgs { compute, .. })
        | Command::Report(ReportArgs { compute, .. })
        | Command::Compare(CompareArgs { compute, .. }) => compute.threads,
        Command::Doctor(_) | Command::Data(DataCommand { action: DataAction::Import(_) }) => None,
        Command::Runs(_)
        | Command::Shapes(_)
        | Command::Convert(_)
        | Command::Data(_)
        | Command::Completions(_)
        | Command::Man(_) => Some(1),
    };
    in_pool(threads, || match command {
        Command::Train(args) => on_backend(&args.compute, args),
        Command::Eval(args) => on_backend(&args.compute, args),
        Command::Predict(args) => on_backend(&args.compute, args),
        Command::Report(args) => on_backend(&args.compute, args),
        Command::Compare(args) => on_backend(&args.compute, args),
        Command::Runs(args) => args.run(),
        Command::Shapes(args) => args.run(),
        Command::Convert(args) => args.run(),
        Command::Data(args) => args.run(),
        Command::Doctor(args) => args.run(&Speeds {
            #[cfg(feature = "ndarray")]
            ndarray: || speed::<burn_ndarray::NdArray>(&Default::default()),
            #[cfg(feature = "wgpu")]
            wgpu: |gpu| speed::<burn_wgpu::Wgpu>(&gpu.device),
        }),
        Command::Completions(args) => args.run(),
        Command::Man(args) => args.run(),
    })
}

/// Address space, in bytes, that a command may need for the full data set. It is checked up front, because a failed
/// allocation aborts the process without an error message.
const MEMORY: usize = 160 << 20;

fn check_address_space() -> Result<(), Error> {
    limits::check_address_space(MEMORY).map_err(|_| Error::Memory(MEMORY >> 20))
}

/// Opens the chosen GPU and prints notes about it, if any.
#[cfg(feature = "wgpu")]
fn open_gpu(choice: Option<&str>) -> Result<lenet::backend::gpu::Gpu, Error> {
    lenet::cli::restart::with_runtime_dir();
    let gpu = lenet::backend::gpu::open(choice)?;
    gpu.note().iter().for_each(|note| ui::note(note));
    Ok(gpu)
}

/// Runs `task` on the selected backend.
fn on_backend<T: OnBackend>(compute: &ComputeArgs, task: &T) -> Result<(), Error> {
    match compute.backend {
        #[cfg(feature = "ndarray")]
        Backend::Ndarray => {
            let level = lenet::backend::cpu::level()?;
            task.run::<burn_ndarray::NdArray>(&Default::default(), &format!("CPU ({level})"))
        }
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => {
            let gpu = open_gpu(compute.gpu.choice.as_deref())?;
            task.run::<burn_wgpu::Wgpu>(&gpu.device, &gpu.name)
        }
    }
}

/// Runs `work` in a pool of `threads` threads, after checking that the address space suffices for both.
fn in_pool(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<(), Error> + Send,
) -> Result<(), Error> {
    check_address_space()?;
    let pool = pool(threads)?;
    check_address_space()?;
    pool.install(work)
}

/// Maximum number of threads on a machine with fewer cores. An idle thread searches for work in all other threads, so hundreds of
/// threads on a few cores would do little else. The number of threads does not affect the results.
const MAX_THREADS: usize = 32;

/// Creates a pool of `threads` threads. The default is one per core, or fewer if RAYON_NUM_THREADS is set to a smaller number.
fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool, Error> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let variable = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    let default = variable.filter(|number| (1..cores).contains(number)).unwrap_or(cores);
    let started = threads.unwrap_or(default).min(cores.max(MAX_THREADS));
    let pool = start_pool(started).map_err(Error::Threads)?;
    if let Some(threads) = threads.filter(|threads| *threads > cores) {
        ui::note(&format!(
            "note: --threads {threads} is not faster than --threads {cores}, one per core"
        ));
    }
    Ok(pool)
}
