package jurat.guardrails

import data.jurat.lib

# Settings of the client's own comfort: nothing that is read or written depends on who is asking.
harmless_settings := {
	"all", "application_name", "bytea_output", "client_min_messages", "datestyle", "escape_string_warning",
	"extra_float_digits", "idle_in_transaction_session_timeout", "idle_session_timeout", "intervalstyle",
	"jit", "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "lock_timeout", "search_path", "seed",
	"statement_timeout", "synchronize_seqscans", "tcp_keepalives_count", "tcp_keepalives_idle",
	"tcp_keepalives_interval", "tcp_user_timeout", "timezone", "transaction_timeout", "xmlbinary", "xmloption",
}

# Settings that cost resources at most: for people and services.
planner_settings := {
	"array_nulls", "commit_delay", "constraint_exclusion", "cursor_tuple_fraction", "default_statistics_target",
	"effective_cache_size", "effective_io_concurrency", "from_collapse_limit", "geqo", "hash_mem_multiplier",
	"join_collapse_limit", "maintenance_work_mem", "parallel_leader_participation", "plan_cache_mode",
	"quote_all_identifiers", "random_page_cost", "seq_page_cost", "synchronous_commit", "temp_buffers", "work_mem",
}

harmless_prefixes := {"default_transaction_", "jurat.", "transaction_"}

planner_prefixes := {"cpu_", "enable_", "geqo_", "jit_", "max_parallel_", "min_parallel_", "parallel_"}

# The same for MySQL and MariaDB. USE is the setting `database`: relations are judged by their whole names.
harmless_mysql_settings := {
	"autocommit", "character_set_results", "collation_connection", "completion_type", "database", "div_precision_increment",
	"group_concat_max_len", "identity", "innodb_lock_wait_timeout", "insert_id", "interactive_timeout",
	"last_insert_id", "lc_messages", "lc_time_names", "lock_wait_timeout", "max_execution_time", "max_statement_time",
	"net_read_timeout", "net_write_timeout", "sql_auto_is_null", "sql_big_selects", "sql_notes", "sql_quote_show_create",
	"sql_safe_updates", "sql_select_limit", "sql_warnings", "time_zone", "tx_isolation", "tx_read_only", "wait_timeout",
}

planner_mysql_settings := {
	"bulk_insert_buffer_size", "default_storage_engine", "eq_range_index_dive_limit", "join_buffer_size",
	"max_heap_table_size", "max_join_size", "max_length_for_sort_data", "max_seeks_for_key", "max_sort_length",
	"net_buffer_length", "optimizer_prune_level", "optimizer_search_depth", "optimizer_switch", "query_cache_type",
	"read_buffer_size", "read_rnd_buffer_size", "sort_buffer_size", "tmp_table_size",
}

# METADATA
# title: Only known settings change
# description: |
#   Some settings change how text is read (standard_conforming_strings), who is asking (role,
#   session_authorization) or what is checked (row_security, session_replication_role). What is not
#   on a list may be one of these in the next version.
# custom:
#   id: guardrails.setting
#   severity: high
#   controls: ["SOC2:CC6.8", "NIST:AC-6"]
deny contains {
	"id": "guardrails.setting",
	"msg": sprintf("%s may not be changed here", [setting]),
	"code": "setting",
	"severity": "high",
	"remedy": "Leave the setting as it is, or ask for it to be put on the list of harmless ones",
} if {
	lib.is_statement
	changes_settings
	some setting in input.statement.settings
	not may_change(lower(setting))
}

# Reads and writes ask for settings with current_setting() and change them with set_config() only.
changes_settings if {
	not input.statement.class in {"read", "write"}
	input.statement.kind != "show"
}

changes_settings if {
	some called in input.statement.functions
	called.id == "pg_catalog.set_config"
}

may_change(setting) if setting in harmless_settings

may_change(setting) if {
	is_mysql
	setting in harmless_mysql_settings
}

may_change(setting) if {
	is_mysql
	not lib.is_agent
	setting in planner_mysql_settings
}

# Loads and migrations set these aside, so they may do so where definitions change.
may_change(setting) if {
	is_mysql
	not lib.is_agent
	not lib.is_production
	setting in {"foreign_key_checks", "unique_checks"}
}

is_mysql if input.target.engine in {"mariadb", "mysql"}

may_change(setting) if {
	some prefix in harmless_prefixes
	startswith(setting, prefix)
}

may_change(setting) if {
	not lib.is_agent
	setting in planner_settings
}

may_change(setting) if {
	not lib.is_agent
	some prefix in planner_prefixes
	startswith(setting, prefix)
}

# Every session has UTF-8 and the standard's strings, so saying so once more changes nothing.
may_change(setting) if setting in input.statement.settings_kept
