# METADATA
# title: How much a statement, and a principal in a window of time, may do
# description: |
#   The bounds come from data.jurat.bounds, a list; where there is none, from the defaults below, which
#   are for AI agents in production. People and services are bounded only where the data says so.
package jurat.scale

import data.jurat.lib

# What holds where data.jurat.bounds is not there.
defaults := [{
	"id": "agents",
	"kinds": ["agent"],
	"environments": ["production"],
	"rows_affected": 1000,
	"rows_affected_per_window": 10000,
	"window": "1h",
}]

bounds := data.jurat.bounds if {
	data.jurat.bounds
} else := defaults

# METADATA
# description: |
#   The bound is for this principal and database: every list that it has names them. A bound without
#   lists is for everybody.
meant(bound) if {
	within(bound, "kinds", input.principal.kind)
	within(bound, "principals", input.principal.id)
	within(bound, "environments", input.target.environment)
	within(bound, "databases", input.target.name)
	in_groups(bound)
}

within(bound, list, value) if value in object.get(bound, list, [value])

in_groups(bound) if not bound.groups

in_groups(bound) if {
	some group in bound.groups
	lib.member(group)
}

# METADATA
# title: A statement does no more than it may
# custom:
#   id: scale.statement
#   severity: high
#   controls: ["SOC2:CC6.1", "NIST:AC-6"]
limits contains limit if {
	lib.is_statement
	some bound in bounds
	meant(bound)
	some kind in {"rows_affected", "rows_returned", "bytes_returned", "timeout_ms"}
	value := bound[kind]
	limit := object.union(
		{"id": sprintf("scale.%s.%s", [bound.id, kind]), "kind": kind, "value": value},
		more(bound, kind),
	)
}

# METADATA
# title: A principal does no more in a window than it may
# custom:
#   id: scale.window
#   severity: high
#   controls: ["SOC2:CC6.1", "NIST:AC-6"]
limits contains limit if {
	lib.is_statement
	some bound in bounds
	meant(bound)
	some kind in {"rows_affected_per_window", "statements_per_window", "protected_values_per_window"}
	value := bound[kind]
	limit := object.union(
		{
			"id": sprintf("scale.%s.%s", [bound.id, kind]), "kind": kind, "value": value,
			"window": object.get(bound, "window", "1h"),
		},
		more(bound, kind),
	)
}

# What a bound on foreseen rows is about where it does not say: what cannot be counted and taken back.
unguarded := ["truncate", "drop_table", "alter_table"]

# METADATA
# title: What cannot be counted while it runs is counted before
# custom:
#   id: scale.foresee
#   severity: high
#   controls: ["SOC2:CC6.1", "NIST:AC-6"]
obligations contains {"id": "scale.foresee", "kind": "estimate", "params": {"by": "count", "timeout_ms": 5000}} if {
	lib.is_statement
	input.statement.estimate.source == "none"
	some bound in bounds
	meant(bound)
	bound.rows_foreseen
	input.statement.kind in object.get(bound, "foreseen_kinds", unguarded)
}

# METADATA
# title: A statement that cannot be counted while it runs concerns no more rows than it may
# custom:
#   id: scale.foreseen
#   severity: high
#   controls: ["SOC2:CC6.1", "NIST:AC-6"]
deny contains {
	"id": sprintf("scale.%s.rows_foreseen", [bound.id]),
	"msg": sprintf("It concerns %d rows, and the limit is %d", [input.statement.estimate.rows, bound.rows_foreseen]),
	"code": "rows_foreseen",
	"severity": "high",
	"remedy": "Nothing ran. Make it smaller, or leave it to somebody who may do that",
} if {
	lib.is_statement
	some bound in bounds
	meant(bound)
	input.statement.kind in object.get(bound, "foreseen_kinds", unguarded)
	input.statement.estimate.rows > bound.rows_foreseen
}

# METADATA
# title: Bounds are written as they are read
# description: A misspelt key would be a bound that is missing.
# custom:
#   id: scale.bounds
#   severity: high
#   controls: ["SOC2:CC8.1"]
deny contains {
	"id": "scale.bounds",
	"msg": sprintf("data.jurat.bounds has the unknown key %s", [key]),
	"code": "bounds_invalid",
	"severity": "high",
	"remedy": "Tell whoever maintains the policies; nothing ran",
} if {
	lib.is_statement
	some bound in bounds
	some key, _ in bound
	not key in known
}

known := {
	"id", "kinds", "principals", "groups", "environments", "databases", "rows_affected", "rows_returned",
	"bytes_returned", "timeout_ms", "rows_affected_per_window", "statements_per_window", "window", "cascades",
	"uncounted", "on_returned", "protected_values_per_window", "protected",
	"rows_foreseen", "foreseen_kinds",
}

# How rows are counted, and what happens to what is returned.
more(bound, kind) := object.filter(bound, ["cascades", "uncounted"]) if {
	kind in {"rows_affected", "rows_affected_per_window"}
} else := object.union(object.filter(bound, ["uncounted"]), protected(bound)) if {
	kind == "protected_values_per_window"
} else := {"on_exceed": object.get(bound, "on_returned", "deny")} if {
	kind in {"rows_returned", "bytes_returned"}
} else := {}

# Which labels protect a column; without a list, any label does.
protected(bound) := {"labels": bound.protected} if {
	bound.protected
} else := {}
