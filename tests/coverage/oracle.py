"""PostgreSQL's own grammar as the oracle: what its parse tree names and our reading has not.

The tree comes from pglast, which carries libpg_query: the server's scanner and grammar as a library. It is a test
tool in a process of its own; nothing of it is linked or shipped. A miss is a kind, a relation or a function that
the server's tree has and the reading has not. The other direction is harmless: a reading may say more.
"""

import json
import re

import pglast
from pglast.parser import ParseError, parse_sql_json

VERSION = f"{pglast.__version__} (PostgreSQL {'.'.join(map(str, pglast.get_postgresql_version()))})"

# The words of our kinds for each node of the server's tree; a callable gets the node.
KINDS = {
    "SelectStmt": lambda n: {"create_table_as", "select_into"} if into(n) else {"select", "insert", "update", "delete", "merge"},
    "InsertStmt": {"insert"},
    "UpdateStmt": {"update"},
    "DeleteStmt": {"delete"},
    "MergeStmt": {"merge"},
    "CopyStmt": {"copy"},
    "TruncateStmt": {"truncate"},
    "ExplainStmt": {"explain"},
    "PrepareStmt": {"prepare"},
    "ExecuteStmt": {"execute"},
    "DeallocateStmt": {"deallocate"},
    "DeclareCursorStmt": {"declare"},
    "FetchStmt": {"fetch", "move"},
    "ClosePortalStmt": {"close"},
    "TransactionStmt": {
        "begin", "commit", "rollback", "savepoint", "release_savepoint", "rollback_to_savepoint",
        "prepare_transaction", "commit_prepared", "rollback_prepared",
    },
    "VariableSetStmt": {"set", "reset", "set_transaction"},
    "VariableShowStmt": {"show"},
    "DiscardStmt": {"discard"},
    "ListenStmt": {"listen"},
    "UnlistenStmt": {"unlisten"},
    "NotifyStmt": {"notify"},
    "LockStmt": {"lock"},
    "CallStmt": {"call"},
    "DoStmt": {"do"},
    "CheckPointStmt": {"checkpoint"},
    "VacuumStmt": {"vacuum", "analyze"},
    "ClusterStmt": {"cluster"},
    "ReindexStmt": {"reindex"},
    "RefreshMatViewStmt": {"refresh_materialized_view"},
    "AlterSystemStmt": {"alter_system"},
    "LoadStmt": {"load"},
    "ConstraintsSetStmt": {"set_constraints"},
}

# Functions that the server's grammar writes for syntax of its own; they compute and nothing else. Those that
# a reading does name are compared like any other call.
SYNTAX = {
    "extract", "date_part", "timezone", "btrim", "ltrim",
    "rtrim", "substring", "position", "overlay", "overlaps", "is_normalized", "normalize", "pg_collation_for",
    "xmlexists",
}

# The same for LIKE and SIMILAR TO, where the tree does not say that it was no call.
PATTERNS = {"like_escape", "similar_to_escape", "similar_escape"}

# Keys of nodes that hold a name and no relation that exists: a new type, what FOR UPDATE OF names, a constraint, a
# table of another server.
NO_RELATION = {"typevar", "lockedRels", "ConstraintsSetStmt", "table_list"}

# Where a statement names relations as lists of strings, by the kind of object.
RELATION_TYPES = {
    "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX",
}
ON_RELATION_TYPES = {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY", "OBJECT_TABCONSTRAINT", "OBJECT_COLUMN"}


def into(node):
    while node.get("op", "SETOP_NONE") != "SETOP_NONE":
        node = node["larg"]
    return "intoClause" in node


def strings(items):
    return [item["String"]["sval"] for item in items if "String" in item]


class Named:
    """The relations and functions that a tree names."""

    def __init__(self):
        self.relations = set()
        self.functions = set()

    def walk(self, node, ctes=frozenset()):
        if isinstance(node, list):
            for item in node:
                self.walk(item, ctes)
            return
        if not isinstance(node, dict):
            return
        if "withClause" in node:
            ctes = self.with_clause(node["withClause"], ctes)
        for key, value in node.items():
            if key == "withClause" or key in NO_RELATION:
                continue
            if key == "RangeVar" or (isinstance(value, dict) and "relname" in value):
                schema = value.get("schemaname")
                if schema or value["relname"] not in ctes or key in ("relation", "rel"):
                    self.relations.add((schema, value["relname"]))
                self.walk(value.get("alias"), ctes)
            elif key == "FuncCall":
                name = strings(value["funcname"])
                syntax = value.get("funcformat") == "COERCE_SQL_SYNTAX" and name[-1] in SYNTAX
                if not syntax and name[-1] not in PATTERNS:
                    self.functions.add(name[-1])
                self.walk({k: v for k, v in value.items() if k != "funcname"}, ctes)
            elif key in ("DropStmt", "CommentStmt", "SecLabelStmt", "GrantStmt"):
                self.objects(value)
                self.walk(value, ctes)
            elif key == "CreateTrigStmt":
                self.functions.add(strings(value["funcname"])[-1])
                self.walk(value, ctes)
            else:
                self.walk(value, ctes)

    def with_clause(self, clause, ctes):
        known = set(ctes)
        names = [cte["CommonTableExpr"]["ctename"] for cte in clause["ctes"]]
        if clause.get("recursive"):
            known.update(names)
        for cte in clause["ctes"]:
            self.walk(cte["CommonTableExpr"].get("ctequery"), frozenset(known))
            known.add(cte["CommonTableExpr"]["ctename"])
        return frozenset(known)

    def objects(self, node):
        kind = node.get("removeType") or node.get("objtype")
        for item in node.get("objects") or [node.get("object")]:
            names = strings(item["List"]["items"]) if item and "List" in item else []
            if kind in ON_RELATION_TYPES:
                names = names[:-1]
            elif kind not in RELATION_TYPES:
                continue
            if names:
                self.relations.add((names[-2] if len(names) > 1 else None, names[-1]))


def trees(text):
    return [one["stmt"] for one in json.loads(parse_sql_json(text))["stmts"] if "stmt" in one]


def is_grammatical(text):
    try:
        trees(text)
    except ParseError:
        return False
    return True


def node(text):
    """The node of the server's tree that a text of one statement is."""
    (tree,) = trees(text)
    return next(iter(tree))


def misses(text, answer):
    """What the server's tree has and the reading has not, a sentence each: of the client's text and of what is sent."""
    facts = [one["intent"]["statement"] for one in answer]
    yield from compared(text, facts)
    for read in facts:
        if read["parsed"] and read["text"] != text:
            sent = list(compared(read["text"], [read])) if is_grammatical(read["text"]) else ["it is no SQL"]
            if is_grammatical(text):
                yield from (f"{miss} (as it is sent: {read['text']})" for miss in sent)


# A message that is read as the INSERT inside its function (`read/in_function.rs` of jurat-sql).
IN_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION pg_temp\.testfunc\(.* BEGIN (INSERT .* RETURNING \*) INTO response; EXCEPTION .*; DROP FUNCTION ", re.S)


def compared(text, facts):
    inside = IN_FUNCTION.match(text)
    try:
        found = trees(inside[1] if inside and len(facts) == 1 else text)
    except ParseError:
        # What the server does not take does no harm.
        return
    if len(found) != len(facts):
        yield f"{len(found)} statements are read as {len(facts)}"
        return
    for tree, read in zip(found, facts):
        if read["parsed"]:
            yield from differences(tree, read)


def differences(tree, read):
    ((node, body),) = tree.items()
    expected = KINDS.get(node)
    expected = expected(body) if callable(expected) else expected
    if expected and read["kind"] not in expected:
        yield f"a {node} is read as {read['kind']}"
    if not expected and read["class"] not in ("ddl", "dcl", "admin"):
        yield f"a {node} is read as {read['kind']} of class {read['class']}"
    named = Named()
    named.walk(tree)
    relations = {(use["schema"], use["name"]) for use in read["relations"]}
    bare = {name for _, name in relations}
    for schema, name in sorted(named.relations, key=str):
        if (schema, name) not in relations and not (schema in (None, "pg_temp") and name in bare):
            yield f"the relation {name} is missing"
    functions = {use["id"].rsplit(".", 1)[-1] for use in read["functions"]}
    # `ssn(u)` is the column `ssn` of the row `u`.
    functions |= {use["name"] for use in read["columns"]}
    for name in sorted(named.functions - functions):
        yield f"the function {name} is missing"
