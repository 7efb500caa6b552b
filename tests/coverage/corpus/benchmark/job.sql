SELECT min(mc.note) AS note, min(t.title) AS title, min(t.production_year) AS year
FROM company_type AS ct, info_type AS it, movie_companies AS mc, movie_info_idx AS mi_idx, title AS t
WHERE ct.id = mc.company_type_id
  AND t.id = mc.movie_id
  AND t.id = mi_idx.movie_id
  AND mc.movie_id = mi_idx.movie_id
  AND it.id = mi_idx.info_type_id
  AND ct.kind = 'production companies'
  AND it.info = 'top 250 rank'
  AND mc.note NOT LIKE '%(as Metro)%'
  AND (mc.note LIKE '%(co-production)%' OR mc.note LIKE '%(presents)%')
;
SELECT min(t.title) AS movie_title
FROM company_name AS cn, keyword AS k, movie_companies AS mc, movie_keyword AS mk, title AS t
WHERE cn.id = mc.company_id
  AND mc.movie_id = t.id
  AND t.id = mk.movie_id
  AND mk.keyword_id = k.id
  AND mc.movie_id = mk.movie_id
  AND cn.country_code = '[de]'
  AND k.keyword = 'character-name-in-title'
;
SELECT min(t.title)
FROM keyword AS k, movie_info AS mi, movie_keyword AS mk, title AS t
WHERE t.id = mi.movie_id
  AND t.id = mk.movie_id
  AND mk.movie_id = mi.movie_id
  AND k.id = mk.keyword_id
  AND k.keyword LIKE '%sequel%'
  AND mi.info IN ('Sweden', 'Norway', 'Germany', 'Denish')
  AND t.production_year > 2005
;
SELECT min(n.name), min(t.title)
FROM cast_info ci, company_name cn, movie_companies mc, name n, role_type rt, title t
WHERE n.id = ci.person_id
  AND t.id = ci.movie_id
  AND mc.movie_id = t.id
  AND mc.company_id = cn.id
  AND ci.role_id = rt.id
  AND ci.note IN ('(voice)', '(voice: Japanese version)')
  AND cn.country_code = '[jp]'
  AND n.name LIKE '%Yo%' AND n.name NOT LIKE '%Yu%'
  AND rt.role = 'actress'
;
SELECT min(mi.info) AS release_date, min(miidx.info) AS rating, min(t.title) AS german_movie
FROM company_name AS cn, company_type AS ct, info_type AS it, info_type AS it2, kind_type AS kt, movie_companies AS mc, movie_info AS mi, movie_info_idx AS miidx, title AS t
WHERE mi.movie_id = t.id
  AND it2.id = mi.info_type_id
  AND kt.id = t.kind_id
  AND mc.movie_id = t.id
  AND cn.id = mc.company_id
  AND ct.id = mc.company_type_id
  AND miidx.movie_id = t.id
  AND it.id = miidx.info_type_id
  AND cn.country_code = '[de]'
  AND kt.kind = 'movie'
  AND it.info = 'rating'
  AND it2.info = 'release dates'
;
SELECT min(chn.name), min(mi_idx.info), min(n.name), min(t.title)
FROM complete_cast cc, char_name chn, cast_info ci, info_type it2, keyword k, kind_type kt, movie_info_idx mi_idx, movie_keyword mk, name n, title t
WHERE kt.id = t.kind_id
  AND t.id = mk.movie_id
  AND t.id = ci.movie_id
  AND t.id = cc.movie_id
  AND t.id = mi_idx.movie_id
  AND chn.id = ci.person_role_id
  AND n.id = ci.person_id
  AND k.id = mk.keyword_id
  AND it2.id = mi_idx.info_type_id
  AND (chn.name LIKE '%man%' OR chn.name LIKE '%Man%')
  AND k.keyword = ANY (ARRAY['superhero', 'marvel-comics'])
  AND mi_idx.info > '7.0'
  AND t.production_year BETWEEN 2000 AND 2010
  AND n.gender = 'm'
;
SELECT min(a1.name), max(t1.title || ' / ' || t2.title)
FROM aka_name a1, cast_info ci, link_type lt, movie_link ml, title t1, title t2
WHERE ci.person_id = a1.person_id
  AND ci.movie_id = t1.id
  AND ml.movie_id = t1.id
  AND ml.linked_movie_id = t2.id
  AND lt.id = ml.link_type_id
  AND lt.link ~* 'follow'
  AND t1.production_year <> t2.production_year
  AND a1.name IS NOT NULL
;
SELECT kt.kind, t.production_year, count(*) AS n, rank() OVER (PARTITION BY kt.kind ORDER BY count(*) DESC) AS place
FROM title t JOIN kind_type kt ON kt.id = t.kind_id
WHERE t.production_year IS NOT NULL GROUP BY GROUPING SETS ((kt.kind, t.production_year), (kt.kind), ())
HAVING count(*) > 10 ORDER BY 1, 4 NULLS LAST LIMIT 50
;
WITH RECURSIVE chain AS (
  SELECT ml.movie_id, ml.linked_movie_id, 1 AS depth, ARRAY[ml.movie_id] AS seen FROM movie_link ml
  UNION ALL
  SELECT c.movie_id, ml.linked_movie_id, c.depth + 1, c.seen || ml.movie_id
  FROM chain c JOIN movie_link ml ON ml.movie_id = c.linked_movie_id WHERE ml.movie_id <> ALL (c.seen) AND c.depth < 5)
SELECT t.title, max(depth) FROM chain JOIN title t ON t.id = chain.movie_id GROUP BY t.title
;
SELECT n.name, x.title, x.production_year
FROM name n CROSS JOIN LATERAL (
  SELECT t.title, t.production_year FROM cast_info ci JOIN title t ON t.id = ci.movie_id
  WHERE ci.person_id = n.id ORDER BY t.production_year DESC NULLS LAST LIMIT 3) x
WHERE n.gender = 'f' AND n.name_pcode_cf SIMILAR TO '[A-F]%'
;
SELECT t.production_year / 10 * 10 AS decade, percentile_cont(0.5) WITHIN GROUP (ORDER BY mi.info::numeric) AS median,
       string_agg(DISTINCT t.title, ', ' ORDER BY t.title) FILTER (WHERE mi.info::numeric > 9) AS best,
       array_agg(t.id ORDER BY t.id DESC) AS ids
FROM title t JOIN movie_info_idx mi ON mi.movie_id = t.id AND mi.info_type_id = (SELECT id FROM info_type WHERE info = 'rating')
WHERE mi.info ~ '^[0-9.]+$' GROUP BY decade ORDER BY decade
;
SELECT count(*) FILTER (WHERE ci.nr_order <= 3) AS leads, sum(1) OVER w, lag(t.production_year, 1) OVER w,
       avg(t.production_year) OVER (ORDER BY t.id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)
FROM cast_info ci JOIN title t ON t.id = ci.movie_id GROUP BY t.id, t.production_year WINDOW w AS (PARTITION BY t.production_year ORDER BY t.id)
;
(SELECT title FROM title WHERE season_nr IS NULL EXCEPT SELECT name FROM char_name)
INTERSECT SELECT keyword FROM keyword ORDER BY 1 OFFSET 5 ROWS FETCH FIRST 5 ROWS WITH TIES
;
SELECT coalesce(t.title, k.keyword) FROM movie_keyword mk FULL JOIN title t ON t.id = mk.movie_id
LEFT JOIN (movie_companies mc NATURAL JOIN (SELECT id, keyword FROM keyword) x) AS k (id) ON k.id = mk.id WHERE (t.id, mk.keyword_id) IS DISTINCT FROM (1, 2)
;
SELECT * FROM title TABLESAMPLE SYSTEM (1) REPEATABLE (42) WHERE title ISNULL OR note NOTNULL
