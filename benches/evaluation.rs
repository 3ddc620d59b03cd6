//! Seconds to evaluate the 10,000 test images, data loaded, result checked: `cargo bench --bench evaluation`.
//!
//! Prints one JSON line with the least of ten runs.

use std::time::Instant;

use burn_ndarray::NdArray;
use lenet::data::{Options, Part, load_part};
use lenet::eval::{BATCH_SIZE, evaluate};
use lenet::format;

const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");

fn main() {
    let (images, _) = load_part(Part::Test, &Options::default()).expect("the data lies in data/");
    let file = format::read(TRAINED.as_ref()).expect("the goldens are there");
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads can be started");
    let least = pool.install(|| {
        let mut least = f64::INFINITY;
        for _ in 0..10 {
            let begin = Instant::now();
            let evaluation =
                evaluate::<NdArray>(&file.weights, &images, BATCH_SIZE, &Default::default());
            least = least.min(begin.elapsed().as_secs_f64());
            let correct = evaluation.expect("a CPU does not fail").correct();
            assert_eq!(correct, 6678, "the answer is Keras' before its time counts");
        }
        least
    });
    println!(r#"{{"seconds":{least:.5},"images":10000}}"#);
}
