package jurat.guardrails

import data.jurat.lib

# METADATA
# title: Agents send one statement at a time
# description: A second statement is how injected text gets in.
# custom:
#   id: guardrails.several_statements
#   severity: high
#   controls: ["SOC2:CC6.8", "OWASP:LLM01"]
deny contains {
	"id": "guardrails.several_statements",
	"msg": sprintf("%d statements in one message", [input.statement.count]),
	"code": "several_statements",
	"severity": "high",
	"remedy": "Send each statement on its own",
} if {
	lib.is_statement
	lib.is_agent
	input.statement.count > 1
}
