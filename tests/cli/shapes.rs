//! Tests that `lenet shapes` lists the layers, as text and as JSON.

use super::TestDir;

#[test]
fn table_lists_eight_layers() {
    let output = TestDir::empty().run("shapes --layout nhwc");
    let rows: Vec<Vec<&str>> = output
        .stdout()
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|s| !s.is_empty()).collect())
        .collect();
    let expected = [
        ["conv2d", "(1, 24, 24, 6)", "156", "86400"],
        ["max_pooling2d", "(1, 12, 12, 6)", "0", "0"],
        ["conv2d_1", "(1, 8, 8, 16)", "2416", "153600"],
        ["max_pooling2d_1", "(1, 4, 4, 16)", "0", "0"],
        ["flatten", "(1, 256)", "0", "0"],
        ["dense", "(1, 120)", "30840", "30720"],
        ["dense_1", "(1, 84)", "10164", "10080"],
        ["dense_2", "(1, 10)", "850", "840"],
    ];
    assert_eq!(rows[1..9], expected);
    assert_eq!(rows[9], ["total", "44426", "281640"]);
}

#[test]
fn json_shapes_include_batch_size() {
    let output = TestDir::empty().run("shapes --batch-size 3 --json");
    let document = output.json();
    assert_eq!((&document["schema"], &document["parameters"]), (&1.into(), &44426.into()));
    assert_eq!(document["layers"][0]["output_shape"], serde_json::json!([3, 6, 24, 24]));
    assert_eq!(document["layers"][7]["output_shape"], serde_json::json!([3, 10]));
}
