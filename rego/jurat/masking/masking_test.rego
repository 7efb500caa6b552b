package jurat.masking_test

import data.jurat.fixtures_test as fixtures
import data.jurat.masking

masks(intent) := found if {
	found := {mask.column.label: mask.method | some mask in masking.masks} with input as intent
}

texts(principal) := found if {
	intent := fixtures.intent(principal, "production", fixtures.select)
	found := {mask.column | some mask in masking.masks; is_string(mask.column)} with input as intent
}

test_texts_of_others_are_hidden if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		"pg_catalog.pg_stat_activity.query" in texts(principal)
	}
	texts(object.union(fixtures.person, {"groups": ["privacy"]})) == set()
}

test_texts_on_mysql_have_other_names if {
	intent := object.union(
		fixtures.intent(fixtures.service, "production", fixtures.select),
		{"target": {"engine": "mariadb"}},
	)
	found := {mask.column | some mask in masking.masks; is_string(mask.column)} with input as intent
	"information_schema.processlist.INFO" in found
	"performance_schema.events_statements_history.SQL_TEXT" in found
	not "information_schema.processlist.INFO" in texts(fixtures.service)
}

test_a_service_sees_what_it_has_prepared if {
	own := "pg_catalog.pg_prepared_statements.statement"
	not own in texts(fixtures.service)
	own in texts(fixtures.agent)
	own in texts(fixtures.person)
}

usual := {
	"pci.card": "partial",
	"pii.birth_date": "date_trunc",
	"pii.email": "partial",
	"pii.name": "partial",
	"secret": "null",
	"secret.*": "null",
}

test_everybody_gets_masks if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		masks(fixtures.intent(principal, "production", fixtures.select)) == usual
		masks(fixtures.intent(principal, "staging", fixtures.select)) == usual
	}
}

test_readers_of_personal_data_see_it_but_no_secrets if {
	every group in ["privacy", "pii_reader"] {
		reader := object.union(fixtures.person, {"groups": [group]})
		intent := fixtures.intent(reader, "production", fixtures.select)
		masks(intent) == {"secret": "null", "secret.*": "null"}
	}
}

test_an_agent_is_never_a_reader if {
	robot := object.union(fixtures.agent, {"groups": ["privacy"]})
	masks(fixtures.intent(robot, "production", fixtures.select)) == usual
}

test_acting_for_a_reader_is_not_being_one if {
	robot := object.union(fixtures.agent, {"on_behalf_of": {"id": "pia", "groups": ["privacy"]}})
	masks(fixtures.intent(robot, "production", fixtures.select)) == usual
}

test_labels_without_a_method_are_redacted if {
	columns := [fixtures.column("phone", ["pii.phone"]), fixtures.column("note", ["pii.note", "internal"])]
	statement := object.union(fixtures.select, {"columns": columns})
	intent := fixtures.intent(fixtures.person, "production", statement)
	masks(intent) == object.union(usual, {"pii.phone": "redact", "pii.note": "redact"})
}

test_a_redacted_label_does_not_catch_the_partial_ones if {
	columns := [fixtures.column("email", ["pii.email"])]
	statement := object.union(fixtures.select, {"columns": columns})
	masks(fixtures.intent(fixtures.person, "production", statement)) == usual
}

test_card_data_is_not_shown_to_readers_either if {
	statement := object.union(fixtures.select, {"columns": [fixtures.column("cvv", ["pci.cvv"])]})
	reader := masks(fixtures.intent(fixtures.privacy, "production", statement))
	reader == {"pci.cvv": "null", "secret": "null", "secret.*": "null"}
}

test_login_has_no_masks if {
	masks(fixtures.login(fixtures.person)) == {}
}

test_parameters_keep_little if {
	intent := fixtures.intent(fixtures.person, "production", fixtures.select)
	params := {mask.column.label: mask.params | some mask in masking.masks; mask.method == "partial"} with input as intent
	params == {
		"pci.card": {"keep_last": 4},
		"pii.email": {"keep_domain": true},
		"pii.name": {"keep_first": 1},
	}
}
