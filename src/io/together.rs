//! Writes several files that belong together.

use std::path::PathBuf;

use super::FileError;
use super::target::{Origin, Target};
use super::write::Staged;

/// Writes `contents` to `paths`, which the program chose itself. The last file describes the others.
///
/// All files are written before any of them is replaced, so that a full disk changes nothing. With `force`, the last file is
/// removed until all others are replaced, so that it never describes other contents.
///
/// # Errors
/// Returns the errors of [`Target::new`], [`Target::write`] and [`Target::remove`].
pub fn write_together(
    paths: &[PathBuf],
    contents: &[Vec<u8>],
    force: bool,
) -> Result<(), FileError> {
    let targets = paths.iter().map(|path| Target::new(path, Origin::Program));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let staged = targets.iter().zip(contents).map(|(target, bytes)| target.stage(bytes, force));
    let staged = staged.collect::<Result<Vec<_>, _>>()?;
    if let (true, [.., last]) = (force, &targets[..]) {
        last.remove()?;
    }
    staged.into_iter().try_for_each(Staged::commit)
}
