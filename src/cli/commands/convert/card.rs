//! The model card, `README.md`: YAML for the Hugging Face hub, then text.

use serde_json::{Value, json};

use crate::cli::report::card;
use crate::cli::report::training_rows;
use crate::data::DatasetIdentity;
use crate::train::RunRecord;

/// Usage in Python.
const USE: &str = r#"## How to use it

The input is raw grey pixels, 0 to 255, bright on black, as `[N, 1, 28, 28]`. With ONNX Runtime:

```python
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
image = np.zeros((1, 1, 28, 28), np.float32)      # your picture
output, probabilities = session.run(None, {"image": image})
```

In PyTorch:

```python
from torch import nn, sigmoid, max_pool2d
from safetensors.torch import load_file

class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = max_pool2d(sigmoid(self.conv1(x)), 2)
        x = max_pool2d(sigmoid(self.conv2(x)), 2).flatten(1)
        return sigmoid(self.fc3(sigmoid(self.fc2(sigmoid(self.fc1(x))))))

net = LeNet()
net.load_state_dict(load_file("model.safetensors"))
```
"#;

/// Returns the card of the model `name`, which was trained on `dataset`.
pub(super) fn write(name: &str, record: Option<&RunRecord>, dataset: &DatasetIdentity) -> String {
    let info = dataset.info();
    let test = record.and_then(|record| record.test.as_ref());
    let mut tags = vec!["lenet", "burn", "onnx", "safetensors"];
    let tag = info.name.to_lowercase();
    if info.is_known() {
        tags.push(&tag);
    }
    let mut head = json!({
        "license": "mit",
        "library_name": "burn",
        "pipeline_tag": "image-classification",
        "tags": tags,
        "metrics": ["accuracy"],
    });
    if let Some(hub) = info.hub {
        head["datasets"] = json!([hub]);
        if let Some(test) = test {
            head["model-index"] = json!([{ "name": name, "results": [{
                "task": { "type": "image-classification", "name": "Image Classification" },
                "dataset": { "type": hub, "name": info.name, "split": "test" },
                "metrics": [
                    { "type": "accuracy", "name": "Accuracy", "value": test.accuracy },
                    { "type": "loss", "name": "Cross-entropy", "value": test.loss },
                ],
            }]}]);
        }
    }
    let mut text = format!("---\n{}---\n\n# {}\n\n", yaml(&head), plain(name));
    text += &match &dataset.names.name {
        Some(data) => format!("LeNet with 44,426 parameters, trained on {}", plain(data)),
        None => "LeNet with 44,426 parameters".to_owned(),
    };
    text += match record {
        Some(_) => ". It was trained by `lenet`, a program built on Burn.\n\n",
        None => ".\n\n",
    };
    if let Some(test) = test {
        text += &format!(
            "On {} test images it makes {} correct predictions: accuracy {:.4}, loss {:.4}.\n\n",
            test.samples, test.correct, test.accuracy, test.loss
        );
    }
    text += USE;
    for (heading, paragraphs) in card::sections(info) {
        text += &format!("\n## {heading}\n");
        for paragraph in paragraphs {
            text += &format!("\n{paragraph}\n");
        }
    }
    if let Some(record) = record {
        text += "\n## How it was trained\n\n| | |\n|---|---|\n";
        for (name, value) in training_rows(record) {
            text += &format!("| {name} | {} |\n", plain(&value));
        }
        for (file, digest) in &record.data {
            text += &format!("| SHA-256 of {} | `{}` |\n", plain(file), plain(digest));
        }
    }
    text
}

/// Returns a mapping as YAML, one key per line. The values are JSON, which is valid YAML.
fn yaml(head: &Value) -> String {
    let entries = head.as_object().into_iter().flatten();
    entries.map(|(key, value)| format!("{key}: {value}\n")).collect()
}

/// Escapes Markdown in text from files.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' => plain.extend(['\\', c]),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::{DatasetInfo, FASHION_MNIST, MNIST, UNKNOWN};

    #[test]
    fn card_without_record_has_no_metrics() {
        let card = write("m", None, &DatasetIdentity::assumed());
        assert!(card.starts_with("---\nlicense: \"mit\"\nlibrary_name: \"burn\"\n"));
        assert!(!card.contains("model-index") && !card.contains("accuracy 0"));
        assert!(card.contains("## Out of scope"));
        assert!(!card.contains("datasets:") && !card.contains("Zalando"));
    }

    #[test]
    fn card_describes_its_data_set() {
        let card = |info: &DatasetInfo| {
            let identity = DatasetIdentity { names: info.into(), digests: BTreeMap::new() };
            write("m", None, &identity)
        };
        let clothes = card(&FASHION_MNIST);
        assert!(clothes.contains("datasets: [\"zalando-datasets/fashion_mnist\"]\n"), "{clothes}");
        assert!(clothes.contains("trained on Fashion-MNIST.") && clothes.contains("Zalando"));
        assert!(clothes.contains("\"fashion-mnist\"]"), "{clothes}");
        let digits = card(&MNIST);
        assert!(digits.contains("trained on MNIST.") && digits.contains("handwritten"), "{digits}");
        assert!(!digits.to_lowercase().contains("fashion"), "{digits}");
        let unknown = card(&UNKNOWN);
        assert!(!unknown.contains("datasets:") && !unknown.contains("trained on"), "{unknown}");
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(plain("a|b\n<c>"), "a\\|b \\<c\\>");
        assert_eq!(yaml(&json!({ "name": "a: \"b\"" })), "name: \"a: \\\"b\\\"\"\n");
    }
}
