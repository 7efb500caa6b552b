package jurat.replication_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

denied(intent) if {
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	"guardrails.replication" in ids
}

replicating(principal, how) := object.union(fixtures.login(principal), {"session": {"replication": how}})

test_replication_is_denied_to_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		every how in ["physical", "logical"] {
			denied(replicating(principal, how))
		}
	}
}

test_other_sessions_are_not_meant if {
	not denied(fixtures.login(fixtures.person))
	not denied(fixtures.intent(fixtures.person, "production", fixtures.select))
}
