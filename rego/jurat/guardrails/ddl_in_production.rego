package jurat.guardrails

import data.jurat.lib

# METADATA
# title: Definitions do not change in production
# description: DROP, TRUNCATE, ALTER, CREATE and every other DDL, for everybody. Temporary tables are no definitions.
# custom:
#   id: guardrails.ddl_in_production
#   severity: critical
#   controls: ["SOC2:CC8.1", "NIST:CM-3"]
deny contains {
	"id": "guardrails.ddl_in_production",
	"msg": sprintf("%s%s in production", [lib.verb, lib.named("ddl")]),
	"code": "ddl_in_production",
	"severity": "critical",
	"remedy": "Ship it as a reviewed migration, or run it in another environment",
	"approvable": lib.approvable("guardrails.ddl_in_production"),
} if {
	lib.is_statement
	lib.is_production
	input.statement.class == "ddl"
	not lib.only_temporary
}
