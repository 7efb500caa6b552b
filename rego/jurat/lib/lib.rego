# METADATA
# title: What the shipped policies share
# description: Short names for facts of the intent. Everything here is total, so that `not` means no.
package jurat.lib

# METADATA
# description: A statement is judged, before it runs or before its result is committed.
is_statement if input.stage in {"statement", "result"}

# METADATA
# description: The target is a production database, as its configuration says.
is_production if input.target.environment == "production"

# METADATA
# description: An AI agent asks, whoever it acts for.
is_agent if input.principal.kind == "agent"

# METADATA
# description: The principal is a member of a group.
member(group) if group in input.principal.groups

# METADATA
# description: A database administrator asks, in person.
is_dba if {
	not is_agent
	member("dba")
}

# METADATA
# description: The kind of the statement as people write it, for example DROP TABLE.
verb := upper(replace(input.statement.kind, "_", " "))

# METADATA
# description: The relations of one access, as a text for messages; at most three by name.
named(access) := concat(" ", ["", concat(", ", ids)]) if {
	ids := {relation.id | some relation in input.statement.relations; relation.access == access}
	count(ids) > 0
	count(ids) <= 3
} else := sprintf(" %s and others", [min(ids)]) if {
	ids := {relation.id | some relation in input.statement.relations; relation.access == access}
	count(ids) > 3
} else := ""

# METADATA
# description: |
#   Every definition that the statement changes is a temporary table of this session. A statement
#   that changes none that can be seen does not count.
only_temporary if {
	changed := [relation | some relation in input.statement.relations; relation.access == "ddl"]
	count(changed) > 0
	every relation in changed {
		startswith(relation.schema, "pg_temp")
	}
}

# The rules that the installation names in `data.jurat.consent.rules`.
consent_rules contains id if some id in data.jurat.consent.rules

# METADATA
# description: |
#   A person's consent lifts the denial of this rule for one statement. No rule is of that kind unless a data
#   file of the installation names it: {"jurat": {"consent": {"rules": ["agents.read_only"]}}}.
approvable(id) := id in consent_rules
