package jurat.guardrails

import data.jurat.lib

# METADATA
# title: What cannot be read does not run
# description: It would be denied without this rule too. This rule says why, and what to do.
# custom:
#   id: guardrails.unreadable
#   severity: medium
#   controls: ["SOC2:CC6.8"]
deny contains {
	"id": "guardrails.unreadable",
	"msg": sprintf("The statement could not be read: %s", [unread]),
	"code": "unreadable",
	"severity": "medium",
	"remedy": "Write it in another way; a construct that should be readable is a bug worth reporting",
} if {
	lib.is_statement
	not input.statement.parsed
	unread := reason_unread
}

default reason_unread := "no reason is known"

reason_unread := input.statement.unparsed_reason if input.statement.unparsed_reason != null
