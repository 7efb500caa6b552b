package jurat.baseline_test

import data.jurat.baseline
import data.jurat.fixtures_test as fixtures

allowed(intent) if count(baseline.allow) > 0 with input as intent

test_login_is_allowed_for_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		allowed(fixtures.login(principal))
	}
}

test_ordinary_work_is_allowed if {
	every pair in [
		["select", "read"], ["insert", "write"], ["update", "write"], ["delete", "write"],
		["begin", "transaction"], ["commit", "transaction"], ["set", "session"], ["show", "session"],
	] {
		allowed(fixtures.intent(fixtures.person, "production", fixtures.statement(pair[0], pair[1])))
	}
}

test_not_read_is_not_allowed if {
	not allowed(fixtures.intent(fixtures.dba, "staging", fixtures.unreadable))

	# A class alone is not enough: the statement must have been understood.
	claimed := object.union(fixtures.select, {"parsed": false})
	not allowed(fixtures.intent(fixtures.dba, "staging", claimed))
}

test_copy_is_ordinary_work if {
	allowed(fixtures.intent(fixtures.person, "production", fixtures.statement("copy", "read")))
	allowed(fixtures.intent(fixtures.person, "production", fixtures.statement("copy", "write")))
}

test_ddl_is_allowed_outside_production if {
	create := fixtures.statement("create_table", "ddl")
	allowed(fixtures.intent(fixtures.person, "staging", create))
	not allowed(fixtures.intent(fixtures.person, "production", create))
	not allowed(fixtures.intent(fixtures.dba, "production", create))
}

test_temporary_tables_are_allowed_everywhere if {
	base := fixtures.statement("create_table", "ddl")
	create := object.union(base, {"relations": [fixtures.relation("pg_temp", "scratch", "ddl")]})
	allowed(fixtures.intent(fixtures.person, "production", create))
}

test_administration_is_for_administrators if {
	every pair in [["grant", "dcl"], ["vacuum", "admin"]] {
		statement := fixtures.statement(pair[0], pair[1])
		allowed(fixtures.intent(fixtures.dba, "production", statement))
		not allowed(fixtures.intent(fixtures.person, "staging", statement))
		not allowed(fixtures.intent(fixtures.service, "staging", statement))
	}
}

test_procedures_are_for_administrators if {
	every kind in ["call", "do"] {
		every class in ["unknown", "write", "read"] {
			statement := fixtures.statement(kind, class)
			allowed(fixtures.intent(fixtures.dba, "production", statement))
			not allowed(fixtures.intent(fixtures.person, "staging", statement))
		}
	}
}

test_unknown_class_is_not_allowed if {
	not allowed(fixtures.intent(fixtures.person, "staging", fixtures.statement("load", "unknown")))
}
