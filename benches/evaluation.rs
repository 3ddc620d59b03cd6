//! Measures the time to evaluate the 10,000 test images, without loading them: `cargo bench --bench evaluation`.
//!
//! Prints the minimum of ten runs as a line of JSON.

use std::time::Instant;

use burn_ndarray::NdArray;
use lenet::data::{Options, Part, load_part};
use lenet::eval::{BATCH_SIZE, evaluate};
use lenet::format;

const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");

fn main() {
    let (images, _) = load_part(Part::Test, &Options::default()).expect("the data set is in data/");
    let file = format::read(TRAINED.as_ref()).expect("the model is in tests/goldens/");
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads can be started");
    let minimum = pool.install(|| {
        let mut minimum = f64::INFINITY;
        for _ in 0..10 {
            let begin = Instant::now();
            let evaluation =
                evaluate::<NdArray>(&file.weights, &images, BATCH_SIZE, &Default::default());
            minimum = minimum.min(begin.elapsed().as_secs_f64());
            let correct = evaluation.expect("a CPU does not fail").correct();
            assert_eq!(correct, 6678, "the result differs from that of Keras");
        }
        minimum
    });
    println!(r#"{{"seconds":{minimum:.5},"images":10000}}"#);
}
