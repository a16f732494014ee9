//! The scripts that run everything: a run that could not do what it was asked for does not end well.

use std::fs;
use std::path::Path;
use std::process::Command;

/// How a run of these stages ends, and what it prints. The one called `untold` cannot run, for want of no tool.
fn run(arguments: &[&str], is_ci: bool) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("run");
    let stages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages.sh");
    let text = format!(
        r#"set -euo pipefail
root={root}
cd "$root"
. {stages}
run_good() {{ :; }}
run_bad() {{ return 1; }}
run_toolless() {{ lacks 'no such tool' && return 77; }}
run_untold() {{ return 77; }}
run_partial() {{ skip 'a test'; }}
run_longer() {{ :; }}
all=($ALL)
long=(longer)
read_arguments "$@"
stages_begin
for name in good bad toolless untold partial longer; do
  if wants "$name"; then stage "$name" "run_$name"; fi
done
stages_end
"#,
        root = folder.path().display(),
        stages = stages.display(),
    );
    fs::write(&script, text).unwrap();
    let (all, named) = arguments.split_first().unwrap();
    let mut command = Command::new("bash");
    command.arg(&script).args(named).env("ALL", all).env_remove("STAGES_INTO");
    command.env("CI", if is_ci { "true" } else { "" });
    let done = command.output().unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap())
}

#[test]
fn a_missing_tool_fails_a_run() {
    for (arguments, is_good, is_good_in_ci) in [
        (&["good"][..], true, true),
        (&["good bad"], false, false),
        (&["good toolless"], false, false),
        (&["good toolless", "toolless"], false, false),
        (&["good toolless", "good"], true, true),
        (&["good untold"], true, true),
        (&["good untold", "untold"], false, false),
        (&["good partial"], true, false),
    ] {
        assert_eq!((run(arguments, false).0, run(arguments, true).0), (is_good, is_good_in_ci), "{arguments:?}");
    }
    let (_, output) = run(&["good toolless"], false);
    assert!(output.contains("toolless: no such tool") && output.contains("1 passed, 0 failed, 1 skipped"), "{output}");
}

#[test]
fn what_takes_long_is_run_by_name_or_when_asked_for() {
    for (arguments, expected) in [
        (&["good"][..], ["good"].as_slice()),
        (&["good", "longer"], &["longer"]),
        (&["good", "longer", "good"], &["good", "longer"]),
        (&["good", "--long"], &["good", "longer"]),
        (&["good", "--long", "good"], &["good"]),
    ] {
        let (is_good, output) = run(arguments, true);
        let run: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("==> ")).collect();
        assert!(is_good, "{output}");
        assert_eq!(run, expected, "{arguments:?}");
    }
    assert!(!run(&["good", "longest"], true).0);
}

#[test]
fn a_part_of_a_run_hands_on_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let stages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages.sh");
    let text = format!(
        "root={root}\n. {stages}\nall=(part)\nread_arguments\nstages_begin\nstage_not_run part 'no such tool'\n\
         STAGES_INTO={root} stages_end\ncat {root}/missing\n",
        root = folder.path().display(),
        stages = stages.display(),
    );
    let done = Command::new("bash").args(["-c", &text]).current_dir(folder.path()).output().unwrap();
    assert!(String::from_utf8(done.stdout).unwrap().ends_with("part: no such tool\n"));
}
