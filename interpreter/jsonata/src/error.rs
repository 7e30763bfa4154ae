//! Errors: JSONata's codes, and the sentences of the JavaScript implementation, filled in.

use std::fmt;

use statewright_value::Value;

/// What an expression is refused with, or what its evaluation fails with.
///
/// Small, because every step of an evaluation may answer one.
#[derive(Clone, PartialEq)]
pub struct Error(Box<Parts>);

#[derive(Clone, PartialEq)]
struct Parts {
    code: &'static str,
    position: Option<usize>,
    bound: Option<Bound>,
    fields: Vec<(&'static str, Value)>,
}

/// The bound that an evaluation reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Levels of evaluation.
    Depth,
    /// Bytes held.
    Memory,
    /// Steps.
    Steps,
}

impl Error {
    /// The error `code`, one of those in [`TEMPLATES`], with nothing filled in.
    pub(crate) fn new(code: &'static str) -> Self {
        Self(Box::new(Parts { code, position: None, bound: None, fields: Vec::new() }))
    }

    /// The error of reaching a bound.
    #[cold]
    #[inline(never)]
    pub(crate) fn bound(bound: Bound) -> Self {
        Self(Box::new(Parts { code: "U1001", position: None, bound: Some(bound), fields: Vec::new() }))
    }

    /// With `value` for `{{name}}` in the sentence.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.fields.push((name, value.into()));
        self
    }

    /// With a value for `{{value}}`.
    pub(crate) fn value(self, value: impl Into<Value>) -> Self {
        self.with("value", value)
    }

    /// With a value for `{{token}}`.
    pub(crate) fn token(self, token: &str) -> Self {
        self.with("token", token)
    }

    /// With a value for `{{token}}`, unless there is one.
    pub(crate) fn token_if_none(self, token: &str) -> Self {
        if self.field("token").is_some() { self } else { self.token(token) }
    }

    /// An error of a function of the host's, with its own code and sentence.
    #[must_use]
    pub fn of_function(code: &'static str, message: &str) -> Self {
        Self::new(code).with("message", message)
    }

    /// At byte `position` of the expression, unless a place nearer to the cause is known already.
    #[cold]
    #[inline(never)]
    pub(crate) fn at(mut self, position: usize) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// JSONata's code, such as `T2001`. `U1001` for a bound that was reached.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Where in the expression, in bytes from its start.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.0.position
    }

    /// The bound that was reached, if that is the error.
    #[must_use]
    pub fn reached(&self) -> Option<Bound> {
        self.0.bound
    }

    /// The token that the error is about: an operator, the name of a function, a piece of the expression.
    #[must_use]
    pub fn about_token(&self) -> Option<&Value> {
        self.field("token")
    }

    /// The value that the error is about.
    #[must_use]
    pub fn about_value(&self) -> Option<&Value> {
        self.field("value")
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.0.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The sentence, without the code.
    #[must_use]
    pub fn message(&self) -> String {
        match self.0.bound {
            Some(Bound::Depth) => {
                return "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
                    .into();
            }
            Some(Bound::Memory) => {
                return "Expression evaluation memory limit exceeded: Check for excessive memory usage".into();
            }
            Some(Bound::Steps) => return "Expression evaluation timeout: Check for infinite loop".into(),
            None => {}
        }
        let known = TEMPLATES.iter().find(|(code, _)| *code == self.0.code);
        let template = known.map_or("{{{message}}}", |(_, template)| *template);
        self.fill(template)
    }

    /// `{{{name}}}` stands for the text of a field, `{{name}}` for the field as JSON.
    fn fill(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let (name, plain, after) = match after.strip_prefix('{').and_then(|raw| raw.split_once("}}}")) {
                Some((name, after)) => (name, true, after),
                None => match after.split_once("}}") {
                    Some((name, after)) => (name, false, after),
                    None => break,
                },
            };
            match self.field(name) {
                Some(Value::String(text)) if plain => out.push_str(text),
                Some(value) => out.push_str(&crate::number::json(value)),
                None => out.push_str("undefined"),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

impl fmt::Display for Error {
    /// The code and the sentence; the sentence alone for a bound that was reached.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.bound {
            None => write!(f, "{}: {}", self.0.code, self.message()),
            Some(_) => f.write_str(&self.message()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        self.0.position.map_or(Ok(()), |position| write!(f, " (at {position})"))
    }
}

impl std::error::Error for Error {}

/// The sentences by code.
///
/// Source: JSONata 2.0.6, table of error codes; Step Functions answers with the same texts.
const TEMPLATES: &[(&str, &str)] = &[
    ("S0101", "String literal must be terminated by a matching quote"),
    ("S0102", "Number out of range: {{token}}"),
    ("S0103", "Unsupported escape sequence: \\{{token}}"),
    ("S0104", "The escape sequence \\u must be followed by 4 hex digits"),
    ("S0105", "Quoted property name must be terminated with a backquote (`)"),
    ("S0106", "Comment has no closing tag"),
    ("S0201", "Syntax error: {{token}}"),
    ("S0202", "Expected {{value}}, got {{token}}"),
    ("S0203", "Expected {{value}} before end of expression"),
    ("S0204", "Unknown operator: {{token}}"),
    ("S0205", "Unexpected token: {{token}}"),
    ("S0206", "Unknown expression type: {{token}}"),
    ("S0207", "Unexpected end of expression"),
    ("S0208", "Parameter {{value}} of function definition must be a variable name (start with $)"),
    ("S0209", "A predicate cannot follow a grouping expression in a step"),
    ("S0210", "Each step can only have one grouping expression"),
    ("S0211", "The symbol {{token}} cannot be used as a unary operator"),
    ("S0212", "The left side of := must be a variable name (start with $)"),
    ("S0213", "The literal value {{value}} cannot be used as a step within a path expression"),
    ("S0214", "The right side of {{token}} must be a variable name (start with $)"),
    ("S0215", "A context variable binding must precede any predicates on a step"),
    ("S0216", "A context variable binding must precede the 'order-by' clause on a step"),
    ("S0217", "The object representing the 'parent' cannot be derived from this expression"),
    ("S0301", "Empty regular expressions are not allowed"),
    ("S0302", "No terminating / in regular expression"),
    ("S0303", "Invalid regular expression: {{{message}}}"),
    ("S0402", "Choice groups containing parameterized types are not supported"),
    ("S0401", "Type parameters can only be applied to functions and arrays"),
    ("S0500", "Attempted to evaluate an expression containing syntax error(s)"),
    ("T0410", "Argument {{index}} of function {{token}} does not match function signature"),
    ("T0411", "Context value is not a compatible type with argument {{index}} of function {{token}}"),
    ("T0412", "Argument {{index}} of function {{token}} must be an array of {{type}}"),
    ("D1001", "Number out of range: {{value}}"),
    ("D1002", "Cannot negate a non-numeric value: {{value}}"),
    ("T1003", "Key in object structure must evaluate to a string; got: {{value}}"),
    ("D1004", "Regular expression matches zero length string"),
    ("T1005", "Attempted to invoke a non-function. Did you mean ${{{token}}}?"),
    ("T1006", "Attempted to invoke a non-function"),
    ("T1007", "Attempted to partially apply a non-function. Did you mean ${{{token}}}?"),
    ("T1008", "Attempted to partially apply a non-function"),
    ("D1009", "Multiple key definitions evaluate to same key: {{value}}"),
    ("D1010", "Attempted to access the Javascript object prototype"),
    ("T1010", "The matcher function argument passed to function {{token}} does not return the correct object structure"),
    ("T2001", "The left side of the {{token}} operator must evaluate to a number"),
    ("T2002", "The right side of the {{token}} operator must evaluate to a number"),
    ("T2003", "The left side of the range operator (..) must evaluate to an integer"),
    ("T2004", "The right side of the range operator (..) must evaluate to an integer"),
    ("D2005", "The left side of := must be a variable name (start with $)"),
    ("T2006", "The right side of the function application operator ~> must be a function"),
    ("T2007", "Type mismatch when comparing values {{value}} and {{value2}} in order-by clause"),
    ("T2008", "The expressions within an order-by clause must evaluate to numeric or string values"),
    ("T2009", "The values {{value}} and {{value2}} either side of operator {{token}} must be of the same data type"),
    ("T2010", "The expressions either side of operator {{token}} must evaluate to numeric or string values"),
    ("T2011", "The insert/update clause of the transform expression must evaluate to an object: {{value}}"),
    ("T2012", "The delete clause of the transform expression must evaluate to a string or array of strings: {{value}}"),
    (
        "T2013",
        "The transform expression clones the input object using the $clone() function.  This has been overridden in the current scope by a non-function.",
    ),
    (
        "D2014",
        "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  Attempted to allocate {{value}}.",
    ),
    ("D3001", "Attempting to invoke string function on Infinity or NaN"),
    ("D3010", "Second argument of replace function cannot be an empty string"),
    ("D3011", "Fourth argument of replace function must evaluate to a positive number"),
    ("D3012", "Attempted to replace a matched string with a non-string value"),
    ("D3020", "Third argument of split function must evaluate to a positive number"),
    ("D3030", "Unable to cast value to a number: {{value}}"),
    ("D3040", "Third argument of match function must evaluate to a positive number"),
    ("D3050", "The second argument of reduce function must be a function with at least two arguments"),
    ("D3060", "The sqrt function cannot be applied to a negative number: {{value}}"),
    (
        "D3061",
        "The power function has resulted in a value that cannot be represented as a JSON number: base={{value}}, exponent={{exp}}",
    ),
    (
        "D3070",
        "The single argument form of the sort function can only be applied to an array of strings or an array of numbers.  Use the second argument to specify a comparison function",
    ),
    ("D3080", "The picture string must only contain a maximum of two sub-pictures"),
    ("D3081", "The sub-picture must not contain more than one instance of the 'decimal-separator' character"),
    ("D3082", "The sub-picture must not contain more than one instance of the 'percent' character"),
    ("D3083", "The sub-picture must not contain more than one instance of the 'per-mille' character"),
    ("D3084", "The sub-picture must not contain both a 'percent' and a 'per-mille' character"),
    (
        "D3085",
        "The mantissa part of a sub-picture must contain at least one character that is either an 'optional digit character' or a member of the 'decimal digit family'",
    ),
    (
        "D3086",
        "The sub-picture must not contain a passive character that is preceded by an active character and that is followed by another active character",
    ),
    (
        "D3087",
        "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a 'decimal-separator' character",
    ),
    ("D3088", "The sub-picture must not contain a 'grouping-separator' at the end of the integer part"),
    ("D3089", "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character"),
    (
        "D3090",
        "The integer part of the sub-picture must not contain a member of the 'decimal digit family' that is followed by an instance of the 'optional digit character'",
    ),
    (
        "D3091",
        "The fractional part of the sub-picture must not contain an instance of the 'optional digit character' that is followed by a member of the 'decimal digit family'",
    ),
    (
        "D3092",
        "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character treated as an 'exponent-separator'",
    ),
    (
        "D3093",
        "The exponent part of the sub-picture must comprise only of one or more characters that are members of the 'decimal digit family'",
    ),
    ("D3100", "The radix of the formatBase function must be between 2 and 36.  It was given {{value}}"),
    ("D3110", "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given {{value}}"),
    ("D3120", "Syntax error in expression passed to function eval: {{value}}"),
    ("D3121", "Dynamic error evaluating the expression passed to function eval: {{value}}"),
    ("D3130", "Formatting or parsing an integer as a sequence starting with {{value}} is not supported by this implementation"),
    ("D3131", "In a decimal digit pattern, all digits must be from the same decimal group"),
    ("D3132", "Unknown component specifier {{value}} in date/time picture string"),
    ("D3133", "The 'name' modifier can only be applied to months and days in the date/time picture string, not {{value}}"),
    ("D3134", "The timezone integer format specifier cannot have more than four digits"),
    ("D3135", "No matching closing bracket ']' in date/time picture string"),
    ("D3136", "The date/time picture string is missing specifiers required to parse the timestamp"),
    ("D3137", "{{{message}}}"),
    ("D3138", "The $single() function expected exactly 1 matching result.  Instead it matched more."),
    ("D3139", "The $single() function expected exactly 1 matching result.  Instead it matched 0."),
    ("D3140", "Malformed URL passed to ${{{functionName}}}(): {{value}}"),
    ("D3141", "{{{message}}}"),
];
