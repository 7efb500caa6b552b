package jurat.guardrails

import data.jurat.lib

# What functions of a class can do, where that is more than compute.
function_risks := {
	"admin": "controls the server",
	"dynamic_sql": "runs SQL that it is given as text",
	"file": "reads or writes files",
	"network": "talks to the network",
	"settings": "changes settings",
	"unknown": "is not declared, so what it does is not known",
}

# Of the class settings, but these only read.
reading_functions := {"pg_catalog.current_setting"}

# METADATA
# title: Functions that do more than compute are denied
# description: |
#   A function that is reviewed can be labelled `function.allowed` or `function.pure` in the catalog,
#   under its name with parentheses: `public.my_func()`.
# custom:
#   id: guardrails.function
#   severity: high
#   controls: ["SOC2:CC6.8", "NIST:AC-6"]
deny contains {
	"id": "guardrails.function",
	"msg": sprintf("%s() %s", [called.id, risk]),
	"code": sprintf("function_%s", [called.class]),
	"severity": "high",
	"remedy": sprintf("Leave it out, or have %s() labelled function.allowed in the catalog", [called.id]),
} if {
	lib.is_statement
	some called in input.statement.functions
	risk := function_risks[called.class]
	not called.id in reading_functions
	not judged_by_setting(called)
	not judged_as_client_file(called)
	not is_reviewed(called)
}

# set_config is SET written as a call: guardrails.setting judges what it changes. Every call of it has a
# name among the settings, `(computed)` where the text does not say which.
judged_by_setting(called) if {
	called.id == "pg_catalog.set_config"
	count(input.statement.settings) > 0
}

is_reviewed(called) if "function.allowed" in called.labels

is_reviewed(called) if "function.pure" in called.labels

# METADATA
# title: Statements that build SQL as they run are denied
# custom:
#   id: guardrails.dynamic_sql
#   severity: high
#   controls: ["SOC2:CC6.8"]
deny contains {
	"id": "guardrails.dynamic_sql",
	"msg": sprintf("%s runs SQL that nobody has judged", [lib.verb]),
	"code": "dynamic_sql",
	"severity": "high",
	"remedy": "Send the statements themselves, or ask a database administrator",
} if {
	lib.is_statement
	input.statement.dynamic_sql
	not lib.is_dba
}

# METADATA
# title: Procedures are for database administrators
# custom:
#   id: guardrails.procedure
#   severity: high
#   controls: ["SOC2:CC6.3"]
deny contains {
	"id": "guardrails.procedure",
	"msg": sprintf("%s runs code that nobody has judged", [lib.verb]),
	"code": "procedure",
	"severity": "high",
	"remedy": "Send the statements themselves, or ask a database administrator",
} if {
	lib.is_statement
	input.statement.kind in {"call", "do"}
	not lib.is_dba
}
