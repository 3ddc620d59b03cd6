//! Launches kernels with little overhead. This is the only place where the GPU runs unchecked code.
//!
//! The launch function that cubecl generates builds and hashes a description of the kernel and uploads a buffer of lengths each
//! time. A GPU that runs a step in 25 us would wait for the host. Here, a kernel is described once and has a short id.
#![allow(
    unsafe_code,
    reason = "checked launches bound every loop and access, and take almost twice as long"
)]

use std::any::Any;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use burn_wgpu::{AutoCompiler, WgpuRuntime};
use cubecl::ir::StorageType;
use cubecl::prelude::*;
use cubecl::server::{Handle, KernelArguments, MetadataBindingInfo};
use cubecl::{CompilationError, Compiler, CubeTask, ExecutionMode, InfoBuilder};

/// Launches kernels on a device, with or without bounds checks.
pub struct Launcher {
    pub client: ComputeClient<WgpuRuntime>,
    /// Whether every access is checked against the length of its buffer and workgroup memory is first filled with NaN. For
    /// tests only, because checked kernels take almost twice as long.
    pub is_checked: bool,
}

impl Launcher {
    /// Creates a launcher. Launches are checked if the environment variable `LENET_GPU_CHECKED` is set.
    pub fn new(client: ComputeClient<WgpuRuntime>) -> Self {
        Self { client, is_checked: std::env::var_os("LENET_GPU_CHECKED").is_some() }
    }

    /// Returns the settings of a kernel whose workgroups have this many threads.
    pub fn settings(threads: usize) -> KernelSettings {
        KernelSettings::default()
            .cube_dim(CubeDim::new_1d(threads as u32))
            .address_type(AddressType::U32)
    }

    /// Launches `workgroups` workgroups of `kernel` without waiting for them. `buffers` are its arguments, each with the size of
    /// its items in bytes.
    ///
    /// The kernels use every buffer, have no other arguments and do not read the lengths of buffers, so no lengths are uploaded.
    pub fn launch<K: CubeKernel>(
        &self,
        kernel: &PreparedKernel<K>,
        workgroups: usize,
        buffers: &[(&Handle, usize)],
    ) {
        let bindings = buffers.iter().map(|(handle, _)| (*handle).clone().binding());
        let arguments = KernelArguments::new().with_buffers(bindings.collect());
        let workgroups = CubeCount::Static(workgroups as u32, 1, 1);
        let task = Box::new(Task {
            kernel: kernel.kernel.clone(),
            id: kernel.id.clone(),
            has_lengths: self.is_checked,
        });
        if self.is_checked {
            let arguments = arguments.with_info(lengths(buffers));
            return self.client.launch(task, workgroups, arguments);
        }
        // SAFETY: each index in the kernels of this directory is a constant of `layout` plus either an index below the
        // number of images or the number of an image. `GpuTrainer` and `GpuInference` allocate the buffers for these and
        // check the order of images. All loops are bounded. The tests also run every kernel checked.
        unsafe { self.client.launch_unchecked(task, workgroups, arguments) }
    }
}

/// Returns the lengths of the buffers, against which a checked kernel checks its indices.
fn lengths(buffers: &[(&Handle, usize)]) -> MetadataBindingInfo {
    let mut info = InfoBuilder::default();
    for (handle, item) in buffers {
        let length = handle.size_in_used() / *item as u64;
        info.metadata.register_array(length, length, AddressType::U32);
    }
    info.finish(AddressType::U32)
}

/// A kernel with its description and id, which is compiled at the first launch.
pub struct PreparedKernel<K: CubeKernel> {
    kernel: Arc<KernelTask<AutoCompiler, K>>,
    id: KernelId,
}

impl<K: CubeKernel> PreparedKernel<K> {
    /// Prepares a kernel. Two kernels of the same type with different constants must have different variants.
    pub fn new(kernel: K, variant: impl Any + Eq + Hash + Debug + Send + Sync) -> Self {
        Self { kernel: Arc::new(KernelTask::new(kernel)), id: KernelId::new::<K>().info(variant) }
    }
}

/// A launch of a [`PreparedKernel`] in the form that cubecl expects.
struct Task<K: CubeKernel> {
    kernel: Arc<KernelTask<AutoCompiler, K>>,
    id: KernelId,
    has_lengths: bool,
}

impl<K: CubeKernel> KernelMetadata for Task<K> {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }

    fn id(&self) -> KernelId {
        self.id.clone()
    }

    fn address_type(&self) -> StorageType {
        self.kernel.address_type()
    }
}

impl<K: CubeKernel> CubeTask<AutoCompiler> for Task<K> {
    fn compile(
        &self,
        compiler: &mut AutoCompiler,
        options: &<AutoCompiler as Compiler>::CompilationOptions,
        mode: ExecutionMode,
        address_type: StorageType,
    ) -> Result<CompiledKernel<AutoCompiler>, CompilationError> {
        let mut compiled = self.kernel.compile(compiler, options, mode, address_type)?;
        if !self.has_lengths {
            // Without `repr`, wgpu derives the buffers from the shader source. With it, cubecl would add the buffer of lengths.
            compiled.repr = None;
        }
        Ok(compiled)
    }
}
