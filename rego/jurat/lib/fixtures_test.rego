# Sample intents for the tests: whole documents, valid against rego/schema/intent.v1.json.
package jurat.fixtures_test

person := {
	"id": "ana@acme.example",
	"kind": "person",
	"groups": ["staff"],
	"attributes": {},
	"auth": {"method": "scram", "issuer": null, "mfa": false},
	"on_behalf_of": null,
	"delegation": [],
}

dba := object.union(person, {"id": "dan@acme.example", "groups": ["staff", "dba"]})

privacy := object.union(person, {"id": "pia@acme.example", "groups": ["staff", "privacy"]})

agent := object.union(person, {
	"id": "support-bot",
	"kind": "agent",
	"groups": [],
	"on_behalf_of": {"id": "ana@acme.example", "groups": ["staff"]},
})

service := object.union(person, {"id": "shop-api", "kind": "service", "groups": []})

select := {
	"parsed": true,
	"unparsed_reason": null,
	"protocol": "simple",
	"index": 0,
	"count": 1,
	"kind": "select",
	"class": "read",
	"text": "SELECT id, email FROM public.customers",
	"fingerprint": "0123456789abcdef",
	"sha256": "0000000000000000000000000000000000000000000000000000000000000000",
	"has_where": false,
	"where_always_true": false,
	"limit": null,
	"returning": false,
	"executes": true,
	"data_modifying_cte": false,
	"dynamic_sql": false,
	"relations": [relation("public", "customers", "read")],
	"columns": [column("id", []), column("email", ["pii.email"])],
	"functions": [],
	"outputs": [],
	"settings": [],
	"settings_kept": [],
	"unresolved": [],
	"parameters": {"count": 0, "values": []},
	"estimate": {"rows": null, "source": "none"},
	"actual": {"rows": null, "cascaded": null},
}

relation(schema, name, access) := {
	"id": concat(".", [schema, name]),
	"schema": schema,
	"name": name,
	"kind": "table",
	"access": access,
	"via": "direct",
	"labels": [],
}

column(name, labels) := {
	"id": concat(".", ["public.customers", name]),
	"relation": "public.customers",
	"name": name,
	"role": "output",
	"mode": "direct",
	"via": "direct",
	"labels": labels,
}

# A statement of another kind and class; it touches public.customers as its class does.
statement(kind, class) := object.union(select, {
	"kind": kind,
	"class": class,
	"text": kind,
	"relations": [relation("public", "customers", access_of(class))],
	"columns": [],
})

access_of(class) := "write" if class == "write"

access_of(class) := "ddl" if class in {"ddl", "dcl", "admin"}

access_of(class) := "read" if not class in {"write", "ddl", "dcl", "admin"}

set(setting, text) := object.union(select, {
	"kind": "set",
	"class": "session",
	"text": text,
	"relations": [],
	"columns": [],
	"settings": [setting],
})

call(id, class, labels) := object.union(select, {"functions": [{"id": id, "class": class, "labels": labels}]})

reads(relations) := object.union(select, {"relations": relations, "columns": []})

unreadable := object.union(select, {
	"parsed": false,
	"unparsed_reason": "the text does not parse",
	"kind": "unparsed",
	"class": "unknown",
	"relations": [],
	"columns": [],
})

intent(principal, environment, statement) := {
	"version": "v1",
	"stage": "statement",
	"request_id": "00000000-0000-7000-8000-000000000000",
	"time": {
		"now_ns": 1700000000000000000,
		"rfc3339": "2023-11-14T22:13:20Z",
		"weekday": "Tuesday",
		"hour": 22,
		"tz": "UTC",
	},
	"principal": principal,
	"claimed": {"application": "psql", "purpose": null, "ticket": null, "trace": null},
	"session": {
		"id": "00000000-0000-7000-8000-000000000001",
		"client_addr": "192.0.2.1:50000",
		"tls": true,
		"started_ns": 1700000000000000000,
		"in_transaction": false,
		"read_only": false,
		"totals": {"statements": 0, "rows_read": 0, "rows_written": 0, "denied": 0},
		"freeze": null,
		"replication": null,
	},
	"target": {
		"name": "shop",
		"engine": "postgres",
		"version": "15.18",
		"database": "shop",
		"environment": environment,
		"labels": {},
		"upstream_user": "jurat",
	},
	"statement": statement,
	"approvals": [],
	"policy": {"revision": "sha256:0"},
}

login(principal) := object.union(intent(principal, "production", null), {"stage": "session"})

# One of each, for the check against the schema.
samples := [
	login(person),
	intent(person, "production", select),
	intent(dba, "staging", statement("drop_table", "ddl")),
	intent(agent, "production", statement("update", "write")),
	intent(service, "production", set("timezone", "SET TIME ZONE 'UTC'")),
	intent(privacy, "production", call("pg_catalog.lower", "pure", [])),
	intent(person, "production", unreadable),
]
