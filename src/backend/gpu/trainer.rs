//! Training steps on the GPU. Within an epoch nothing is copied between host and device except when results are read.

use std::ops::Range;

use burn::data::dataset::Dataset;
use burn_wgpu::{WgpuDevice, WgpuRuntime};
use cubecl::Runtime;
use cubecl::server::Handle;

use super::kernels::{EpochBuffers, Kernels};
use super::layout::{SLOT, correct_at};
use super::pack;
use crate::backend::{Epoch, Parameters, Trainer};
use crate::data::{Batches, ImageDataset};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS, SampleResult, Weights};
use crate::optim::Sgd;

/// A [`Trainer`] whose parameters, optimizer state and images stay on the GPU.
pub struct GpuTrainer {
    kernels: Kernels,
    sgd: Sgd,
    /// Parameters and their slots, then the buffers of Muon; see [`super::layout`].
    parameters: Handle,
    /// The dataset of the last epoch, which is uploaded only once.
    dataset: Option<(ImageDataset, Handle)>,
    epoch: Option<(Epoch, EpochBuffers)>,
    /// Position in the image order of the first image whose result has not been read.
    first_unread: usize,
    /// Unread results of earlier epochs: the buffer, the epoch's image count, and the unread positions in the image order.
    unread: Vec<(Handle, usize, Range<usize>)>,
}

impl GpuTrainer {
    /// Starts training a network with `activation` from `start` on `device`, with the update rule `sgd`.
    pub fn new(activation: Activation, sgd: Sgd, start: &Parameters, device: &WgpuDevice) -> Self {
        assert_eq!(start.slots.len(), sgd.slots());
        let kernels = Kernels::new(&WgpuRuntime::client(device), activation, sgd);
        Self {
            parameters: kernels.upload_parameters(&start.weights, &start.slots),
            kernels,
            sgd,
            dataset: None,
            epoch: None,
            first_unread: 0,
            unread: Vec::new(),
        }
    }

    /// Returns the GPU buffer with the images of `dataset`. Uploads them unless the buffer of the previous epoch holds them.
    fn upload(&mut self, dataset: &ImageDataset) -> Handle {
        match &self.dataset {
            Some((uploaded, handle)) if std::ptr::eq(uploaded.images(), dataset.images()) => {
                handle.clone()
            }
            _ => {
                // Free the memory of the other dataset first.
                self.dataset = None;
                let images = pack::images(dataset.images(), dataset.labels());
                let handle = self.kernels.upload(&images);
                self.dataset = Some((dataset.clone(), handle.clone()));
                handle
            }
        }
    }

    /// Moves the unread results of the current epoch to the list of unread results.
    fn collect_unread(&mut self) {
        let Some((epoch, buffers)) = &self.epoch else {
            return;
        };
        let count = epoch.batches.order.len();
        let end = (epoch.next * epoch.batches.batch_size).min(count);
        if self.first_unread < end {
            self.unread.push((buffers.results.clone(), count, self.first_unread..end));
            self.first_unread = end;
        }
    }
}

impl Trainer for GpuTrainer {
    fn start_epoch(&mut self, batches: Batches, learning_rates: Vec<f32>, first: usize) {
        self.collect_unread();
        // The kernels do not check indices.
        let exists = |image: &u32| (*image as usize) < batches.images.len();
        assert!(batches.order.iter().all(exists), "the order belongs to another dataset");
        let epoch = Epoch::new(batches, learning_rates, first);
        let Batches { order, transforms, scaling, batch_size, .. } = &epoch.batches;
        let (count, next) = (order.len(), first * batch_size);
        let words =
            pack::epoch(next, count, *batch_size, *scaling, self.sgd, &epoch.learning_rates);
        let buffers = EpochBuffers {
            images: self.upload(&epoch.batches.images),
            order: self.kernels.upload(&pack::order(order, transforms)),
            epoch: self.kernels.upload(&words),
            saved: self.kernels.empty_saved(count.min(*batch_size)),
            results: self.kernels.empty(2 * correct_at(count)),
        };
        self.first_unread = next;
        self.epoch = Some((epoch, buffers));
    }

    fn step(&mut self) {
        let (epoch, buffers) = self.epoch.as_mut().expect("an epoch has been started");
        let batch = epoch.advance();
        let images = epoch.batches.batch(batch).len();
        self.kernels.step(images, buffers, &self.parameters);
    }

    fn results(&mut self) -> Result<Vec<SampleResult>, Error> {
        self.collect_unread();
        let buffers = self.unread.drain(..).flat_map(|(results, count, range)| {
            let correct = correct_at(count);
            let correct = correct + range.start..correct + range.end;
            [(results.clone(), range), (results, correct)]
        });
        let mut results = Vec::new();
        for pair in self.kernels.read(buffers.collect())?.as_chunks().0 {
            let [losses, correct] = pair;
            results.extend(SampleResult::from_floats(losses, correct));
        }
        Ok(results)
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        let slot =
            |index: usize| (self.parameters.clone(), index * SLOT..index * SLOT + PARAMETERS);
        let values = self.kernels.read((0..=self.sgd.slots()).map(slot).collect())?;
        let mut values = values.into_iter().map(Weights::new);
        let weights = values.next().expect("the first buffer has the weights");
        Ok(Parameters { weights, slots: values.collect() })
    }
}
