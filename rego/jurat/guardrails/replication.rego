package jurat.guardrails

# METADATA
# title: No replication connection
# description: |
#   Replication hands out every row and every file past rules, masks and the record of statements.
# custom:
#   id: guardrails.replication
#   severity: critical
#   controls: ["SOC2:CC6.1", "NIST:AC-4"]
deny contains {
	"id": "guardrails.replication",
	"msg": sprintf("A %s replication connection copies everything past the rules", [input.session.replication]),
	"code": "replication",
	"severity": "critical",
	"remedy": "Replicate from the database itself, with an account of its own",
} if {
	input.stage == "session"
	input.session.replication != null
}
