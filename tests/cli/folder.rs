//! `lenet convert MODEL DIR/`; Hugging Face's own parser reads the card in tests/interop.

use std::fs;

use super::{Place, digest};

const FILES: [&str; 4] = ["README.md", "config.json", "model.onnx", "model.safetensors"];

#[test]
fn a_folder_holds_card_config_and_the_model_twice() {
    let place = Place::new();
    place.train("--epochs 2 --seed 7 -o m.mpk");
    let ran = place.run("convert m.mpk hub/");
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(
        ran.stdout().contains("saved hub/README.md\nthe weights are those of m.mpk, bit for bit")
    );
    let mut files: Vec<_> = fs::read_dir(place.path("hub"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, FILES);
    assert_eq!(place.run("convert hub/model.safetensors back.mpk").code(), 0);
    assert_eq!(digest(&place.path("back.mpk")), digest(&place.path("m.mpk")));
    let config = place.json("hub/config.json");
    assert_eq!(config["parameters"], 44_426);
    assert_eq!(config["layers"][7]["output_shape"], serde_json::json!([10]));
    let card = fs::read_to_string(place.path("hub/README.md")).unwrap();
    // It is not Fashion-MNIST that was trained on, so no figure is claimed for it.
    assert!(!card.contains("model-index") && config["id2label"] == serde_json::json!({}));
    assert!(card.contains("| Seed | 7 |"), "{card}");
}

#[test]
fn what_is_in_the_folder_is_replaced_only_if_asked() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    fs::create_dir(place.path("hub")).unwrap();
    fs::write(place.path("hub/config.json"), "mine").unwrap();
    let ran = place.run("convert m.mpk hub");
    ran.assert_error(1, "hub/config.json exists already", "--force");
    assert_eq!(fs::read_dir(place.path("hub")).unwrap().count(), 1);
    assert_eq!(place.run("convert m.mpk hub --force").code(), 0);
    assert_eq!(fs::read_dir(place.path("hub")).unwrap().count(), 4);
    fs::write(place.path("file"), "").unwrap();
    place.run("convert m.mpk file/").assert_error(1, "file", "");
}
