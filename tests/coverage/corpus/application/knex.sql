select version()
;
create type "bin_size" as enum ('s', 'l')
;
create table "bins" ("id" serial primary key, "label" varchar(40) not null, "info" jsonb, "tags" text[], "created_at" timestamptz not null default CURRENT_TIMESTAMP, "updated_at" timestamptz not null default CURRENT_TIMESTAMP, "size" "bin_size")
;
alter table "bins" add constraint "bins_label_unique" unique ("label")
;
create table "parts" ("id" uuid default (gen_random_uuid()), "bin_id" integer, "price" decimal(10, 2), "name" text, constraint "parts_pkey" primary key ("id"), check ("price" >= 0))
;
comment on column "parts"."name" is 'what it is'
;
alter table "parts" add constraint "parts_bin_id_foreign" foreign key ("bin_id") references "bins" ("id") on delete SET NULL
;
create index "parts_name_index" on "parts" ("name")
;
alter table "parts" add column "code" varchar(255) null
;
drop index "parts_name_index"
;
alter table "parts" rename "code" to "sku"
;
alter table "parts" alter column "sku" drop default
;
alter table "parts" alter column "sku" drop not null
;
alter table "parts" alter column "sku" type varchar(30) using ("sku"::varchar(30))
;
alter table "parts" alter column "sku" set not null
;
alter table "parts" add constraint "parts_sku_id_unique" unique ("sku", "id")
;
select * from information_schema.tables where table_name = $1 and table_schema = current_schema()
;
select * from information_schema.columns where table_name = $1 and column_name = $2 and table_schema = current_schema()
;
select * from information_schema.columns where table_name = $1 and table_catalog = current_database() and table_schema = current_schema()
;
create view "dear_parts" ("id", "name") as select "id", "name" from "parts" where "price" > 100
;
insert into "bins" ("info", "label", "tags") values ($1, $2, $3), (DEFAULT, $4, DEFAULT) returning *
;
insert into "bins" ("label") values ($1) on conflict ("label") do nothing
;
insert into "bins" ("label") values ($1) on conflict ("label") do update set "updated_at" = CURRENT_TIMESTAMP where "bins"."id" < $2
;
insert into "bins" ("label") values ($1) on conflict (label) where label is not null do nothing
;
BEGIN
;
insert into "parts" ("bin_id", "name", "price") values ($1, $2, $3), ($4, $5, $6), ($7, $8, $9)
;
COMMIT
;
select "name", "price" from "parts" where "bin_id" = $1 and "price" > $2 or "name" in ($3, $4) and "bin_id" is not null order by "price" desc nulls last limit $5 offset $6
;
select "b"."label", count(*) as "n", sum("p"."price") as "total" from "parts" as "p" left join "bins" as "b" on "b"."id" = "p"."bin_id" group by "b"."label" having count(*) > $1
;
select * from "parts" where ("name" ilike $1 or "price" between $2 and $3) and exists (select * from "bins" where bins.id = parts.bin_id)
;
select * from "bins" where jsonb_path_query_first("info", $1)::int = $2
;
select jsonb_path_query("info", $1) as "k" from "bins" where "info" @> $2
;
select distinct on ("bin_id") * from "parts" order by "bin_id" asc
;
select rank() over (partition by bin_id order by price) as r, rank() over (partition by "bin_id" order by "price") as "r2" from "parts"
;
with "dear" as (select * from "parts" where "price" > $1) select * from "dear" union all select * from "parts" where "price" < $2
;
with recursive "tree"("i") as (select 1 union all select i + 1 from tree where i < 3) select * from "tree"
;
update "parts" set "price" = "price" * 2 where "name" = $1 returning "id", "price"
;
update "parts" set "price" = "price" + $1, "bin_id" = "bin_id" + $2
;
update "parts" set "name" = "bins"."label" from "bins" where bins.id = parts.bin_id
;
select jsonb_set("info", $1, $2) as "info", "id" from "bins"
;
BEGIN TRANSACTION ISOLATION LEVEL repeatable read
;
select * from "parts" limit $1 for update skip locked
;
select * from "parts" for share nowait
;
SAVEPOINT trx4
;
select * from "bins" limit $1
;
RELEASE SAVEPOINT trx4
;
delete from "parts" where "name" = $1 returning "id"
;
truncate "parts" restart identity
