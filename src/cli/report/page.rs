//! The report: its sections in order.

use std::io;

use maud::html;

use crate::data::Image;
use crate::model::{LayerSummary, Weights};
use crate::train::RunRecord;

use super::card::about;
use super::confusion::{classes, matrix};
use super::curves::curves;
use super::header::header;
use super::inside::{inside, script, script_source};
use super::network::{kernels, layers};
use super::pictures::mistakes;
use super::reliability::confidence;
use super::settings::training;
use super::{TestResults, html};

/// What the page is about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The model's name for the reader.
    pub model: &'a str,
    pub weights: &'a Weights,
    pub layers: &'a [LayerSummary],
    /// The record of its training, or why there is none.
    pub training: &'a io::Result<RunRecord>,
    /// The test images, those that the figures were made from.
    pub images: &'a [Image],
    /// Whether they are Fashion-MNIST's.
    pub official: bool,
    /// What came out on them.
    pub figures: &'a TestResults,
}

/// The page as HTML, below a megabyte unless the training had thousands of epochs.
pub fn page(report: &Report<'_>) -> String {
    let record = report.training.as_ref().ok();
    let sections = html! {
        (inside())
        @if let Some(record) = record && !record.epochs.is_empty() { (curves(record)) }
        (matrix(report.figures))
        (classes(report.figures))
        (confidence(report.figures))
        (mistakes(report.figures, report.images))
        (kernels(report.weights))
        @if let Some(record) = record { (training(record)) }
        (layers(report.layers))
        (about(report.official))
    };
    let script = script(report.weights, report.figures, report.images);
    let title = format!("LeNet report: {}", report.model);
    let command = format!("lenet report {}", report.model);
    html::page(&title, &script_source(), &command, header(report), sections, script)
}

#[cfg(test)]
mod tests {
    use super::*;
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
            }),
            ..RunRecord::new(settings, "<b>CPU</b>")
        }
    }

    /// The page of a model that says class 0 of everything, which is right once in four.
    fn written(training: io::Result<RunRecord>) -> String {
        let mut outputs = [[0.1; 10]; 4];
        outputs.iter_mut().for_each(|row| row[0] = 0.9);
        let figures = TestResults::new(&outputs, &[0, 1, 2, 3]);
        page(&Report {
            model: "a<b>&.mpk",
            weights: &Weights::zeros(),
            layers: &[],
            training: &training,
            images: &[[7; 784]; 4],
            official: true,
            figures: &figures,
        })
    }

    #[test]
    fn the_page_tells_the_settings_and_escapes_what_comes_from_files() {
        let page = written(Ok(record(1)));
        assert!(page.contains(
            "Trained for 2 epochs on 54,000 images, with 6,000 more for validation, by the recipe classic from seed \
             7, in 2.0 s on &lt;b&gt;CPU&lt;/b&gt;, begun 2026-01-02T03:04:05Z."
        ));
        assert!(page.contains(r#"<th scope="row">Learning rate</th><td>0.9</td>"#));
        assert!(page.contains("<h1>a&lt;b&gt;&amp;.mpk</h1>") && !page.contains("<b>CPU"));
        assert!(page.contains("first 4 test images of Fashion-MNIST"));
        assert!(page.contains("<dd>25.00%</dd>") && page.contains("<dd>61.25%</dd>"));
        assert_eq!(page.matches("<img").count(), 3);
        assert_eq!(page.matches("Beware").count(), 1);
        assert!(page.contains("Beware: </strong>it gives all images the same answer"));
    }

    /// Asserts that the page of a model with this record has all of these words.
    fn assert_says(record: RunRecord, expected: &[&str]) {
        let page = written(Ok(record));
        for words in expected {
            assert!(page.contains(words), "{words}");
        }
    }

    #[test]
    fn the_kept_epoch_is_named_wherever_it_is_not_the_last() {
        let mut early = record(1);
        early.kept_epoch = Some(1);
        early.settings.keep = Keep::Best;
        early.settings.epochs = 9;
        early.settings.patience = Some(1);
        let expected = [
            "It has the weights of epoch 1, the one with the smallest validation loss.",
            "<dt>Validation accuracy, epoch 1</dt>",
            r#"<tr class="kept"><th scope="row">1 (kept)</th>"#,
            "That is 2 of 9 epochs: the validation loss had not fallen for 1 epoch.",
            "<td>2 of 9: the validation loss had not fallen for 1 epoch</td>",
        ];
        assert_says(early, &expected);
        assert_says(record(1), &["<dt>Validation accuracy</dt>"]);
    }

    #[test]
    fn without_a_record_the_page_says_so_and_has_no_curves() {
        let page = written(Err(io::ErrorKind::NotFound.into()));
        assert!(page.contains("<code>a&lt;b&gt;&amp;.json</code> beside it is not there"));
        assert!(!page.contains("Learning curves"));
        assert!(page.contains("Confusion matrix"));
    }

    #[test]
    fn a_record_of_another_model_gets_a_warning() {
        assert_says(record(4), &["tells of 4 right answers, here there are 1"]);
    }

    #[test]
    fn a_training_in_progress_says_so_and_which_epoch_it_has() {
        let mut unfinished = record(1);
        unfinished.test = None;
        unfinished.settings.epochs = 9;
        unfinished.settings.patience = Some(1);
        let expected = [
            "its training was not finished when its record was written",
            "That is 2 of 9 epochs: training is not finished.",
            "<td>2 of 9: training is not finished</td>",
            "<td>the weights of epoch 2, the last one</td>",
        ];
        assert_says(unfinished, &expected);
    }

    #[test]
    fn nothing_in_the_page_leads_out_of_it() {
        let page = written(Ok(record(1)));
        for word in ["http:", "https:", "\"//", "src=\"h", "url(", "@import"] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(page.matches("<script").count(), 2, "the data and the program");
        assert!(page.contains(&format!("script-src {};", script_source())));
    }
}
