# METADATA
# title: Personal data is masked by label
# description: |
#   The labels of columns are in the catalog (data.jurat.catalog). Where several masks meet in a
#   column, Jurat takes the strictest.
package jurat.masking

import data.jurat.lib

# METADATA
# description: People whose work needs personal data. An agent is never one of them.
is_reader if {
	not lib.is_agent
	some group in {"pii_reader", "privacy"}
	lib.member(group)
}

# METADATA
# description: Personal data is masked in this statement.
applies if {
	lib.is_statement
	not is_reader
}

# How labels are masked; every other label below pii. is redacted.
methods := {
	"pci.card": {"method": "partial", "params": {"keep_last": 4}},
	"pii.birth_date": {"method": "date_trunc", "params": {"to": "year"}},
	"pii.email": {"method": "partial", "params": {"keep_domain": true}},
	"pii.name": {"method": "partial", "params": {"keep_first": 1}},
}

# METADATA
# title: Personal data is shown in part
# custom:
#   id: masking.partial
#   severity: medium
#   controls: ["SOC2:C1.1", "GDPR:25", "PCI:3.4"]
masks contains {
	"id": "masking.partial",
	"msg": sprintf("%s is shown in part", [label]),
	"column": {"label": label},
	"method": mask.method,
	"params": mask.params,
} if {
	applies
	some label, mask in methods
}

# METADATA
# title: Other personal data is redacted
# custom:
#   id: masking.redact
#   severity: medium
#   controls: ["SOC2:C1.1", "GDPR:25"]
masks contains {
	"id": "masking.redact",
	"msg": sprintf("%s is redacted", [label]),
	"column": {"label": label},
	"method": "redact",
} if {
	applies
	some column in input.statement.columns
	some label in column.labels
	startswith(label, "pii.")
	not methods[label]
}

# METADATA
# title: Card data besides the number is never shown
# custom:
#   id: masking.card_data
#   severity: high
#   controls: ["PCI:3.2"]
masks contains {
	"id": "masking.card_data",
	"msg": sprintf("%s is not shown", [label]),
	"column": {"label": label},
	"method": "null",
} if {
	lib.is_statement
	some column in input.statement.columns
	some label in column.labels
	startswith(label, "pci.")
	not methods[label]
}

# METADATA
# title: Secrets are shown to nobody
# custom:
#   id: masking.secret
#   severity: critical
#   controls: ["SOC2:CC6.1"]
masks contains {
	"id": "masking.secret",
	"msg": "Secrets are not shown",
	"column": {"label": label},
	"method": "null",
} if {
	lib.is_statement
	some label in ["secret", "secret.*"]
}

# METADATA
# title: Texts of statements are not shown
# description: |
#   Everybody's statements run under the same account of the database, so it shows the texts of all of them:
#   with the values that others have typed, and with the salts of their masks.
# custom:
#   id: masking.statement_text
#   severity: high
#   controls: ["SOC2:C1.1", "GDPR:25"]
masks contains {
	"id": "masking.statement_text",
	"msg": "Texts of statements are not shown",
	"column": column,
	"method": "null",
} if {
	applies
	some column in statement_texts
}

statement_texts contains "pg_catalog.pg_stat_activity.query"

statement_texts contains column if {
	input.target.engine in {"mariadb", "mysql"}
	some column in {
		"information_schema.innodb_trx.trx_query",
		"information_schema.processlist.INFO",
		"information_schema.processlist.INFO_BINARY",
		"performance_schema.events_statements_current.MESSAGE_TEXT",
		"performance_schema.events_statements_current.SQL_TEXT",
		"performance_schema.events_statements_history.MESSAGE_TEXT",
		"performance_schema.events_statements_history.SQL_TEXT",
		"performance_schema.events_statements_history_long.MESSAGE_TEXT",
		"performance_schema.events_statements_history_long.SQL_TEXT",
		"performance_schema.events_statements_summary_by_digest.QUERY_SAMPLE_TEXT",
		"performance_schema.prepared_statements_instances.SQL_TEXT",
		"performance_schema.processlist.INFO",
		"performance_schema.threads.PROCESSLIST_INFO",
		"sys.innodb_lock_waits.blocking_query",
		"sys.innodb_lock_waits.waiting_query",
		"sys.processlist.current_statement",
		"sys.processlist.last_statement",
		"sys.schema_table_lock_waits.waiting_query",
		"sys.session.current_statement",
		"sys.session.last_statement",
		"sys.x$innodb_lock_waits.blocking_query",
		"sys.x$innodb_lock_waits.waiting_query",
		"sys.x$processlist.current_statement",
		"sys.x$processlist.last_statement",
		"sys.x$schema_table_lock_waits.waiting_query",
		"sys.x$session.current_statement",
		"sys.x$session.last_statement",
	}
}

# These show a session its own statements. Programs look there for what they have prepared themselves.
statement_texts contains column if {
	input.principal.kind != "service"
	some column in {"pg_catalog.pg_cursors.statement", "pg_catalog.pg_prepared_statements.statement"}
}
