//! Runs instructions on a text, with backtracking.

use smallvec::SmallVec;

use super::Match;
use super::parse::One;
use super::program::{Instruction, Program, is_word};
use crate::case::fold;
use crate::meter::Meter;
use crate::{Bound, Error};

/// A register that holds no place.
const NOWHERE: usize = usize::MAX;

/// How many alternatives may be open at once, those around a look-around included.
const OPEN_MAX: usize = 400_000;

/// What is undone or tried when matching fails.
enum Undo {
    /// Another way to go on.
    Branch { pc: usize, at: usize },
    /// What a register held.
    Register { register: usize, value: usize },
    /// A run of characters that can end earlier, down to `least`.
    Shorten { pc: usize, least: usize, at: usize },
    /// A run of characters that can end later.
    Lengthen { pc: usize, at: usize, left: u32 },
}

/// The first match that starts at byte `from` or after it.
pub(super) fn find(program: &Program, text: &str, from: usize, meter: &Meter) -> Result<Option<Match>, Error> {
    meter.steps(SEARCH_STEPS + program.registers)?;
    let mut machine =
        Machine { program, text, registers: SmallVec::from_elem(NOWHERE, program.registers), open_around: 0, steps: 0, meter };
    let mut start = from;
    loop {
        if let Some(first) = program.first {
            let rest = text.get(start..).unwrap_or("");
            let skipped = rest.find(first);
            meter.text(skipped.unwrap_or(rest.len()))?;
            match skipped {
                Some(skipped) => start += skipped,
                None => break,
            }
        }
        if let Some(end) = machine.run(0, start, None)? {
            machine.settle()?;
            return Ok(Some(machine.found(start, end)));
        }
        let Some(next) = text.get(start..).and_then(|rest| rest.chars().next()).filter(|_| !program.anchored) else { break };
        start += next.len_utf8();
        machine.registers.fill(NOWHERE);
        machine.steps += STEPS_PER_START + machine.registers.len() / 4;
    }
    machine.settle()?;
    Ok(None)
}

/// What it takes to begin to search.
const SEARCH_STEPS: usize = 16;

/// What it takes to begin anew at another place, beside the steps that are made from there.
const STEPS_PER_START: usize = 4;

/// What it takes to look up the case of a character.
const FOLD_STEPS: usize = 16;

struct Machine<'t> {
    program: &'t Program,
    text: &'t str,
    registers: SmallVec<[usize; 8]>,
    /// How many alternatives are open around the look-around that is tried.
    open_around: usize,
    /// Steps that the meter does not know of yet.
    steps: usize,
    meter: &'t Meter,
}

impl Machine<'_> {
    fn settle(&mut self) -> Result<(), Error> {
        self.meter.steps(std::mem::take(&mut self.steps))
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps >= 1024 { self.settle() } else { Ok(()) }
    }

    /// Whether a character matches, which takes longer for those whose case has to be looked up.
    fn is(&mut self, one: &One, c: char) -> bool {
        if self.program.ignore_case && !c.is_ascii() {
            self.steps += FOLD_STEPS;
        }
        one.matches(c, self.program.ignore_case)
    }

    fn found(&self, start: usize, end: usize) -> Match {
        let groups = (1..=self.program.groups)
            .map(|group| {
                let (from, to) = (self.register(2 * group), self.register(2 * group + 1));
                (from != NOWHERE && to != NOWHERE).then_some((from, to))
            })
            .collect();
        Match { start, end, groups }
    }

    fn register(&self, register: usize) -> usize {
        self.registers.get(register).copied().unwrap_or(NOWHERE)
    }

    fn set(&mut self, register: usize, value: usize, undo: &mut Vec<Undo>) {
        if let Some(slot) = self.registers.get_mut(register) {
            undo.push(Undo::Register { register, value: *slot });
            *slot = value;
        }
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn char_before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    /// Where a match of the instructions from `pc` ends that starts at `at`; `end` is where it has to.
    fn run(&mut self, mut pc: usize, mut at: usize, end: Option<usize>) -> Result<Option<usize>, Error> {
        let mut undo = Vec::new();
        let program = self.program;
        loop {
            self.step()?;
            if self.open_around + undo.len() > OPEN_MAX {
                return Err(Error::bound(Bound::Memory));
            }
            let goes_on = match program.instructions.get(pc) {
                None => false,
                Some(Instruction::Match) => {
                    if end.is_none_or(|end| end == at) {
                        return Ok(Some(at));
                    }
                    false
                }
                Some(Instruction::Jump(to)) => {
                    pc = *to;
                    continue;
                }
                Some(Instruction::Split(first, second)) => {
                    undo.push(Undo::Branch { pc: *second, at });
                    pc = *first;
                    continue;
                }
                Some(Instruction::One(one)) => match self.char_at(at) {
                    Some(c) if self.is(one, c) => {
                        at += c.len_utf8();
                        true
                    }
                    _ => false,
                },
                Some(Instruction::Run { one, min, max, greedy }) => {
                    match self.run_of(one, at, *min, if *greedy { *max } else { *min })? {
                        None => false,
                        Some((least, most)) => {
                            at = most;
                            if *greedy && most > least {
                                undo.push(Undo::Shorten { pc: pc + 1, least, at });
                            } else if !*greedy && max > min {
                                undo.push(Undo::Lengthen { pc, at, left: max - min });
                            }
                            true
                        }
                    }
                }
                Some(Instruction::Start) => at == 0 || (program.multiline && self.char_before(at).is_some_and(is_line_end)),
                Some(Instruction::End) => at == self.text.len() || (program.multiline && self.char_at(at).is_some_and(is_line_end)),
                Some(Instruction::WordBoundary(wanted)) => {
                    let boundary = self.char_before(at).is_some_and(is_word) != self.char_at(at).is_some_and(is_word);
                    boundary == *wanted
                }
                Some(Instruction::Save(register)) => {
                    self.set(*register, at, &mut undo);
                    true
                }
                Some(Instruction::Clear(from, to)) => {
                    self.steps += to - from;
                    for register in *from..*to {
                        self.set(register, NOWHERE, &mut undo);
                    }
                    true
                }
                Some(Instruction::BackReference(group)) => match self.repeated(*group, at)? {
                    Some(after) => {
                        at = after;
                        true
                    }
                    None => false,
                },
                Some(Instruction::Enter { counter }) => {
                    self.set(*counter, 0, &mut undo);
                    self.set(*counter + 1, at, &mut undo);
                    true
                }
                Some(Instruction::Round { counter, min, max, greedy, exit }) => {
                    let rounds = self.register(*counter);
                    if rounds < *min as usize {
                        self.set(*counter + 1, at, &mut undo);
                        true
                    } else if *max != u32::MAX && rounds >= *max as usize {
                        pc = *exit;
                        continue;
                    } else if *greedy {
                        undo.push(Undo::Branch { pc: *exit, at });
                        self.set(*counter + 1, at, &mut undo);
                        true
                    } else {
                        // Coming back here means another round, whose start has to be noted: that is what the instruction before
                        // the first of the round would do, so it is done now, for whoever comes back.
                        self.set(*counter + 1, at, &mut undo);
                        undo.push(Undo::Branch { pc: pc + 1, at });
                        pc = *exit;
                        continue;
                    }
                }
                Some(Instruction::Again { counter, min, head }) => {
                    let rounds = self.register(*counter);
                    if at == self.register(*counter + 1) && rounds >= *min as usize {
                        false
                    } else {
                        self.set(*counter, rounds + 1, &mut undo);
                        pc = *head;
                        continue;
                    }
                }
                Some(Instruction::Look { ahead, positive, exit }) => {
                    self.steps += 2 * self.registers.len();
                    let before = self.registers.clone();
                    self.open_around += undo.len();
                    let found = self.look(*ahead, pc + 1, at)?;
                    self.open_around -= undo.len();
                    let after = std::mem::replace(&mut self.registers, before);
                    if found == *positive {
                        if found {
                            for (register, value) in after.into_iter().enumerate() {
                                if self.register(register) != value {
                                    self.set(register, value, &mut undo);
                                }
                            }
                        }
                        pc = *exit;
                        continue;
                    }
                    false
                }
            };
            if goes_on {
                pc += 1;
                continue;
            }
            match self.back(&mut undo)? {
                Some(place) => (pc, at) = place,
                None => return Ok(None),
            }
        }
    }

    /// The next way to go on, after undoing what was done since.
    fn back(&mut self, undo: &mut Vec<Undo>) -> Result<Option<(usize, usize)>, Error> {
        while let Some(last) = undo.pop() {
            match last {
                Undo::Branch { pc, at } => return Ok(Some((pc, at))),
                Undo::Register { register, value } => {
                    if let Some(slot) = self.registers.get_mut(register) {
                        *slot = value;
                    }
                }
                Undo::Shorten { pc, least, at } => {
                    let at = at - self.char_before(at).map_or(1, char::len_utf8);
                    if at > least {
                        undo.push(Undo::Shorten { pc, least, at });
                    }
                    return Ok(Some((pc, at)));
                }
                Undo::Lengthen { pc, at, left } => {
                    let Some(Instruction::Run { one, .. }) = self.program.instructions.get(pc) else { continue };
                    let Some(c) = self.char_at(at) else { continue };
                    if !self.is(one, c) {
                        continue;
                    }
                    let at = at + c.len_utf8();
                    if left > 1 {
                        undo.push(Undo::Lengthen { pc, at, left: left - 1 });
                    }
                    return Ok(Some((pc + 1, at)));
                }
            }
        }
        Ok(None)
    }

    /// How far the least and the greatest number of characters reach; `None` if there are too few.
    fn run_of(&mut self, one: &One, at: usize, min: u32, max: u32) -> Result<Option<(usize, usize)>, Error> {
        let (mut count, mut place, mut least) = (0, at, at);
        let rest = self.text.get(at..).unwrap_or("");
        for c in rest.chars() {
            if count >= max || !self.is(one, c) {
                break;
            }
            count += 1;
            place += c.len_utf8();
            if count == min {
                least = place;
            }
            self.step()?;
        }
        Ok((count >= min).then_some((least, place)))
    }

    /// Where the text ends that a group matched, if it stands here again. A group that matched nothing matches nothing here.
    fn repeated(&mut self, group: usize, at: usize) -> Result<Option<usize>, Error> {
        let (from, to) = (self.register(2 * group), self.register(2 * group + 1));
        if from == NOWHERE || to == NOWHERE {
            return Ok(Some(at));
        }
        let own = self.text.get(from..to).unwrap_or("");
        self.steps += own.len();
        self.settle()?;
        let rest = self.text.get(at..).unwrap_or("");
        if !self.program.ignore_case {
            return Ok(rest.starts_with(own).then_some(at + own.len()));
        }
        let mut rest = rest.chars();
        let mut place = at;
        for c in own.chars() {
            match rest.next() {
                Some(other) if fold(c) == fold(other) => place += other.len_utf8(),
                _ => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Whether the instructions from `pc` match what follows `at`, or what ends there.
    fn look(&mut self, ahead: bool, pc: usize, at: usize) -> Result<bool, Error> {
        if ahead {
            return Ok(self.run(pc, at, None)?.is_some());
        }
        let mut start = at;
        loop {
            if self.run(pc, start, Some(at))?.is_some() {
                return Ok(true);
            }
            match self.char_before(start) {
                Some(c) => start -= c.len_utf8(),
                None => return Ok(false),
            }
        }
    }
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}
