//! Finding the GPU before Burn needs one: Burn itself panics where there is none.

use burn_wgpu::{MemoryConfiguration, RuntimeOptions, WgpuDevice, WgpuSetup, init_device};
use wgpu_api as wgpu;

use super::kernels::missing_capability;
use crate::error::Error;

/// A GPU that is ready to compute.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// What Burn calls it.
    pub device: WgpuDevice,
    /// What its maker calls it, and through which interface it is reached.
    pub name: String,
    /// Whether it is a program on the CPU that stands in for a GPU.
    pub is_software: bool,
}

impl Gpu {
    /// What a user should know about it, if anything.
    pub fn note(&self) -> Option<String> {
        let name = &self.name;
        let note = || format!("note: {name} is not a GPU but a program on the CPU; it is slow");
        self.is_software.then(note)
    }
}

/// What to say before a GPU is opened: without this variable Mesa's drivers complain, twice and in words that
/// look like ours.
pub fn xdg_runtime_note() -> Option<&'static str> {
    let is_silent = !cfg!(target_os = "linux") || std::env::var_os("XDG_RUNTIME_DIR").is_some();
    (!is_silent).then_some(
        "note: XDG_RUNTIME_DIR is not set; the graphics driver may say so, and it does not matter here",
    )
}

/// Opens the fastest GPU of the machine.
///
/// # Errors
/// If there is none, or it cannot be opened, or cannot run the kernels.
pub fn open() -> Result<Gpu, Error> {
    // The interfaces that Burn's kernels are made for.
    let backend =
        if cfg!(target_os = "macos") { wgpu::Backend::Metal } else { wgpu::Backend::Vulkan };
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    let adapter = pollster::block_on(instance.request_adapter(&options))
        .map_err(|_| Error::Gpu(format!("no GPU was found through {backend}")))?;
    let info = adapter.get_info();
    let limits = adapter.limits();
    let missing_capability = missing_capability(
        limits.max_compute_invocations_per_workgroup as usize,
        limits.max_compute_workgroup_storage_size as usize,
        limits.max_storage_buffers_per_shader_stage as usize,
    );
    if let Some(missing_capability) = missing_capability {
        let name = info.name;
        return Err(Error::Gpu(format!(
            "the GPU {name} cannot run lenet's kernels: {missing_capability}"
        )));
    }

    // All that the adapter offers, as Burn asks for it; but for what wgpu calls experimental, which LeNet does
    // not need and which takes unsafe code to switch on.
    let features = adapter.features()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
        - wgpu::Features::all_experimental_mask();
    let description = wgpu::DeviceDescriptor {
        required_features: features,
        required_limits: limits,
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&description))
        .map_err(|error| Error::Gpu(format!("the GPU {} cannot be opened: {error}", info.name)))?;
    let setup = WgpuSetup { instance, adapter, device, queue, backend };
    // Not its default, which panics on an environment variable that is no number.
    let options = RuntimeOptions { tasks_max: 32, memory_config: MemoryConfiguration::default() };
    Ok(Gpu {
        device: init_device(setup, options),
        name: format!("{} ({backend})", info.name),
        is_software: info.device_type == wgpu::DeviceType::Cpu,
    })
}
