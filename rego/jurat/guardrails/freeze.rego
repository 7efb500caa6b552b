package jurat.guardrails

import data.jurat.lib

# METADATA
# title: Nothing changes in a frozen database
# description: |
#   Somebody has stopped its writes with `jurat admin freeze`. Rows, definitions, rights and the server stay as
#   they are, for everybody, and nobody can consent to more. Reads go on, and so do temporary tables.
# custom:
#   id: guardrails.freeze
#   severity: critical
#   controls: ["SOC2:CC8.1", "NIST:CM-3"]
deny contains {
	"id": "guardrails.freeze",
	"msg": sprintf("%s is frozen until %s: %s", [input.target.name, thawed, input.session.freeze.reason]),
	"code": "frozen",
	"severity": "critical",
	"remedy": sprintf("Wait until then, or ask %s, who has frozen it", [input.session.freeze.by]),
} if {
	lib.is_statement
	input.session.freeze != null
	input.statement.class in {"admin", "dcl", "ddl", "unknown", "write"}
	not touches_temporary
}

# To the second, for people.
thawed := concat("", [substring(input.session.freeze.until, 0, 19), "Z"]) if {
	input.session.freeze.until != null
} else := "it is ended"

# All that the statement changes belongs to the session alone.
touches_temporary if {
	input.statement.class in {"ddl", "write"}
	changed := [relation | some relation in input.statement.relations; relation.access != "read"]
	count(changed) > 0
	every relation in changed {
		startswith(relation.schema, "pg_temp")
	}
}
