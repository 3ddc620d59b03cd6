//! The layers on a differentiating backend: each is one node of Burn's graph.
//!
//! A node keeps what its backward pass reads: the layer's inputs and its output. They are kept as they are
//! and not through Burn's checkpointer, because recomputing them would cost what the fusion saves.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::ops::{FloatTensor, IntTensor};

use super::{ConvPool, LayerGradients, LeNetBackend};

impl<B: LeNetBackend, C: CheckpointStrategy> LeNetBackend for Autodiff<B, C> {
    fn conv_pool_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> ConvPool<Self> {
        let saved = (input.primitive.clone(), weight.primitive.clone());
        let forward = B::conv_pool_sigmoid(input.primitive, weight.primitive, bias.primitive);
        let (output, choice) = (forward.output.clone(), forward.choice.clone());
        let node = ConvPoolNode.prepare::<C>([input.node, weight.node, bias.node]);
        let output = match node.compute_bound().stateful() {
            OpsKind::Tracked(node) => node.finish((saved, forward), output),
            OpsKind::UnTracked(node) => node.finish(output),
        };
        ConvPool { output, choice }
    }

    fn dense_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let saved = (input.primitive.clone(), weight.primitive.clone());
        let output = B::dense_sigmoid(input.primitive, weight.primitive, bias.primitive);
        let node = DenseNode.prepare::<C>([input.node, weight.node, bias.node]);
        match node.compute_bound().stateful() {
            OpsKind::Tracked(node) => node.finish((saved, output.clone()), output),
            OpsKind::UnTracked(node) => node.finish(output),
        }
    }

    fn cross_entropy(
        outputs: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (loss, correct) = B::cross_entropy(outputs.primitive.clone(), labels.clone());
        let node = CrossEntropyNode.prepare::<C>([outputs.node]);
        let loss = match node.compute_bound().stateful() {
            OpsKind::Tracked(node) => node.finish((outputs.primitive, labels), loss),
            OpsKind::UnTracked(node) => node.finish(loss),
        };
        // A count has no gradient.
        (loss, Self::from_inner(correct))
    }
}

#[derive(Debug)]
struct ConvPoolNode;

impl<B: LeNetBackend> Backward<B, 3> for ConvPoolNode {
    type State = ((FloatTensor<B>, FloatTensor<B>), ConvPool<B>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ((input, weight), forward) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let wants_input = ops.parents[0].is_some();
        let found = B::conv_pool_sigmoid_backward(input, weight, forward, gradient, wants_input);
        register_all(
            ops.parents.map(|parent| parent.map(|node| node.id)),
            found,
            grads,
        );
    }
}

#[derive(Debug)]
struct DenseNode;

impl<B: LeNetBackend> Backward<B, 3> for DenseNode {
    type State = ((FloatTensor<B>, FloatTensor<B>), FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ((input, weight), output) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let wants_input = ops.parents[0].is_some();
        let found = B::dense_sigmoid_backward(input, weight, output, gradient, wants_input);
        register_all(
            ops.parents.map(|parent| parent.map(|node| node.id)),
            found,
            grads,
        );
    }
}

#[derive(Debug)]
struct CrossEntropyNode;

impl<B: LeNetBackend> Backward<B, 1> for CrossEntropyNode {
    type State = (FloatTensor<B>, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (outputs, labels) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        if let [Some(parent)] = ops.parents {
            let found = B::cross_entropy_backward(outputs, labels, gradient);
            grads.register::<B>(parent.id, found);
        }
    }
}

/// Hands a layer's gradients to its parents: input, weight, bias, each where it is tracked.
fn register_all<B: LeNetBackend>(
    parents: [Option<burn::backend::autodiff::NodeId>; 3],
    found: LayerGradients<B>,
    grads: &mut Gradients,
) {
    let found = [found.input, Some(found.weight), Some(found.bias)];
    for (parent, gradient) in parents.into_iter().zip(found) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(parent, gradient);
        }
    }
}
