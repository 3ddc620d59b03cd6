//! The report of a model, section by section.

use std::io;

use maud::html;

use crate::data::{CLASSES, DatasetIdentity, Image, UNKNOWN};
use crate::model::{LayerSummary, Weights};
use crate::train::{RunRecord, Snapshot};

use super::card::about;
use super::confusion::{classes, matrix};
use super::curves::curves;
use super::differences::differences;
use super::header::{header, results};
use super::inside::inside;
use super::network::{kernels, layers};
use super::pictures::mistakes;
use super::reliability::confidence;
use super::script::{script, script_source};
use super::settings::training;
use super::{TestResults, html};

/// The input of a report.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The name of the model file.
    pub model: &'a str,
    pub weights: &'a Weights,
    pub layers: &'a [LayerSummary],
    /// The run record of the model, or the error from reading it.
    pub record: &'a io::Result<RunRecord>,
    /// The test images that the model was evaluated on.
    pub images: &'a [Image],
    /// The data set that the model was trained on, if it is known.
    pub trained_on: Option<&'a DatasetIdentity>,
    /// The results of the model on `images`.
    pub results: &'a TestResults,
    /// The epochs of the run for the replay, if they were kept.
    pub replay: &'a [ReplayEpoch],
    /// Whether the activations, the pooling and the pixels of the network are confirmed, not assumed.
    pub is_described: bool,
}

/// The model after an epoch of its run.
#[derive(Debug, Clone)]
pub struct ReplayEpoch {
    /// The weights, in 8 bits each.
    pub snapshot: Snapshot,
    /// Number of test images by label and predicted class.
    pub confusion: [[usize; CLASSES]; CLASSES],
}

/// Renders the report as HTML. The page is smaller than 1 MB unless the run has thousands of epochs. If there is an `other`
/// model, both classify the same drawings.
pub fn page(report: &Report<'_>, other: Option<&Report<'_>>) -> String {
    let record = report.record.as_ref().ok();
    let dataset = report.results.evaluation.dataset;
    let with_curves = record.filter(|record| !record.epochs.is_empty());
    let sections = html! {
        (inside(report, other))
        (results(report))
        @if let Some(other) = other { (differences([report, other])) }
        @if let Some(record) = with_curves { (curves(record)) }
        (matrix(report.results))
        (classes(report.results))
        (confidence(report.results))
        (mistakes(report.results, report.images))
        (kernels(report.weights))
        @if let Some(record) = record { (training(record)) }
        (layers(report.layers))
        (about(report.trained_on.map_or(&UNKNOWN, DatasetIdentity::info)))
    };
    let script = script(report, other);
    let accuracy = html::percent(report.results.evaluation.accuracy());
    let names: Vec<_> =
        [Some(report), other].into_iter().flatten().map(|model| model.model).collect();
    let title = format!("LeNet on {}: {accuracy} ({})", dataset.name, names.join(", "));
    let command = format!("lenet report {}", names.join(" "));
    let contents = [
        Some(("inside", "Look inside")),
        Some(("results", "Results")),
        other.map(|_| ("differences", "Differences")),
        with_curves.map(|_| ("curves", "Learning curves")),
        Some(("confusion", "Confusion matrix")),
        Some(("classes", "Classes")),
        Some(("confidence", "Confidence")),
        Some(("mistakes", "Mistakes")),
        Some(("kernels", "Kernels")),
        record.map(|_| ("training", "Training")),
        Some(("layers", "Layers")),
        Some(("card", "About")),
    ];
    let contents: Vec<_> = contents.into_iter().flatten().collect();
    html::page(
        "",
        &title,
        &script_source(),
        &command,
        header(report, other, &contents),
        sections,
        script,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FASHION_MNIST;
    use crate::train::{EpochRecord, Keep, Recipe, Settings, TestRecord};

    fn record(correct: usize) -> RunRecord {
        let epoch = |epoch: usize| EpochRecord {
            epoch,
            seconds: 1.0,
            loss: 1.0 / epoch as f64,
            accuracy: 0.5,
            val_loss: Some(0.8),
            val_accuracy: Some(0.6125),
        };
        let settings = Settings { epochs: 2, seed: 7, ..Settings::new(Recipe::classic()) };
        RunRecord {
            started: Some("2026-01-02T03:04:05Z".to_owned()),
            threads: 2,
            train_samples: 54_000,
            validation_samples: 6000,
            epochs: vec![epoch(1), epoch(2)],
            kept_epoch: Some(2),
            test: Some(TestRecord {
                samples: 4,
                loss: 1.0,
                accuracy: 0.5,
                correct,
                collapsed: true,
                saturated: false,
            }),
            ..RunRecord::new(settings, "<b>CPU</b>")
        }
    }

    /// Renders the page of a model that predicts class 0 for every image, correctly for one of four.
    fn rendered(record: io::Result<RunRecord>) -> String {
        let mut outputs = [[0.1; 10]; 4];
        outputs.iter_mut().for_each(|row| row[0] = 0.9);
        let results = TestResults::new(&outputs, &[0, 1, 2, 3], &FASHION_MNIST);
        let trained_on = record.as_ref().ok().and_then(RunRecord::trained_on);
        page(
            &Report {
                model: "a<b>&.mpk",
                weights: &Weights::zeros(),
                layers: &[],
                record: &record,
                images: &[[7; 784]; 4],
                trained_on: trained_on.as_ref(),
                results: &results,
                is_described: true,
                replay: &[],
            },
            None,
        )
    }

    #[test]
    fn page_shows_settings_and_escapes_text() {
        let page = rendered(Ok(record(1)));
        assert!(page.contains(
            "Trained for 2 epochs on 54,000 images, plus 6,000 for validation, with recipe classic and seed \
             7, in 2.0 s on &lt;b&gt;CPU&lt;/b&gt;, started <time datetime=\"2026-01-02T03:04:05Z\">2026-01-02 03:04 \
             UTC</time>."
        ));
        assert!(page.contains(r#"<th scope="row">Learning rate</th><td>0.9</td>"#));
        assert!(page.contains("<b>a&lt;b&gt;&amp;.mpk</b> predicts") && !page.contains("<b>CPU"));
        assert!(page.contains("first 4 test images of Fashion-MNIST"));
        assert!(page.contains("<dd>25.00%</dd>") && page.contains("<dd>61.25%</dd>"));
        assert_eq!(page.matches("<img").count(), 3);
        assert_eq!(page.matches("Warning:").count(), 1);
        assert!(
            page.contains("Warning: </strong>the model predicts the same class for every image")
        );
    }

    /// Asserts that the page of a model with this run record contains these texts.
    fn assert_page_contains(record: RunRecord, expected: &[&str]) {
        let page = rendered(Ok(record));
        for text in expected {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn kept_epoch_is_shown_unless_last() {
        let mut early = record(1);
        early.kept_epoch = Some(1);
        early.settings.keep = Keep::Best;
        early.settings.epochs = 9;
        early.settings.patience = Some(1);
        let expected = [
            "The model has the weights of epoch 1, which has the lowest validation loss.",
            "<dt>Validation accuracy, epoch 1</dt>",
            r#"<tr class="kept"><th scope="row">1 (kept)</th>"#,
            "Only 2 of 9 epochs were trained: the validation loss did not improve for 1 epoch.",
            "<td>2 of 9: the validation loss did not improve for 1 epoch</td>",
        ];
        assert_page_contains(early, &expected);
        assert_page_contains(record(1), &["<dt>Validation accuracy</dt>"]);
    }

    #[test]
    fn page_without_record_has_no_curves() {
        let page = rendered(Err(io::ErrorKind::NotFound.into()));
        assert!(page.contains("the run record <code>a&lt;b&gt;&amp;.json</code> does not exist"));
        assert!(!page.contains("Learning curves"));
        assert!(page.contains("Confusion matrix"));
    }

    #[test]
    fn mismatched_record_shows_warning() {
        assert_page_contains(record(4), &["has 4 correct predictions, but the model has 1 here"]);
    }

    #[test]
    fn unfinished_run_is_reported() {
        let mut unfinished = record(1);
        unfinished.test = None;
        unfinished.settings.epochs = 9;
        unfinished.settings.patience = Some(1);
        let expected = [
            "the run had not finished when its record was written",
            "Only 2 of 9 epochs were trained: the run is not finished.",
            "<td>2 of 9: the run is not finished</td>",
            "<td>epoch 2, the last one</td>",
        ];
        assert_page_contains(unfinished, &expected);
    }

    #[test]
    fn page_loads_no_external_resources() {
        let page = rendered(Ok(record(1)));
        for word in ["http:", "https:", "\"//", "src=\"h", "url(", "@import"] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(page.matches("<script").count(), 2, "the data and the program");
        assert!(page.contains(&format!("script-src {};", script_source())));
    }
}
