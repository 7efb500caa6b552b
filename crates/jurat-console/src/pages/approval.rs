//! The queue of requests, and the card of one.

use jurat_core::{Approval, ApprovalState, card};
use jurat_types::TimeFacts;
use maud::{Markup, html};

use super::{kind, moment, state_class};

/// The list of requests.
pub(super) fn queue(list: &[Approval], all: bool) -> Markup {
    html! {
        h1 { "Approvals" }
        p.tabs {
            a href="/approvals" aria-current=[(!all).then_some("true")] { "Open" }
            a href="/approvals?all=1" aria-current=[all.then_some("true")] { "All" }
        }
        div #live aria-live="polite" {
            @if list.is_empty() { p.empty { "Nothing waits for an answer." } }
            @else {
                div.wide tabindex="0" role="region" aria-label="Requests" {
                    table {
                        caption { (list.len()) @if list.len() == 1 { " request" } @else { " requests" } }
                        thead { tr {
                            th scope="col" { "Request" } th scope="col" { "State" } th scope="col" { "Who" }
                            th scope="col" { "What" } th scope="col" { "Where" } th scope="col" { "Rules" }
                            th scope="col" { "Until" }
                        } }
                        tbody { @for one in list { (line(one)) } }
                    }
                }
            }
        }
    }
}

fn line(one: &Approval) -> Markup {
    let principal = &one.intent.principal;
    html! {
        tr {
            th scope="row" { a href={ "/approvals/" (one.id) } { (one.id) } }
            td { span.(state_class(one.state.as_str())) { (one.state.as_str()) } }
            td {
                (card::plain(&principal.id)) " " span.tag { (kind(principal.kind)) }
                @if let Some(human) = &principal.on_behalf_of {
                    br; small { "for " (card::plain(&human.id)) }
                }
            }
            td { (what(one)) }
            td { (card::plain(&one.intent.target.name)) br; small { (card::plain(&one.intent.target.environment)) } }
            td { @for rule in one.rules() { code { (card::plain(&rule)) } " " } }
            td { (moment(&TimeFacts::utc(one.expires_ns).rfc3339)) }
        }
    }
}

/// `UPDATE public.orders`: the statement in few words.
fn what(one: &Approval) -> String {
    let Some(statement) = &one.intent.statement else { return String::new() };
    let mut relations = statement.relations.iter().map(|relation| relation.id.as_str());
    let kind = statement.kind.replace('_', " ").to_uppercase();
    let first = relations.next().unwrap_or_default();
    let more = relations.count();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    card::plain(&format!("{kind} {first}{more}"))
}

/// The card of one request. `csrf` is there where the visitor may answer.
pub(super) fn card(one: &Approval, csrf: Option<Markup>) -> Markup {
    let rows = card::rows(one);
    html! {
        p.back { a href="/approvals" { "← Approvals" } }
        h1 { (what(one)) " " small { (one.id) } }
        div #live aria-live="polite" {
            p {
                span.(state_class(one.state.as_str())) { (one.state.as_str()) }
                @if one.state == ApprovalState::Pending {
                    " until " (moment(&TimeFacts::utc(one.expires_ns).rfc3339))
                }
            }
            dl.card {
                @for (name, value) in &rows {
                    @if is_long(name) {
                        div.long { dt { (name) } dd { pre { code { (value) } } } }
                    } @else if !matches!(name.as_str(), "request" | "state") {
                        div { dt { (name) } dd { (value) } }
                    }
                }
            }
            @if let Some(csrf) = csrf {
                form.answer method="post" {
                    (csrf)
                    label for="reason" { "Reason " small { "(recorded; the requester is told)" } }
                    textarea #reason name="reason" rows="2" maxlength="500" {}
                    div.buttons {
                        button.primary formaction={ "/approvals/" (one.id) "/approve" } { "Approve: run it once" }
                        button.danger formaction={ "/approvals/" (one.id) "/deny" } { "Deny" }
                    }
                }
            } @else if one.state == ApprovalState::Pending {
                p.aside { "You may see this request, and somebody else has to answer it." }
            }
        }
    }
}

/// What stands on lines of its own.
fn is_long(name: &str) -> bool {
    matches!(name, "statement" | "run by") || name.starts_with('$')
}
