//! A pure interpreter of the Amazon States Language.
