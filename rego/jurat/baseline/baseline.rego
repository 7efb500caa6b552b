# METADATA
# title: What is allowed
# description: |
#   Ordinary work. Nothing else is: where no rule allows, Jurat denies. The other packages only take
#   away from this.
package jurat.baseline

import data.jurat.lib

# Procedures run what nobody has judged.
not_ordinary := {"call", "do"}

# METADATA
# title: Whoever has proved who they are may connect
# custom:
#   id: baseline.session
#   controls: ["SOC2:CC6.1"]
allow contains {"id": "baseline.session"} if input.stage == "session"

# METADATA
# title: Reads, writes, transactions and session statements are ordinary work
# custom:
#   id: baseline.ordinary
#   controls: ["SOC2:CC6.1"]
allow contains {"id": "baseline.ordinary"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.class in {"read", "write", "transaction", "session"}
	not input.statement.kind in not_ordinary
}

# METADATA
# title: Definitions may change outside production
# custom:
#   id: baseline.ddl_outside_production
#   controls: ["SOC2:CC8.1"]
allow contains {"id": "baseline.ddl_outside_production"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.class == "ddl"
	not lib.is_production
}

# METADATA
# title: Definitions may change in production where the installation lets people consent to it
# description: The guardrail still denies it, and a person's consent lifts that for one statement.
# custom:
#   id: baseline.ddl_with_consent
#   controls: ["SOC2:CC8.1"]
allow contains {"id": "baseline.ddl_with_consent"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.class == "ddl"
	lib.approvable("guardrails.ddl_in_production")
}

# METADATA
# title: Temporary tables are the session's own
# custom:
#   id: baseline.temporary_tables
#   controls: ["SOC2:CC8.1"]
allow contains {"id": "baseline.temporary_tables"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.class == "ddl"
	lib.only_temporary
}

# METADATA
# title: Database administrators manage rights and the server
# custom:
#   id: baseline.administration
#   controls: ["SOC2:CC6.3"]
allow contains {"id": "baseline.administration"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.class in {"admin", "dcl"}
	lib.is_dba
}

# METADATA
# title: Database administrators run procedures
# custom:
#   id: baseline.procedures
#   controls: ["SOC2:CC6.3"]
allow contains {"id": "baseline.procedures"} if {
	lib.is_statement
	input.statement.parsed
	input.statement.kind in {"call", "do"}
	lib.is_dba
}
