//! `examples/plain_burn.rs` trains the model that `lenet train` trains.

use std::num::NonZeroUsize;

use lenet::data::Options;

use super::{DATA, TestDir};

#[path = "../../examples/plain_burn.rs"]
#[allow(dead_code, reason = "`main` runs as an example only")]
mod example;

#[test]
fn plain_burn_matches_lenet_train() {
    const IMAGES: usize = 320;
    let dir = TestDir::empty();
    let data =
        Options { dir: Some(DATA.into()), limit: NonZeroUsize::new(IMAGES), ..Options::default() };
    let model = dir.path("plain.mpk").into_os_string().into_string().unwrap();
    let (losses, accuracy) = example::train(&data, 2, &model).unwrap();

    let options = format!("--data {DATA} --limit {IMAGES} --json");
    let events = dir.run(&format!("train --epochs 2 {options}")).ok().events();
    for (epoch, loss) in events[1..].iter().zip(&losses) {
        let expected = epoch["loss"].as_f64().unwrap();
        assert!((loss - expected).abs() < 1e-4, "{loss}, {epoch}");
    }
    assert_eq!(losses.len(), 2);
    let evaluation = dir.run(&format!("eval plain.mpk {options}")).ok().json();
    assert_eq!(evaluation["accuracy"], accuracy);
}
