//! Opens the GPU before Burn does, because Burn panics if it finds no GPU.

use burn_wgpu::{MemoryConfiguration, RuntimeOptions, WgpuDevice, WgpuSetup, init_device};
use wgpu_api as wgpu;

use super::choice::choose;
use super::kernels::missing_capability;
use crate::error::Error;
use crate::io::limits;

/// A GPU that is ready to compute.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The device in Burn.
    pub device: WgpuDevice,
    /// Name and graphics API, for the user.
    pub name: String,
    /// Whether the GPU is a software renderer.
    pub is_software: bool,
}

impl Gpu {
    /// Returns a note for the user if the GPU is a software renderer.
    pub fn note(&self) -> Option<String> {
        let name = &self.name;
        let note =
            || format!("note: {name} is a software renderer: it runs on the CPU and is slow");
        self.is_software.then(note)
    }
}

/// Address space in bytes, and number of threads, that a graphics driver and CubeCL may need. Mesa's software renderer needs
/// 500 MB and, together with CubeCL, one thread per core and six others.
const DRIVER_MEMORY: usize = 1 << 30;
const DRIVER_THREADS: usize = 8;

/// The graphics API that Burn's kernels support.
const BACKEND: wgpu::Backend =
    if cfg!(target_os = "macos") { wgpu::Backend::Metal } else { wgpu::Backend::Vulkan };

/// Loads the graphics drivers.
///
/// # Errors
/// Returns an error if the limits of the process are too low for a driver, which would crash then.
fn instance() -> Result<wgpu::Instance, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    limits::check_address_space(DRIVER_MEMORY)
        .and_then(|()| limits::check_threads(cores + DRIVER_THREADS))
        .map_err(|error| {
            Error::Gpu(format!("the resource limits are too low to use a GPU: {error}"))
        })?;
    Ok(wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: BACKEND.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    }))
}

fn name(adapter: &wgpu::Adapter) -> String {
    format!("{} ({BACKEND})", adapter.get_info().name)
}

/// Returns the names of all GPUs, in the order in which [`open`] numbers them.
///
/// The list is empty if the limits of the process are too low for a graphics driver.
pub fn names() -> Vec<String> {
    let adapters = |instance: wgpu::Instance| {
        pollster::block_on(instance.enumerate_adapters(BACKEND.into())).iter().map(name).collect()
    };
    instance().map(adapters).unwrap_or_default()
}

/// Opens the GPU that `choice` selects by its number or a part of its name, or the fastest GPU of the machine.
///
/// # Errors
/// Returns an error if no GPU is found, if none matches the choice, or if the GPU cannot be opened or cannot run the kernels.
pub fn open(choice: Option<&str>) -> Result<Gpu, Error> {
    let instance = instance()?;
    let adapter = match choice {
        Some(choice) => {
            let mut adapters = pollster::block_on(instance.enumerate_adapters(BACKEND.into()));
            let names: Vec<_> = adapters.iter().map(name).collect();
            match choose(&names, choice) {
                Some(index) => Some(adapters.swap_remove(index)),
                None if names.is_empty() => None,
                None => return Err(Error::UnknownGpu { choice: choice.to_owned(), names }),
            }
        }
        None => {
            let options = wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            };
            pollster::block_on(instance.request_adapter(&options)).ok()
        }
    };
    let adapter = adapter.ok_or_else(|| Error::Gpu(format!("no GPU found through {BACKEND}")))?;
    let (info, name) = (adapter.get_info(), name(&adapter));
    let supported = adapter.limits();
    let missing_capability = missing_capability(
        supported.max_compute_invocations_per_workgroup as usize,
        supported.max_compute_workgroup_storage_size as usize,
        supported.max_storage_buffers_per_shader_stage as usize,
    );
    if let Some(missing_capability) = missing_capability {
        let name = info.name;
        return Err(Error::Gpu(format!(
            "the GPU {name} cannot run lenet's kernels: {missing_capability}"
        )));
    }

    // All features of the adapter, as Burn requests them, except those that wgpu calls experimental: LeNet does not need them,
    // and enabling them requires unsafe code.
    let features = adapter.features()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
        - wgpu::Features::all_experimental_mask();
    let description = wgpu::DeviceDescriptor {
        required_features: features,
        required_limits: supported,
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&description))
        .map_err(|error| Error::Gpu(format!("the GPU {} cannot be opened: {error}", info.name)))?;
    let setup = WgpuSetup { instance, adapter, device, queue, backend: BACKEND };
    // The default options would panic if an environment variable is not a number.
    let options = RuntimeOptions { tasks_max: 32, memory_config: MemoryConfiguration::default() };
    Ok(Gpu {
        device: init_device(setup, options),
        name,
        is_software: info.device_type == wgpu::DeviceType::Cpu,
    })
}
