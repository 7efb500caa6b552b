package jurat.protected_relations_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

denied(principal, relations) if {
	ids := {denial.id | some denial in guardrails.deny} with input as fixtures.intent(principal, "production", fixtures.reads(relations))
	ids == {"guardrails.protected_relation"}
}

system(name) := fixtures.relation("pg_catalog", name, "read")

through_view(name) := object.union(system(name), {"via": "view"})

view(schema, name) := object.union(fixtures.relation(schema, name, "read"), {"kind": "view"})

test_secrets_are_closed_to_everybody if {
	every principal in [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service] {
		every name in [
			"pg_authid", "pg_shadow", "pg_user_mapping", "pg_statistic", "pg_stats", "pg_stats_ext",
			"pg_statistic_ext_data", "pg_largeobject", "pg_hba_file_rules", "pg_file_settings", "pg_subscription",
		] {
			denied(principal, [system(name)])
		}
	}
}

test_the_rest_of_the_catalog_is_open if {
	every principal in [fixtures.person, fixtures.agent] {
		every name in [
			"pg_class", "pg_namespace", "pg_attribute", "pg_type", "pg_proc", "pg_roles", "pg_database", "pg_index",
			"pg_constraint", "pg_settings", "pg_statistic_ext", "pg_largeobject_metadata", "pg_description",
		] {
			not denied(principal, [system(name)])
		}
	}
}

test_activity_is_closed_to_agents if {
	denied(fixtures.agent, [system("pg_stat_activity")])
	not denied(fixtures.person, [system("pg_stat_activity")])
	not denied(fixtures.service, [system("pg_stat_activity")])
}

test_texts_of_statements_are_for_administrators if {
	statements := [view("public", "pg_stat_statements")]
	denied(fixtures.person, statements)
	denied(fixtures.service, statements)
	not denied(fixtures.dba, statements)
}

test_system_views_are_open if {
	# psql's \du reads pg_roles, which reads pg_authid.
	roles := [view("pg_catalog", "pg_roles"), through_view("pg_authid")]
	not denied(fixtures.person, roles)
	not denied(fixtures.agent, roles)
}

test_other_views_do_not_open_it if {
	denied(fixtures.person, [view("public", "mine"), through_view("pg_authid")])
	denied(fixtures.person, [view("pg_catalog", "pg_roles"), view("public", "mine"), through_view("pg_authid")])
	stored := object.union(view("public", "mine"), {"kind": "materialized_view"})
	denied(fixtures.person, [stored, through_view("pg_authid")])
}

test_a_join_does_not_hide_it if {
	denied(fixtures.person, [fixtures.relation("public", "customers", "read"), system("pg_authid")])
	denied(fixtures.person, [object.union(system("pg_authid"), {"via": "cte"})])
}

test_the_same_name_in_another_schema_is_another_relation if {
	not denied(fixtures.person, [fixtures.relation("public", "pg_authid", "read")])
}
