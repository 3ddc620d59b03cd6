//! `lenet convert MODEL DIR/`; Hugging Face's own parser reads the card in tests/interop.

use std::fs;

use serde_json::Value;

use super::Place;

const FILES: [&str; 4] = ["README.md", "config.json", "model.onnx", "model.safetensors"];

#[test]
fn a_folder_holds_card_config_and_the_model_twice() {
    let place = Place::new();
    place.train("--epochs 2 --seed 7 -o m.mpk");
    let ran = place.run("convert m.mpk hub/").ok();
    assert!(
        ran.stdout().contains("saved hub/README.md\nthe weights are those of m.mpk, bit for bit")
    );
    let mut files: Vec<_> = fs::read_dir(place.path("hub"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, FILES);
    place.run("convert hub/model.safetensors back.mpk").ok();
    assert_eq!(place.digest("back.mpk"), place.digest("m.mpk"));
    let config = place.json("hub/config.json");
    assert_eq!(config["parameters"], 44_426);
    assert_eq!(config["layers"][7]["output_shape"], serde_json::json!([10]));
    let card = place.text("hub/README.md");
    // The model was trained on an unknown data set, so the card claims no metric for Fashion-MNIST.
    assert!(!card.contains("model-index") && !card.contains("Fashion-MNIST"));
    assert_eq!((&config["id2label"]["9"], &config["dataset"]), (&"9".into(), &Value::Null));
    assert!(card.contains("| Seed | 7 |"), "{card}");
}

#[test]
fn what_is_in_the_folder_is_replaced_only_if_asked() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    place.make_folder("hub");
    place.write("hub/config.json", "mine");
    let ran = place.run("convert m.mpk hub");
    ran.assert_error(1, "hub/config.json exists already", "--force");
    assert_eq!(fs::read_dir(place.path("hub")).unwrap().count(), 1);
    place.run("convert m.mpk hub --force").ok();
    assert_eq!(fs::read_dir(place.path("hub")).unwrap().count(), 4);
    place.write("file", "");
    place.run("convert m.mpk file/").assert_error(1, "file", "");
}
