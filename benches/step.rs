//! A whole training step: LeNet's fused operations against Burn's plain layers, in turn.
//!
//!     cargo bench --bench step                  seconds of an epoch, from the median step of each
//!     cargo bench --bench step -- --epochs 5    also trains so long with Burn's plain layers (minutes an epoch)
//!
//! The two must make the same twenty steps before they are timed.

#[path = "../tests/common/plain.rs"]
mod plain;

use std::time::Instant;

use burn::backend::Autodiff;
use burn::module::AutodiffModule;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn::tensor::Tensor;
use burn_ndarray::NdArray;
use lenet::data::{Batch, Batches, FashionMnist, ImageDataset, Options, epoch_order};
use lenet::eval::evaluate;
use lenet::model::{LeNet, Weights};
use lenet::ops::cross_entropy;

type A = Autodiff<NdArray>;

const STEPS_AN_EPOCH: f64 = 54_000.0 / 32.0;

/// Makes a step; returns its loss and the next network.
type Step = fn(
    LeNet<A>,
    &mut dyn FnMut(LeNet<A>, GradientsParams) -> LeNet<A>,
    Batch<A>,
) -> (f32, LeNet<A>);

fn fused(
    model: LeNet<A>,
    descend: &mut dyn FnMut(LeNet<A>, GradientsParams) -> LeNet<A>,
    batch: Batch<A>,
) -> (f32, LeNet<A>) {
    let loss = cross_entropy(model.forward(batch.images), batch.labels).loss;
    finish(model, descend, loss)
}

fn stock(
    model: LeNet<A>,
    descend: &mut dyn FnMut(LeNet<A>, GradientsParams) -> LeNet<A>,
    batch: Batch<A>,
) -> (f32, LeNet<A>) {
    let loss = plain::loss(plain::forward(&model, batch.images), batch.labels);
    finish(model, descend, loss)
}

fn finish(
    model: LeNet<A>,
    descend: &mut dyn FnMut(LeNet<A>, GradientsParams) -> LeNet<A>,
    loss: Tensor<A, 1>,
) -> (f32, LeNet<A>) {
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    (loss.into_scalar(), descend(model, gradients))
}

/// The seconds and the losses of some steps from the start.
fn run(step: Step, train: &ImageDataset, steps: usize) -> (Vec<f64>, Vec<f32>, LeNet<A>) {
    let device = Default::default();
    let mut model = LeNet::<A>::from_weights(&Weights::initial(42, 1.0), &device);
    let mut sgd = SgdConfig::new().init();
    let mut descend = |model, gradients| sgd.step(0.9, model, gradients);
    let (mut seconds, mut losses) = (vec![], vec![]);
    let mut epoch = 1;
    while losses.len() < steps {
        let order = epoch_order(54_000, 42, epoch);
        for batch in Batches::<A>::new(train, order, 32, &device).take(steps - losses.len()) {
            let begin = Instant::now();
            let (loss, next) = step(model, &mut descend, batch);
            model = next;
            seconds.push(begin.elapsed().as_secs_f64());
            losses.push(loss);
        }
        epoch += 1;
    }
    (seconds, losses, model)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let data = FashionMnist::load(&Options::default()).expect("the data set lies in data/");
    let (train, _) = ImageDataset::new(data.train)
        .split(0.1)
        .expect("a tenth can be set aside");
    let pool = rayon::ThreadPoolBuilder::new()
        .build()
        .expect("threads can be started");
    pool.install(|| {
        let [(_, fused_losses, _), (_, stock_losses, _)] = [fused as Step, stock].map(|step| run(step, &train, 20));
        for (a, b) in fused_losses.iter().zip(&stock_losses) {
            assert!((a - b).abs() <= 1e-4, "the steps differ: loss {a} and {b}");
        }
        let (mut fused_seconds, mut stock_seconds) = (vec![], vec![]);
        for _ in 0..5 {
            fused_seconds.push(median(run(fused, &train, 400).0));
            stock_seconds.push(median(run(stock, &train, 40).0));
        }
        let [fused_seconds, stock_seconds] =
            [fused_seconds, stock_seconds].map(|seconds| median(seconds) * STEPS_AN_EPOCH);
        let level = lenet::kernels::level().expect("LENET_SIMD names a level");
        println!("{} threads, {level}; an epoch of 54,000 images in batches of 32", rayon::current_num_threads());
        println!("fused layers          {fused_seconds:>7.2} s");
        println!("Burn's plain layers   {stock_seconds:>7.2} s");
        println!("ratio                 {:>7.3}", fused_seconds / stock_seconds);

        let words: Vec<String> = std::env::args().collect();
        if let Some(at) = words.iter().position(|word| word == "--epochs") {
            let epochs: usize = words[at + 1].parse().expect("a number of epochs");
            let begin = Instant::now();
            let (_, _, model) = run(stock, &train, epochs * 1688);
            let seconds = begin.elapsed().as_secs_f64();
            let test = ImageDataset::new(data.test);
            let test = evaluate(&model.valid(), &test, 1000, &Default::default()).expect("a CPU does not fail");
            println!(
                "Burn's plain layers, {epochs} epochs, seed 42: {seconds:.0} s, test loss {:.4}, accuracy {:.4}",
                test.loss(),
                test.accuracy(),
            );
        }
    });
}
