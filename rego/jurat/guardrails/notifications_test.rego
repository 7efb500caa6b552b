package jurat.notifications_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

heard(principal) if {
	ids := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(principal, "production", fixtures.statement("listen", "session"))
	not "guardrails.notifications" in ids
}

test_programs_listen if heard(fixtures.service)

test_administrators_listen if heard(fixtures.dba)

test_people_and_agents_do_not if {
	not heard(fixtures.person)
	not heard(fixtures.agent)
	not heard(object.union(fixtures.agent, {"groups": ["dba"]}))
}
