//! The demo's tour, on a real PostgreSQL where there is one, and on the playground everywhere.

use crate::command::{Run, jurat};

#[test]
fn every_step_of_the_tour_holds() {
    let run =
        jurat(&["demo", "--upstream", "postgres", "--exit-after-tour", "--port-base", "21432"]);
    if run.code == 5 {
        // Nothing to run it on: then the answer is what to install, in one line.
        assert_eq!(run.stderr.lines().count(), 1, "{run}");
        assert!(run.stderr.contains("install the package postgresql"), "{run}");
        return;
    }
    tour_holds(&run);
    assert!(run.stdout.starts_with("starting PostgreSQL "), "{run}");
}

#[test]
fn every_step_of_the_tour_holds_on_the_playground_too() {
    let run =
        jurat(&["demo", "--upstream", "playground", "--exit-after-tour", "--port-base", "21632"]);
    tour_holds(&run);
    assert!(run.stdout.starts_with("using the playground: SQLite "), "{run}");
}

#[test]
fn an_upstream_that_the_tour_cannot_use_yet_is_refused() {
    let run = jurat(&["demo", "--upstream", "mariadb", "--exit-after-tour"]);
    assert_eq!((run.code, run.stderr.lines().count()), (2, 1), "{run}");
}

fn tour_holds(run: &Run) {
    assert_eq!(run.code, 0, "{run}");
    let words: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains('→') && !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        words,
        [
            "MASK", "MASK", "ALLOW", "ALLOW", "DENY", "DENY", "DENY", "STALL", "APPROVE", "BUDGET",
            "FREEZE", "RECORD", "RECORD"
        ],
        "{run}"
    );
    assert!(!run.stdout.contains('\u{1b}'), "no colors where there is no terminal: {run}");
}
