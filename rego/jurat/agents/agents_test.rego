package jurat.agents_test

import data.jurat.agents
import data.jurat.fixtures_test as fixtures

ids(intent) := found if {
	found := {denial.id | some denial in agents.deny} with input as intent
}

test_reads_are_left_alone if {
	ids(fixtures.intent(fixtures.agent, "production", fixtures.select)) == set()
	ids(fixtures.intent(fixtures.agent, "production", fixtures.statement("begin", "transaction"))) == set()
	ids(fixtures.intent(fixtures.agent, "production", fixtures.set("timezone", "SET timezone = 'UTC'"))) == set()
	ids(fixtures.login(fixtures.agent)) == set()
}

test_changes_are_denied if {
	every pair in [
		["insert", "write"], ["update", "write"], ["delete", "write"], ["drop_table", "ddl"],
		["grant", "dcl"], ["vacuum", "admin"], ["do", "unknown"],
	] {
		every environment in ["staging", "production"] {
			statement := fixtures.statement(pair[0], pair[1])
			ids(fixtures.intent(fixtures.agent, environment, statement)) == {"agents.read_only"}
		}
	}
}

test_a_read_that_does_more_is_denied if {
	every statement in [
		object.union(fixtures.statement("lock", "transaction"), {"relations": []}),
		object.union(fixtures.statement("notify", "session"), {"relations": []}),
		object.union(fixtures.select, {"functions": [{"id": "pg_catalog.nextval", "class": "volatile", "labels": []}]}),
		object.union(fixtures.select, {"functions": [{"id": "pg_catalog.pg_try_advisory_lock", "class": "volatile", "labels": []}]}),
	] {
		ids(fixtures.intent(fixtures.agent, "production", statement)) == {"agents.side_effect"}
		ids(fixtures.intent(fixtures.person, "production", statement)) == set()
	}
}

test_people_and_services_are_not_meant if {
	every principal in [fixtures.person, fixtures.dba, fixtures.service] {
		ids(fixtures.intent(principal, "production", fixtures.statement("update", "write"))) == set()
	}
}

test_membership_does_not_lift_it if {
	robot := object.union(fixtures.agent, {"groups": ["dba", "privacy"]})
	ids(fixtures.intent(robot, "staging", fixtures.statement("delete", "write"))) == {"agents.read_only"}
}

writer_ids(kind, class) := found if {
	intent := fixtures.intent(fixtures.agent, "production", fixtures.statement(kind, class))
	found := {denial.id | some denial in agents.deny} with input as intent
		with data.jurat.writers.agents as [fixtures.agent.id]
}

test_an_agent_that_the_installation_names_may_change_rows_and_nothing_else if {
	writer_ids("update", "write") == set()
	writer_ids("drop_table", "ddl") == {"agents.read_only"}
	writer_ids("do", "unknown") == {"agents.read_only"}
}

test_another_agent_may_not if {
	intent := fixtures.intent(fixtures.agent, "production", fixtures.statement("update", "write"))
	found := {denial.id | some denial in agents.deny} with input as intent
		with data.jurat.writers.agents as ["another"]
	found == {"agents.read_only"}
}

test_a_write_that_calls_itself_a_read_is_denied if {
	hidden := fixtures.reads([
		fixtures.relation("public", "customers", "read"),
		object.union(fixtures.relation("public", "orders", "write"), {"via": "trigger"}),
	])
	ids(fixtures.intent(fixtures.agent, "production", hidden)) == {"agents.read_only"}
}

test_message_names_relations if {
	intent := fixtures.intent(fixtures.agent, "production", fixtures.statement("update", "write"))
	messages := {denial.msg | some denial in agents.deny} with input as intent
	messages == {"An agent may only read, not UPDATE public.customers"}
}

test_secrets_are_denied if {
	every label in ["secret", "secret.token"] {
		labelled := object.union(fixtures.relation("public", "tokens", "read"), {"labels": [label]})
		ids(fixtures.intent(fixtures.agent, "staging", fixtures.reads([labelled]))) == {"agents.secret"}

		# Through a view it is the same relation.
		through := object.union(labelled, {"via": "view"})
		ids(fixtures.intent(fixtures.agent, "staging", fixtures.reads([through]))) == {"agents.secret"}
		ids(fixtures.intent(fixtures.person, "staging", fixtures.reads([labelled]))) == set()
	}
}

test_other_labels_are_not_secret if {
	labelled := object.union(fixtures.relation("public", "posts", "read"), {"labels": ["secretariat"]})
	ids(fixtures.intent(fixtures.agent, "staging", fixtures.reads([labelled]))) == set()
}

test_a_change_can_be_consented_to_where_the_installation_says_so if {
	intent := fixtures.intent(fixtures.agent, "production", fixtures.statement("update", "write"))
	lifted := {denial.approvable | some denial in agents.deny} with input as intent
	lifted == {false}
	named := {denial.approvable | some denial in agents.deny} with input as intent
		with data.jurat.consent.rules as ["agents.read_only"]
	named == {true}
}
