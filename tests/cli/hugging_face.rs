//! `lenet convert MODEL DIR/`, which writes a Hugging Face model directory. tests/interop reads the model card with
//! Hugging Face's parser.

use std::fs;

use super::TestDir;

const FILES: [&str; 4] = ["README.md", "config.json", "model.onnx", "model.safetensors"];

#[test]
fn directory_contains_card_config_and_models() {
    let dir = TestDir::new();
    dir.train("--epochs 2 --seed 7 -o m.mpk");
    let output = dir.run("convert m.mpk hub/").ok();
    assert!(output.stdout().contains(
        "saved hub/README.md\nverified: the weights are bit-identical to those read from m.mpk"
    ));
    let mut files: Vec<_> = fs::read_dir(dir.path("hub"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, FILES);
    dir.run("convert hub/ back.mpk").ok();
    assert_eq!(dir.digest("back.mpk"), dir.digest("m.mpk"));
    let config = dir.json("hub/config.json");
    assert_eq!(config["parameters"], 44_426);
    assert_eq!(config["layers"][7]["output_shape"], serde_json::json!([10]));
    let card = dir.read_text("hub/README.md");
    // The model was trained on an unknown data set, so the card claims no metric for Fashion-MNIST.
    assert!(!card.contains("model-index") && !card.contains("Fashion-MNIST"));
    assert_eq!(
        (&config["id2label"]["9"], &config["dataset"]),
        (&"9".into(), &serde_json::Value::Null)
    );
    assert!(card.contains("| Seed | 7 |"), "{card}");
}

#[test]
fn convert_keeps_existing_directory_without_force() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.create_dir("hub");
    dir.write("hub/config.json", "mine");
    let output = dir.run("convert m.mpk hub");
    output.assert_error(1, "hub/config.json already exists", "--force");
    assert_eq!(fs::read_dir(dir.path("hub")).unwrap().count(), 1);
    dir.run("convert m.mpk hub --force").ok();
    assert_eq!(fs::read_dir(dir.path("hub")).unwrap().count(), 4);
    dir.write("file", "");
    dir.run("convert m.mpk file/").assert_error(1, "file", "");
}
