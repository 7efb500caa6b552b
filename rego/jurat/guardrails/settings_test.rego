package jurat.settings_test

import data.jurat.fixtures_test as fixtures
import data.jurat.guardrails

denied(principal, setting, text) if {
	intent := fixtures.intent(principal, "production", fixtures.set(setting, text))
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	ids == {"guardrails.setting"}
}

everybody := [fixtures.person, fixtures.dba, fixtures.agent, fixtures.service]

test_what_drivers_set_is_free if {
	every principal in everybody {
		every setting in [
			"application_name", "extra_float_digits", "DateStyle", "IntervalStyle", "TimeZone", "statement_timeout",
			"lock_timeout", "idle_in_transaction_session_timeout", "client_min_messages", "bytea_output", "jit",
			"search_path", "default_transaction_isolation", "default_transaction_read_only", "transaction_isolation",
			"escape_string_warning", "jurat.purpose", "all",
		] {
			not denied(principal, setting, "SET")
		}
	}
}

test_what_protects_is_fixed_for_everybody if {
	every principal in everybody {
		every setting in [
			"role", "session_authorization", "standard_conforming_strings", "backslash_quote", "row_security",
			"session_replication_role", "client_encoding", "is_superuser", "log_statement", "shared_preload_libraries",
			"local_preload_libraries", "dynamic_library_path", "zero_damaged_pages", "allow_system_table_mods",
		] {
			denied(principal, setting, "SET")
			denied(principal, upper(setting), "SET")
		}
	}
}

test_planner_settings_are_for_people_and_services if {
	every setting in ["work_mem", "enable_seqscan", "max_parallel_workers_per_gather", "geqo"] {
		not denied(fixtures.person, setting, "SET")
		not denied(fixtures.service, setting, "SET")
		denied(fixtures.agent, setting, "SET")
	}
}

test_unknown_settings_are_denied if {
	every principal in everybody {
		denied(principal, "acme.tenant", "SET")
	}
}

test_a_prefix_is_not_a_part if {
	denied(fixtures.person, "my_enable_seqscan", "SET")
	denied(fixtures.person, "xjurat.purpose", "SET")
}

test_showing_changes_nothing if {
	show := object.union(fixtures.set("role", "SHOW role"), {"kind": "show"})
	intent := fixtures.intent(fixtures.agent, "production", show)
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	ids == set()
}

test_what_every_session_has_may_be_said_again if {
	kept := object.union(
		fixtures.set("client_encoding", "SET client_encoding TO 'UTF8'"),
		{"settings_kept": ["client_encoding"]},
	)
	intent := fixtures.intent(fixtures.agent, "production", kept)
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	ids == set()
}

test_another_value_may_not if {
	denied(fixtures.person, "client_encoding", "SET client_encoding TO 'SJIS'")
}

test_one_bad_setting_among_good_ones_is_found if {
	several := object.union(fixtures.set("timezone", "SET"), {"settings": ["timezone", "role"]})
	intent := fixtures.intent(fixtures.person, "staging", several)
	messages := {denial.msg | some denial in guardrails.deny} with input as intent
	messages == {"role may not be changed here"}
}

mysql_denied(principal, setting) if mysql_denied_in("production", principal, setting)

mysql_denied_in(environment, principal, setting) if {
	intent := object.union(
		fixtures.intent(principal, environment, fixtures.set(setting, "SET")),
		{"target": {"engine": "mariadb"}},
	)
	ids := {denial.id | some denial in guardrails.deny} with input as intent
	ids == {"guardrails.setting"}
}

test_what_drivers_of_mysql_set_is_free if {
	every principal in everybody {
		every setting in [
			"autocommit", "database", "time_zone", "wait_timeout", "net_write_timeout", "sql_select_limit",
			"transaction_isolation", "tx_isolation", "max_execution_time", "group_concat_max_len",
		] {
			not mysql_denied(principal, setting)
		}
	}
	every setting in ["optimizer_switch", "sort_buffer_size"] {
		not mysql_denied(fixtures.service, setting)
		mysql_denied(fixtures.agent, setting)
	}
}

test_what_protects_on_mysql_is_fixed_for_everybody if {
	every principal in everybody {
		every setting in [
			"sql_mode", "character_set_client", "character_set_connection", "foreign_key_checks", "unique_checks",
			"session_track_system_variables", "session_track_schema", "sql_log_bin", "gtid_next", "role", "general_log",
			"secure_auth", "local_infile", "pseudo_thread_id", "debug", "profiling", "binlog_format",
		] {
			mysql_denied(principal, setting)
		}
	}
}

test_keys_are_checked_always_only_where_definitions_do_not_change if {
	every setting in ["foreign_key_checks", "unique_checks"] {
		mysql_denied_in("staging", fixtures.agent, setting)
		not mysql_denied_in("staging", fixtures.service, setting)
		not mysql_denied_in("staging", fixtures.person, setting)
	}
}

test_settings_of_mysql_are_free_on_mysql_only if {
	denied(fixtures.person, "autocommit", "SET")
	denied(fixtures.person, "database", "SET")
}
