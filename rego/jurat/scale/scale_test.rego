package jurat.scale_test

import data.jurat.fixtures_test as fixtures
import data.jurat.scale

update := fixtures.statement("update", "write")

found(intent) := values if {
	values := {limit.id: limit.value | some limit in scale.limits} with input as intent
}

found_by(intent, bounds) := values if {
	values := {limit.id: limit | some limit in scale.limits} with input as intent
		with data.jurat.bounds as bounds
}

test_agents_are_bounded_in_production if {
	found(fixtures.intent(fixtures.agent, "production", update)) == {
		"scale.agents.rows_affected": 1000,
		"scale.agents.rows_affected_per_window": 10000,
	}
}

test_nobody_else_is_by_default if {
	found(fixtures.intent(fixtures.agent, "staging", update)) == {}
	every principal in [fixtures.person, fixtures.dba, fixtures.service] {
		found(fixtures.intent(principal, "production", update)) == {}
	}
}

test_logins_have_no_limits if {
	found(fixtures.login(fixtures.agent)) == {}
}

test_data_says_who_is_bounded_and_how if {
	bounds := [
		{"id": "all", "timeout_ms": 30000},
		{"id": "staff", "groups": ["staff"], "rows_returned": 500, "on_returned": "truncate"},
		{"id": "other", "groups": ["nobody"], "rows_affected": 1},
		{"id": "api", "principals": ["shop-api"], "databases": ["shop"], "statements_per_window": 60, "window": "1m"},
		{"id": "deep", "kinds": ["person"], "rows_affected": 10, "cascades": true, "uncounted": "allow"},
	]
	found_by(fixtures.intent(fixtures.person, "staging", update), bounds) == {
		"scale.all.timeout_ms": {"id": "scale.all.timeout_ms", "kind": "timeout_ms", "value": 30000},
		"scale.staff.rows_returned": {
			"id": "scale.staff.rows_returned", "kind": "rows_returned", "value": 500, "on_exceed": "truncate",
		},
		"scale.deep.rows_affected": {
			"id": "scale.deep.rows_affected", "kind": "rows_affected", "value": 10,
			"cascades": true, "uncounted": "allow",
		},
	}
	by_service := found_by(fixtures.intent(fixtures.service, "production", update), bounds)
	by_service["scale.api.statements_per_window"].window == "1m"
	not by_service["scale.deep.rows_affected"]
}

test_protected_values_have_a_budget if {
	bounds := [
		{"id": "any", "protected_values_per_window": 500, "window": "24h"},
		{"id": "pii", "groups": ["staff"], "protected_values_per_window": 50, "protected": ["pii.*"], "uncounted": "allow"},
	]
	select := fixtures.statement("select", "read")
	found_by(fixtures.intent(fixtures.person, "production", select), bounds) == {
		"scale.any.protected_values_per_window": {
			"id": "scale.any.protected_values_per_window", "kind": "protected_values_per_window",
			"value": 500, "window": "24h",
		},
		"scale.pii.protected_values_per_window": {
			"id": "scale.pii.protected_values_per_window", "kind": "protected_values_per_window",
			"value": 50, "window": "1h", "labels": ["pii.*"], "uncounted": "allow",
		},
	}
}

test_what_cannot_be_counted_later_is_counted_before if {
	bounds := [{"id": "ops", "rows_foreseen": 100, "uncounted": "allow"}]
	truncate := fixtures.statement("truncate", "ddl")
	intent := fixtures.intent(fixtures.person, "production", truncate)
	wanted := {each.params.by | some each in scale.obligations} with input as intent with data.jurat.bounds as bounds
	wanted == {"count"}
	others := scale.obligations with input as fixtures.intent(fixtures.person, "production", update) with data.jurat.bounds as bounds
	count(others) == 0
	foreseen := object.union(intent, {"statement": object.union(truncate, {"estimate": {"rows": 101, "source": "count"}})})
	ids := {denial.id | some denial in scale.deny} with input as foreseen with data.jurat.bounds as bounds
	ids == {"scale.ops.rows_foreseen"}
	again := scale.obligations with input as foreseen with data.jurat.bounds as bounds
	count(again) == 0
	few := object.union(intent, {"statement": object.union(truncate, {"estimate": {"rows": 100, "source": "count"}})})
	count(scale.deny) == 0 with input as few with data.jurat.bounds as bounds
}

test_no_bounds_at_all_if_the_list_is_empty if {
	found_by(fixtures.intent(fixtures.agent, "production", update), []) == {}
}

test_a_misspelt_key_is_denied if {
	bounds := [{"id": "all", "row_affected": 1}]
	ids := {denial.id | some denial in scale.deny} with input as fixtures.intent(fixtures.person, "staging", update)
		with data.jurat.bounds as bounds
	ids == {"scale.bounds"}
	count(scale.deny) == 0 with input as fixtures.intent(fixtures.person, "staging", update)
}
