//! Launching a kernel for little: the one place where the GPU works unchecked.
//!
//! The launch that cubecl generates builds and hashes a description of the kernel and sends a buffer of lengths each time,
//! and a GPU that makes a step in 25 us then waits for its host. Here a kernel is described once and known by a short name.
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

/// How kernels are launched and where.
pub struct Launcher {
    pub client: ComputeClient<WgpuRuntime>,
    /// Whether every access is checked against the lengths, at almost twice the time, and the memory of workgroups is
    /// filled with what is no number first: for tests.
    pub is_checked: bool,
}

impl Launcher {
    /// On `client`'s device, checked if the environment has `LENET_GPU_CHECKED`.
    pub fn new(client: ComputeClient<WgpuRuntime>) -> Self {
        Self { client, is_checked: std::env::var_os("LENET_GPU_CHECKED").is_some() }
    }

    /// Settings of a kernel whose workgroups have so many threads.
    pub fn settings(threads: usize) -> KernelSettings {
        KernelSettings::default()
            .cube_dim(CubeDim::new_1d(threads as u32))
            .address_type(AddressType::U32)
    }

    /// Starts `workgroups` of `kernel`; does not wait. `buffers` in the order of its arguments, each with the bytes of
    /// its items.
    ///
    /// The kernels here use every buffer, take no other arguments and do not ask for lengths, so that none are sent.
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
        // SAFETY: The kernels of this folder are `layout`'s only readers, and each index in them is one of its
        // constants plus a place below the number of images, or the number of an image, for both of which `GpuTrainer`
        // and the operations check or size the buffers. Loops have bounds. The tests run every kernel checked, too.
        unsafe { self.client.launch_unchecked(task, workgroups, arguments) }
    }
}

/// The lengths of the arrays, which a checked kernel holds its indices against.
fn lengths(buffers: &[(&Handle, usize)]) -> MetadataBindingInfo {
    let mut info = InfoBuilder::default();
    for (handle, item) in buffers {
        let length = handle.size_in_used() / *item as u64;
        info.metadata.register_array(length, length, AddressType::U32);
    }
    info.finish(AddressType::U32)
}

/// A kernel that is described, and compiled at its first launch.
pub struct PreparedKernel<K: CubeKernel> {
    kernel: Arc<KernelTask<AutoCompiler, K>>,
    id: KernelId,
}

impl<K: CubeKernel> PreparedKernel<K> {
    /// A kernel whose constants `variant` stands for: no two of the same kind may have the same.
    pub fn new(kernel: K, variant: impl Any + Eq + Hash + Debug + Send + Sync) -> Self {
        Self { kernel: Arc::new(KernelTask::new(kernel)), id: KernelId::new::<K>().info(variant) }
    }
}

/// A launch of a [`PreparedKernel`] kernel, as cubecl takes it.
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
            // wgpu then sees from the text which buffers there are; cubecl would add that of the lengths.
            compiled.repr = None;
        }
        Ok(compiled)
    }
}
