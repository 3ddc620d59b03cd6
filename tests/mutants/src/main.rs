//! Writes the mutants that cargo-mutants lists into the sources, each behind a switch that is read while the program runs:
//! so one build holds them all.
//!
//!     lenet-mutants LIST.json ROOT [WITHOUT..]
//!
//! LIST.json is what `cargo mutants --list --json` prints; ROOT is a copy of the project, whose sources are changed; mutants
//! are numbered from 0 as in the list, and those WITHOUT are left out. Numbers that cannot be switched are printed.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use proc_macro2::{LineColumn, Span};
use serde::Deserialize;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A place in a file, counted from 1.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Position {
    line: usize,
    column: usize,
}

impl From<LineColumn> for Position {
    fn from(at: LineColumn) -> Self {
        Self { line: at.line, column: at.column + 1 }
    }
}

#[derive(Deserialize)]
struct Region {
    start: Position,
}

#[derive(Deserialize)]
struct Mutant {
    file: String,
    genre: String,
    replacement: String,
    span: Region,
}

/// A number and what stands in place of the site while it is switched on.
type Alternative = (usize, String);

/// How the mutants of a site are written.
enum Kind {
    /// An expression: another one instead.
    Expression,
    /// The start of a function's body: a value is returned at once.
    Body,
    /// The end of a pattern: the arm does not match.
    Arm,
    /// The condition of an arm, which does not match.
    Condition,
}

struct Site {
    range: Range<usize>,
    kind: Kind,
    alternatives: Vec<Alternative>,
}

/// Finds the sites of the mutants of one file.
struct Finder<'a> {
    text: &'a str,
    /// Number and mutant, by genre and start.
    mutants: BTreeMap<(&'a str, Position), Vec<(usize, &'a Mutant)>>,
    sites: Vec<Site>,
    found: HashSet<usize>,
}

impl Finder<'_> {
    fn add(
        &mut self,
        genre: &'static str,
        start: Span,
        range: Range<usize>,
        kind: Kind,
        alternative: impl Fn(&Self, &str) -> String,
    ) {
        let Some(mutants) = self.mutants.remove(&(genre, start.start().into())) else {
            return;
        };
        let alternatives: Vec<_> =
            mutants.iter().map(|(number, m)| (*number, alternative(self, &m.replacement))).collect();
        self.found.extend(alternatives.iter().map(|(number, _)| *number));
        self.sites.push(Site { range, kind, alternatives });
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        // A constant function cannot read a switch.
        if signature.constness.is_some() {
            return;
        }
        let Some(first) = block.stmts.first() else {
            return;
        };
        let start = block.brace_token.span.open().byte_range().end;
        self.add("FnValue", first.span(), start..start, Kind::Body, |_, value| value.to_owned());
    }
}

/// Whether this is code of another system, which is not compiled here.
fn is_elsewhere(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.meta.require_list().expect("cfg has a condition");
        let condition = condition.tokens.to_string();
        condition == "windows" || condition == "not (unix)"
    })
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        if !is_elsewhere(&item.attrs) {
            visit::visit_expr_if(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_elsewhere(&item.attrs) {
            return;
        }
        self.body(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let range = binary.span().byte_range();
        let operator = binary.op.span().byte_range();
        let (left, right) = (range.start..operator.start, operator.end..range.end);
        self.add("BinaryOperator", binary.op.span(), range, Kind::Expression, |finder, operator| {
            format!("{} {operator} {}", &finder.text[left.clone()], &finder.text[right.clone()])
        });
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let range = unary.span().byte_range();
        let operand = unary.expr.span().byte_range();
        self.add("UnaryOperator", unary.op.span(), range, Kind::Expression, |finder, operator| {
            format!("{operator}{}", &finder.text[operand.clone()])
        });
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let pattern = arm.pat.span().byte_range().end;
        match &arm.guard {
            Some((_, guard)) => {
                let range = guard.span().byte_range();
                self.add("MatchArm", arm.span(), range.clone(), Kind::Condition, |_, _| String::new());
                self.add("MatchArmGuard", guard.span(), range, Kind::Expression, |_, value| {
                    value.to_owned()
                });
            }
            None => {
                let range = pattern..pattern;
                self.add("MatchArm", arm.span(), range, Kind::Arm, |_, _| String::new());
            }
        }
        visit::visit_arm(self, arm);
    }
}

/// The text in `range` with the switches of `sites`, which lie in it, the outer ones first.
fn render(text: &str, range: Range<usize>, sites: &[Site]) -> String {
    let (mut result, mut at, mut rest) = (String::new(), range.start, sites);
    while let Some((site, behind)) = rest.split_first() {
        let inner = behind.iter().take_while(|other| other.range.start < site.range.end).count();
        let (inner, behind) = behind.split_at(inner);
        result.push_str(&text[at..site.range.start]);
        let original = render(text, site.range.clone(), inner);
        let is = |number| format!("crate::mutant::is({number})");
        let none = || {
            let off: Vec<_> = site.alternatives.iter().map(|(n, _)| format!("!{}", is(n))).collect();
            off.join(" && ")
        };
        match site.kind {
            Kind::Expression => {
                result.push('(');
                for (number, value) in &site.alternatives {
                    result.push_str(&format!("if {} {{ {value}\n }} else ", is(number)));
                }
                result.push_str(&format!("{{ {original}\n }})"));
            }
            Kind::Body => {
                for (number, value) in &site.alternatives {
                    result.push_str(&format!(" if {} {{ return {value}; }}", is(number)));
                }
            }
            Kind::Arm => result.push_str(&format!(" if {}", none())),
            Kind::Condition => result.push_str(&format!("{} && ({original}\n)", none())),
        }
        at = site.range.end;
        rest = behind;
    }
    result + &text[at..range.end]
}

/// Which mutant is on, and an end at the first panic of a test: others need not be run then.
///
/// Read before `main` into plain memory: the compiler moves a comparison with it out of the inner loops.
const SWITCH: &str = r#"
#[allow(missing_docs, unsafe_code, clippy::undocumented_unsafe_blocks, reason = "not a part of the program")]
pub mod mutant {
    static mut ON: usize = usize::MAX;
    #[used]
    #[unsafe(link_section = ".init_array")]
    static READ: extern "C" fn() = read;
    #[inline(always)]
    pub fn is(number: usize) -> bool {
        unsafe { ON == number }
    }
    extern "C" fn read() {
        if let Some(on) = std::env::var("LENET_MUTANT").ok().and_then(|on| on.parse().ok()) {
            unsafe { ON = on };
            if std::env::var_os("LENET_MUTANT_ENDS").is_some() {
                std::panic::set_hook(Box::new(|_| std::process::exit(101)));
            }
        }
    }
}
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, root, without @ ..] = &arguments[..] else {
        panic!("usage: lenet-mutants LIST.json ROOT [WITHOUT..]");
    };
    let without: HashSet<usize> = without.iter().map(|n| n.parse().expect("a number")).collect();
    let list = fs::read_to_string(list).expect("the list can be read");
    let list: Vec<Mutant> = serde_json::from_str(&list).expect("it is a list of mutants");
    let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in list.iter().enumerate().filter(|(n, _)| !without.contains(n)) {
        files.entry(&mutant.file).or_default().push((number, mutant));
    }
    for (file, of_file) in &files {
        let path = Path::new(root).join(file);
        let text = fs::read_to_string(&path).expect("the source can be read");
        let mut mutants: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, mutant) in of_file {
            let key = (mutant.genre.as_str(), mutant.span.start);
            mutants.entry(key).or_default().push((*number, *mutant));
        }
        let mut finder = Finder { text: &text, mutants, sites: Vec::new(), found: HashSet::new() };
        finder.visit_file(&syn::parse_file(&text).expect("the source is Rust"));
        for (number, _) in of_file.iter().filter(|(number, _)| !finder.found.contains(number)) {
            println!("{number}");
        }
        // Stable: of two sites of equal extent the one that was found first is the outer one.
        finder.sites.sort_by_key(|site| (site.range.start, usize::MAX - site.range.end));
        fs::write(&path, render(&text, 0..text.len(), &finder.sites)).expect("it can be written");
    }
    let library = Path::new(root).join("src/lib.rs");
    let text = fs::read_to_string(&library).expect("the library can be read");
    fs::write(library, text + SWITCH).expect("it can be written");
}
