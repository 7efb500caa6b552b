package jurat.guardrails

import data.jurat.lib

# System relations that hold passwords, credentials of other servers, samples of everybody's data or
# the server's files.
protected_relations := {
	"information_schema.user_mapping_options",
	"pg_catalog.pg_authid",
	"pg_catalog.pg_file_settings",
	"pg_catalog.pg_hba_file_rules",
	"pg_catalog.pg_ident_file_mappings",
	"pg_catalog.pg_largeobject",
	"pg_catalog.pg_shadow",
	"pg_catalog.pg_statistic",
	"pg_catalog.pg_statistic_ext_data",
	"pg_catalog.pg_stats",
	"pg_catalog.pg_stats_ext",
	"pg_catalog.pg_stats_ext_exprs",
	"pg_catalog.pg_subscription",
	"pg_catalog.pg_user_mapping",
	"pg_catalog.pg_user_mappings",
}

# System relations that show what others are doing: not for agents.
observing_relations := {
	"pg_catalog.pg_locks",
	"pg_catalog.pg_prepared_xacts",
	"pg_catalog.pg_stat_activity",
	"pg_catalog.pg_stat_replication",
	"pg_catalog.pg_stat_subscription",
	"pg_catalog.pg_stat_wal_receiver",
}

# The same on MySQL and MariaDB. A PostgreSQL database may have schemas of its own by these names, and there
# the rule keeps them closed too.
protected_mysql_relations := {
	"information_schema.column_statistics",
	"information_schema.innodb_buffer_page",
	"information_schema.innodb_buffer_page_lru",
	"information_schema.innodb_ft_index_cache",
	"information_schema.innodb_ft_index_table",
	"information_schema.innodb_locks",
	"information_schema.optimizer_trace",
	"information_schema.user_attributes",
	"information_schema.user_variables",
	"mysql.column_stats",
	"mysql.general_log",
	"mysql.global_priv",
	"mysql.index_stats",
	"mysql.innodb_index_stats",
	"mysql.innodb_table_stats",
	"mysql.password_history",
	"mysql.servers",
	"mysql.slave_master_info",
	"mysql.slow_log",
	"mysql.table_stats",
	"mysql.user",
	"performance_schema.data_locks",
	"performance_schema.error_log",
	"performance_schema.keyring_keys",
	"performance_schema.user_variables_by_thread",
}

# Texts of statements, of everybody who has the same account: all sessions behind Jurat have.
observing_mysql_relations := {
	"information_schema.innodb_trx",
	"information_schema.processlist",
	"performance_schema.events_statements_current",
	"performance_schema.events_statements_history",
	"performance_schema.events_statements_history_long",
	"performance_schema.events_statements_summary_by_digest",
	"performance_schema.prepared_statements_instances",
	"performance_schema.processlist",
	"performance_schema.threads",
	"sys.innodb_lock_waits",
	"sys.processlist",
	"sys.schema_table_lock_waits",
	"sys.session",
	"sys.x$innodb_lock_waits",
	"sys.x$processlist",
	"sys.x$schema_table_lock_waits",
	"sys.x$session",
}

# METADATA
# title: System relations with secrets or samples of data are closed
# custom:
#   id: guardrails.protected_relation
#   severity: critical
#   controls: ["SOC2:CC6.1", "NIST:AC-3"]
deny contains {
	"id": "guardrails.protected_relation",
	"msg": sprintf("%s holds secrets or samples of data", [relation.id]),
	"code": "protected_relation",
	"severity": "critical",
	"remedy": "Use a view of the system catalog that leaves them out, for example pg_roles for pg_authid",
} if {
	lib.is_statement
	some relation in input.statement.relations
	is_protected(relation.id)
	not through_system_view(relation)
}

is_protected(id) if id in protected_relations

is_protected(id) if id in protected_mysql_relations

# The extension can be in any schema.
is_protected(id) if {
	not lib.is_dba
	endswith(id, ".pg_stat_statements")
}

is_protected(id) if {
	lib.is_agent
	id in observing_relations
}

is_protected(id) if {
	lib.is_agent
	id in observing_mysql_relations
}

# The system's own views leave the secrets out (pg_roles reads pg_authid). Which view a relation is
# read through is not in the intent, so one view that is not the system's spoils all of them.
through_system_view(relation) if {
	relation.via == "view"
	every other in input.statement.relations {
		is_system(other)
	}
}

is_system(relation) if not relation.kind in {"view", "materialized_view", "unknown"}

is_system(relation) if relation.schema in {"information_schema", "pg_catalog"}

is_system(relation) if {
	input.target.engine in {"mariadb", "mysql"}
	relation.schema in {"mysql", "performance_schema", "sys"}
}
