//! Sparse categorical cross-entropy on sigmoid outputs, as TensorFlow 2.0 computes it.
//!
//! Outputs o are clipped to [1e-7, 1 - 1e-7]; p = o / sum(o) over the ten classes; the loss of an image is -ln p\[label\]. Later
//! versions of Keras take a softmax of the values before sigmoid instead: another function.

/// Classes, and outputs per image.
pub const CLASSES: usize = 10;

const LOW: f32 = 1e-7;
const HIGH: f32 = 1.0 - 1e-7;

/// The loss of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The sum of the images' losses.
    pub sum: f64,
    /// How many images have their greatest output at their label, the first of equals counting.
    pub correct: usize,
}

/// The loss of outputs o [n, 10] for labels \[n\].
///
/// # Panics
/// The lengths do not agree, or a label is not below 10.
pub fn forward<L: Copy + Into<i64>>(o: &[f32], labels: &[L]) -> Loss {
    let mut loss = Loss {
        sum: 0.0,
        correct: 0,
    };
    for (o, label) in images(o, labels) {
        let sum: f64 = o.iter().map(|o| f64::from(clip(*o))).sum();
        loss.sum += (sum / f64::from(clip(o[label]))).ln();
        loss.correct += usize::from(argmax(o) == label);
    }
    loss
}

/// The gradient of `scale` times the batch's mean loss, d_o [n, 10]. Overwrites it.
///
/// An output outside the bounds of the clipping has gradient 0, as in `tf.clip_by_value`.
///
/// # Panics
/// The lengths do not agree, or a label is not below 10.
pub fn backward<L: Copy + Into<i64>>(o: &[f32], labels: &[L], scale: f32, d_o: &mut [f32]) {
    assert_eq!(d_o.len(), o.len());
    let scale = f64::from(scale) / labels.len() as f64;
    let d_o = d_o.as_chunks_mut::<CLASSES>().0;
    for ((o, label), d_o) in images(o, labels).zip(d_o) {
        let sum: f64 = o.iter().map(|o| f64::from(clip(*o))).sum();
        for (class, (o, d_o)) in o.iter().zip(d_o).enumerate() {
            let of_label = if class == label {
                1.0 / f64::from(clip(*o))
            } else {
                0.0
            };
            let d = scale * (1.0 / sum - of_label);
            *d_o = if *o < LOW || *o > HIGH { 0.0 } else { d as f32 };
        }
    }
}

/// The outputs of each image beside its label.
fn images<'a, L: Copy + Into<i64>>(
    o: &'a [f32],
    labels: &'a [L],
) -> impl Iterator<Item = (&'a [f32; CLASSES], usize)> {
    assert_eq!(o.len(), labels.len() * CLASSES);
    let labels = labels.iter().map(|label| {
        let label: i64 = (*label).into();
        assert!((0..CLASSES as i64).contains(&label), "label {label}");
        label as usize
    });
    o.as_chunks().0.iter().zip(labels)
}

fn clip(o: f32) -> f32 {
    o.clamp(LOW, HIGH)
}

/// The index of the greatest, the first of equals.
fn argmax(o: &[f32; CLASSES]) -> usize {
    let mut best = 0;
    for (i, x) in o.iter().enumerate() {
        if *x > o[best] {
            best = i;
        }
    }
    best
}
