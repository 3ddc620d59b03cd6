//! Every document that the program prints fits its schema, with nothing in it that the schema does not describe.

use serde_json::Value;

use super::Place;

/// Where `value` does not fit `schema`, in words. Of JSON Schema it knows what ours use, and nothing else passes.
fn misfits(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let check = |fits: bool, problem: String| (!fits).then(|| format!("{at}: {problem}"));
    let list = |value: &Value| value.as_array().unwrap().clone();
    let parts = |value: &Value| value.as_object().unwrap().clone().into_iter();
    let each = |schemas: &Value| -> Vec<Vec<String>> {
        list(schemas).iter().map(|one| misfits(root, one, value, at)).collect()
    };
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(misfits(root, &root["$defs"][name], value, at));
                return found;
            }
            "const" => found.extend(check(value == rule, format!("{value} is not {rule}"))),
            "enum" => {
                found.extend(check(list(rule).contains(value), format!("{value} in {rule}")));
            }
            "type" => {
                let fits = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "number" => value.is_number(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                };
                if !fits {
                    found.push(format!("{at}: {value} is no {rule}"));
                    return found;
                }
            }
            "minimum" => {
                let fits = value.as_f64() >= rule.as_f64();
                found.extend(check(fits, format!("{value} < {rule}")));
            }
            "maximum" => {
                let fits = value.as_f64() <= rule.as_f64();
                found.extend(check(fits, format!("{value} > {rule}")));
            }
            "pattern" => {
                // The only one: a digest.
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let text = value.as_str().unwrap();
                let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
                found.extend(check(is_digest, format!("{text} is no digest")));
            }
            "anyOf" => {
                let problems = each(rule);
                if problems.iter().all(|problems| !problems.is_empty()) {
                    found.extend(problems.concat());
                }
            }
            "oneOf" => {
                let problems = each(rule);
                let fitting = problems.iter().filter(|problems| problems.is_empty()).count();
                found.extend(check(
                    fitting == 1,
                    format!("{fitting} of the kinds fit: {problems:?}"),
                ));
            }
            "required" => found.extend(list(rule).iter().filter_map(|name| {
                let name = name.as_str().unwrap();
                check(value.get(name).is_some(), format!("{name:?} is missing"))
            })),
            "properties" => found.extend(parts(value).flat_map(|(name, part)| {
                let at = format!("{at}.{name}");
                match rule.get(&name) {
                    Some(rule) => misfits(root, rule, &part, &at),
                    None => vec![format!("{at} is not described")],
                }
            })),
            "additionalProperties" => found.extend(
                parts(value)
                    .flat_map(|(name, part)| misfits(root, rule, &part, &format!("{at}.{name}"))),
            ),
            "items" => {
                let items = list(value).into_iter().enumerate();
                found.extend(items.flat_map(|(index, item)| {
                    misfits(root, rule, &item, &format!("{at}[{index}]"))
                }));
            }
            "minItems" | "maxItems" => {
                let (length, bound) = (list(value).len() as u64, rule.as_u64().unwrap());
                let fits = if keyword == "minItems" { length >= bound } else { length <= bound };
                found.extend(check(fits, format!("{length} items, {keyword} {bound}")));
            }
            other => panic!("{at}: the keyword {other} is not known here"),
        }
    }
    found
}

impl Place {
    fn schema(&self, name: &str) -> Value {
        let path = format!("{}/docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn assert_fits(&self, name: &str, value: &Value) {
        let schema = self.schema(name);
        let problems = misfits(&schema, &schema, value, name);
        assert!(problems.is_empty(), "{problems:#?}\n{value}");
    }
}

#[test]
fn what_is_printed_fits_its_schema() {
    let place = Place::new();
    let train = |words: &str| place.train(&format!("--epochs 2 --json {words}"));
    for ran in [
        train("-o a.mpk"),
        train("-o b.mpk --seed 2"),
        train("-o c.mpk --recipe tuned --validation-split 0"),
        train("-o s{seed}.mpk --seeds 1..2 --recipe tuned"),
        train("--seeds 3,4 --validation-split 0"),
    ] {
        for event in ran.events() {
            place.assert_fits("train", &event);
        }
    }
    for record in ["a.json", "c.json", "s1.json"] {
        place.assert_fits("record", &place.json(record));
    }
    place.write("k.csv", "epoch,accuracy,loss\n0,0.5,1\n");
    let png = concat!(env!("CARGO_MANIFEST_DIR"), "/data/report.png");
    for (name, words) in [
        ("eval", "eval a.mpk --any-dataset --json"),
        ("predict", "predict a.mpk --any-dataset --index 0,1 --json"),
        ("predict", &format!("predict a.mpk {png} --json")),
        ("predict", &format!("predict a.mpk missing.png {png} --json")),
        ("shapes", "shapes --json"),
        ("convert", "convert a.mpk a.onnx --json"),
        ("convert", "convert a.mpk folder/ --json"),
        ("compare", "compare a.json b.json c.json k.csv s1.mpk s2.mpk --any-dataset --json"),
        ("compare", "compare a.json k.csv --records-only --json"),
        ("verify", "data verify --json"),
        ("show", "data show --any-dataset --json"),
        ("show", "data show --any-dataset --json --split test --png sheet.png"),
        ("doctor", "doctor --json"),
    ] {
        let ran = place.run(words);
        let events = ran.events();
        assert_eq!(events.len(), 1, "{words}: {}", ran.stderr());
        place.assert_fits(name, &events[0]);
    }
    place.assert_fits("config", &place.json("folder/config.json"));
}

#[test]
fn a_document_that_does_not_fit_is_found_out() {
    let place = Place::empty();
    let schema = place.schema("predict");
    let fits = |text: &str| {
        let value = serde_json::from_str(text).unwrap();
        misfits(&schema, &schema, &value, "").join("\n")
    };
    assert_eq!(fits(r#"{"schema":1,"predictions":[]}"#), "");
    for (text, words) in [
        (r#"{"schema":2,"predictions":[]}"#, "2 is not 1"),
        (r#"{"schema":1}"#, "\"predictions\" is missing"),
        (r#"{"schema":1,"predictions":[],"more":0}"#, "more is not described"),
        (r#"{"schema":1,"predictions":[{"label":10}]}"#, "10 > 9"),
        (r#"{"schema":1,"predictions":{}}"#, "is no \"array\""),
        (r#"{"schema":1,"predictions":[{"class":9}]}"#, "9 is no \"string\""),
    ] {
        assert!(fits(text).contains(words), "{words:?} in {}", fits(text));
    }
}
