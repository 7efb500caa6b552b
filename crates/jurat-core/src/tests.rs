//! The product in miniature: statements on their way through the gate, as a printed transcript.
//!
//! Each case is a Markdown file under `testdata/gate`: a Rego policy, a script, and what was judged,
//! sent, told and recorded. `make bless` rewrites the transcripts.

use std::path::Path;

use crate::testing::Bench;

fn block<'a>(case: &'a str, language: &str) -> &'a str {
    let (_, rest) = case.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn transcripts_are_as_committed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/gate");
    let mut cases = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let case = std::fs::read_to_string(&path).unwrap();
        let mut bench = Bench::new(block(&case, "rego"));
        let mut transcript = String::new();
        for line in block(&case, "sql").lines().filter(|line| !line.is_empty()) {
            transcript += &bench.run(line);
        }
        bench.session.close("the script ended");
        transcript += &format!("\n{}", bench.records());
        let committed = block(&case, "text");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, case.replace(committed, &transcript)).unwrap();
        } else {
            assert_eq!(committed, transcript, "{}", path.display());
        }
        cases += 1;
    }
    assert!(cases >= 5, "the cases are missing");
}
