//! A training on the GPU: two launches a step, and nothing sent or fetched between the begin of an epoch and the next
//! reading of scores.

use std::ops::Range;

use burn::data::dataset::Dataset;
use burn_wgpu::{Wgpu, WgpuDevice, WgpuRuntime};
use cubecl::Runtime;
use cubecl::server::Handle;

use super::kernels::{Kernels, OnDevice, floats};
use super::layout::{VELOCITY, correct_at};
use super::pack;
use crate::backend::{Parameters, Trainer};
use crate::data::{Batches, ImageDataset};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS, SampleResult};
use crate::optim::Sgd;

/// What a training keeps on the GPU.
pub struct GpuTrainer {
    kernels: Kernels,
    sgd: Sgd,
    /// The parameters and, if there is one, their velocity: see [`VELOCITY`]; behind them what Muon needs.
    parameters: Handle,
    /// The set that was trained on last: it is sent once.
    set: Option<(ImageDataset, Handle)>,
    epoch: Option<Epoch>,
    /// Scores of earlier epochs that nobody has asked for.
    unread: Vec<(Handle, Range<usize>)>,
}

struct Epoch {
    pass: OnDevice,
    /// Images of the pass.
    count: usize,
    batch_size: usize,
    /// The place at which the next batch begins.
    next: usize,
    /// The place up to which scores were asked for.
    read: usize,
}

impl Trainer<Wgpu> for GpuTrainer {
    fn new(activation: Activation, sgd: Sgd, start: &Parameters, device: &WgpuDevice) -> Self {
        let kernels = Kernels::new(&WgpuRuntime::client(device), activation, sgd);
        assert_eq!(start.values.len(), PARAMETERS);
        assert_eq!(start.velocity.is_some(), sgd.has_velocity());
        let parts = [Some(&start.values), start.velocity.as_ref()];
        let mut words = Vec::with_capacity(2 * VELOCITY);
        for values in parts.into_iter().flatten() {
            words.extend(values.iter().map(|value| value.to_bits()));
            words.resize(words.len().next_multiple_of(VELOCITY), 0);
        }
        words.resize(kernels.floats(), 0);
        Self {
            parameters: kernels.upload(&words),
            kernels,
            sgd,
            set: None,
            epoch: None,
            unread: Vec::new(),
        }
    }

    fn begin(&mut self, pass: Batches, rates: Vec<f32>, first: usize) {
        self.unread.extend(self.epoch.as_mut().and_then(Epoch::unread));
        // The kernels rely on it.
        let is_there = |image: &u32| (*image as usize) < pass.images.len();
        assert!(pass.order.iter().all(is_there), "an order of other images");
        assert_eq!(rates.len(), pass.batches());
        let count = pass.order.len();
        let next = first * pass.batch_size;
        let state = pack::state(next, count, pass.batch_size, pass.scaling, self.sgd, &rates);
        self.epoch = Some(Epoch {
            pass: OnDevice {
                images: self.send(&pass.images),
                places: self.kernels.upload(&pack::places(&pass.order, &pass.changes)),
                state: self.kernels.upload(&state),
                records: self.kernels.empty_records(pass.batch_size.min(count)),
                scores: self.kernels.empty(2 * correct_at(count)),
            },
            count,
            batch_size: pass.batch_size,
            next,
            read: next,
        });
    }

    fn step(&mut self) {
        let epoch = self.epoch.as_mut().expect("an epoch has begun");
        assert!(epoch.next < epoch.count, "the epoch has no more batches");
        let images = epoch.batch_size.min(epoch.count - epoch.next);
        self.kernels.step(images, &epoch.pass, &self.parameters);
        epoch.next += images;
    }

    fn scores(&mut self) -> Result<Vec<SampleResult>, Error> {
        let mut unread = std::mem::take(&mut self.unread);
        unread.extend(self.epoch.as_mut().and_then(Epoch::unread));
        let mut handles = Vec::with_capacity(2 * unread.len());
        for (handle, places) in unread {
            let part = |from: usize| floats(&handle, from + places.start, places.len());
            // The second half are the right answers.
            handles.extend([part(0), part(handle.size() as usize / 8)]);
        }
        let mut scores = Vec::new();
        for pair in self.kernels.read(handles)?.as_chunks().0 {
            let [losses, correct] = pair;
            scores.extend(SampleResult::all(losses, correct));
        }
        Ok(scores)
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        let velocity = self.sgd.has_velocity().then_some(VELOCITY);
        let parts = [Some(0), velocity].into_iter().flatten();
        let parts = parts.map(|first| floats(&self.parameters, first, PARAMETERS));
        let mut read = self.kernels.read(parts.collect())?.into_iter();
        Ok(Parameters { values: read.next().unwrap_or_default(), velocity: read.next() })
    }
}

impl GpuTrainer {
    /// The set on the device.
    fn send(&mut self, set: &ImageDataset) -> Handle {
        match &self.set {
            Some((sent, handle)) if std::ptr::eq(sent.images(), set.images()) => handle.clone(),
            _ => {
                // Frees the other set first.
                self.set = None;
                let handle = self.kernels.upload(&pack::images(set.images(), set.labels()));
                self.set = Some((set.clone(), handle.clone()));
                handle
            }
        }
    }
}

impl Epoch {
    /// The scores that nobody has asked for yet: from now on somebody has.
    fn unread(&mut self) -> Option<(Handle, Range<usize>)> {
        let places = self.read..self.next;
        self.read = self.next;
        (!places.is_empty()).then(|| (self.pass.scores.clone(), places))
    }
}
