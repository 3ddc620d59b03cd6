//! `lenet doctor`.

mod speed;

pub use speed::speed;

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::data::{DataError, FashionMnist, Options};
use crate::error::Error;
use crate::io::text::plural;
use crate::kernels::{self, Level};
use crate::ui::Out;

#[derive(Serialize)]
struct Document {
    schema: u32,
    lenet: &'static str,
    burn: &'static str,
    cpu: Cpu,
    gpu: Gpu,
    /// The backend that trains faster here, of those that could be measured.
    faster: Option<&'static str>,
    data: Data,
}

#[derive(Serialize)]
struct Cpu {
    /// In this build.
    available: bool,
    level: String,
    levels: Vec<String>,
    threads: usize,
    images_per_second: Option<f64>,
}

#[derive(Default, Serialize)]
struct Gpu {
    name: Option<String>,
    /// Whether it is a program on the CPU.
    software: bool,
    images_per_second: Option<f64>,
    problem: Option<String>,
}

/// What measures the backends of this build, as `speed` does: the binary's, which alone compiles Burn's GPU code.
pub struct Speeds {
    #[cfg(feature = "ndarray")]
    pub ndarray: fn() -> Result<f64, Error>,
    /// This GPU.
    #[cfg(feature = "wgpu")]
    pub wgpu: fn(&crate::gpu::Gpu) -> Result<f64, Error>,
}

#[derive(Default, Serialize)]
struct Data {
    dir: Option<PathBuf>,
    train_samples: usize,
    test_samples: usize,
    problem: Option<String>,
}

impl DoctorArgs {
    /// Looks at the machine, measures its backends and tells.
    ///
    /// # Errors
    /// If the data set cannot be used; if `LENET_SIMD` asks for what the CPU lacks; if the CPU could not be measured.
    pub fn run(&self, speeds: &Speeds) -> Result<(), Error> {
        let loaded = FashionMnist::load(&Options { dir: self.dir.clone(), ..Options::default() });
        let level = kernels::level()?.to_string();
        #[cfg(feature = "ndarray")]
        let on_cpu = Some((speeds.ndarray)()?);
        #[cfg(not(feature = "ndarray"))]
        let on_cpu = None;
        let gpu = gpu(speeds);
        let document = Document {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION"),
            burn: crate::BURN_VERSION,
            cpu: Cpu {
                available: cfg!(feature = "ndarray"),
                level,
                levels: Level::available().iter().map(Level::to_string).collect(),
                threads: rayon::current_num_threads(),
                images_per_second: on_cpu,
            },
            faster: match (on_cpu, gpu.images_per_second) {
                (Some(cpu), Some(gpu)) if gpu > cpu => Some("wgpu"),
                (Some(_), _) => Some("ndarray"),
                (None, Some(_)) => Some("wgpu"),
                (None, None) => None,
            },
            gpu,
            data: data(&loaded),
        };
        let mut out = Out::default();
        match self.json {
            true => out.json(&document),
            false => out.lines(text(&document)),
        }
        out.finish()?;
        loaded?;
        Ok(())
    }
}

#[cfg(feature = "wgpu")]
fn gpu(speeds: &Speeds) -> Gpu {
    crate::gpu::foreword().into_iter().for_each(crate::ui::note);
    let mut found = Gpu::default();
    let measured = crate::gpu::open().and_then(|gpu| {
        (found.name, found.software) = (Some(gpu.name.clone()), gpu.is_software);
        Ok(((speeds.wgpu)(&gpu)?, gpu.lacking))
    });
    match measured {
        Ok((speed, lacking)) => (found.images_per_second, found.problem) = (Some(speed), lacking),
        Err(error) => found.problem = Some(error.to_string()),
    }
    found
}

#[cfg(not(feature = "wgpu"))]
fn gpu(_: &Speeds) -> Gpu {
    let problem = Some("this build has no GPU backend (feature wgpu)".to_owned());
    Gpu { problem, ..Gpu::default() }
}

fn data(loaded: &Result<FashionMnist, DataError>) -> Data {
    match loaded {
        Ok(data) => Data {
            dir: Some(data.provenance.dir.clone()),
            train_samples: data.train.images().len(),
            test_samples: data.test.images().len(),
            problem: None,
        },
        Err(error) => Data { problem: Some(error.to_string()), ..Data::default() },
    }
}

fn text(document: &Document) -> [String; 5] {
    let Document { lenet, burn, cpu, gpu, faster, data, .. } = document;
    let speed = |speed: Option<f64>| {
        speed.map_or_else(String::new, |speed| format!(", trains {speed:.0} images/s"))
    };
    let (level, levels, threads) =
        (&cpu.level, cpu.levels.join(", "), plural(cpu.threads, "thread"));
    let on_cpu = match cpu.available {
        true => {
            let speed = speed(cpu.images_per_second);
            format!("{level} (this CPU has {levels}), {threads}{speed}")
        }
        false => "none: this build has no CPU backend (feature ndarray)".to_owned(),
    };
    let name = gpu.name.as_deref().unwrap_or("none");
    let software =
        if gpu.software { ", a program on the CPU that stands in for a GPU" } else { "" };
    let problem = gpu.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
    let faster = faster.map_or_else(|| "none".to_owned(), |name| format!("--backend {name}"));
    let (train, test) = (data.train_samples, data.test_samples);
    let data = match &data.dir {
        Some(dir) => {
            let dir = dir.display();
            format!("{dir}: Fashion-MNIST, {train} training and {test} test images")
        }
        None => format!("none: {}", data.problem.as_deref().unwrap_or_default()),
    };
    [
        format!("lenet   {lenet} on Burn {burn}"),
        format!("cpu     {on_cpu}"),
        format!("gpu     {name}{software}{}{problem}", speed(gpu.images_per_second)),
        format!("faster  {faster}"),
        format!("data    {data}"),
    ]
}
