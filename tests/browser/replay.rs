//! Tests the replay, which shows the network, the prediction, the confusion matrix and the curves at each epoch of the run.

use serde_json::json;

use crate::chromium::{Chromium, View};
use crate::inside::numbers;
use crate::{assert_quiet, lenet, url};

#[test]
fn replay_moves_through_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let train = "train --recipe tuned --limit 4000 --epochs 3 --batch-size 8 --snapshots -q";
    lenet(dir.path(), train);
    lenet(dir.path(), "report model.mpk --limit 1000");
    let page = url(&dir.path().join("model.html"));
    let mut browser = Chromium::start();
    let mut tab = browser.open(&page, View { height: 900, ..View::screen(1280) });
    let shown = "[[...document.querySelectorAll('.bars data')].map((data) => Number(data.value)),
        [...document.querySelectorAll('.matrix td button')].map((button) => Number(button.textContent)),
        document.querySelector('.replay output').textContent,
        [document.querySelector('.kernel').toDataURL(), document.querySelector('canvas.conv1').toDataURL()]]";
    let model = tab.evaluate(shown);
    assert!(model[2].as_str().unwrap().starts_with("3: "), "{model}");
    tab.evaluate("document.getElementById('replay').focus()");
    tab.key("Home");
    let start = tab.evaluate(shown);
    assert!(start[2].as_str().unwrap().starts_with("0 (before training): "), "{start}");
    for part in 0..4 {
        assert_ne!(start[part], model[part]);
    }
    assert_ne!(start[3][0], model[3][0], "the kernels move");
    // Each image is counted once in every epoch, and more of them on the diagonal at the end.
    let correct = |shown: &serde_json::Value| {
        let counts = numbers(&shown[1]);
        assert_eq!(counts.iter().sum::<f64>(), 1000.0);
        counts.iter().step_by(11).sum::<f64>()
    };
    assert!(correct(&start) < 300.0 && correct(&model) > 600.0);
    tab.key("ArrowRight");
    tab.key("ArrowRight");
    let curve = tab.evaluate("document.querySelector('.scrub output').textContent");
    assert!(curve.as_str().unwrap().starts_with("epoch 2\n"), "{curve}");
    // The last epoch is the model itself.
    tab.key("End");
    assert_eq!(tab.evaluate(shown), model);
    assert_eq!(tab.evaluate("document.querySelectorAll('.matrix button:disabled').length"), 0);
    // Another click plays from the first epoch to the last. A second click pauses.
    tab.evaluate("document.getElementById('play').focus()");
    tab.key("Enter");
    assert_eq!(tab.evaluate("document.getElementById('play').textContent"), "Pause");
    tab.wait_for("document.getElementById('replay').value === '1'");
    tab.key("Enter");
    assert_eq!(tab.evaluate("document.getElementById('play').textContent"), "Play");
    tab.key("Enter");
    tab.wait_for("document.getElementById('play').textContent === 'Play'");
    assert_eq!(tab.evaluate(shown), model);
    let outside = tab.evaluate(
        "[...document.querySelectorAll('.replay, #drawing, #network canvas, .bars tr, #origin, #network-keys')]
           .filter((e) => e.getBoundingClientRect().bottom > innerHeight).map((e) => e.outerHTML)",
    );
    assert_eq!(outside, json!([]));
    assert_quiet(&tab, &page);
}
