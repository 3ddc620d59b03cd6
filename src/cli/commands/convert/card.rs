//! The model card, `README.md`: YAML for the Hugging Face hub, then text.

use serde_json::{Value, json};

use crate::cli::report::card;
use crate::cli::report::training_rows;
use crate::cli::ui::format::json as escaped;
use crate::data::DatasetIdentity;
use crate::io::text::is_interpreted;
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

/// Returns the card of the model `name`, with only the facts that the run record confirms. Without a record, the card states
/// this and, unless `is_described` is set, the assumptions about the network.
pub(super) fn write(name: &str, record: Option<&RunRecord>, is_described: bool) -> String {
    let dataset = record.and_then(RunRecord::trained_on).unwrap_or_else(DatasetIdentity::assumed);
    let info = &dataset.info();
    let test = record.and_then(|record| record.test.as_ref());
    let mut tags = vec!["lenet", "onnx", "safetensors"];
    tags.extend(record.map(|_| "burn"));
    let tag = info.name.to_lowercase();
    if info.is_known() {
        tags.push(&tag);
    }
    let mut head = json!({ "pipeline_tag": "image-classification" });
    if record.is_some() && info.is_known() {
        // The licence of a model that was trained on somebody's own pictures is up to that person.
        head["license"] = json!("mit");
    }
    if record.is_some() {
        head["library_name"] = json!("burn");
        head["metrics"] = json!(["accuracy"]);
    }
    head["tags"] = json!(tags);
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
    text += match (record, is_described) {
        (Some(_), _) => ". It was trained by `lenet`, a program built on Burn.\n\n",
        (None, true) => ".\n\nThere is no record of how it was trained.\n\n",
        (None, false) => {
            ".\n\nThere is no record of how it was trained. These files assume that its network has sigmoid activations and \
             max-pooling, and that it was trained on raw pixels.\n\n"
        }
    };
    if let Some(test) = test {
        text += &format!(
            "On {} test images it makes {} correct predictions: accuracy {:.4}, loss {:.4}.\n\n",
            test.samples, test.correct, test.accuracy, test.loss
        );
    }
    text += USE;
    for (heading, paragraphs) in card::sections(info, plain) {
        text += &format!("\n## {heading}\n");
        for paragraph in paragraphs {
            text += &format!("\n{paragraph}\n");
        }
    }
    if let Some(record) = record {
        text += "\n## How it was trained\n\n| | |\n|---|---|\n";
        for (name, value) in training_rows(record) {
            text += &format!("| {name} | {} |\n", plain(&value).replace('|', "\\|"));
        }
        for (file, digest) in &record.data {
            let [file, digest] = [file, digest].map(|text| code(text).replace('|', "\\|"));
            text += &format!("| SHA-256 of {file} | {digest} |\n");
        }
    }
    text
}

/// Returns a mapping as YAML, one key per line. The values are JSON, which is valid YAML if the characters that YAML rejects are
/// escaped.
fn yaml(head: &Value) -> String {
    let entries = head.as_object().into_iter().flatten();
    entries.map(|(key, value)| format!("{key}: {}\n", escaped(value.to_string()))).collect()
}

/// Returns text from files in Markdown. Text that could be markup, a link or a mention is formatted as code, in which Markdown
/// is not interpreted.
fn plain(text: &str) -> String {
    // A dot may be part of a number, but not of a URL.
    let mut next = text.chars().skip(1);
    let is_harmless = |c: char| {
        let is_number = next.next().is_none_or(|next| next.is_ascii_digit() || next == ' ');
        c.is_alphanumeric() || " ,()%+/-".contains(c) || (c == '.' && is_number)
    };
    match text.chars().all(is_harmless) {
        true => text.to_owned(),
        false => code(text),
    }
}

/// Returns text as a code span, on one line.
fn code(text: &str) -> String {
    let line = text.replace(is_interpreted, " ");
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{line}{fence}"),
        _ => format!("{fence} {line} {fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetInfo, FASHION_MNIST, MNIST, UNKNOWN};
    use crate::train::{Recipe, Settings};

    #[test]
    fn card_without_record_makes_no_claims() {
        for is_described in [true, false] {
            let card = write("m", None, is_described);
            assert!(
                card.starts_with("---\npipeline_tag: \"image-classification\"\ntags: ["),
                "{card}"
            );
            for claim in [
                "license",
                "burn",
                "Burn",
                "metrics",
                "accuracy",
                "datasets",
                "Fashion",
                "trained by",
                "trained on MNIST",
            ] {
                assert!(!card.contains(claim), "{claim}: {card}");
            }
            assert!(card.contains("There is no record of how it was trained."));
            assert_eq!(card.contains("These files assume"), !is_described);
            assert!(card.contains("## Out of scope"));
        }
    }

    #[test]
    fn card_describes_its_data_set() {
        let card = |info: &DatasetInfo| {
            let record = RunRecord::new(Settings::new(Recipe::classic()), "CPU");
            write("m", Some(&RunRecord { dataset: Some(info.into()), ..record }), true)
        };
        let clothes = card(&FASHION_MNIST);
        assert!(clothes.contains("datasets: [\"zalando-datasets/fashion_mnist\"]\n"), "{clothes}");
        assert!(clothes.contains("trained on Fashion-MNIST.") && clothes.contains("Zalando"));
        assert!(clothes.contains("\"fashion-mnist\""), "{clothes}");
        let digits = card(&MNIST);
        assert!(digits.contains("trained on MNIST.") && digits.contains("handwritten"), "{digits}");
        assert!(!digits.to_lowercase().contains("fashion"), "{digits}");
        let unknown = card(&UNKNOWN);
        assert!(!unknown.contains("datasets:") && !unknown.contains("trained on"), "{unknown}");
    }

    #[test]
    fn record_text_is_not_markup() {
        for text in
            ["CPU (avx2)", "54,000 images", "classic", "0.9", "8.3 s", "SGD, 0.9 with momentum 0.5"]
        {
            assert_eq!(plain(text), text);
        }
        for text in [
            "http://x.org",
            "www.x.org",
            "x.org",
            "a@b.org",
            "@user",
            "~~x~~",
            "**x**",
            "_x_",
            "[x](y)",
            "<b>",
            "&copy;",
            "#1",
            ":smile:",
            "$x$",
            "a|b",
        ] {
            assert_eq!(plain(text), format!("`{text}`"));
        }
        assert_eq!(plain("a`b``\nc"), "``` a`b`` c ```");
        assert_eq!(yaml(&json!({ "name": "a: \"b\"" })), "name: \"a: \\\"b\\\"\"\n");
        let unprintable = json!({ "name": "ö\u{7f}\u{9b}\u{202e}\u{ffff}" });
        assert_eq!(yaml(&unprintable), "name: \"ö\\u007f\\u009b\\u202e\\uffff\"\n");
    }
}
