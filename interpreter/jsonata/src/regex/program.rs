//! From a tree to instructions.

use super::parse::{One, Part, Property, Tree, UNBOUNDED};
use crate::case::{fold, variants};

/// Instructions, and how many registers they use.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    /// Two registers for each group, the whole match being the first, then those of repetitions.
    pub(super) registers: usize,
    pub(super) groups: usize,
    pub(super) ignore_case: bool,
    pub(super) multiline: bool,
    /// The character that every match starts with.
    pub(super) first: Option<char>,
    /// Whether a match can only start where the text does.
    pub(super) anchored: bool,
}

#[derive(Debug)]
pub(super) enum Instruction {
    One(One),
    /// One character, again and again.
    Run {
        one: One,
        min: u32,
        max: u32,
        greedy: bool,
    },
    Start,
    End,
    WordBoundary(bool),
    /// Remembers the place in a register.
    Save(usize),
    /// Forgets the places in registers.
    Clear(usize, usize),
    /// Goes on here or there; the first is tried first.
    Split(usize, usize),
    Jump(usize),
    BackReference(usize),
    /// Starts counting the rounds of a repetition.
    Enter {
        counter: usize,
    },
    /// At the head of a repetition: another round, or on to `exit`.
    Round {
        counter: usize,
        min: u32,
        max: u32,
        greedy: bool,
        exit: usize,
    },
    /// The end of a round, back to the head: one that matched nothing, beyond those that must be, is no match.
    Again {
        counter: usize,
        min: u32,
        head: usize,
    },
    /// What follows, up to `exit`, must match here, or must not.
    Look {
        ahead: bool,
        positive: bool,
        exit: usize,
    },
    Match,
}

pub(super) fn compile(tree: &Tree, ignore_case: bool, multiline: bool) -> Program {
    let groups = count(tree);
    let mut compiler = Compiler { instructions: Vec::new(), registers: 2 * (groups + 1) };
    compiler.tree(tree);
    compiler.instructions.push(Instruction::Match);
    let first = match compiler.instructions.first() {
        Some(Instruction::One(One::Char(c)) | Instruction::Run { one: One::Char(c), min: 1.., .. }) if !ignore_case => Some(*c),
        _ => None,
    };
    let anchored = !multiline && matches!(compiler.instructions.first(), Some(Instruction::Start));
    Program { instructions: compiler.instructions, registers: compiler.registers, groups, ignore_case, multiline, first, anchored }
}

/// The number of groups in a tree.
fn count(tree: &Tree) -> usize {
    match tree {
        Tree::Group(_, inner) => 1 + count(inner),
        Tree::Look { inner, .. } | Tree::Repeat { inner, .. } => count(inner),
        Tree::Concat(parts) | Tree::Either(parts) => parts.iter().map(count).sum(),
        Tree::Empty | Tree::One(_) | Tree::Start | Tree::End | Tree::WordBoundary(_) | Tree::BackReference(_) => 0,
    }
}

struct Compiler {
    instructions: Vec<Instruction>,
    registers: usize,
}

impl Compiler {
    fn put(&mut self, instruction: Instruction) -> usize {
        self.instructions.push(instruction);
        self.instructions.len() - 1
    }

    fn set(&mut self, at: usize, instruction: Instruction) {
        if let Some(slot) = self.instructions.get_mut(at) {
            *slot = instruction;
        }
    }

    fn tree(&mut self, tree: &Tree) {
        match tree {
            Tree::Empty => {}
            Tree::One(one) => drop(self.put(Instruction::One(one.clone()))),
            Tree::Start => drop(self.put(Instruction::Start)),
            Tree::End => drop(self.put(Instruction::End)),
            Tree::WordBoundary(wanted) => drop(self.put(Instruction::WordBoundary(*wanted))),
            Tree::BackReference(group) => drop(self.put(Instruction::BackReference(*group))),
            Tree::Group(number, inner) => {
                self.put(Instruction::Save(2 * number));
                self.tree(inner);
                self.put(Instruction::Save(2 * number + 1));
            }
            Tree::Concat(parts) => parts.iter().for_each(|part| self.tree(part)),
            Tree::Either(choices) => self.either(choices),
            Tree::Look { ahead, positive, inner } => {
                let at = self.put(Instruction::Match);
                self.tree(inner);
                self.put(Instruction::Match);
                let exit = self.instructions.len();
                self.set(at, Instruction::Look { ahead: *ahead, positive: *positive, exit });
            }
            Tree::Repeat { inner, min, max, greedy, groups } => self.repeat(inner, (*min, *max), *greedy, *groups),
        }
    }

    fn either(&mut self, choices: &[Tree]) {
        let mut ends = Vec::new();
        for (at, choice) in choices.iter().enumerate() {
            if at + 1 == choices.len() {
                self.tree(choice);
                break;
            }
            let split = self.put(Instruction::Match);
            self.tree(choice);
            ends.push(self.put(Instruction::Match));
            self.set(split, Instruction::Split(split + 1, self.instructions.len()));
        }
        let end = self.instructions.len();
        for at in ends {
            self.set(at, Instruction::Jump(end));
        }
    }

    fn repeat(&mut self, inner: &Tree, (min, max): (u32, u32), greedy: bool, groups: (usize, usize)) {
        if let Tree::One(one) = inner {
            self.put(Instruction::Run { one: one.clone(), min, max, greedy });
            return;
        }
        if (min, max) == (0, 1) {
            let split = self.put(Instruction::Match);
            self.tree(inner);
            let end = self.instructions.len();
            self.set(split, if greedy { Instruction::Split(split + 1, end) } else { Instruction::Split(end, split + 1) });
            return;
        }
        let counter = self.registers;
        self.registers += 2;
        self.put(Instruction::Enter { counter });
        let head = self.put(Instruction::Match);
        if groups.0 < groups.1 {
            self.put(Instruction::Clear(2 * groups.0, 2 * groups.1));
        }
        self.tree(inner);
        self.put(Instruction::Again { counter, min, head });
        let exit = self.instructions.len();
        self.set(head, Instruction::Round { counter, min, max: if max == UNBOUNDED { u32::MAX } else { max }, greedy, exit });
    }
}

impl One {
    pub(super) fn matches(&self, c: char, ignore_case: bool) -> bool {
        match self {
            One::Any => !matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}'),
            One::Char(own) => *own == c || (ignore_case && fold(*own) == fold(c)),
            One::Class { parts, negated } => {
                let mut inside = parts.iter().any(|part| part.matches(c));
                if ignore_case && !inside {
                    let has = |c: char| parts.iter().any(|part| part.matches(c));
                    inside = match c {
                        'a'..='z' => has(c.to_ascii_uppercase()),
                        'A'..='Z' => has(c.to_ascii_lowercase()),
                        _ if c.is_ascii() => false,
                        _ => variants(c).into_iter().any(has),
                    };
                }
                inside != *negated
            }
        }
    }
}

impl Part {
    fn matches(self, c: char) -> bool {
        match self {
            Part::Range(low, high) => (low..=high).contains(&c),
            Part::Digit(positive) => c.is_ascii_digit() == positive,
            Part::Word(positive) => is_word(c) == positive,
            Part::Space(positive) => is_space(c) == positive,
            Part::Property(property, positive) => {
                let has = match property {
                    Property::Letter => c.is_alphabetic(),
                    Property::Upper => c.is_uppercase(),
                    Property::Lower => c.is_lowercase(),
                    Property::Number => c.is_numeric(),
                    Property::Alphanumeric => c.is_alphanumeric(),
                    Property::Punctuation => c.is_ascii_punctuation() || ('\u{2010}'..='\u{2027}').contains(&c),
                    Property::Space => c.is_whitespace(),
                };
                has == positive
            }
        }
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_space(c: char) -> bool {
    c.is_whitespace() && c != '\u{85}' || c == '\u{feff}'
}
