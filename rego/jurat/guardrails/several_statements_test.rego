package jurat.several_statements_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

ids(principal, count) := found if {
	found := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(principal, "production", object.union(fixtures.select, {"count": count}))
}

test_agents_send_one if {
	ids(fixtures.agent, 1) == set()
	ids(fixtures.agent, 2) == {"guardrails.several_statements"}
}

test_people_may_send_several if {
	ids(fixtures.person, 2) == set()
	ids(fixtures.service, 5) == set()
}
