//! The steps about the record: it verifies, and one flipped byte in a copy of it is found.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jurat_audit::{Verified, VerifyingKey};
use jurat_types::{Effect, Record, RecordBody};

use super::tour::{Proof, Step, Tour};
use crate::exit::chain;

/// What the altered record is about: the denied statement of an earlier step.
const ALTERED: &str = "\"kind\":\"drop_table\"";

const POLL: Duration = Duration::from_millis(20);

pub(super) async fn verify(tour: &Tour<'_>) -> Step {
    // The sessions of the steps before have ended; their last records come a moment later.
    while open_sessions(&tour.files.audit)? > 0 {
        tokio::time::sleep(POLL).await;
    }
    let audit = Arc::clone(tour.audit);
    let signing = tokio::task::spawn_blocking(move || audit.checkpoint());
    match signing.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(chain(&error)),
        Err(error) => return Err(error.to_string()),
    }
    let Verified { origin, records, signed, decisions, let_through, outcomes, .. } =
        check(&tour.files.audit, tour).map_err(|(_, why)| why)?;
    if decisions == 0 || signed != records || outcomes != let_through {
        return Err(format!(
            "{records} records, {signed} signed, {decisions} decisions, {let_through} let through, \
             {outcomes} outcomes"
        ));
    }
    let told = told(&tour.files.audit)?;
    Ok(Proof {
        what: "jurat audit verify".to_owned(),
        proved: format!("{records} records, chain and signature of {origin} OK"),
        evidence: vec![
            format!(
                "{decisions} decisions: {} denied, {let_through} let through, {outcomes} with an outcome",
                decisions.saturating_sub(let_through)
            ),
            told,
        ],
    })
}

/// What the record tells of the steps about bounds.
fn told(dir: &Path) -> Result<String, String> {
    let (mut taken_back, mut approvals, mut switches) = (0_u32, Vec::new(), Vec::new());
    let lines = jurat_audit::tail(dir, usize::MAX).map_err(|error| chain(&error))?;
    for record in lines.flatten().filter_map(|line| line.record.ok()) {
        match record.body {
            RecordBody::Decision(decision) => {
                let denied = decision.result.effect == Effect::Deny;
                taken_back += u32::from(decision.result_of.is_some() && denied);
            }
            RecordBody::Approval(approval) if approval.event != "requested" => {
                approvals.push(format!("{} {}", approval.id, approval.event));
            }
            RecordBody::System(system) if system.event == "admin" => {
                let word = |key| system.details.get(key).and_then(serde_json::Value::as_str);
                let word = |key| word(key).unwrap_or("?");
                switches.push(format!(
                    "{} of {} by {}",
                    word("action"),
                    word("database"),
                    word("by")
                ));
            }
            RecordBody::Approval(_)
            | RecordBody::System(_)
            | RecordBody::Run(_)
            | RecordBody::Outcome(_)
            | RecordBody::Outcomes(_)
            | RecordBody::Session(_) => {}
        }
    }
    if taken_back == 0 || approvals.len() < 2 || switches.len() < 2 {
        return Err(format!("{taken_back} taken back, {approvals:?}, {switches:?}"));
    }
    let writes = if taken_back == 1 { "write" } else { "writes" };
    Ok(format!(
        "{taken_back} {writes} counted and taken back; {}; {}",
        approvals.join(", "),
        switches.join(", ")
    ))
}

pub(super) async fn tamper(tour: &Tour<'_>) -> Step {
    let copy = tour.files.audit.with_extension("altered");
    copy_tree(&tour.files.audit, &copy).map_err(|error| format!("no copy: {error}"))?;
    let (file, seq) = flip_one_byte(&copy)?;
    // Another task could have to wait for the disk otherwise.
    tokio::task::yield_now().await;
    match check(&copy, tour) {
        Ok(_) => Err(format!("one byte of record {seq} was flipped and nothing was noticed")),
        Err((Some(found), why)) if found == seq => Ok(Proof {
            what: format!("one byte of {file} flipped in a copy; jurat audit verify"),
            proved: format!("record {seq} is named as the bad one"),
            evidence: vec![why],
        }),
        Err((_, why)) => Err(format!("record {seq} was altered, and verify says: {why}")),
    }
}

/// How many sessions the record says have begun and not ended.
fn open_sessions(dir: &Path) -> Result<usize, String> {
    let (mut opened, mut closed) = (0_usize, 0_usize);
    let lines = jurat_audit::tail(dir, usize::MAX).map_err(|error| chain(&error))?;
    for record in lines.flatten().filter_map(|line| line.record.ok()) {
        if let RecordBody::Session(session) = &record.body {
            opened = opened.saturating_add(usize::from(session.event == "opened"));
            closed = closed.saturating_add(usize::from(session.event == "closed"));
        }
    }
    Ok(opened.saturating_sub(closed))
}

/// The bad record where one is named, and why.
type Bad = (Option<u64>, String);

fn check(dir: &Path, tour: &Tour<'_>) -> Result<Verified, Bad> {
    let other = |why: String| (None, why);
    let text =
        fs::read_to_string(&tour.files.public_key).map_err(|error| other(error.to_string()))?;
    let key = VerifyingKey::parse(&text).map_err(|error| other(chain(&error)))?;
    jurat_audit::verify(dir, &key).map_err(|error| (error.record(), chain(&error)))
}

/// Flips the last bit of the first letter of the statement's kind in one record.
fn flip_one_byte(dir: &Path) -> Result<(String, u64), String> {
    for path in files_below(dir).map_err(|error| error.to_string())? {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Some(at) = text.find(ALTERED) else { continue };
        let line = text.lines().find(|line| line.contains(ALTERED)).unwrap_or_default();
        let record: Record = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let mut bytes = text.into_bytes();
        let target = at.saturating_add(ALTERED.len()).saturating_sub(2);
        if let Some(byte) = bytes.get_mut(target) {
            *byte ^= 1;
        }
        fs::write(&path, bytes).map_err(|error| error.to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok((name, record.seq));
    }
    Err("the denied DROP TABLE is not in the record".to_owned())
}

fn files_below(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                dirs.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    for file in files_below(from)? {
        let Ok(relative) = file.strip_prefix(from) else { continue };
        let target = to.join(relative);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&file, target)?;
    }
    Ok(())
}
