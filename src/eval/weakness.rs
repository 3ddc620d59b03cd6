//! Signs that a model has not learned.

use super::{ALMOST_ALL, Evaluation, MIN_IMAGES, chance, is_near_chance, rounded};

impl Evaluation {
    /// Returns the class that the model predicts most often, and how often.
    fn most_predicted(&self) -> (usize, usize) {
        let predicted = |class: usize| self.confusion.iter().map(|row| row[class]).sum::<usize>();
        let classes = 0..self.dataset.classes.len();
        let counts = classes.map(|class| (class, predicted(class)));
        counts.max_by_key(|(_, count)| *count).unwrap_or_default()
    }

    /// Returns whether the class that the model predicts most often is also so common among the images that this is no weakness.
    /// Half of the images of a data set of two classes may be of one class.
    pub fn is_one_sided(&self) -> bool {
        let count = self.confusion[self.most_predicted().0].iter().sum::<usize>() as f64;
        let share = f64::max(0.5, 1.5 * chance(self.dataset.classes.len()));
        count >= self.samples() as f64 * share
    }

    /// Describes why the model does not seem to have learned these images, if so: it predicts (almost) the same class for all of
    /// them, or its accuracy is near chance.
    pub fn weakness(&self) -> Option<String> {
        let samples = self.samples();
        let classes = self.dataset.classes.len();
        let (most, count) = self.most_predicted();
        if self.is_one_sided() {
            None
        } else if self.is_collapsed() {
            Some("the model predicts the same class for every image".to_owned())
        } else if samples >= MIN_IMAGES && count as f64 >= ALMOST_ALL * samples as f64 {
            let class = &self.dataset.classes[most];
            Some(format!("the model predicts {class} for {count} of {samples} images"))
        } else {
            let accuracy = self.accuracy();
            is_near_chance(samples, accuracy, classes).then(|| {
                let chance = rounded(chance(classes));
                format!("the accuracy of {accuracy:.4} is near chance ({chance})")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sure;
    use super::*;
    use crate::data::FASHION_MNIST;

    #[test]
    fn weakness_needs_enough_images() {
        let weakness = |predicted: &[usize], labels: &[u8]| {
            let outputs: Vec<_> = predicted.iter().map(|class| sure(*class)).collect();
            Evaluation::new(&outputs, labels, &FASHION_MNIST).weakness().unwrap_or_default()
        };
        let labels: Vec<u8> = (0..40).map(|image| image % 10).collect();
        let right: Vec<usize> = labels.iter().map(|label| usize::from(*label)).collect();
        assert_eq!(weakness(&right, &labels), "");
        assert_eq!(
            weakness(&[8; 40], &labels),
            "the model predicts the same class for every image"
        );
        let mut almost = [8; 40];
        almost[..2].copy_from_slice(&right[..2]);
        assert_eq!(weakness(&almost, &labels), "the model predicts Bag for 38 of 40 images");
        let wrong: Vec<usize> = right.iter().map(|class| (class + 1) % 10).collect();
        assert!(weakness(&wrong, &labels).starts_with("the accuracy of 0.0000 is near chance"));
        assert_eq!(weakness(&wrong[..MIN_IMAGES - 1], &labels[..MIN_IMAGES - 1]), "");
        // It is correct to predict one class for images of that class.
        let mut bags = [8; 40];
        bags[0] = 1;
        assert_eq!(weakness(&bags, &[8; 40]), "");
    }
}
