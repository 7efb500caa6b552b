package jurat.client_files_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

load(labels) := object.union(fixtures.statement("load_data_local", "write"), {
	"functions": [{"id": "load_data_local", "class": "file", "labels": []}],
	"relations": [object.union(fixtures.relation("shop", "notes", "write"), {"labels": labels})],
})

ids(principal, statement) := found if {
	found := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(principal, "staging", statement)
}

test_a_file_of_the_client_is_denied_for_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		ids(principal, load([])) == {"guardrails.client_file"}
		ids(principal, load(["function.allowed"])) == {"guardrails.client_file"}
	}
}

test_a_labelled_table_can_be_filled if {
	ids(fixtures.person, load(["files.from_client"])) == set()
}

test_one_labelled_table_among_others_is_not_enough if {
	both := [object.union(fixtures.relation("shop", name, "write"), {"labels": labels}) |
		some name, labels in {"notes": ["files.from_client"], "orders": []}
	]
	ids(fixtures.person, object.union(load([]), {"relations": both})) == {"guardrails.client_file"}
	ids(fixtures.person, object.union(load([]), {"relations": []})) == {"guardrails.client_file"}
}

test_the_name_alone_frees_no_function if {
	call := fixtures.call("load_data_local", "file", [])
	ids(fixtures.person, call) == {"guardrails.function"}
}
