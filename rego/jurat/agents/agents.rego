# METADATA
# title: What AI agents may not do
package jurat.agents

import data.jurat.lib

# METADATA
# title: Agents only read
# description: |
#   By the class of the statement and, because one classification alone could be wrong, by what it
#   does to each relation.
# custom:
#   id: agents.read_only
#   severity: high
#   controls: ["SOC2:CC6.3", "NIST:AC-6"]
deny contains {
	"id": "agents.read_only",
	"msg": sprintf("An agent may only read, not %s%s", [lib.verb, lib.named(access)]),
	"code": "agent_read_only",
	"severity": "high",
	"remedy": "Hand the change over to a person, with the statement",
	"approvable": lib.approvable("agents.read_only"),
} if {
	lib.is_statement
	lib.is_agent
	access := change
	not is_writer
}

# An agent that the installation names in `data.jurat.writers.agents` may change rows, and nothing else, within
# the bounds of jurat.scale.
is_writer if {
	input.statement.class == "write"
	some id in data.jurat.writers.agents
	id == input.principal.id
}

change := "write" if {
	input.statement.class == "write"
} else := "ddl" if {
	input.statement.class in {"ddl", "dcl", "admin", "unknown"}
} else := "write" if {
	some relation in input.statement.relations
	relation.access != "read"
}

# METADATA
# title: Agents leave no trace in a read
# description: |
#   A lock stops others, a notification tells them something, and a sequence that was advanced stays so.
# custom:
#   id: agents.side_effect
#   severity: medium
#   controls: ["SOC2:CC6.3", "NIST:AC-6"]
deny contains {
	"id": "agents.side_effect",
	"msg": sprintf("An agent may only read, and %s does more", [does]),
	"code": "agent_side_effect",
	"severity": "medium",
	"remedy": "Leave it out, or hand it over to a person",
} if {
	lib.is_statement
	lib.is_agent
	some does in side_effects
}

side_effects contains lib.verb if input.statement.kind in {"lock", "notify"}

side_effects contains sprintf("%s()", [called.id]) if {
	some called in input.statement.functions
	called.id in {"pg_catalog.nextval", "pg_catalog.pg_notify"}
}

side_effects contains sprintf("%s()", [called.id]) if {
	some called in input.statement.functions
	contains(called.id, "_advisory_")
}

# METADATA
# title: Agents do not read secrets
# custom:
#   id: agents.secret
#   severity: critical
#   controls: ["SOC2:CC6.1", "NIST:AC-3"]
deny contains {
	"id": "agents.secret",
	"msg": sprintf("%s is secret: agents may not read it", [relation.id]),
	"code": "agent_secret",
	"severity": "critical",
	"remedy": "Leave the relation out, or ask a person for what you need from it",
} if {
	lib.is_statement
	lib.is_agent
	some relation in input.statement.relations
	some label in relation.labels
	is_secret(label)
}

is_secret(label) if label == "secret"

is_secret(label) if startswith(label, "secret.")
