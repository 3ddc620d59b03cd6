//! Checks that a run record is possible, because a record from elsewhere can contain anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};

use crate::data::{DataFile, DatasetNames};
use crate::io::text::quoted;

use super::{EpochRecord, RunRecord, TestRecord};

/// The only version of the layout. It increases with every change other than an addition, see `docs/stability.md`.
pub(super) const SCHEMA: u32 = 1;

/// Maximum length of a string in a valid record, in bytes.
const MAX_TEXT: usize = 1000;

/// Maximum number of data files.
const MAX_FILES: usize = DataFile::ALL.len();

/// The largest loss in a valid record. With outputs clipped to 1e-7..1 - 1e-7, the largest possible loss is about
/// ln(9 / 1e-7) = 18.3.
pub const MAX_LOSS: f64 = 1000.0;

/// The longest epoch in a valid record, in seconds: a hundred years.
pub const MAX_SECONDS: f64 = 3.2e9;

/// Returns whether `value` is from 0 to `most`. Negative zero is not, because every output would show its sign.
pub(super) fn is_within(value: f64, most: f64) -> bool {
    value.is_sign_positive() && value <= most
}

/// Returns whether `loss` can be the sum of the losses of `samples` images.
pub(super) fn is_loss(loss: f64, samples: usize) -> bool {
    is_within(loss, MAX_LOSS * samples as f64)
}

impl RunRecord {
    /// Checks that the layout is known, the settings are possible, the names are valid, the strings are short and the metrics are
    /// in range, so that sums, tables and charts of them are finite.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("schema {}, but this version reads schema {SCHEMA}", self.schema));
        }
        self.settings.check()?;
        self.dataset.as_ref().map_or(Ok(()), DatasetNames::check)?;
        let Self { lenet, burn, started, device, host, job, model_sha256, data, settings, .. } =
            self;
        let texts = [lenet, burn, device, &settings.backend, &settings.recipe.name].into_iter();
        let texts = texts.chain(started).chain(host).chain(job).chain(model_sha256);
        let names = data.iter().flat_map(|(file, digest)| [file, digest]);
        if let Some(text) = texts.chain(names).find(|text| text.len() > MAX_TEXT) {
            return Err(format!("text too long: {}", quoted(text)));
        }
        let is_loss = |loss: f64| is_loss(loss, 1);
        let is_fraction = |fraction: f64| is_within(fraction, 1.0);
        let epoch = |(index, epoch): (usize, &EpochRecord)| {
            epoch.epoch == index + 1
                && is_within(epoch.seconds, MAX_SECONDS)
                && is_loss(epoch.loss)
                && is_fraction(epoch.accuracy)
                && epoch.val_loss.is_none_or(is_loss)
                && epoch.val_accuracy.is_none_or(is_fraction)
        };
        let test = |test: &TestRecord| {
            let accuracy = test.correct as f64 / test.samples as f64;
            is_loss(test.loss)
                && is_fraction(test.accuracy)
                && test.correct <= test.samples
                // Other programs may write four digits. Without samples, the accuracy is NaN.
                && (test.accuracy - accuracy).abs() <= 5e-5
        };
        let is_valid = self.epochs.len() <= settings.epochs
            && self.kept_epoch.is_none_or(|epoch| (1..=self.epochs.len()).contains(&epoch))
            && self.epochs.iter().enumerate().all(epoch)
            && self.test.as_ref().is_none_or(test);
        match is_valid {
            true => Ok(()),
            false => Err("metrics out of range".to_owned()),
        }
    }
}

/// Reads a map of at most [`MAX_FILES`] entries. A larger map of short strings would need many times as much memory as the file
/// has bytes.
pub(super) fn few_files<'de, D: Deserializer<'de>>(
    record: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    struct Files;
    impl<'de> Visitor<'de> for Files {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of file names to digests")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut files = BTreeMap::new();
            while let Some((file, digest)) = map.next_entry()? {
                files.insert(file, digest);
                if files.len() > MAX_FILES {
                    return Err(A::Error::custom(format!("more than {MAX_FILES} data files")));
                }
            }
            Ok(files)
        }
    }
    record.deserialize_map(Files)
}
