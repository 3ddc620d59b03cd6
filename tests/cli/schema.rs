//! The JSON output of every command matches its schema in docs/schema and contains no undocumented keys.

use serde_json::Value;

use super::TestDir;
use super::commands::write_pictures;

/// Returns the mismatches between `value` and `schema`. Panics on JSON Schema keywords that docs/schema does not use.
fn mismatches(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let check = |matches: bool, problem: String| (!matches).then(|| format!("{at}: {problem}"));
    let list = |value: &Value| value.as_array().unwrap().clone();
    let parts = |value: &Value| value.as_object().unwrap().clone().into_iter();
    let each = |schemas: &Value| -> Vec<Vec<String>> {
        list(schemas).iter().map(|one| mismatches(root, one, value, at)).collect()
    };
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(mismatches(root, &root["$defs"][name], value, at));
                return found;
            }
            "const" => found.extend(check(value == rule, format!("{value} is not {rule}"))),
            "enum" => {
                found.extend(check(list(rule).contains(value), format!("{value} in {rule}")));
            }
            "type" => {
                let valid = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "number" => value.is_number(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                };
                if !valid {
                    found.push(format!("{at}: {value} is not of type {rule}"));
                    return found;
                }
            }
            "minimum" => {
                let valid = value.as_f64() >= rule.as_f64();
                found.extend(check(valid, format!("{value} < {rule}")));
            }
            "maximum" => {
                let valid = value.as_f64() <= rule.as_f64();
                found.extend(check(valid, format!("{value} > {rule}")));
            }
            "pattern" => {
                // The only pattern is that of a SHA-256 digest.
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let text = value.as_str().unwrap();
                let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
                found.extend(check(is_digest, format!("{text} is not a digest")));
            }
            "anyOf" => {
                let problems = each(rule);
                if problems.iter().all(|problems| !problems.is_empty()) {
                    found.extend(problems.concat());
                }
            }
            "oneOf" => {
                let problems = each(rule);
                let matching = problems.iter().filter(|problems| problems.is_empty()).count();
                found.extend(check(
                    matching == 1,
                    format!("{matching} alternatives match: {problems:?}"),
                ));
            }
            "required" => found.extend(list(rule).iter().filter_map(|name| {
                let name = name.as_str().unwrap();
                check(value.get(name).is_some(), format!("{name:?} is missing"))
            })),
            "properties" => found.extend(parts(value).flat_map(|(name, part)| {
                let at = format!("{at}.{name}");
                match rule.get(&name) {
                    Some(rule) => mismatches(root, rule, &part, &at),
                    None => vec![format!("{at} is not documented")],
                }
            })),
            "additionalProperties" => {
                found.extend(parts(value).flat_map(|(name, part)| {
                    mismatches(root, rule, &part, &format!("{at}.{name}"))
                }))
            }
            "items" => {
                let items = list(value).into_iter().enumerate();
                found.extend(items.flat_map(|(index, item)| {
                    mismatches(root, rule, &item, &format!("{at}[{index}]"))
                }));
            }
            "minItems" | "maxItems" => {
                let (length, bound) = (list(value).len() as u64, rule.as_u64().unwrap());
                let valid = if keyword == "minItems" { length >= bound } else { length <= bound };
                found.extend(check(valid, format!("{length} items, {keyword} {bound}")));
            }
            "maxProperties" => {
                let (count, bound) = (parts(value).count() as u64, rule.as_u64().unwrap());
                found.extend(check(
                    count <= bound,
                    format!("{count} properties, {keyword} {bound}"),
                ));
            }
            other => panic!("{at}: unsupported keyword {other}"),
        }
    }
    found
}

/// Reads the schema `name` from docs/schema.
fn schema(name: &str) -> Value {
    let path = format!("{}/docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn assert_matches_schema(name: &str, value: &Value) {
    let schema = schema(name);
    let problems = mismatches(&schema, &schema, value, name);
    assert!(problems.is_empty(), "{problems:#?}\n{value}");
}

#[test]
fn json_output_matches_schemas() {
    let dir = TestDir::new();
    let train = |args: &str| dir.train(&format!("--epochs 2 --json {args}"));
    for output in [
        train("-o a.mpk"),
        train("-o b.mpk --seed 2"),
        train("-o c.mpk --recipe tuned --validation-split 0"),
        train("-o s{seed}.mpk --seeds 1..2 --recipe tuned"),
        train("--seeds 3,4 --validation-split 0"),
    ] {
        for event in output.events() {
            assert_matches_schema("train", &event);
        }
    }
    for record in ["a.json", "c.json", "s1.json"] {
        assert_matches_schema("record", &dir.json(record));
    }
    write_pictures(dir.root.path());
    dir.write("k.csv", "epoch,accuracy,loss\n0,0.5,1\n");
    let png = concat!(env!("CARGO_MANIFEST_DIR"), "/data/report.png");
    for (name, args) in [
        ("eval", "eval a.mpk --any-dataset --json"),
        ("predict", "predict a.mpk --any-dataset --index 0,1 --json"),
        ("predict", &format!("predict a.mpk {png} --why --json")),
        ("predict", &format!("predict a.mpk missing.png {png} --json")),
        ("shapes", "shapes --json"),
        ("convert", "convert a.mpk a.onnx --json"),
        ("convert", "convert a.mpk folder/ --json"),
        ("compare", "compare a.json b.json c.json k.csv s1.mpk s2.mpk --any-dataset --json"),
        ("compare", "compare a.json k.csv --records-only --json"),
        ("runs", "runs --json"),
        ("runs", "runs --per-epoch --json"),
        ("verify", "data verify --json"),
        ("show", "data show --any-dataset --json"),
        ("show", "data show --any-dataset --json --split test --png sheet.png"),
        ("import", "data import pictures imported --png sheet-of-pictures.png --json"),
        ("doctor", "doctor --json"),
    ] {
        let output = dir.run(args);
        let events = output.events();
        assert_eq!(events.len(), 1, "{args}: {}", output.stderr());
        assert_matches_schema(name, &events[0]);
    }
    assert_matches_schema("config", &dir.json("folder/config.json"));
    // A data set of two classes, and a log of a run that diverged.
    let train = "train --data imported --validation-split 0 --epochs 1 -o two.mpk --json";
    for event in dir.run(train).ok().events() {
        assert_matches_schema("train", &event);
    }
    assert_matches_schema("record", &dir.json("two.json"));
    dir.write("diverged.csv", "epoch,accuracy,loss\n0,0.5,1\n1,nan,nan\n");
    for (name, args) in [
        ("eval", "eval two.mpk --data imported --json"),
        ("show", "data show --data imported --json"),
        ("runs", "runs two.mpk diverged.csv --per-epoch --json"),
        ("compare", "compare two.mpk diverged.csv --records-only --json"),
    ] {
        assert_matches_schema(name, &dir.run(args).ok().json());
    }
}

#[test]
fn schema_checker_detects_mismatches() {
    let schema = schema("predict");
    let problems = |text: &str| {
        let value = serde_json::from_str(text).unwrap();
        mismatches(&schema, &schema, &value, "").join("\n")
    };
    assert_eq!(problems(r#"{"schema":1,"predictions":[]}"#), "");
    for (json, problem) in [
        (r#"{"schema":2,"predictions":[]}"#, "2 is not 1"),
        (r#"{"schema":1}"#, "\"predictions\" is missing"),
        (r#"{"schema":1,"predictions":[],"more":0}"#, "more is not documented"),
        (r#"{"schema":1,"predictions":[{"label":10}]}"#, "10 > 9"),
        (r#"{"schema":1,"predictions":{}}"#, "is not of type \"array\""),
        (r#"{"schema":1,"predictions":[{"class":9}]}"#, "9 is not of type \"string\""),
    ] {
        assert!(problems(json).contains(problem), "no {problem:?} in {}", problems(json));
    }
}
