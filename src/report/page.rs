//! The page: its frame, what it opens with, and its sections in order.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::data::Image;
use crate::model::{TENSORS, TensorSpec, Weights};
use crate::train::{EpochRecord, Keep, RunRecord};

use super::text::{count, duration, percent, plural};
use super::{Figures, Training, confidence, confusion, curves, kernels, mistakes, recipe};

const STYLE: &str = include_str!("style.css");

/// Lets the page load nothing but what is in it, whatever its content.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// What the page is about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The model's name for the reader.
    pub model: &'a str,
    /// The model.
    pub weights: &'a Weights,
    /// What is known of its training.
    pub training: &'a Training,
    /// The test images, those that the figures were made from.
    pub images: &'a [Image],
    /// Whether they are Fashion-MNIST's.
    pub official: bool,
    /// What came out on them.
    pub figures: &'a Figures,
}

/// The page as HTML, below a megabyte unless the training had thousands of epochs.
#[must_use]
pub fn page(report: &Report<'_>) -> String {
    let epochs = report
        .training
        .record()
        .map_or(&[][..], |record| &record.epochs);
    let title = format!("LeNet report: {}", report.model);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(report))
                main {
                    @if !epochs.is_empty() { (curves::section(epochs)) }
                    (confusion::sections(report.figures))
                    (confidence::section(report.figures))
                    (mistakes::section(report.figures, report.images))
                    (kernels::section(report.weights))
                }
                footer {
                    p { "Written by lenet " (env!("CARGO_PKG_VERSION")) ": " code { "lenet report " (report.model) } }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn header(report: &Report<'_>) -> Markup {
    let samples = report.figures.evaluation.samples();
    let images = match samples {
        10_000 => "10,000 test images".to_owned(),
        _ => format!("first {}", plural(samples, "test image")),
    };
    let data = match report.official {
        true => "Fashion-MNIST",
        false => "a data set that is not Fashion-MNIST",
    };
    html! {
        header {
            p .kicker { "LeNet · Fashion-MNIST" }
            h1 { (report.model) }
            p { (history(report.training)) " Measured on the " (images) " of " (data) "." }
            @if let Some(doubt) = doubt(report) { p .doubt { strong { "Beware: " } (doubt) } }
            (headline(report))
        }
    }
}

/// The figures in large type.
fn headline(report: &Report<'_>) -> Markup {
    let evaluation = &report.figures.evaluation;
    let validation = report
        .training
        .record()
        .and_then(kept)
        .and_then(|epoch| epoch.val_accuracy);
    let parameters = TENSORS.iter().map(TensorSpec::len).sum();
    html! {
        dl .headline {
            div { dt { "Test accuracy" } dd { (percent(evaluation.accuracy())) } }
            div { dt { "Right answers" } dd {
                (count(evaluation.correct())) " " small { "of " (count(evaluation.samples())) }
            } }
            div { dt { "Test loss" } dd { (format!("{:.4}", evaluation.loss())) } }
            @if let Some(accuracy) = validation {
                div { dt { "Validation accuracy" } dd { (percent(accuracy)) } }
            }
            div { dt { "Parameters" } dd { (count(parameters)) } }
        }
    }
}

/// The epoch whose weights the model has.
fn kept(record: &RunRecord) -> Option<&EpochRecord> {
    record
        .epochs
        .iter()
        .find(|epoch| Some(epoch.epoch) == record.kept_epoch)
}

/// How the model came about, in a sentence or two.
fn history(training: &Training) -> Markup {
    let record = match training {
        Training::Known(record) => record,
        Training::Unknown { path } | Training::Unreadable { path, .. } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let how = match training {
                Training::Unreadable { .. } => "holds no record of its training",
                _ => "is not there",
            };
            return html! {
                "How this model was trained is unknown: " code { (name) } " beside it " (how)
                ", so there are no settings and no curves here."
            };
        }
    };
    let settings = &record.settings;
    let recipe = &settings.recipe;
    let seconds = record.epochs.iter().map(|epoch| epoch.seconds).sum();
    html! {
        "Trained for " (plural(record.epochs.len(), "epoch")) " on " (plural(record.train_samples, "image"))
        @if record.validation_samples > 0 {
            ", with " (count(record.validation_samples)) " more "
            @if settings.stratified { "of all classes in proportion " }
            "for validation"
        }
        ", in " (duration(seconds)) " on " (record.device) ", " (plural(record.threads, "thread")) ". The "
        (recipe.name) " recipe: " (recipe::parts(recipe).join(", ")) ", batches of " (count(settings.batch_size))
        ", seed " (settings.seed) ". Made with lenet " (record.lenet) " and Burn " (record.burn) "."
        @if settings.keep == Keep::Best && let Some(epoch) = record.kept_epoch {
            " It has the weights of epoch " (epoch) ", the one with the smallest validation loss."
        }
    }
}

/// What speaks against the record being this model's.
fn doubt(report: &Report<'_>) -> Option<String> {
    let (record, found) = (report.training.record()?, &report.figures.evaluation);
    let Some(test) = &record.test else {
        return Some("its training was not finished when its record was written.".to_owned());
    };
    // Another backend rounds otherwise, which moves an image or two.
    let far = test.correct.abs_diff(found.correct()) > 2 + found.samples() / 1000;
    (test.samples == found.samples() && far).then(|| {
        format!(
            "the record beside the model tells of {} right answers, here there are {}. It may be the record of \
             another model, or the test data may be others.",
            count(test.correct),
            count(found.correct())
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::train::{Recipe, Settings, TestRecord};

    fn record(correct: usize) -> RunRecord {
        let epoch = |epoch: usize| EpochRecord {
            epoch,
            seconds: 1.0,
            loss: 1.0 / epoch as f64,
            accuracy: 0.5,
            val_loss: Some(0.8),
            val_accuracy: Some(0.6125),
        };
        RunRecord {
            schema: 1,
            lenet: "0.1.0".to_owned(),
            burn: "0.21.0".to_owned(),
            device: "<b>CPU</b>".to_owned(),
            threads: 2,
            settings: Settings {
                epochs: 2,
                batch_size: 32,
                validation_split: 0.1,
                stratified: false,
                seed: 7,
                recipe: Recipe::classic(),
                limit: None,
                keep: Keep::Last,
                patience: None,
                backend: "ndarray".to_owned(),
            },
            model_sha256: None,
            data: Default::default(),
            train_samples: 54_000,
            validation_samples: 6000,
            epochs: vec![epoch(1), epoch(2)],
            kept_epoch: Some(2),
            test: Some(TestRecord {
                samples: 4,
                loss: 1.0,
                accuracy: 0.5,
                correct,
            }),
        }
    }

    /// The page of a model that says class 0 of everything, which is right once in four.
    fn written(training: &Training) -> String {
        let mut outputs = [[0.1; 10]; 4];
        outputs.iter_mut().for_each(|row| row[0] = 0.9);
        let figures = Figures::new(&outputs, &[0, 1, 2, 3]);
        page(&Report {
            model: "a<b>&.mpk",
            weights: &Weights::zeros(),
            training,
            images: &[[7; 784]; 4],
            official: true,
            figures: &figures,
        })
    }

    #[test]
    fn the_page_tells_the_settings_and_escapes_what_comes_from_files() {
        let page = written(&Training::Known(Box::new(record(1))));
        assert!(page.contains(
            "Trained for 2 epochs on 54,000 images, with 6,000 more for validation, in 2.0 s on &lt;b&gt;CPU"
        ));
        assert!(page.contains(
            "The classic recipe: gradient descent with learning rate 0.9, batches of 32, seed 7."
        ));
        assert!(page.contains("<h1>a&lt;b&gt;&amp;.mpk</h1>") && !page.contains("<b>CPU"));
        assert!(page.contains("first 4 test images of Fashion-MNIST"));
        assert!(page.contains("<dd>25.00%</dd>") && page.contains("<dd>61.25%</dd>"));
        assert_eq!(page.matches("<img").count(), 3);
        assert!(!page.contains("Beware"));
    }

    #[test]
    fn without_a_record_the_page_says_so_and_has_no_curves() {
        let unknown = Training::Unknown {
            path: PathBuf::from("folder/m.json"),
        };
        let page = written(&unknown);
        assert!(page.contains("<code>m.json</code> beside it is not there"));
        assert!(!page.contains("Learning curves") && !page.contains("folder"));
        assert!(page.contains("Confusion matrix"));
    }

    #[test]
    fn a_record_of_another_model_is_doubted() {
        let page = written(&Training::Known(Box::new(record(4))));
        assert!(page.contains("tells of 4 right answers, here there are 1"));
        let mut unfinished = record(1);
        unfinished.test = None;
        assert!(written(&Training::Known(Box::new(unfinished))).contains("not finished"));
    }

    #[test]
    fn nothing_in_the_page_leads_out_of_it() {
        let page = written(&Training::Known(Box::new(record(1))));
        for word in ["http:", "https:", "\"//", "<script", "url(", "@import"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
