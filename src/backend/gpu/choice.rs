//! Selects a GPU by its number or a part of its name.

/// Returns the index of the GPU that `choice` selects among `names`: the GPU with this number, otherwise the first GPU whose
/// name contains `choice`, ignoring case.
pub fn choose(names: &[String], choice: &str) -> Option<usize> {
    let is_number = |index: &usize| *index < names.len();
    let part = choice.to_lowercase();
    let by_name = || names.iter().position(|name| name.to_lowercase().contains(&part));
    choice.parse().ok().filter(is_number).or_else(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_or_name_part_selects_gpu() {
        let names = ["NVIDIA GeForce RTX 4090 (vulkan)", "Intel Arc (vulkan)", "llvmpipe (vulkan)"];
        let names = names.map(str::to_owned);
        for (choice, expected) in [
            ("0", Some(0)),
            ("2", Some(2)),
            ("3", None),
            ("-1", None),
            ("4090", Some(0)),
            ("nvidia", Some(0)),
            ("ARC", Some(1)),
            ("LLVM", Some(2)),
            ("vulkan", Some(0)),
            ("nosuch", None),
        ] {
            assert_eq!(choose(&names, choice), expected, "{choice}");
        }
        assert_eq!(choose(&[], "0"), None);
    }
}
