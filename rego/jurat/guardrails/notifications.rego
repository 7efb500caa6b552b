package jurat.guardrails

import data.jurat.lib

# METADATA
# title: Notifications are for programs
# description: |
#   A notification carries what a trigger or a program has put into it, often a whole row, and no mask is put
#   before that.
# custom:
#   id: guardrails.notifications
#   severity: medium
#   controls: ["SOC2:C1.1"]
deny contains {
	"id": "guardrails.notifications",
	"msg": "LISTEN shows what others send, without masks",
	"code": "notifications",
	"severity": "medium",
	"remedy": "Read the table that the notification is about",
} if {
	lib.is_statement
	input.statement.kind == "listen"
	input.principal.kind != "service"
	not lib.is_dba
}
