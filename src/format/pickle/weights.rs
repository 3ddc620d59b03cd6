//! Finds the weights in the value that a pickle holds: a state dict, or a checkpoint with a state dict in it.

use std::collections::HashSet;

use super::machine::{Id, Machine, Value};
use super::{Storage, TensorRef, unsupported};
use crate::format::{Fault, FaultKind};
use crate::io::text::quoted;

/// The keys under which programs store the weights in a checkpoint, such as `state_dict` (PyTorch Lightning).
const KEYS: &str = "state_dict model_state_dict model net weights params network module model_state net_state_dict \
                    model_weights ema ema_state_dict model_ema params_ema generator";

/// Maximum number of entries of a dictionary, which also bounds the time to search it.
const MAX_ENTRIES: usize = 1000;

/// The state dict in a file, and everything else in the file that PyTorch reads.
pub(in crate::format) struct StateDict<'a> {
    /// The tensors by name, in order.
    pub(in crate::format) tensors: Vec<(&'a str, TensorRef<'a>)>,
    /// The key of the checkpoint under which they are, if the file is a checkpoint.
    pub(in crate::format) key: Option<&'a str>,
    /// All tensors of the file.
    pub(in crate::format) all_tensors: Vec<TensorRef<'a>>,
    /// All storages of the file.
    pub(in crate::format) storages: Vec<Storage<'a>>,
}

/// Parses a pickle and returns the tensors of the state dict in it.
///
/// # Errors
/// Returns an error if the pickle is malformed, or if it does not contain exactly one state dict under the usual keys.
pub(in crate::format) fn state_dict(bytes: &[u8]) -> Result<StateDict<'_>, Fault> {
    let mut machine = Machine { bytes, ..Machine::default() };
    let result = machine.run()?;
    let (tensors, key) = machine.find(result)?;
    let storages = machine.storages.into_values().collect();
    let tensor = |value| match value {
        Value::Tensor(tensor) => Some(*tensor),
        _ => None,
    };
    let all_tensors = machine.values.into_iter().filter_map(tensor).collect();
    Ok(StateDict { tensors, key, all_tensors, storages })
}

fn is_known(key: &str) -> bool {
    KEYS.split(' ').any(|known| known == key)
}

fn pickled(module: &str, name: &str) -> Fault {
    let name = quoted(&format!("{module}.{name}"));
    let what = format!("the file contains a Python object instead of its weights: {name}");
    Fault::new(FaultKind::PickledModule, what)
}

/// The tensors of a state dict by name, and the key of the checkpoint under which they are.
type Found<'a> = (Vec<(&'a str, TensorRef<'a>)>, Option<&'a str>);

impl<'a> Machine<'a> {
    /// Finds the state dict in a value.
    fn find(&self, result: Id) -> Result<Found<'a>, Fault> {
        let entries = match &self.values[result] {
            Value::Dict { entries, .. } => entries,
            Value::Object(module, name) => return Err(pickled(module, name)),
            _ => return Err(unsupported("the file contains no dictionary of tensors".to_owned())),
        };
        self.check_keys(entries)?;
        let known: Vec<_> =
            self.state_dicts(entries).into_iter().filter(|(key, _)| is_known(key)).collect();
        match known[..] {
            [(key, entries)] => {
                let tensors = self.tensors(entries).map_err(|fault| fault.with_key(Some(key)))?;
                Ok((tensors, Some(key)))
            }
            [] if entries.is_empty() || self.has_tensor(entries) => {
                Ok((self.tensors(entries)?, None))
            }
            [] => Err(self.unknown_checkpoint(entries)),
            [(first, _), ..] => {
                let keys: Vec<_> = known.iter().map(|(key, _)| quoted(key)).collect();
                let keys = keys.join(", ");
                let what = format!("a checkpoint with weights under several keys: {keys}");
                Err(Fault::new(FaultKind::Checkpoint, what).with_key(Some(first)))
            }
        }
    }

    /// Rejects a dictionary with more entries than any plausible file has, and one that sets a key twice: in Python the last
    /// value counts, but no program writes such a file.
    fn check_keys(&self, entries: &[(Id, Id)]) -> Result<(), Fault> {
        if entries.len() > MAX_ENTRIES {
            let found = entries.len();
            return Err(Fault::not_lenet(format!("expected 10 tensors, found {found}")));
        }
        let mut keys = HashSet::new();
        for (key, _) in entries {
            if let Value::Text(key) = self.values[*key]
                && !keys.insert(key)
            {
                return Err(Fault::malformed(format!("data.pkl sets {} twice", quoted(key))));
            }
        }
        Ok(())
    }

    fn has_tensor(&self, entries: &[(Id, Id)]) -> bool {
        let is_tensor =
            |(_, value): &(Id, Id)| matches!(self.values[*value], Value::Tensor(_) | Value::View);
        entries.iter().any(is_tensor)
    }

    /// Returns the dictionaries with tensors among the values of a dictionary.
    fn state_dicts(&self, entries: &[(Id, Id)]) -> Vec<(&'a str, &[(Id, Id)])> {
        let entry = |(key, value): &(Id, Id)| match (&self.values[*key], &self.values[*value]) {
            (Value::Text(key), Value::Dict { entries, .. }) if self.has_tensor(entries) => {
                Some((*key, &**entries))
            }
            _ => None,
        };
        entries.iter().filter_map(entry).collect()
    }

    /// Returns the tensors of a state dict.
    fn tensors(&self, entries: &[(Id, Id)]) -> Result<Vec<(&'a str, TensorRef<'a>)>, Fault> {
        self.check_keys(entries)?;
        let view = "a tensor has hooks or is a negated or conjugated view";
        let entry = |(key, value): &(Id, Id)| match (&self.values[*key], &self.values[*value]) {
            (Value::Text(name), Value::Tensor(tensor)) => Ok((*name, (**tensor).clone())),
            (_, Value::View) => Err(Fault::new(FaultKind::View, view)),
            (Value::Text(name), Value::Object(module, class)) => {
                let class = quoted(&format!("{module}.{class}"));
                Err(unsupported(format!("{} is not a plain tensor: {class}", quoted(name))))
            }
            (Value::Text(name), _) => Err(unsupported(format!("{} is not a tensor", quoted(name)))),
            _ => Err(unsupported("a key is not a string".to_owned())),
        };
        entries.iter().map(entry).collect()
    }

    /// Returns the fault for a checkpoint whose weights are not under a known key.
    fn unknown_checkpoint(&self, entries: &[(Id, Id)]) -> Fault {
        let keys = entries.iter().filter_map(|(key, value)| match self.values[*key] {
            Value::Text(key) => Some((key, &self.values[*value])),
            _ => None,
        });
        if let Some((key, Value::Object(module, name))) =
            keys.clone().find(|(key, value)| is_known(key) && matches!(value, Value::Object(..)))
        {
            return pickled(module, name).with_key(Some(key));
        }
        let names: Vec<_> = keys.take(8).map(|(key, _)| quoted(key)).collect();
        let what = format!(
            "a checkpoint without weights under a known key; its keys: {}",
            names.join(", ")
        );
        let likely = self.state_dicts(entries);
        Fault::new(FaultKind::Checkpoint, what).with_key(likely.first().map(|(key, _)| *key))
    }
}
