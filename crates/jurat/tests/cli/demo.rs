//! The demo's tour, on a real PostgreSQL where there is one.

use crate::command::jurat;

#[test]
fn every_step_of_the_tour_holds() {
    let run = jurat(&["demo", "--exit-after-tour", "--port-base", "21432"]);
    if run.code == 5 {
        // Nothing to run it on: then the answer is what to install, in one line.
        assert_eq!(run.stderr.lines().count(), 1, "{run}");
        assert!(run.stderr.contains("install the package postgresql"), "{run}");
        return;
    }
    assert_eq!(run.code, 0, "{run}");
    let words: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains('→'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        words,
        ["MASK", "MASK", "ALLOW", "ALLOW", "DENY", "DENY", "DENY", "DENY", "RECORD", "RECORD"],
        "{run}"
    );
    assert!(!run.stdout.contains('\u{1b}'), "no colors where there is no terminal: {run}");
}
