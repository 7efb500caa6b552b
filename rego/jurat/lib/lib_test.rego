package jurat.lib_test

import data.jurat.fixtures_test as fixtures
import data.jurat.lib

test_an_agent_is_never_a_dba if {
	robot := object.union(fixtures.agent, {"groups": ["dba"]})
	not lib.is_dba with input as fixtures.intent(robot, "production", fixtures.select)
	lib.is_dba with input as fixtures.intent(fixtures.dba, "production", fixtures.select)
}

test_verb_is_what_people_write if {
	drop := fixtures.statement("drop_table", "ddl")
	lib.verb == "DROP TABLE" with input as fixtures.intent(fixtures.person, "staging", drop)
}

test_named_lists_few_and_not_many if {
	relations := [fixtures.relation("public", name, "read") | some name in ["a", "b", "c", "d"]]
	few := fixtures.reads(array.slice(relations, 0, 2))
	lib.named("read") == " public.a, public.b" with input as fixtures.intent(fixtures.person, "staging", few)
	many := fixtures.reads(relations)
	lib.named("read") == " public.a and others" with input as fixtures.intent(fixtures.person, "staging", many)
	lib.named("write") == "" with input as fixtures.intent(fixtures.person, "staging", many)
}

test_temporary_means_all_of_it if {
	base := fixtures.statement("create_table", "ddl")
	temporary := fixtures.relation("pg_temp_3", "scratch", "ddl")
	lasting := fixtures.relation("public", "scratch", "ddl")
	one := object.union(base, {"relations": [temporary]})
	lib.only_temporary with input as fixtures.intent(fixtures.person, "production", one)
	both := object.union(base, {"relations": [temporary, lasting]})
	not lib.only_temporary with input as fixtures.intent(fixtures.person, "production", both)
	none := object.union(base, {"relations": []})
	not lib.only_temporary with input as fixtures.intent(fixtures.person, "production", none)
}

test_consent_lifts_what_the_installation_names_and_nothing_else if {
	lib.approvable("agents.read_only") == false
	lib.approvable("agents.read_only") == true with data.jurat.consent.rules as ["agents.read_only"]
	lib.approvable("agents.secret") == false with data.jurat.consent.rules as ["agents.read_only"]
}
