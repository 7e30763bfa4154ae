//! Help, version, completions, explanations.

use crate::folder::Folder;

#[test]
fn the_help_shows_every_option_and_examples() {
    let folder = Folder::new();
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["validate", "--help"],
        &["eval", "--help"],
        &["cost", "--help"],
        &["explain", "--help"],
        &["deploy", "--help"],
        &["package", "--help"],
        &["inspect", "--help"],
        &["release", "--help"],
        &["proxy", "--help"],
        &["remove", "--help"],
        &["completions", "--help"],
    ] {
        let ran = folder.run(arguments).code(0);
        assert!(ran.stdout.contains("Example"), "{}", ran.stdout);
        insta::assert_snapshot!(arguments.join(" ").replace("--", "").replace(' ', "_"), ran.stdout);
    }
}

#[test]
fn the_version_is_the_crates() {
    let ran = Folder::new().run(&["--version"]).code(0);
    assert_eq!(ran.stdout, format!("statewright {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_exist_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.run(&["completions", shell]).code(0).stdout;
        assert!(script.contains("auto-mock") && script.contains("error-output"), "{shell}");
    }
    folder.run(&["completions", "tcsh"]).code(2).says(&["tcsh", "bash"]);
}

#[test]
fn codes_are_explained_and_listed() {
    let folder = Folder::new();
    let ran = folder.run(&["explain", "choice_without_default"]).code(0);
    assert!(ran.stdout.starts_with("CHOICE_WITHOUT_DEFAULT\n"), "{}", ran.stdout);
    assert!(folder.run(&["explain"]).code(0).stdout.lines().count() > 20);
    folder.run(&["explain", "CHOICE_WITHOUT_DEFAULTS"]).code(2).says(&["did you mean `CHOICE_WITHOUT_DEFAULT`?"]);
}

#[test]
fn a_wrong_call_is_explained() {
    let folder = Folder::new();
    folder.run(&[]).code(2).says(&["Usage"]);
    folder.run(&["rum", "x"]).code(2).says(&["run"]);
    folder.run(&["run"]).code(2).says(&["<FILE>"]);
    folder.run(&["run", "x", "--format", "xml"]).code(2).says(&["output", "json"]);
    folder.run(&["run", "x", "--case", "c"]).code(2).says(&["--mock"]);
}
