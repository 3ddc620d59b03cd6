//! Finds the ten tensors of LeNet among the tensors of a file, whose names and layout vary with the program that wrote it.

use super::tensors::{check_shape, check_values, from_torch_layout, is_rounded};
use super::{Fault, FaultKind, ModelFile};
use crate::io::text::quoted;
use crate::model::{TENSORS, TensorSpec, Weights};

/// How a file stores the weight of a dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `[C_out, C]`, as in PyTorch.
    OutIn,
    /// `[C, C_out]`, as in Burn.
    InOut,
}

impl Layout {
    /// Returns the shape of a tensor in this layout.
    fn shape(self, spec: &TensorSpec) -> Vec<usize> {
        match (self, spec.shape) {
            (Self::InOut, [outputs, inputs]) => vec![*inputs, *outputs],
            (_, shape) => shape.to_vec(),
        }
    }

    /// Returns both layouts, this one first.
    fn and_other(self) -> [Self; 2] {
        [self, if self == Self::OutIn { Self::InOut } else { Self::OutIn }]
    }
}

/// A tensor, as described in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) shape: &'a [usize],
    /// The type of the values, by its name in the file.
    pub(super) dtype: &'a str,
}

/// For each of [`TENSORS`], the index of the tensor in the file.
type Places = [usize; TENSORS.len()];

/// Builds a model from the tensors of a file, in any order. `usual` is the layout that the format prescribes. `values` returns the
/// values of the tensor with this index in `tensors`, row-major.
///
/// A prefix that all names share is removed. If the names are not LeNet's, the tensors are identified by their shapes, which
/// are all different. The model's notes list these steps.
///
/// # Errors
/// Returns an error if a tensor is missing, has another shape or does not belong to LeNet, or if a value is not finite.
pub(super) fn assemble(
    usual: Layout,
    tensors: &[Named<'_>],
    values: impl Fn(usize, &TensorSpec) -> Result<Vec<f32>, Fault>,
) -> Result<ModelFile, Fault> {
    check_kind(tensors)?;
    let mut notes = Vec::new();
    let prefix = prefix(tensors);
    let (places, layout) = match by_name(usual, tensors, prefix)? {
        Some(found) => {
            if !prefix.is_empty() {
                notes.push(format!("dropped the prefix {} of the tensor names", quoted(prefix)));
            }
            found
        }
        None => {
            let found = by_shape(usual, tensors, prefix)?;
            let name = |index: usize| quoted(tensors[found.0[index]].name);
            let pairs = TENSORS.iter().enumerate().step_by(2);
            let pairs: Vec<_> =
                pairs.map(|(index, spec)| format!("{} is {}", name(index), spec.name)).collect();
            notes.push(format!("matched the tensors by their shapes: {}", pairs.join(", ")));
            found
        }
    };
    if layout != usual {
        let stored = if layout == Layout::InOut { "[in, out]" } else { "[out, in]" };
        notes.push(format!("the dense weights are stored as {stored}"));
    }
    if tensors.iter().any(|tensor| is_rounded(tensor.dtype)) {
        notes.push("converted 64-bit numbers to 32 bits".to_owned());
    }
    let mut weights = Weights::zeros();
    for (index, (spec, place)) in TENSORS.iter().zip(places).enumerate() {
        let values = values(place, spec)?;
        check_values(spec, &values)?;
        let values = match layout {
            Layout::OutIn => from_torch_layout(index, &values),
            Layout::InOut => values.into(),
        };
        weights.tensor_mut(index).copy_from_slice(&values);
    }
    Ok(ModelFile { notes, ..weights.into() })
}

/// Rejects files that hold LeNet's tensors and counters, or weights from Keras.
fn check_kind(tensors: &[Named<'_>]) -> Result<(), Fault> {
    let is_number = |tensor: &&Named<'_>| tensor.shape.iter().all(|size| *size == 1);
    let mut numbers = tensors.iter().filter(is_number);
    let others = tensors.len() - numbers.clone().count();
    let fault = if let Some(number) = numbers.next().filter(|_| others == TENSORS.len()) {
        let what = format!("{} is a single number, not a tensor of LeNet", quoted(number.name));
        Fault::new(FaultKind::ExtraTensors, what)
    } else if let Some(tensor) = tensors.iter().find(|tensor| tensor.shape == [5, 5, 1, 6]) {
        let what = format!("{} has Keras' layout, [height, width, in, out]", quoted(tensor.name));
        Fault::new(FaultKind::KerasLayout, what)
    } else {
        return Ok(());
    };
    Err(fault)
}

/// Returns the text before LeNet's name in all names: nothing, or a prefix that ends with a dot.
fn prefix<'a>(tensors: &[Named<'a>]) -> &'a str {
    let first = tensors.first().map_or("", |first| first.name);
    let prefix = TENSORS.iter().find_map(|spec| first.strip_suffix(spec.name)).unwrap_or_default();
    let is_shared = tensors.iter().all(|tensor| tensor.name.starts_with(prefix));
    if prefix.ends_with('.') && is_shared { prefix } else { "" }
}

/// Returns the index in [`TENSORS`] of the tensor with this name.
fn index_of(name: &str, prefix: &str) -> Option<usize> {
    let name = name.strip_prefix(prefix)?;
    TENSORS.iter().position(|spec| spec.name == name)
}

/// Finds the tensors by their names. Returns `None` if a name is not LeNet's.
fn by_name(
    usual: Layout,
    tensors: &[Named<'_>],
    prefix: &str,
) -> Result<Option<(Places, Layout)>, Fault> {
    let mut places = [None; TENSORS.len()];
    for (place, tensor) in tensors.iter().enumerate() {
        let Some(index) = index_of(tensor.name, prefix) else { return Ok(None) };
        if places[index].replace(place).is_some() {
            return Err(Fault::not_lenet(format!("duplicate tensor {}", TENSORS[index].name)));
        }
    }
    let found = || TENSORS.iter().zip(places).filter_map(|(spec, place)| Some((spec, place?)));
    let fits =
        |layout: &Layout| found().all(|(spec, place)| tensors[place].shape == layout.shape(spec));
    let layout = usual.and_other().into_iter().find(fits).unwrap_or(usual);
    for (spec, place) in found() {
        check_shape(spec.name, &layout.shape(spec), tensors[place].shape)?;
    }
    let missing = TENSORS.iter().zip(places).find(|(_, place)| place.is_none());
    match missing {
        Some((spec, _)) => Err(Fault::not_lenet(format!("{} is missing", spec.name))),
        None => Ok(Some((places.map(Option::unwrap_or_default), layout))),
    }
}

/// Finds the tensors by their shapes. If a name is one of LeNet's, it must match the shape.
fn by_shape(usual: Layout, tensors: &[Named<'_>], prefix: &str) -> Result<(Places, Layout), Fault> {
    let place = |layout: Layout, spec: &TensorSpec| {
        tensors.iter().position(|tensor| tensor.shape == layout.shape(spec))
    };
    let complete = usual.and_other().into_iter().find_map(|layout| {
        let places = TENSORS.each_ref().map(|spec| place(layout, spec));
        let is_complete = tensors.len() == TENSORS.len() && places.iter().all(Option::is_some);
        is_complete.then(|| (places.map(Option::unwrap_or_default), layout))
    });
    let index = |tensor: &Named<'_>| index_of(tensor.name, prefix);
    if let Some((places, layout)) = complete {
        let named = places
            .iter()
            .enumerate()
            .filter_map(|(at, place)| Some((at, index(&tensors[*place])?)));
        return match named.clone().find(|(at, named)| at != named) {
            None => Ok((places, layout)),
            Some((at, named)) => {
                let (found, expected) = (TENSORS[named].name, TENSORS[at].name);
                let what =
                    format!("{found} has the shape of {expected}, and other names are not LeNet's");
                Err(Fault::new(FaultKind::Names, what))
            }
        };
    }
    let unknown = tensors.iter().find(|tensor| index(tensor).is_none());
    let name = quoted(unknown.map_or("", |tensor| tensor.name));
    Err(Fault::not_lenet(format!("{name} is not a tensor of LeNet")))
}
