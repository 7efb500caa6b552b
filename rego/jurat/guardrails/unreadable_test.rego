package jurat.unreadable_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

messages(intent) := found if {
	found := {denial.msg | some denial in guardrails.deny; denial.id == "guardrails.unreadable"} with input as intent
}

test_the_reason_is_given if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent] {
		intent := fixtures.intent(principal, "staging", fixtures.unreadable)
		messages(intent) == {"The statement could not be read: the text does not parse"}
	}
}

test_it_is_denied_without_a_reason_too if {
	statement := object.union(fixtures.unreadable, {"unparsed_reason": null})
	intent := fixtures.intent(fixtures.person, "staging", statement)
	messages(intent) == {"The statement could not be read: no reason is known"}
}

test_what_is_read_is_not_meant if {
	messages(fixtures.intent(fixtures.person, "staging", fixtures.select)) == set()
	messages(fixtures.login(fixtures.person)) == set()
}
