#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| statewright_tests::fuzz::expression(bytes));
