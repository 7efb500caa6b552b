package jurat.functions_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

ids(principal, statement) := found if {
	found := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(principal, "production", statement)
}

test_what_only_computes_is_free if {
	every class in ["pure", "volatile", "catalog"] {
		ids(fixtures.person, fixtures.call("pg_catalog.lower", class, [])) == set()
	}
}

test_what_does_more_is_denied_for_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		every class in ["admin", "dynamic_sql", "file", "network", "settings", "unknown"] {
			ids(principal, fixtures.call("public.f", class, [])) == {"guardrails.function"}
		}
	}
}

test_reading_a_setting_is_free if {
	asks := fixtures.call("pg_catalog.current_setting", "settings", [])
	ids(fixtures.person, asks) == set()
	ids(fixtures.agent, object.union(asks, {"settings": ["server_version_num"]})) == set()
	ids(fixtures.person, fixtures.call("pg_catalog.set_config", "settings", [])) == {"guardrails.function"}
}

test_changing_a_setting_is_judged_by_the_setting if {
	call := fixtures.call("pg_catalog.set_config", "settings", [])
	ids(fixtures.agent, object.union(call, {"settings": ["jit"]})) == set()
	ids(fixtures.person, object.union(call, {"settings": ["jit", "role"]})) == {"guardrails.setting"}
	ids(fixtures.person, object.union(call, {"settings": ["jit", "(computed)"]})) == {"guardrails.setting"}
	other := fixtures.call("public.set_config", "settings", [])
	ids(fixtures.person, object.union(other, {"settings": ["jit"]})) == {"guardrails.function"}
}

test_the_name_alone_is_not_enough if {
	# Another schema's current_setting is another function.
	ids(fixtures.person, fixtures.call("public.current_setting", "settings", [])) == {"guardrails.function"}
}

test_labels_free_a_function if {
	every label in ["function.allowed", "function.pure"] {
		ids(fixtures.agent, fixtures.call("public.f", "unknown", [label])) == set()
	}
	ids(fixtures.agent, fixtures.call("public.f", "unknown", ["function"])) == {"guardrails.function"}
}

test_one_bad_function_among_good_ones_is_found if {
	good := {"id": "pg_catalog.lower", "class": "pure", "labels": []}
	bad := {"id": "pg_catalog.pg_read_file", "class": "file", "labels": []}
	statement := object.union(fixtures.select, {"functions": [good, bad]})
	intent := fixtures.intent(fixtures.person, "staging", statement)
	messages := {denial.msg | some denial in guardrails.deny} with input as intent
	messages == {"pg_catalog.pg_read_file() reads or writes files"}
}

test_procedures_are_for_administrators if {
	every kind in ["call", "do"] {
		ids(fixtures.person, fixtures.statement(kind, "unknown")) == {"guardrails.procedure"}
		ids(fixtures.service, fixtures.statement(kind, "unknown")) == {"guardrails.procedure"}
		ids(fixtures.dba, fixtures.statement(kind, "unknown")) == set()
	}
}

test_an_agent_in_the_group_is_no_administrator if {
	robot := object.union(fixtures.agent, {"groups": ["dba"]})
	ids(robot, fixtures.statement("do", "unknown")) == {"guardrails.procedure"}
}

test_dynamic_sql_is_denied if {
	dynamic := object.union(fixtures.select, {"dynamic_sql": true})
	ids(fixtures.person, dynamic) == {"guardrails.dynamic_sql"}
	ids(fixtures.agent, dynamic) == {"guardrails.dynamic_sql"}
	ids(fixtures.dba, dynamic) == set()
}
