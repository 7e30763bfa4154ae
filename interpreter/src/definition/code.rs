//! The codes of all diagnostics.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = stringify!($name);)*
        /// Every code, in the order in which they are explained.
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}

codes! {
    INVALID_JSON_DESCRIPTION;
    /// Ours: the same for YAML.
    INVALID_YAML_DESCRIPTION;
    SCHEMA_VALIDATION_FAILED;
    MISSING_TRANSITION_TARGET;
    MISSING_END_STATE;
    DUPLICATE_STATE_NAME;
    INVALID_STATE_NAME;
    DUPLICATE_LABEL_NAME;
    INVALID_LABEL_NAME;
    TOO_DEEPLY_NESTED;
    INVALID_JSONATA_EXPRESSION;
    UNSUPPORTED_JSONATA_EXPRESSION;
    RESERVED_VARIABLE_NAME;
    INVALID_VARIABLE_NAME;
    NO_DOLLAR;
    NO_PATH;
    PASS_RESULT_IS_STATIC;
    /// Ours, like all that follow.
    UNRESOLVED_SUBSTITUTION;
    PLACEHOLDER_RESOURCE;
    UNREACHABLE_STATE;
    CHOICE_WITHOUT_DEFAULT;
    SHADOWED_RETRIER_OR_CATCHER;
    UNCATCHABLE_ERROR;
    UNKNOWN_ERROR_NAME;
    ENDLESS_RETRY;
    CALLBACK_WITHOUT_TIMEOUT;
    CALLBACK_WITHOUT_TOKEN;
    FIELD_WITHOUT_EFFECT;
    EXPRESS_CHILD_CANNOT_WAIT;
    DUPLICATE_FIELD;
    UNDEFINED_VARIABLE;
    UNKNOWN_FUNCTION;
    UNKNOWN_STATES_MEMBER;
}
