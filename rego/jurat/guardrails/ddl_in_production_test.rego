package jurat.ddl_in_production_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

id := "guardrails.ddl_in_production"

denied(intent) if {
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	id in ids
}

test_every_ddl_is_denied_for_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		every kind in ["drop_table", "truncate", "alter_table", "create_table", "create_function", "create_trigger"] {
			denied(fixtures.intent(principal, "production", fixtures.statement(kind, "ddl")))
		}
	}
}

test_message_names_what_and_where if {
	intent := fixtures.intent(fixtures.person, "production", fixtures.statement("drop_table", "ddl"))
	messages := {denial.msg | some denial in guardrails.deny} with input as intent
	messages == {"DROP TABLE public.customers in production"}
}

test_other_environments_are_free if {
	not denied(fixtures.intent(fixtures.person, "staging", fixtures.statement("drop_table", "ddl")))
}

test_other_classes_are_not_meant if {
	not denied(fixtures.intent(fixtures.person, "production", fixtures.select))
	not denied(fixtures.intent(fixtures.person, "production", fixtures.statement("update", "write")))
	not denied(fixtures.login(fixtures.person))
}

test_temporary_tables_are_free if {
	base := fixtures.statement("create_table", "ddl")
	temporary := object.union(base, {"relations": [fixtures.relation("pg_temp", "scratch", "ddl")]})
	not denied(fixtures.intent(fixtures.person, "production", temporary))
}

test_a_lasting_table_beside_a_temporary_one_is_not_free if {
	base := fixtures.statement("drop_table", "ddl")
	both := object.union(base, {"relations": [
		fixtures.relation("pg_temp", "scratch", "ddl"),
		fixtures.relation("public", "customers", "ddl"),
	]})
	denied(fixtures.intent(fixtures.person, "production", both))
}

test_ddl_without_a_visible_relation_is_not_free if {
	blind := object.union(fixtures.statement("create_function", "ddl"), {"relations": []})
	denied(fixtures.intent(fixtures.person, "production", blind))
}

test_consent_is_possible_where_the_installation_says_so if {
	intent := fixtures.intent(fixtures.dba, "production", fixtures.statement("drop_table", "ddl"))
	rules := {[denial.id, denial.approvable] | some denial in guardrails.deny} with input as intent
		with data.jurat.consent.rules as [id]
	rules == {[id, true]}
}
