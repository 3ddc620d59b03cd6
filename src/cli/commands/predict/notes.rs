//! Notes on predictions that may be wrong.

use std::collections::BTreeMap;
use std::path::Path;

use super::Subject;
use crate::backend::LeNetBackend;
use crate::cli::commands::{Model, Notes};
use crate::cli::error::Error;
use crate::cli::ui;
use crate::data::{
    CLASSES, DatasetIdentity, DatasetNames, FASHION_MNIST, Image, ImageDataset, SIDE,
};
use crate::eval::{self, ALMOST_ALL, Evaluation, Outputs};
use crate::model::{Weights, argmax, probabilities};

/// Number of pictures from which it is suspicious that almost all are predicted as one class.
const MANY: usize = 10;

/// Probability by which the mirrored picture of a shoe must be more certain to be noted.
const MIRROR_GAIN: f64 = 0.2;

/// Prints a note for each picture whose mirrored copy is predicted as another class or with more certainty, if either is a shoe.
/// The shoes of Fashion-MNIST all face left.
pub(super) fn note_mirrored_shoes<B: LeNetBackend>(
    weights: &Weights,
    subjects: &mut [Subject],
    outputs: &[Outputs],
    device: &B::Device,
) -> Result<(), Error> {
    let mirror = |subject: &Subject| {
        let mut image = subject.image;
        image.chunks_exact_mut(SIDE).for_each(<[u8]>::reverse);
        image
    };
    let mirrored: Vec<Image> = subjects.iter().map(mirror).collect();
    let mirrored = ImageDataset::new(mirrored, vec![0; subjects.len()]);
    let mirrored = eval::outputs::<B>(weights, &mirrored, eval::BATCH_SIZE, device)?;
    for ((subject, outputs), mirrored) in subjects.iter_mut().zip(outputs).zip(&mirrored) {
        let [(label, certainty), (other, other_certainty)] =
            [outputs, mirrored].map(|row| (argmax(row), probabilities(row)[argmax(row)]));
        let is_shoe = [label, other].iter().any(|label| !FASHION_MNIST.may_flip(*label as u8));
        if is_shoe && (label != other || other_certainty > certainty + MIRROR_GAIN) {
            let name = FASHION_MNIST.classes[other];
            let note = format!(
                "mirrored, it is {name} ({other_certainty:.4}); the shoes of {} face left",
                FASHION_MNIST.name
            );
            ui::note(&format!("note: {}: {note}", subject.source));
            subject.warnings.push(note);
        }
    }
    Ok(())
}

/// Adds a warning if the model does not seem to have learned the images of `subjects`. Pictures from files have no labels; if a
/// model of unknown origin predicts one class for almost all of many pictures, they get a warning, too.
pub(super) fn note_weakness(
    path: &Path,
    model: &Model,
    subjects: &[Subject],
    names: &DatasetNames,
    outputs: &[Outputs],
    notes: &mut Notes,
) {
    let is_described = model.is_described();
    let labels = subjects.iter().map(|subject| Some(subject.label? as u8));
    if let Some(labels) = labels.collect::<Option<Vec<u8>>>() {
        if labels.len() >= MANY {
            let names = names.clone();
            let info = DatasetIdentity { names, digests: BTreeMap::new() }.info();
            let evaluation = Evaluation::new(outputs, &labels, info);
            notes.weakness(path, &evaluation, is_described);
        }
        return;
    }
    let test = model.record().and_then(|record| record.test.as_ref());
    if let Some(test) = test.filter(|test| test.is_failure()) {
        let symptom = format!("its run record has a test accuracy of {:.4}", test.accuracy);
        notes.suspicion(path, &symptom, is_described);
    }
    let mut counts = [0; CLASSES];
    outputs.iter().for_each(|row| counts[argmax(row)] += 1);
    let most = counts.into_iter().max().unwrap_or_default();
    let is_usual = most as f64 >= ALMOST_ALL * outputs.len() as f64;
    if !is_described && outputs.len() >= MANY && is_usual {
        let symptom =
            format!("it predicts the same class for {most} of {} pictures", outputs.len());
        notes.suspicion(path, &symptom, is_described);
    }
}
