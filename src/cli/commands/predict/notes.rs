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
use crate::train::RunRecord;

/// Minimum number of pictures for a warning that almost all are predicted as one class.
const MIN_PICTURES: usize = 10;

/// Minimum gain in the probability of the predicted class, after mirroring the picture of a shoe, that causes a note.
const MIRROR_GAIN: f64 = 0.2;

/// Prints a note for each picture whose mirrored copy is predicted as another class, or with a higher probability, if either
/// class is a shoe. The shoes of Fashion-MNIST all face left.
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
            let name = &FASHION_MNIST.classes[other];
            let note = format!(
                "the mirrored picture is classified as {name} ({other_certainty:.4}); the shoes of {} face left",
                FASHION_MNIST.name
            );
            ui::note(&format!("note: {}: {note}", subject.source));
            subject.warnings.push(note);
        }
    }
    Ok(())
}

/// Adds a warning if the model does not seem to have learned the images of `subjects`. Pictures from files have no labels. For
/// them, adds a warning if a model of unknown origin predicts one class for almost all of many pictures.
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
        if labels.len() >= MIN_PICTURES {
            let names = names.clone();
            let info = DatasetIdentity { names, digests: BTreeMap::new() }.info();
            let evaluation = Evaluation::new(outputs, &labels, &info);
            notes.weakness(path, &evaluation, is_described);
        }
        return;
    }
    if let Some(test) = model.record().and_then(RunRecord::failure) {
        let symptom = format!("the test accuracy in its run record is {:.4}", test.accuracy);
        notes.suspicion(path, &symptom, is_described);
    }
    let mut counts = [0; CLASSES];
    outputs.iter().for_each(|row| counts[argmax(row)] += 1);
    let most = counts.into_iter().max().unwrap_or_default();
    let is_usual = most as f64 >= ALMOST_ALL * outputs.len() as f64;
    if !is_described && outputs.len() >= MIN_PICTURES && is_usual {
        let symptom =
            format!("it predicts the same class for {most} of {} pictures", outputs.len());
        notes.suspicion(path, &symptom, is_described);
    }
}
