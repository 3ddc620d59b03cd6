//! Logs of the Keras callback `CSVLogger`: a header, then one line per epoch. Epochs count from 0.

use crate::train::EpochRecord;

/// Parses a log. Returns the epochs, and whether a column `seconds` has their training times; unknown times are 0.
///
/// # Errors
/// Returns a description of the problem.
pub fn parse(text: &str) -> Result<(Vec<EpochRecord>, bool), String> {
    let header = text.lines().next().unwrap_or_default();
    // `CSVLogger(separator=..)` allows separators other than the comma.
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|separator| (header.matches(*separator).count(), *separator == ','))
        .unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator as u8)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |names: &[&str]| columns.iter().position(|name| names.contains(&name));
    let [number, loss, accuracy] = [
        column(&["epoch"]).ok_or("missing column \"epoch\"")?,
        column(&["loss"]).ok_or("missing column \"loss\"")?,
        column(&["accuracy", "acc", "sparse_categorical_accuracy"])
            .ok_or("missing column \"accuracy\"")?,
    ];
    let [val_loss, val_accuracy, seconds] = [
        column(&["val_loss"]),
        column(&["val_accuracy", "val_acc", "val_sparse_categorical_accuracy"]),
        column(&["seconds"]),
    ];
    let mut epochs = Vec::new();
    let mut is_timed = true;
    for (line, row) in reader.records().enumerate() {
        let row = row.map_err(|error| error.to_string())?;
        let value = |at: usize| {
            let text = row.get(at).unwrap_or_default();
            let number: Option<f64> = text.parse().ok().filter(|value: &f64| value.is_finite());
            // Keras writes NA for unknown values.
            match number {
                None if text != "NA" => {
                    Err(format!("line {}: expected a number, found {text:?}", line + 2))
                }
                number => Ok(number),
            }
        };
        let needed = |at| value(at)?.ok_or_else(|| format!("line {}: missing value", line + 2));
        let optional = |at: Option<usize>| at.map_or(Ok(None), value);
        let seconds = optional(seconds)?;
        is_timed &= seconds.is_some();
        epochs.push(EpochRecord {
            epoch: needed(number)?.max(0.0) as usize + 1,
            seconds: seconds.unwrap_or_default(),
            loss: needed(loss)?,
            accuracy: needed(accuracy)?,
            val_loss: optional(val_loss)?,
            val_accuracy: optional(val_accuracy)?,
        });
    }
    match epochs.is_empty() {
        true => Err("no epochs".to_owned()),
        false => Ok((epochs, is_timed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_order_and_separator_may_vary() {
        let expected = EpochRecord {
            epoch: 1,
            seconds: 0.0,
            loss: 1.2,
            accuracy: 0.5,
            val_loss: Some(0.9),
            val_accuracy: None,
        };
        for text in [
            "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.2,NA,0.9\n",
            "epoch;acc;lr;loss;val_loss\r\n0;0.5;0.9;1.2;0.9\r\n",
        ] {
            assert_eq!(parse(text), Ok((vec![expected.clone()], false)), "{text}");
        }
        let timed = parse("epoch,accuracy,loss,seconds\n0,0.5,1.2,8\n1,0.6,1.1,9\n").unwrap();
        assert_eq!((timed.0[1].epoch, timed.0[1].seconds, timed.1), (2, 9.0, true));
    }

    #[test]
    fn invalid_logs_are_rejected() {
        for (text, expected) in [
            ("", "missing column \"epoch\""),
            ("epoch,loss\n0,1\n", "missing column \"accuracy\""),
            ("epoch,accuracy,loss\n", "no epochs"),
            ("epoch,accuracy,loss\n0,x,1\n", "line 2: expected a number, found \"x\""),
            ("epoch,accuracy,loss\n0,NA,1\n", "line 2: missing value"),
            ("epoch,accuracy,loss\n0,1\n", "2 fields"),
            ("epoch,accuracy,loss\n0,inf,1\n", "expected a number"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
