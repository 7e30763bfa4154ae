//! Signatures of functions, such as `<a<s>s?:s>`: which arguments a function takes.

use smallvec::SmallVec;

use crate::Error;
use crate::item::{Flags, Val};
use crate::meter::Meter;
use crate::sequence::Items;

/// The arguments of a call.
pub(crate) type Args<'e> = SmallVec<[Val<'e>; 4]>;

/// A function's signature.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
struct Parameter {
    /// The types it takes.
    types: Types,
    /// Whether a single value is made an array.
    array: bool,
    /// The type of an array's elements.
    element: Option<char>,
    optional: bool,
    repeated: bool,
    /// The context takes the place of a missing argument.
    context: bool,
}

/// A set of types, one bit each.
type Types = u16;

const STRING: Types = 1;
const NUMBER: Types = 2;
const BOOLEAN: Types = 4;
const NULL: Types = 8;
const ARRAY: Types = 16;
const OBJECT: Types = 32;
const FUNCTION: Types = 64;
const MISSING: Types = 128;
const JSON: Types = STRING | NUMBER | BOOLEAN | NULL | ARRAY | OBJECT | MISSING;

fn types_of(symbol: char) -> Types {
    match symbol {
        's' => STRING,
        'n' => NUMBER,
        'b' => BOOLEAN,
        'l' => NULL,
        'a' => ARRAY,
        'o' => OBJECT,
        'f' => FUNCTION,
        'j' => JSON,
        'x' => JSON | FUNCTION,
        'm' => MISSING,
        _ => 0,
    }
}

fn type_of(value: &Val<'_>) -> Types {
    match value {
        Val::Undefined => MISSING,
        Val::Null => NULL,
        Val::Bool(_) => BOOLEAN,
        Val::Num(_) => NUMBER,
        Val::Str(_) | Val::Text(_) => STRING,
        Val::Array(_) | Val::List(_) | Val::Tuples(_) => ARRAY,
        Val::Object(_) | Val::Made(_) => OBJECT,
        Val::Function(_) | Val::Builtin(_) | Val::Regex(_) => FUNCTION,
    }
}

/// What it takes to deal arguments out to parameters that are not theirs one by one, beside trying them.
const DEAL_STEPS: usize = 8;

impl Signature {
    /// Reads a signature, from `<` to `>`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut rest = text.strip_prefix('<').unwrap_or(text).chars();
        while let Some(symbol) = rest.next() {
            match symbol {
                ':' => break,
                's' | 'n' | 'b' | 'l' | 'o' => parameters.push(Parameter::of(types_of(symbol) | MISSING)),
                'a' => parameters.push(Parameter { array: true, ..Parameter::of(JSON | FUNCTION) }),
                'f' => parameters.push(Parameter::of(FUNCTION)),
                'j' | 'x' => parameters.push(Parameter::of(types_of(symbol))),
                '(' => {
                    let (choice, after) = rest.as_str().split_once(')').unwrap_or((rest.as_str(), ""));
                    if choice.contains('<') {
                        return Err(Error::new("S0402").value(choice));
                    }
                    parameters.push(Parameter::of(choice.chars().map(types_of).fold(MISSING, |sum, types| sum | types)));
                    rest = after.chars();
                }
                '-' | '?' | '+' => {
                    if let Some(last) = parameters.last_mut() {
                        match symbol {
                            '-' => (last.context, last.optional) = (true, true),
                            '?' => last.optional = true,
                            _ => last.repeated = true,
                        }
                    }
                }
                '<' => {
                    let inner = enclosed(rest.as_str());
                    let Some(last) = parameters.last_mut().filter(|last| last.array || last.types == FUNCTION) else {
                        let before = text.chars().nth(text.chars().count().saturating_sub(rest.as_str().chars().count() + 2));
                        return Err(Error::new("S0401").value(before.unwrap_or('<').to_string()));
                    };
                    last.element = inner.chars().next().filter(|_| last.array);
                    rest = rest.as_str().get(inner.len() + 1..).unwrap_or("").chars();
                }
                _ => {}
            }
        }
        Ok(Self { parameters })
    }

    /// The arguments as the function takes them: the context in place of a missing one, single values in arrays where arrays
    /// are wanted.
    pub(crate) fn validate<'e>(&self, mut args: Args<'e>, context: &Val<'e>, meter: &'e Meter) -> Result<Args<'e>, Error> {
        // Arrays of one type are looked through.
        let looked_through = |(parameter, arg): (&Parameter, &Val<'e>)| match Items::of(arg) {
            Some(items) if parameter.element.is_some() => items.len(),
            _ => 0,
        };
        meter.steps(5 + self.parameters.iter().zip(&args).map(looked_through).sum::<usize>())?;
        if self.fits_as_it_is(&args) {
            args.resize(self.parameters.len(), Val::Undefined);
            return Ok(args);
        }
        let cells = (self.parameters.len() + 1) * (args.len() + 1);
        meter.steps(DEAL_STEPS + cells + args.iter().filter_map(Items::of).map(|items| items.len()).sum::<usize>())?;
        let types: SmallVec<[Types; 4]> = args.iter().map(type_of).collect();
        let mut counts: SmallVec<[usize; 4]> = SmallVec::new();
        let mut dead = vec![false; cells];
        if !fit(&self.parameters, &types, &mut counts, &mut dead) {
            return Err(self.refuse(&args, &types));
        }
        let mut out = Args::with_capacity(args.len().max(self.parameters.len()));
        let mut index = 0;
        let next = |index: usize| args.get(index).cloned().unwrap_or(Val::Undefined);
        for (parameter, count) in self.parameters.iter().zip(counts) {
            if count == 0 && parameter.context {
                out.push(parameter.missing(context, index)?);
                continue;
            }
            // What is optional and matches nothing takes the next argument nevertheless, as in JSONata's own implementation.
            for _ in 0..count.max(1) {
                let arg = next(index);
                index += 1;
                out.push(if parameter.array && count > 0 { parameter.as_array(arg, index, meter)? } else { arg });
            }
        }
        Ok(out)
    }

    /// Whether every argument is of its parameter's type, and those that are not given may be left out.
    fn fits_as_it_is(&self, args: &[Val<'_>]) -> bool {
        let Some((given, others)) = self.parameters.split_at_checked(args.len()) else { return false };
        given.iter().zip(args).all(|(parameter, arg)| {
            let kind = type_of(arg);
            let fits = parameter.types & kind != 0 && !parameter.repeated && (!parameter.context || kind != MISSING);
            fits && (!parameter.array || parameter.takes_array(arg, kind))
        }) && others.iter().all(|parameter| parameter.optional && !parameter.context && !parameter.repeated)
    }

    /// Which argument is the first that does not fit.
    fn refuse(&self, args: &[Val<'_>], types: &[Types]) -> Error {
        let mut good = 0;
        for known in 1..=self.parameters.len() {
            let known = self.parameters.get(..known).unwrap_or_default();
            match longest(known, types) {
                Some(length) => good = length,
                None => break,
            }
        }
        let value = args.get(good).map(Val::describe);
        let error = Error::new("T0410").with("index", i64::try_from(good + 1).unwrap_or(0));
        match value {
            Some(value) => error.value(value),
            None => error,
        }
    }
}

impl Parameter {
    fn of(types: Types) -> Self {
        Self { types, array: false, element: None, optional: false, repeated: false, context: false }
    }

    fn missing<'e>(&self, context: &Val<'e>, index: usize) -> Result<Val<'e>, Error> {
        if self.types & type_of(context) == 0 {
            return Err(Error::new("T0411").value(context.describe()).with("index", i64::try_from(index + 1).unwrap_or(0)));
        }
        Ok(context.clone())
    }

    /// Whether an argument is nothing, or an array of what this wants.
    fn takes_array(&self, arg: &Val<'_>, kind: Types) -> bool {
        let Some(items) = Items::of(arg) else { return kind == MISSING };
        self.element.is_none_or(|element| items.is_empty() || all_are(&items, element))
    }

    fn as_array<'e>(&self, arg: Val<'e>, index: usize, meter: &'e Meter) -> Result<Val<'e>, Error> {
        let kind = type_of(&arg);
        if kind == MISSING {
            return Ok(arg);
        }
        if let Some(element) = self.element {
            let wanted = types_of(element);
            let fits = match Items::of(&arg) {
                // The type that is written stands for itself alone: `a<j>` takes no array of strings.
                Some(items) if kind == ARRAY => items.is_empty() || all_are(&items, element),
                _ => kind == wanted,
            };
            if !fits {
                let kind = match element {
                    'a' => "arrays",
                    'b' => "booleans",
                    'f' => "functions",
                    'n' => "numbers",
                    'o' => "objects",
                    _ => "strings",
                };
                let index = i64::try_from(index).unwrap_or(0);
                return Err(Error::new("T0412").value(arg.describe()).with("index", index).with("type", kind));
            }
        }
        if kind == ARRAY { Ok(arg) } else { Val::list(vec![arg], Flags::ARRAY, meter) }
    }
}

fn all_are(items: &Items<'_, '_>, element: char) -> bool {
    let wanted = types_of(element);
    items.iter().all(|item| type_of(&item) == wanted)
}

/// Whether `types` can be dealt out to all parameters, each taking as many as it can; how many each takes is put into `counts`.
/// `dead` remembers what was tried in vain, so that this takes no longer than the parameters times the arguments.
fn fit(parameters: &[Parameter], types: &[Types], counts: &mut SmallVec<[usize; 4]>, dead: &mut [bool]) -> bool {
    let Some((first, others)) = parameters.split_first() else { return types.is_empty() };
    let tried = (dead.len() / (parameters.len() + counts.len() + 1)) * parameters.len() + types.len();
    if dead.get(tried) == Some(&true) {
        return false;
    }
    let (least, most) = first.bounds(types);
    for count in (least..=most).rev() {
        counts.push(count);
        if fit(others, types.get(count..).unwrap_or_default(), counts, dead) {
            return true;
        }
        counts.pop();
    }
    if let Some(slot) = dead.get_mut(tried) {
        *slot = true;
    }
    false
}

/// How many of `types` the parameters take together, each as many as it can while those behind it get theirs; `None` if they
/// cannot be satisfied.
fn longest(parameters: &[Parameter], types: &[Types]) -> Option<usize> {
    // From the last parameter to the first: what those from here on take, by the number of types already taken.
    let mut taken: Vec<Option<usize>> = (0..=types.len()).map(Some).collect();
    for parameter in parameters.iter().rev() {
        let before = taken;
        taken = (0..=types.len())
            .map(|start| {
                let (least, most) = parameter.bounds(types.get(start..).unwrap_or_default());
                (least..=most).rev().find_map(|count| before.get(start + count).copied().flatten())
            })
            .collect();
    }
    taken.first().copied().flatten()
}

impl Parameter {
    /// The least and the greatest number of arguments it can take of those that come; nothing in between if the least is more.
    fn bounds(&self, types: &[Types]) -> (usize, usize) {
        let matching = types.iter().take_while(|kind| self.types & **kind != 0).count();
        let least = usize::from(!self.optional);
        (least, if self.repeated { matching } else { matching.min(1) })
    }
}

/// What stands before the `>` that closes an opened `<`.
fn enclosed(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or("")
}
