//! Where the two engines are known to differ: each class is a predicate on the expression and its data, and a reason.

use crate::generate::Case;

pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) holds: fn(&Case) -> bool,
}

pub(crate) const CLASSES: &[Class] = &[
    Class {
        name: "integers beyond 2^53",
        reason: "ours are exact within 64 bits, jsonata-core has floating point only",
        holds: |case| has_number_beyond_exact(&case.text) || has_number_beyond_exact(&case.data.to_string()),
    },
    Class {
        name: "the type `u` in a signature",
        reason: "jsonata-core does not know it",
        holds: |case| case.text.split(")<").skip(1).any(|rest| rest.split('{').next().is_some_and(|types| types.contains('u'))),
    },
    Class {
        name: "$reduce of what may be empty, without a first value",
        reason: "jsonata-core answers null where JSONata answers nothing",
        holds: |case| case.text.match_indices("$reduce(").any(|(at, _)| !starts_with_items(&case.text[at + 8..])),
    },
    Class {
        name: "$encodeUrl and $encodeUrlComponent",
        reason: "jsonata-core's sets of characters are not those of JavaScript's encodeURI and encodeURIComponent",
        holds: |case| case.text.replace("$decodeUrlComponent($encodeUrlComponent(", "").contains("$encodeUrl"),
    },
    Class {
        name: "pictures of $formatNumber",
        reason: "jsonata-core refuses or normalises what JSONata 2.0.6 and 2.2.2 take as it stands, and knows other zeros",
        holds: |case| {
            let has = |part: &str| case.text.contains(part);
            ["'#0#'", "'#,##,##0'", "'#,##,#00'", "'0.0.0'", "'zero-digit'", "'minus-sign'"].into_iter().any(has)
        },
    },
    Class {
        name: "$number of texts with no digit before or behind the point",
        reason: "jsonata-core takes them, JSONata does not",
        holds: |case| case.text.contains("'1.'") || case.text.contains("'.5'"),
    },
    Class {
        name: "partial application of functions with a signature",
        reason: "jsonata-core checks it, JSONata looks at the function's body only",
        holds: |case| case.text.split("($p := ").skip(1).any(|rest| rest.split('{').next().is_some_and(|head| head.contains(")<"))),
    },
    Class {
        name: "functions that call each other, inside of such with the same names",
        reason: "in jsonata-core the outer ones see the inner ones' names, and never end",
        holds: |case| case.text.matches("$g := λ($n){").count() > 1,
    },
    Class {
        name: "regular expressions that are no argument",
        reason: "behind an opening parenthesis or bracket JSONata takes the stroke for a division",
        holds: |case| case.text.match_indices("/a/").any(|(at, _)| !case.text[..at].ends_with(", ")),
    },
    Class {
        name: "$spread and $keys of arrays in arrays",
        reason: "jsonata-core does not look into them",
        holds: |case| {
            ["$spread(", "$keys("].iter().any(|function| arguments(&case.text, function).any(|of| has_arrays_in_arrays(of, case)))
        },
    },
    Class {
        name: "a predicate on what a position has left, in parentheses",
        reason: "jsonata-core does not evaluate it where there is nothing at the position",
        holds: |case| {
            let positions = ["0", "-1", "1", "2", "-2", "0.9", "-5", "1.9"];
            let may_fail = |behind: &str| {
                !behind.starts_with(|char: char| char == '[' || char == '-' || char.is_ascii_digit())
                    && !["true]", "false]"].iter().any(|verdict| behind.starts_with(verdict))
            };
            positions.iter().any(|position| case.text.split(&format!("[{position}])[")).skip(1).any(may_fail))
        },
    },
    Class {
        name: "$filter and $map that end a function's body",
        reason: "of one value, or behind others in a block, they answer a caller that is a function an empty array; jsonata-core has nothing",
        holds: |case| {
            let many = ["[", "$append(", "items,", "nums,", "texts,", "$$.items,", "$$.nums,", "$$.texts,"];
            ["; $map(", "; $filter("].iter().any(|end| case.text.contains(end))
                || case.text.split("{ $filter(").skip(1).any(|of| case.irregular || !many.iter().any(|array| of.starts_with(array)))
        },
    },
    Class {
        name: "$exists($)",
        reason: "jsonata-core takes the context for nothing",
        holds: |case| case.text.contains("$exists($)"),
    },
    Class {
        name: "the context as an argument of the wrong type",
        reason: "jsonata-core has the code of a written argument",
        holds: |case| {
            let directly = ["$uppercase()", "$lowercase()", "$trim()", "$max()", "$sum()", "$string()", "$length()"];
            let behind = |rest: &str| {
                [" &", " +", " -", " *", " <", " >", " =", " !", " in "].iter().any(|operator| rest.starts_with(operator))
            };
            (case.irregular && case.text.contains(".$uppercase()"))
                || directly.iter().any(|call| case.text.split(call).skip(1).any(behind))
        },
    },
    Class {
        name: "a join behind an operator, without parentheses",
        reason: "`@` binds less than `.`, which jsonata-core has otherwise",
        holds: |case| {
            case.text.match_indices("items@").any(|(at, _)| {
                let before = case.text[..at].trim_end_matches("$$.");
                !before.ends_with(":= ")
                    && ["= ", "< ", "> ", "& ", "+ ", "- ", "* ", " in ", " or ", " and "].iter().any(|end| before.ends_with(end))
            })
        },
    },
    Class {
        name: "sorting what may be one value",
        reason: "jsonata-core asks for its key and fails where that is neither number nor text",
        holds: |case| {
            let sortable = |by: &str| !case.irregular && ["^(v)", "^(>k)", "^(%.price)"].iter().any(|known| by.starts_with(known));
            case.text.match_indices("^(").any(|(at, _)| !case.text[..at].ends_with("/* two */ ") && !sortable(&case.text[at..]))
        },
    },
    Class {
        name: "a transform of what may be no object, with an update that may fail",
        reason: "jsonata-core does not evaluate it",
        holds: |case| {
            case.text.split("~> |").skip(1).any(|change| {
                let (location, update) = change.split_once('|').unwrap_or_default();
                let update = update.split('|').next().unwrap_or_default();
                let computes = [" + ", " - ", " * ", " / ", " % "].iter().any(|operator| update.contains(operator));
                update.contains("$single(") || (case.irregular && location != "$" && computes)
            })
        },
    },
    Class {
        name: "a comparison that may fail, as a predicate on what may be nothing",
        reason: "jsonata-core does not evaluate it in all places where JSONata does",
        holds: |case| {
            case.text.split(")[").skip(1).any(|rest| {
                rest.split(']').next().is_some_and(|predicate| {
                    let sides: Vec<&str> = predicate.split([' ']).collect();
                    matches!(sides[..], [left, "<" | ">" | "<=" | ">=", right] if !is_number(left, case) || !is_number(right, case))
                })
            })
        },
    },
    Class {
        name: "regular expressions on digits that are not ASCII",
        reason: "`\\d` and `\\w` are of ASCII in JavaScript, and of Unicode in jsonata-core",
        holds: |case| case.text.contains("'٠'") && ["\\d", "\\w", "\\b"].iter().any(|class| case.text.contains(class)),
    },
    Class {
        name: "$filter of what may be null",
        reason: "JSONata's own implementation fails with a TypeError on a null that comes alone; ours is a null, jsonata-core has nothing",
        holds: |case| {
            ["$filter(nest", "$filter(none", "$filter($$.nest", "$filter($$.none"].iter().any(|part| case.text.contains(part))
        },
    },
    Class {
        name: "$formatBase of halves",
        reason: "jsonata-core rounds them away from zero, JSONata to the even neighbour",
        holds: |case| case.text.match_indices("$formatBase(").any(|(at, _)| !case.text[at + 12..].starts_with("$floor(")),
    },
    Class {
        name: "a transform of what is at a position",
        reason: "jsonata-core also changes what is equal to it",
        holds: |case| case.text.contains("[0]|"),
    },
    Class {
        name: "$sort by a function that is no order of all values",
        reason: "what comes out depends on the pairs that an algorithm compares; ours are those of JSONata's own implementation",
        holds: |case| {
            ["$l.id - $r.id", "$l.price > $r.price", "$l.v > $r.v", "$l.x > $r.x"].iter().any(|order| case.text.contains(order))
        },
    },
];

/// Whether a text has a number in it that floating point may not hold exactly.
fn has_number_beyond_exact(text: &str) -> bool {
    text.split(|char: char| !(char.is_ascii_digit() || ".eE+".contains(char)))
        .any(|number| number.parse::<f64>().is_ok_and(|number| number >= 9_007_199_254_740_992.0))
}

/// Whether the first argument is an array that begins with a literal item.
fn starts_with_items(arguments: &str) -> bool {
    arguments.strip_prefix("$append([").is_some_and(|rest| !rest.starts_with(']'))
}

/// The first class that a case belongs to.
pub(crate) fn class_of(case: &Case) -> Option<&'static Class> {
    CLASSES.iter().find(|class| (class.holds)(case))
}

/// What a function is called with, wherever it is.
fn arguments<'a>(text: &'a str, function: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(function).skip(1).map(|rest| {
        let mut depth = 1;
        let end = rest.find(|char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth == 0
        });
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// Whether a part of the expression may have arrays in arrays.
fn has_arrays_in_arrays(part: &str, case: &Case) -> bool {
    let all = ["$", "$$"].contains(&part.trim_matches(['(', ')']));
    let part = part.replace(", ['id', 'k']|", "|").replace(", []|", "|");
    let reaches = all || ["nest", "none", "**"].iter().any(|name| part.contains(name));
    let data = case.data.to_string();
    ["[[", ", [", ".["].iter().any(|array| part.contains(array)) || (reaches && (data.contains("[[") || data.contains(",[")))
}

/// Whether an operand is a number by its name, in a document without members of other kinds.
fn is_number(operand: &str, case: &Case) -> bool {
    let name = operand.rsplit('.').next().unwrap_or(operand);
    let known = ["n", "m", "id", "price", "v", "x", "y"].contains(&name) || operand.parse::<f64>().is_ok();
    known && !case.irregular
}
