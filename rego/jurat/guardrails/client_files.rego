package jurat.guardrails

import data.jurat.lib

# The label of tables that files of clients may fill.
filled_by_clients := "files.from_client"

# METADATA
# title: Files of the client fill only tables that are labelled for it
# description: |
#   LOAD DATA LOCAL has the server ask the client for a file by its name, and a client that allows it sends
#   whatever it is asked for. A table that is filled so carries the label files.from_client in the catalog.
# custom:
#   id: guardrails.client_file
#   severity: high
#   controls: ["SOC2:CC6.8", "NIST:AC-4"]
deny contains {
	"id": "guardrails.client_file",
	"msg": sprintf("%s has the server ask the client for a file", [lib.verb]),
	"code": "client_file",
	"severity": "high",
	"remedy": sprintf("Send the rows with INSERT, or have the table labelled %s in the catalog", [filled_by_clients]),
} if {
	lib.is_statement
	input.statement.kind == "load_data_local"
	not fills_labelled_tables
}

fills_labelled_tables if {
	named := [relation | some relation in input.statement.relations; relation.via == "direct"]
	count(named) > 0
	every relation in named {
		filled_by_clients in relation.labels
	}
}

# guardrails.client_file judges it, and guardrails.function leaves it alone.
judged_as_client_file(called) if {
	called.id == "load_data_local"
	input.statement.kind == "load_data_local"
}
