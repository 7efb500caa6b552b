package jurat.writes_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

ids(statement) := found if {
	found := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(fixtures.person, "production", statement)
}

write(kind, facts) := object.union(fixtures.statement(kind, "write"), facts)

test_where_is_needed if {
	every kind in ["update", "delete"] {
		ids(write(kind, {"has_where": false})) == {"guardrails.write_without_where"}
		ids(write(kind, {"has_where": true})) == set()
	}
}

test_where_must_not_keep_every_row if {
	every kind in ["update", "delete"] {
		facts := {"has_where": true, "where_always_true": true}
		ids(write(kind, facts)) == {"guardrails.where_always_true"}
	}
}

test_insert_needs_no_where if {
	ids(write("insert", {})) == set()
	ids(fixtures.select) == set()
}

test_explain_without_analyze_changes_nothing if {
	ids(write("delete", {"executes": false})) == set()
}

test_explain_analyze_hides_nothing if {
	ids(write("explain", {"executes": true})) == {"guardrails.explain_analyze_write"}
	ids(write("explain", {"executes": true, "has_where": true})) == set()
	ids(write("explain", {"executes": false})) == set()
	always := write("explain", {"executes": true, "has_where": true, "where_always_true": true})
	ids(always) == {"guardrails.where_always_true"}
}

test_with_hides_nothing if {
	hidden := write("select", {"data_modifying_cte": true})
	ids(hidden) == {"guardrails.write_in_with"}
	ids(object.union(hidden, {"has_where": true})) == set()
	always := object.union(hidden, {"has_where": true, "where_always_true": true})
	ids(always) == {"guardrails.where_always_true"}
}

test_copy_hides_nothing if {
	hidden := write("copy", {"returning": true})
	ids(hidden) == {"guardrails.write_in_copy"}
	ids(object.union(hidden, {"has_where": true})) == set()
	always := object.union(hidden, {"has_where": true, "where_always_true": true})
	ids(always) == {"guardrails.where_always_true"}
}

test_copy_from_is_an_insert if {
	ids(write("copy", {})) == set()
	ids(fixtures.statement("copy", "read")) == set()
}

test_everybody_is_meant if {
	every principal in [fixtures.dba, fixtures.agent, fixtures.service] {
		intent := fixtures.intent(principal, "staging", write("delete", {}))
		found := {denial.id | some denial in guardrails.deny} with input as intent
		"guardrails.write_without_where" in found
	}
}

test_message_names_the_relation if {
	intent := fixtures.intent(fixtures.person, "production", write("delete", {}))
	messages := {denial.msg | some denial in guardrails.deny} with input as intent
	messages == {"DELETE public.customers without WHERE"}
}
