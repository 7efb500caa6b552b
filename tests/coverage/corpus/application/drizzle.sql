CREATE TABLE clubs (id serial PRIMARY KEY, name text NOT NULL UNIQUE, open boolean DEFAULT true, tags text[], info jsonb, since timestamptz DEFAULT now())
;
CREATE TABLE players (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), club_id integer REFERENCES clubs, name varchar(50), rating numeric)
;
insert into "clubs" ("id", "name", "open", "tags", "info", "since") values (default, $1, default, $2, $3, default), (default, $4, default, default, default, default) returning "id", "name", "open", "tags", "info", "since"
;
insert into "players" ("id", "club_id", "name", "rating") values (default, $1, $2, $3)
;
insert into "clubs" ("id", "name", "open", "tags", "info", "since") values (default, $1, default, default, default, default) on conflict do nothing
;
insert into "clubs" ("id", "name", "open", "tags", "info", "since") values (default, $1, default, default, default, default) on conflict ("name") do nothing
;
insert into "clubs" ("id", "name", "open", "tags", "info", "since") values (default, $1, default, default, default, default) on conflict ("name") do update set "open" = excluded.open where clubs.open
;
insert into "players" ("id", "club_id", "name", "rating") select gen_random_uuid() as "id", "id", "name", 1 as "rating" from "clubs"
;
select "id", "name", "open", "tags", "info", "since" from "clubs" where ("clubs"."open" = $1 and ("clubs"."name" like $2 or "clubs"."name" ilike $3 or "clubs"."tags" is null) and not "clubs"."id" in ($4, $5) and "clubs"."id" between $6 and $7) order by "clubs"."name" desc, "clubs"."id" asc limit $8
;
select "clubs"."name", count("players"."id"), sum("players"."rating"), avg("players"."rating") from "clubs" left join "players" on "players"."club_id" = "clubs"."id" group by "clubs"."name" having count("players"."id") > $1
;
select distinct on ("players"."club_id") "id", "club_id", "name", "rating" from "players" order by "players"."club_id"
;
select "id", "name", "open", "tags", "info", "since" from "clubs" where exists (select "id", "club_id", "name", "rating" from "players" where "players"."club_id" = "clubs"."id")
;
select "id", "name", "open", "tags", "info", "since" from "clubs" where "clubs"."tags" @> $1
;
with "rated" as (select "club_id", max("rating") as "best" from "players" group by "players"."club_id") select "clubs"."id", "clubs"."name", "clubs"."open", "clubs"."tags", "clubs"."info", "clubs"."since", "rated"."club_id", "best" from "clubs" inner join "rated" on "rated"."club_id" = "clubs"."id"
;
select "sub"."id", "sub"."club_id", "sub"."name", "sub"."rating", "clubs"."id", "clubs"."name", "clubs"."open", "clubs"."tags", "clubs"."info", "clubs"."since" from (select "id", "club_id", "name", "rating" from "players") "sub" right join "clubs" on "sub"."club_id" = "clubs"."id"
;
select "info"->>'a', jsonb_path_query_first("info", '$.a'), row_number() over (order by "id") from "clubs"
;
select "clubs"."name", "clubs_players"."data" as "players" from "clubs" "clubs" left join lateral (select coalesce(json_agg(json_build_array("clubs_players"."id", "clubs_players"."club_id", "clubs_players"."name", "clubs_players"."rating") order by "clubs_players"."rating" desc), '[]'::json) as "data" from (select * from "players" "clubs_players" where "clubs_players"."club_id" = "clubs"."id" order by "clubs_players"."rating" desc limit $1) "clubs_players") "clubs_players" on true where "clubs"."open" = $2
;
select "players"."id", "players"."club_id", "players"."name", "players"."rating", "players_club"."data" as "club" from "players" "players" left join lateral (select json_build_array("players_club"."id", "players_club"."name", "players_club"."open", "players_club"."tags", "players_club"."info", "players_club"."since") as "data" from (select * from "clubs" "players_club" where "players_club"."id" = "players"."club_id" limit $1) "players_club") "players_club" on true limit $2
;
(select "name" from "clubs") union (select "name" from "players") order by 1
;
update "clubs" set "open" = $1, "tags" = array_append("clubs"."tags", 'y') where "clubs"."id" = $2 returning "id"
;
update "players" set "name" = "clubs"."name" from "clubs" where "players"."club_id" = "clubs"."id"
;
delete from "players" where "players"."name" = $1 returning "id", "club_id", "name", "rating"
;
begin isolation level serializable read write deferrable
;
select "id", "name", "open", "tags", "info", "since" from "clubs" for update skip locked
;
select "id", "name", "open", "tags", "info", "since" from "clubs" for no key update of "clubs"
;
savepoint sp1
;
select 1
;
release savepoint sp1
;
commit
;
select count(*) as count from "clubs" where "clubs"."open" = $1
