package jurat.guardrails

import data.jurat.lib

# METADATA
# title: No UPDATE or DELETE without WHERE
# custom:
#   id: guardrails.write_without_where
#   severity: high
#   controls: ["SOC2:PI1.2"]
deny contains {
	"id": "guardrails.write_without_where",
	"msg": sprintf("%s%s without WHERE", [lib.verb, lib.named("write")]),
	"code": "write_without_where",
	"severity": "high",
	"remedy": "Add a WHERE clause that says which rows you mean",
} if {
	lib.is_statement
	input.statement.executes
	input.statement.kind in {"update", "delete"}
	not input.statement.has_where
}

# METADATA
# title: No UPDATE or DELETE whose WHERE keeps every row
# custom:
#   id: guardrails.where_always_true
#   severity: high
#   controls: ["SOC2:PI1.2"]
deny contains {
	"id": "guardrails.where_always_true",
	"msg": sprintf("The WHERE of %s%s keeps every row", [lib.verb, lib.named("write")]),
	"code": "where_always_true",
	"severity": "high",
	"remedy": "Write a condition that says which rows you mean",
} if {
	lib.is_statement
	input.statement.executes
	input.statement.where_always_true
	writes
}

# METADATA
# title: No EXPLAIN ANALYZE of a write without WHERE
# description: |
#   EXPLAIN ANALYZE runs what it explains. That of an INSERT is refused with it: it inserts.
# custom:
#   id: guardrails.explain_analyze_write
#   severity: high
#   controls: ["SOC2:PI1.2"]
deny contains {
	"id": "guardrails.explain_analyze_write",
	"msg": sprintf("EXPLAIN ANALYZE runs the write%s, which has no WHERE", [lib.named("write")]),
	"code": "write_without_where",
	"severity": "high",
	"remedy": "Leave ANALYZE out",
} if {
	lib.is_statement
	input.statement.executes
	input.statement.kind == "explain"
	input.statement.class == "write"
	not input.statement.has_where
}

# METADATA
# title: No write inside WITH that has no WHERE
# description: |
#   A WITH clause that writes hides the write behind a SELECT or an INSERT. An INSERT inside WITH has
#   no WHERE either and is refused with it: write it as a statement of its own.
# custom:
#   id: guardrails.write_in_with
#   severity: high
#   controls: ["SOC2:PI1.2"]
deny contains {
	"id": "guardrails.write_in_with",
	"msg": sprintf("A write%s inside WITH has no WHERE", [lib.named("write")]),
	"code": "write_in_with",
	"severity": "high",
	"remedy": "Write it as a statement of its own, with a WHERE clause",
} if {
	lib.is_statement
	input.statement.executes
	input.statement.data_modifying_cte
	not input.statement.has_where
	not input.statement.kind in {"update", "delete", "explain"}
}

# METADATA
# title: No write inside COPY that has no WHERE
# description: |
#   COPY (UPDATE … RETURNING …) TO runs the write. That of an INSERT is refused with it: it has no WHERE
#   either. COPY FROM adds rows, as INSERT does, and is not meant.
# custom:
#   id: guardrails.write_in_copy
#   severity: high
#   controls: ["SOC2:PI1.2"]
deny contains {
	"id": "guardrails.write_in_copy",
	"msg": sprintf("A write%s inside COPY has no WHERE", [lib.named("write")]),
	"code": "write_in_copy",
	"severity": "high",
	"remedy": "Write it as a statement of its own, with a WHERE clause",
} if {
	lib.is_statement
	input.statement.kind == "copy"
	input.statement.class == "write"
	input.statement.returning
	not input.statement.has_where
}

writes if input.statement.kind in {"update", "delete", "explain", "copy"}

writes if input.statement.data_modifying_cte
