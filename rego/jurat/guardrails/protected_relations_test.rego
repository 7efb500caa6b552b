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

mysql(relations) := object.union(
	fixtures.intent(fixtures.person, "production", fixtures.reads(relations)),
	{"target": {"engine": "mysql"}},
)

mysql_denied(relations) if {
	ids := {denial.id | some denial in guardrails.deny} with input as mysql(relations)
	ids == {"guardrails.protected_relation"}
}

test_secrets_of_mysql_are_closed if {
	every id in [
		"mysql.user", "mysql.global_priv", "mysql.column_stats", "mysql.innodb_index_stats", "mysql.general_log",
		"mysql.servers", "information_schema.column_statistics", "information_schema.user_variables",
		"information_schema.innodb_locks", "performance_schema.data_locks",
		"performance_schema.user_variables_by_thread",
	] {
		[schema, name] := split(id, ".")
		mysql_denied([fixtures.relation(schema, name, "read")])
	}
}

test_what_tools_read_of_mysql_is_open if {
	every id in [
		"information_schema.tables", "information_schema.columns", "information_schema.statistics",
		"information_schema.key_column_usage", "information_schema.processlist", "mysql.time_zone_name",
		"performance_schema.session_variables", "sys.version",
	] {
		[schema, name] := split(id, ".")
		not mysql_denied([fixtures.relation(schema, name, "read")])
	}
}

test_texts_of_statements_of_mysql_are_closed_to_agents if {
	every id in ["information_schema.processlist", "performance_schema.events_statements_history"] {
		[schema, name] := split(id, ".")
		denied(fixtures.agent, [fixtures.relation(schema, name, "read")])
		not denied(fixtures.person, [fixtures.relation(schema, name, "read")])
	}
}

test_system_views_of_mysql_are_open if {
	# What sys.schema_table_statistics_with_buffer reads.
	through := object.union(fixtures.relation("information_schema", "innodb_buffer_page", "read"), {"via": "view"})
	not mysql_denied([view("sys", "innodb_buffer_stats_by_table"), through])
	mysql_denied([view("shop", "mine"), through])

	# On PostgreSQL, sys is a schema like others.
	denied(fixtures.person, [view("sys", "mine"), through])
}
