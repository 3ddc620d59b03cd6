//! Outputs that are inputs, and files of others at the paths of outputs.

use std::fs;

use super::TestDir;
use super::commands::write_pictures;

#[test]
fn output_cannot_be_an_input() {
    let dir = TestDir::new();
    write_pictures(dir.root.path());
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 --seed 2 -o n.mpk");
    dir.run("data import pictures d").ok();
    let names = [
        "m.mpk",
        "m.json",
        "m.state",
        "n.mpk",
        "n.json",
        "p.png",
        "pictures/a/1",
        "d/classes.txt",
        "d/train-images-idx3-ubyte.gz",
        "d/t10k-images-idx3-ubyte.gz",
    ];
    let before = names.map(|name| dir.read(name));
    for args in [
        "compare m.mpk n.mpk --any-dataset -o n.mpk",
        "compare m.json n.json --any-dataset -o n.json",
        "compare m.json n.json --any-dataset -o ./n.mpk",
        "report m.mpk --any-dataset -o m.mpk",
        "report m.mpk --any-dataset -o m.json",
        "report m.mpk --any-dataset -o m.state",
        "predict m.mpk p.png --why --png p.png",
        "predict m.mpk p.png --why --png m.mpk",
        "data import pictures d --png d/classes.txt",
        "data import pictures d --png pictures/a/1",
        "data show --data d --any-dataset --png d/train-images-idx3-ubyte.gz",
        "data show --data d --any-dataset --png d/classes.txt",
        "report m.mpk --any-dataset --data d -o d/t10k-images-idx3-ubyte.gz",
        "compare m.mpk n.mpk --any-dataset --data d -o d/classes.txt",
        "predict m.mpk --any-dataset --data d --index 0 --why --png d/classes.txt",
    ] {
        let output = dir.run(&format!("{args} --force"));
        output.assert_error(2, "would overwrite", "");
        assert_eq!(names.map(|name| dir.read(name)), before, "{args}");
    }
}

#[test]
fn extensions_next_to_models_are_reserved() {
    let dir = TestDir::new();
    for name in ["m.json", "m.state", "m.snapshots", "m.JSON"] {
        let output = dir.try_train(&format!("--epochs 1 --force -o {name}"));
        output.assert_error(
            1,
            &format!("cannot write {name}: its extension is reserved for other"),
            "m",
        );
        assert_eq!(dir.files(), [] as [&str; 0]);
    }
}

#[test]
fn report_of_directory_has_its_name() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.run("convert m.mpk hub/").ok();
    for name in ["hub/", "hub/."] {
        let output = dir.run(&format!("report {name} --any-dataset"));
        assert_eq!(output.ok().stdout(), "saved hub.html\n");
    }
}

#[test]
fn resume_keeps_unrelated_record() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.write("m.json", "{\"name\": \"precious\"}");
    let output = dir.try_train("--epochs 2 -o m.mpk --resume");
    output.assert_error(
        1,
        "m.json is not the run record of this",
        "overwrite it with --resume --force",
    );
    assert_eq!(dir.read_text("m.json"), "{\"name\": \"precious\"}");
    dir.remove("m.json");
    dir.train("--epochs 2 -o m.mpk --resume");
}

#[test]
fn import_keeps_other_data_sets() {
    let dir = TestDir::new();
    write_pictures(dir.root.path());
    dir.run("data import pictures made").ok();
    // The other commands also read uncompressed files.
    let [old, new] = ["made/t10k-labels-idx1-ubyte.gz", "made/t10k-labels-idx1-ubyte"];
    fs::create_dir(dir.path("other")).unwrap();
    fs::copy(dir.path(old), dir.path("other/t10k-labels-idx1-ubyte")).unwrap();
    dir.run("data import pictures other").assert_error(
        1,
        "t10k-labels-idx1-ubyte already",
        "--force",
    );
    assert_eq!(fs::read_dir(dir.path("other")).unwrap().count(), 1, "{new}");
}
