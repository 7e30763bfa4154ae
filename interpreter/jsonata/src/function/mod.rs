//! The functions of the language.

mod array;
mod encoding;
mod higher_order;
mod numeric;
mod object;
pub(crate) mod regex;
mod string;
pub(crate) mod text;
mod time;

use std::fmt;
use std::sync::OnceLock;

use crate::Error;
use crate::eval::Machine;
use crate::item::Val;
use crate::signature::Signature;

/// What a function does with its arguments.
type Run = for<'m, 'e, 'h> fn(&'m mut Machine<'e, 'h>, Given<'_, 'e>) -> Result<Val<'e>, Error>;

/// The arguments of a call. Those that are not given are nothing.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a, 'e> {
    args: &'a [Val<'e>],
    nothing: &'a Val<'e>,
}

impl<'a, 'e> Given<'a, 'e> {
    pub(crate) fn new(args: &'a [Val<'e>], nothing: &'a Val<'e>) -> Self {
        Self { args, nothing }
    }

    /// Those that are given.
    fn all(self) -> &'a [Val<'e>] {
        self.args
    }
}

/// A function of the language.
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    signature: &'static str,
    parsed: OnceLock<Signature>,
    /// How many arguments it wants when another function calls it.
    pub(crate) arity: usize,
    pub(crate) run: Run,
}

impl Builtin {
    pub(crate) fn signature(&self) -> Result<&Signature, Error> {
        if let Some(signature) = self.parsed.get() {
            return Ok(signature);
        }
        let signature = Signature::parse(self.signature)?;
        Ok(self.parsed.get_or_init(|| signature))
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.name)
    }
}

/// The function called `name`, which is given without its `$`.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    let at = BUILTINS.binary_search_by(|builtin| builtin.name.cmp(name)).ok()?;
    BUILTINS.get(at)
}

const fn builtin(name: &'static str, signature: &'static str, arity: usize, run: Run) -> Builtin {
    Builtin { name, signature, parsed: OnceLock::new(), arity, run }
}

/// All functions, by name. There is no `$eval`: Step Functions does not have it.
static BUILTINS: [Builtin; 64] = [
    builtin("abs", "<n-:n>", 1, numeric::abs),
    builtin("append", "<xx:a>", 2, array::append),
    builtin("assert", "<bs?:x>", 2, object::assert),
    builtin("average", "<a<n>:n>", 1, numeric::average),
    builtin("base64decode", "<s-:s>", 1, encoding::base64_decode),
    builtin("base64encode", "<s-:s>", 1, encoding::base64_encode),
    builtin("boolean", "<x-:b>", 1, object::boolean),
    builtin("ceil", "<n-:n>", 1, numeric::ceil),
    builtin("clone", "<(oa)-:o>", 1, object::clone),
    builtin("contains", "<s-(sf):b>", 2, regex::contains),
    builtin("count", "<a:n>", 1, array::count),
    builtin("decodeUrl", "<s-:s>", 1, encoding::decode_url),
    builtin("decodeUrlComponent", "<s-:s>", 1, encoding::decode_url_component),
    builtin("distinct", "<x:x>", 1, array::distinct),
    builtin("each", "<o-f:a>", 2, higher_order::each),
    builtin("encodeUrl", "<s-:s>", 1, encoding::encode_url),
    builtin("encodeUrlComponent", "<s-:s>", 1, encoding::encode_url_component),
    builtin("error", "<s?:x>", 1, object::error),
    builtin("exists", "<x:b>", 1, object::exists),
    builtin("filter", "<af>", 2, higher_order::filter),
    builtin("floor", "<n-:n>", 1, numeric::floor),
    builtin("formatBase", "<n-n?:s>", 2, numeric::format_base),
    builtin("formatInteger", "<n-s:s>", 2, numeric::format_integer),
    builtin("formatNumber", "<n-so?:s>", 3, numeric::format_number),
    builtin("fromMillis", "<n-s?s?:s>", 3, time::from_millis),
    builtin("join", "<a<s>s?:s>", 2, string::join),
    builtin("keys", "<x-:a<s>>", 1, object::keys),
    builtin("length", "<s-:n>", 1, string::length),
    builtin("lookup", "<x-s:x>", 2, object::lookup),
    builtin("lowercase", "<s-:s>", 1, string::lowercase),
    builtin("map", "<af>", 2, higher_order::map),
    builtin("match", "<s-f<s:o>n?:a<o>>", 3, regex::matches),
    builtin("max", "<a<n>:n>", 1, numeric::max),
    builtin("merge", "<a<o>:o>", 1, object::merge),
    builtin("millis", "<:n>", 0, time::millis),
    builtin("min", "<a<n>:n>", 1, numeric::min),
    builtin("not", "<x-:b>", 1, object::not),
    builtin("now", "<s?s?:s>", 2, time::now),
    builtin("number", "<(nsb)-:n>", 1, numeric::number),
    builtin("pad", "<s-ns?:s>", 3, string::pad),
    builtin("parseInteger", "<s-s:n>", 2, numeric::parse_integer),
    builtin("power", "<n-n:n>", 2, numeric::power),
    builtin("random", "<:n>", 0, numeric::random),
    builtin("reduce", "<afj?:j>", 3, higher_order::reduce),
    builtin("replace", "<s-(sf)(sf)n?:s>", 4, regex::replace),
    builtin("reverse", "<a:a>", 1, array::reverse),
    builtin("round", "<n-n?:n>", 2, numeric::round),
    builtin("shuffle", "<a:a>", 1, array::shuffle),
    builtin("sift", "<o-f?:o>", 2, higher_order::sift),
    builtin("single", "<af?>", 2, higher_order::single),
    builtin("sort", "<af?:a>", 2, array::sort),
    builtin("split", "<s-(sf)n?:a<s>>", 3, regex::split),
    builtin("spread", "<x-:a<o>>", 1, object::spread),
    builtin("sqrt", "<n-:n>", 1, numeric::sqrt),
    builtin("string", "<x-b?:s>", 1, string::string),
    builtin("substring", "<s-nn?:s>", 3, string::substring),
    builtin("substringAfter", "<s-s:s>", 2, string::substring_after),
    builtin("substringBefore", "<s-s:s>", 2, string::substring_before),
    builtin("sum", "<a<n>:n>", 1, numeric::sum),
    builtin("toMillis", "<s-s?:n>", 2, time::to_millis),
    builtin("trim", "<s-:s>", 1, string::trim),
    builtin("type", "<x:s>", 1, object::type_of),
    builtin("uppercase", "<s-:s>", 1, string::uppercase),
    builtin("zip", "<a+>", 0, array::zip),
];

/// The argument at a position; nothing if there is none.
fn arg<'a, 'e>(given: Given<'a, 'e>, at: usize) -> &'a Val<'e> {
    given.args.get(at).unwrap_or(given.nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name_and_has_a_signature() {
        for function in &BUILTINS {
            assert!(find(function.name).is_some_and(|found| std::ptr::eq(found, function)), "{}", function.name);
            assert!(function.signature().is_ok(), "{}", function.name);
        }
        assert!(find("eval").is_none());
    }
}
