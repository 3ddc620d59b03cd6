//! `lenet doctor`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::data::{DataError, FashionMnist, Options};
use crate::error::Error;
use crate::kernels::{self, Level};
use crate::ui::Out;

#[derive(Serialize)]
struct Document {
    schema: u32,
    lenet: &'static str,
    burn: &'static str,
    cpu: Cpu,
    gpu: Gpu,
    data: Data,
}

#[derive(Serialize)]
struct Cpu {
    /// In this build.
    available: bool,
    level: String,
    levels: Vec<String>,
    threads: usize,
}

#[derive(Serialize)]
struct Gpu {
    name: Option<String>,
    /// Whether it is a program on the CPU.
    software: bool,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Data {
    dir: Option<PathBuf>,
    train_samples: usize,
    test_samples: usize,
    problem: Option<String>,
}

impl DoctorArgs {
    /// Looks at the machine and tells.
    ///
    /// # Errors
    /// If the data set cannot be used; if `LENET_SIMD` asks for what the CPU lacks.
    pub fn run(&self) -> Result<(), Error> {
        let loaded = FashionMnist::load(&Options {
            dir: self.dir.clone(),
            ..Options::default()
        });
        let document = Document {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION"),
            burn: crate::BURN_VERSION,
            cpu: Cpu {
                available: cfg!(feature = "ndarray"),
                level: kernels::level()?.to_string(),
                levels: Level::available().iter().map(Level::to_string).collect(),
                threads: rayon::current_num_threads(),
            },
            gpu: gpu(),
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
fn gpu() -> Gpu {
    match crate::gpu::open() {
        Ok(gpu) => Gpu {
            name: Some(gpu.name),
            software: gpu.is_software,
            problem: None,
        },
        Err(error) => Gpu {
            name: None,
            software: false,
            problem: Some(error.to_string()),
        },
    }
}

#[cfg(not(feature = "wgpu"))]
fn gpu() -> Gpu {
    Gpu {
        name: None,
        software: false,
        problem: Some("this build has no GPU backend (feature wgpu)".to_owned()),
    }
}

fn data(loaded: &Result<FashionMnist, DataError>) -> Data {
    match loaded {
        Ok(data) => Data {
            dir: Some(data.provenance.dir.clone()),
            train_samples: data.train.len(),
            test_samples: data.test.len(),
            problem: None,
        },
        Err(error) => Data {
            dir: None,
            train_samples: 0,
            test_samples: 0,
            problem: Some(error.to_string()),
        },
    }
}

fn text(document: &Document) -> [String; 4] {
    let Document {
        lenet,
        burn,
        cpu,
        gpu,
        data,
        ..
    } = document;
    let cpu = match cpu.available {
        true => format!(
            "{} (this CPU has {}), {} threads",
            cpu.level,
            cpu.levels.join(", "),
            cpu.threads
        ),
        false => "none: this build has no CPU backend (feature ndarray)".to_owned(),
    };
    let gpu = match (&gpu.name, &gpu.problem) {
        (Some(name), _) if gpu.software => format!("{name}: a program on the CPU, slow"),
        (Some(name), _) => name.clone(),
        (None, problem) => format!("none: {}", problem.as_deref().unwrap_or_default()),
    };
    let data = match &data.dir {
        Some(dir) => format!(
            "{}: Fashion-MNIST, {} training and {} test images",
            dir.display(),
            data.train_samples,
            data.test_samples
        ),
        None => format!("none: {}", data.problem.as_deref().unwrap_or_default()),
    };
    [
        format!("lenet  {lenet} on Burn {burn}"),
        format!("cpu    {cpu}"),
        format!("gpu    {gpu}"),
        format!("data   {data}"),
    ]
}
