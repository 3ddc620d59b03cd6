//! Burn's arrays as the slices that the kernels take, and back.

use std::borrow::Cow;

use burn::tensor::TensorMetadata;
use burn_ndarray::{NdArrayTensor, SharedArray};
use ndarray::IxDyn;

use crate::kernels::loss;

/// The labels, where there are ten outputs an image and Burn's usual integers.
pub(super) fn label_values<'a>(
    outputs: &NdArrayTensor,
    labels: &'a NdArrayTensor,
) -> Option<&'a [i64]> {
    match labels {
        NdArrayTensor::I64(labels) if outputs.shape()[1] == loss::CLASSES => {
            labels.view().to_slice()
        }
        _ => None,
    }
}

/// The values of a tensor, row-major; copied only if they do not lie so.
pub(super) fn values(tensor: &NdArrayTensor) -> Cow<'_, [f32]> {
    let NdArrayTensor::F32(storage) = tensor else {
        panic!(
            "a float tensor of NdArray<f32> holds f32, not {:?}",
            tensor.dtype()
        );
    };
    match storage.view().to_slice() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(storage.view().iter().copied().collect()),
    }
}

/// The tensor as an array that may be changed in place, row-major: itself, unless it lies otherwise.
pub(super) fn owned(tensor: NdArrayTensor) -> SharedArray<f32> {
    let NdArrayTensor::F32(storage) = tensor else {
        panic!(
            "a float tensor of NdArray<f32> holds f32, not {:?}",
            tensor.dtype()
        );
    };
    let array = storage.into_owned();
    if array.is_standard_layout() {
        array
    } else {
        array.as_standard_layout().into_owned().into_shared()
    }
}

pub(super) fn values_mut(array: &mut SharedArray<f32>) -> &mut [f32] {
    array
        .as_slice_mut()
        .expect("what `owned` returns is row-major")
}

pub(super) fn tensor(values: Vec<f32>, shape: &[usize]) -> NdArrayTensor {
    array(values, shape).into()
}

pub(super) fn choices(values: Vec<u8>, shape: &[usize]) -> NdArrayTensor {
    array(values, shape).into()
}

pub(super) fn array<E>(values: Vec<E>, shape: &[usize]) -> SharedArray<E> {
    SharedArray::from_shape_vec(IxDyn(shape), values)
        .expect("the values were counted by this shape")
}
