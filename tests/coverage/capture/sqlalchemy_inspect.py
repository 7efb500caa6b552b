"""SQLAlchemy's inspector and reflection, over psycopg and asyncpg."""

import os

import sqlalchemy as sa

where = f"{os.environ['PGUSER']}:unused@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
engine = sa.create_engine(f"postgresql+psycopg://{where}")
with engine.begin() as connection:
    for text in (
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        "CREATE TABLE felt (id int GENERATED ALWAYS AS IDENTITY, m mood, p positive, twice int GENERATED ALWAYS AS (2) STORED)",
        "CREATE INDEX by_lower_note ON orders (lower(note)) INCLUDE (amount) WHERE note IS NOT NULL",
        "COMMENT ON TABLE orders IS 'what was bought'",
    ):
        connection.exec_driver_sql(text)

inspector = sa.inspect(engine)
inspector.get_schema_names()
inspector.get_table_names()
inspector.get_view_names()
inspector.get_materialized_view_names()
inspector.get_temp_table_names()
inspector.get_sequence_names()
inspector.has_table("orders")
inspector.has_table("orders", schema="public")
inspector.has_schema("archive")
inspector.has_sequence("notes_id_seq")
inspector.has_index("orders", "by_lower_note")
inspector.get_enums()
inspector.get_domains()
inspector.get_view_definition("contact")
for table in ("orders", "customers", "felt"):
    inspector.get_columns(table)
    inspector.get_pk_constraint(table)
    inspector.get_foreign_keys(table)
    inspector.get_indexes(table)
    inspector.get_unique_constraints(table)
    inspector.get_check_constraints(table)
    inspector.get_table_comment(table)
    inspector.get_table_options(table)
    inspector.get_table_oid(table)
for many in (
    inspector.get_multi_columns,
    inspector.get_multi_pk_constraint,
    inspector.get_multi_foreign_keys,
    inspector.get_multi_indexes,
    inspector.get_multi_unique_constraints,
    inspector.get_multi_check_constraints,
    inspector.get_multi_table_comment,
):
    many(kind=sa.engine.reflection.ObjectKind.ANY)
    many(schema="archive")
sa.MetaData().reflect(engine, views=True)
sa.MetaData().reflect(engine, schema="archive")
