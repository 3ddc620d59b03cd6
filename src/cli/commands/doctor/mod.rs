//! `lenet doctor`: shows CPU and GPU support, training speed, and the location of the data set.

mod speed;

pub use speed::speed;

use burn::data::dataset::Dataset;
use serde::Serialize;
use serde_json::json;

use crate::backend::cpu::{self, SimdLevel};
use crate::cli::args::DoctorArgs;
use crate::cli::error::Error;
use crate::cli::ui::Out;
use crate::cli::ui::format::plural;
use crate::data::{Options, TrainAndTest};

/// The GPU in the JSON output.
#[derive(Default, Serialize)]
struct Gpu {
    name: Option<String>,
    /// Whether the GPU is a software renderer, which runs on the CPU.
    software: bool,
    images_per_second: Option<f64>,
    problem: Option<String>,
}

/// Benchmark functions, one per backend of this build. The binary passes them in, so that only the binary compiles Burn's
/// GPU code.
pub struct Speeds {
    /// Benchmark of the CPU.
    #[cfg(feature = "ndarray")]
    pub ndarray: fn() -> Result<f64, Error>,
    /// Benchmark of a GPU.
    #[cfg(feature = "wgpu")]
    pub wgpu: fn(&crate::backend::gpu::Gpu) -> Result<f64, Error>,
}

impl DoctorArgs {
    /// Measures the backends and prints the state of the machine and of the data set.
    ///
    /// # Errors
    /// Returns an error if the data set cannot be used, if the chosen GPU does not exist, if `LENET_SIMD` names an instruction
    /// set that the CPU lacks, or if the CPU backend fails.
    pub fn run(&self, speeds: &Speeds) -> Result<(), Error> {
        #[cfg(feature = "wgpu")]
        crate::cli::restart::with_runtime_dir();
        let data = TrainAndTest::load(&Options { dir: self.dir.clone(), ..Options::default() });
        let level = cpu::level()?.to_string();
        let levels: Vec<String> = SimdLevel::available().iter().map(SimdLevel::to_string).collect();
        let threads = rayon::current_num_threads();
        #[cfg(feature = "ndarray")]
        let on_cpu = Some((speeds.ndarray)()?);
        #[cfg(not(feature = "ndarray"))]
        let on_cpu: Option<f64> = None;
        let gpu = self.gpu(speeds)?;
        #[cfg(feature = "wgpu")]
        let names = crate::backend::gpu::names();
        #[cfg(not(feature = "wgpu"))]
        let names: Vec<String> = Vec::new();
        // The faster of the backends that work on this machine.
        let faster = match (on_cpu, gpu.images_per_second) {
            (Some(cpu), Some(gpu)) if gpu > cpu => Some("wgpu"),
            (Some(_), _) => Some("ndarray"),
            (None, Some(_)) => Some("wgpu"),
            (None, None) => None,
        };
        let (lenet, burn) = (env!("CARGO_PKG_VERSION"), crate::BURN_VERSION);
        let mut out = Out::default();
        if self.json {
            let loaded = data.as_ref().ok();
            out.json(&json!({
                "schema": 1, "lenet": lenet, "burn": burn,
                "cpu": {
                    "available": cfg!(feature = "ndarray"), "level": level, "levels": levels,
                    "threads": threads, "images_per_second": on_cpu,
                },
                "gpu": gpu,
                "gpus": names,
                "faster": faster,
                "data": {
                    "dir": loaded.map(|data| data.provenance.dir.to_string_lossy()),
                    "train_samples": loaded.map_or(0, |data| data.train.len()),
                    "test_samples": loaded.map_or(0, |data| data.test.len()),
                    "problem": data.as_ref().err().map(ToString::to_string),
                },
            }));
        } else {
            let cpu = match on_cpu {
                Some(_) => {
                    let is_set =
                        std::env::var_os("LENET_SIMD").is_some_and(|name| !name.is_empty());
                    let reason = if is_set { "set by LENET_SIMD" } else { SimdLevel::reason() };
                    let (levels, threads) = (levels.join(", "), plural(threads, "thread"));
                    let speed = trains(on_cpu);
                    format!("{level} ({reason}; this CPU supports {levels}), {threads}{speed}")
                }
                None => "none: this build has no CPU backend (feature ndarray)".to_owned(),
            };
            let data = match &data {
                Ok(TrainAndTest { train, test, provenance }) => {
                    let (dir, name) = (provenance.dir.display(), provenance.info.title());
                    let (train, test) = (train.len(), test.len());
                    format!("{dir}: {name}, {train} training and {test} test images")
                }
                Err(error) => format!("none: {error}"),
            };
            out.line(&format!("lenet   {lenet} on Burn {burn}"));
            out.line(&format!("cpu     {cpu}"));
            out.line(&format!("gpu     {}", gpu.text()));
            if names.len() > 1 {
                let names = names.iter().enumerate();
                out.lines(names.map(|(number, name)| format!("        --gpu {number}: {name}")));
            }
            let faster = faster.map_or("none".to_owned(), |name| format!("--backend {name}"));
            out.line(&format!("faster  {faster}"));
            out.line(&format!("data    {data}"));
        }
        out.finish()?;
        data?;
        Ok(())
    }
}

fn trains(speed: Option<f64>) -> String {
    speed.map_or_else(String::new, |speed| format!(", trains {speed:.0} images/s"))
}

impl Gpu {
    fn text(&self) -> String {
        let name = self.name.as_deref().unwrap_or("none");
        let software = match self.software {
            true => ", a software renderer on the CPU",
            false => "",
        };
        let problem =
            self.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
        format!("{name}{software}{}{problem}", trains(self.images_per_second))
    }
}

impl DoctorArgs {
    /// Opens the chosen GPU and measures it. A missing or unusable GPU is a result rather than an error, unless the user chose
    /// a GPU that does not exist.
    #[cfg(feature = "wgpu")]
    fn gpu(&self, speeds: &Speeds) -> Result<Gpu, Error> {
        use crate::backend::gpu;
        use crate::error;
        let opened = match gpu::open(self.gpu.choice.as_deref()) {
            Err(error @ error::Error::UnknownGpu { .. }) => return Err(error.into()),
            opened => opened.map_err(Error::from),
        };
        let mut found = Gpu::default();
        let measured = opened.and_then(|gpu| {
            (found.name, found.software) = (Some(gpu.name.clone()), gpu.is_software);
            (speeds.wgpu)(&gpu)
        });
        match measured {
            Ok(speed) => found.images_per_second = Some(speed),
            Err(error) => found.problem = Some(error.to_string()),
        }
        Ok(found)
    }

    #[cfg(not(feature = "wgpu"))]
    fn gpu(&self, _: &Speeds) -> Result<Gpu, Error> {
        let problem = Some("this build has no GPU backend (feature wgpu)".to_owned());
        Ok(Gpu { problem, ..Gpu::default() })
    }
}
