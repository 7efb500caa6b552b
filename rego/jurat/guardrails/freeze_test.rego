package jurat.freeze_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

frozen(intent, until) := object.union(intent, {"session": {"freeze": {
	"reason": "release 42 is going out",
	"by": "dora",
	"until": until,
}}})

found(intent) := denials if {
	denials := {denial | some denial in guardrails.deny; denial.id == "guardrails.freeze"} with input as intent
}

denied(intent) if count(found(intent)) > 0

asked(principal, statement) := fixtures.intent(principal, "staging", statement)

test_every_change_is_denied_for_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		every class in ["admin", "dcl", "ddl", "unknown", "write"] {
			intent := asked(principal, fixtures.statement("update", class))
			denied(frozen(intent, null))
			not denied(intent)
		}
	}
}

test_reads_sessions_and_transactions_go_on if {
	not denied(frozen(asked(fixtures.person, fixtures.select), null))
	not denied(frozen(asked(fixtures.person, fixtures.statement("commit", "transaction")), null))
	not denied(frozen(asked(fixtures.person, fixtures.set("timezone", "SET TIME ZONE 'UTC'")), null))
	not denied(frozen(fixtures.login(fixtures.person), null))
}

words(until) := {[denial.msg, denial.remedy] | some denial in found(frozen(intent, until))} if {
	intent := asked(fixtures.person, fixtures.statement("update", "write"))
}

test_the_message_says_until_when_why_and_whom_to_ask if {
	words("2026-12-01T06:00:00.000000000Z") == {[
		"shop is frozen until 2026-12-01T06:00:00Z: release 42 is going out",
		"Wait until then, or ask dora, who has frozen it",
	]}
	words(null) == {[
		"shop is frozen until it is ended: release 42 is going out",
		"Wait until then, or ask dora, who has frozen it",
	]}
}

test_nobody_can_consent_to_a_write if {
	intent := frozen(asked(fixtures.dba, fixtures.statement("update", "write")), null)
	every denial in found(intent) {
		not denial.approvable
	}
}

test_temporary_tables_are_the_sessions_own if {
	base := fixtures.statement("insert", "write")
	temporary := object.union(base, {"relations": [
		fixtures.relation("pg_temp", "scratch", "write"),
		fixtures.relation("public", "customers", "read"),
	]})
	not denied(frozen(asked(fixtures.person, temporary), null))
	both := object.union(base, {"relations": [
		fixtures.relation("pg_temp", "scratch", "write"),
		fixtures.relation("public", "customers", "write"),
	]})
	denied(frozen(asked(fixtures.person, both), null))
	blind := object.union(base, {"relations": []})
	denied(frozen(asked(fixtures.person, blind), null))
}
