"""The real MariaDB as the oracle: what it has locked for a statement and our reading has not.

A query and a write hold a lock on each table, view and sequence that the server opened for them, also through views, foreign keys,
triggers and stored functions. A miss is one of those that the reading does not name. The other direction is harmless:
a reading may say more. What stored code uses nobody can read in the statement; there the reading names the code, and the
shipped policies refuse what it is not known to be.
"""

# Tables that the server opens for its own use: of stored code, help, time zones, statistics.
OWN = ("mysql", "performance_schema", "sys", "information_schema")

# By the first word of a statement, or the one behind WITH: the kinds that it may be read as.
QUERIES = ("select", "insert", "update", "delete", "replace", "with", "values")
KINDS = {
    "select": {"select", "select_into", "select_into_file"},
    "values": {"select"},
    "with": {"select", "update", "delete", "select_into"},
    "insert": {"insert"},
    "replace": {"replace", "insert"},
    "update": {"update"},
    "delete": {"delete"},
}


def first_word(text):
    """The word that a statement begins with, in lower case; comments and brackets are left out."""
    while True:
        text = text.lstrip(" \t\r\n(;")
        if text.startswith(("#", "-- ", "--\n", "--\t")):
            _, _, text = text.partition("\n")
        elif text.startswith("/*") and not text.startswith(("/*!", "/*M!")):
            _, _, text = text.partition("*/")
        else:
            break
    word = ""
    for char in text:
        if not (char.isalpha() or char == "_"):
            break
        word += char
    return word.lower()


def parts(answer):
    for one in answer:
        statement = one["intent"]["statement"]
        if statement["parsed"]:
            yield statement


def misses(line, answer):
    """What the server has opened and the reading has not, a sentence each."""
    read = list(parts(answer))
    if len(read) != 1:
        yield f"one statement is read as {len(read)}"
        return
    (read,) = read
    word = first_word(line["sql"])
    expected = KINDS.get(word)
    if expected and read["kind"] not in expected:
        yield f"{word.upper()} is read as {read['kind']}"
    if line["locks"] is None or runs_code(line, read):
        return
    named = {((use["schema"] or "").lower(), use["name"].lower()) for use in read["relations"]}
    for schema, name in line["locks"]:
        if schema in OWN or name.startswith("#") or (schema.lower(), name.lower()) in named:
            continue
        if along_keys(line, named, (schema, name)):
            continue
        yield f"the relation {schema}.{name} is missing"


def runs_code(line, read):
    """Whether a statement calls stored functions or writes to what has triggers, so that their tables are opened, too."""
    stored = {function["name"]["name"].lower() for function in line["catalog"]["functions"]}
    called = {use["id"].rsplit(".", 1)[-1].lower() for use in read["functions"]}
    fired = {trigger["function"]["name"].lower() for trigger in line["catalog"]["triggers"]}
    return bool(called & (stored | fired)) or bool(fired and read["class"] == "write")


def along_keys(line, named, wanted):
    """Whether a foreign key leads from what is named to a table: the server looks there, and reads or changes what the
    constraint says."""
    reached = set(named)
    while True:
        more = set()
        for key in line["catalog"]["foreign_keys"]:
            ends = [(key[end]["schema"].lower(), key[end]["name"].lower()) for end in ("referencing", "referenced")]
            if reached & set(ends):
                more.update(ends)
        if more <= reached:
            return (wanted[0].lower(), wanted[1].lower()) in reached
        reached |= more
