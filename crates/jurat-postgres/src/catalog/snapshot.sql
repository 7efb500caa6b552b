-- What exists in one database, for PostgreSQL 13 to 18. `catalog.rs` reads the answers in this order.
-- The comments are sent with the questions: the playground, which is no PostgreSQL, knows each by `jurat: catalog` and its number.
--
-- The session's search_path may be hostile: a schema in front of pg_catalog can hold an operator or
-- a function of any name. So every name is qualified, operators too, and IN, USING, LIKE and || are
-- not used because they look operators up by name. Nothing here changes the session.
-- Temporary schemas of other sessions and TOAST tables are left out everywhere.

-- jurat: catalog 0, the server's version.
SELECT pg_catalog.current_setting('server_version');

-- jurat: catalog 1, schemas.
SELECT n.nspname
FROM pg_catalog.pg_namespace n
WHERE n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
   OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
           OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast'))
ORDER BY n.nspname;

-- jurat: catalog 2, relations.
SELECT c.oid, n.nspname, c.relname, c.relkind
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S,c}'::pg_catalog."char"[])
  AND (n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
       OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
               OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')))
ORDER BY n.nspname, c.relname;

-- jurat: catalog 3, columns. format_type leaves the schema of a type out where the search_path finds it, but the
-- answer is used in other sessions; the columns visible and schema say when to put it back.
SELECT a.attrelid, a.attnum, a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       pg_catalog.quote_ident(tn.nspname::pg_catalog.text),
       tn.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND pg_catalog.pg_type_is_visible(t.oid),
       a.attgenerated OPERATOR(pg_catalog.<>) '',
       COALESCE(a.attnum OPERATOR(pg_catalog.=) ANY (k.conkey), false)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
LEFT JOIN pg_catalog.pg_constraint k
       ON k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.contype OPERATOR(pg_catalog.=) 'p'
LEFT JOIN pg_catalog.pg_type element
       ON element.typarray OPERATOR(pg_catalog.=) a.atttypid
JOIN pg_catalog.pg_type t
  ON t.oid OPERATOR(pg_catalog.=) COALESCE(element.oid, a.atttypid)
JOIN pg_catalog.pg_namespace tn ON tn.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S,c}'::pg_catalog."char"[])
  AND a.attnum OPERATOR(pg_catalog.>) 0
  AND NOT a.attisdropped
  AND (n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
       OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
               OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')))
ORDER BY a.attrelid, a.attnum;

-- jurat: catalog 4, parents of partitions and of inheriting tables.
SELECT i.inhrelid, n.nspname, c.relname
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f}'::pg_catalog."char"[])
ORDER BY i.inhrelid, i.inhseqno;

-- jurat: catalog 5, what the definitions of views read, one level deep.
--
-- pg_depend names the columns, but it has two gaps. It holds nothing about pinned objects, which
-- are those with an oid below 12000 (FirstUnpinnedObjectId), so a view over pg_authid has no entry.
-- And a whole-row reference adds no column: SELECT c, c.id FROM customers c leaves customers.id
-- alone. The second half finds both in the stored query: there `:relid` names each relation and
-- `:varattno 0` is a whole row (any one, so all relations of that view then count as wholly read).
-- Spaces inside names are escaped there, so a name cannot be taken for either.
-- Views below oid 16384 (FirstNormalObjectId) are the server's own and are not opened that way.
SELECT v.oid, n.nspname, c.relname, a.attname
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_rewrite r
  ON r.ev_class OPERATOR(pg_catalog.=) v.oid AND r.ev_type OPERATOR(pg_catalog.=) '1'
JOIN pg_catalog.pg_depend d
  ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
 AND d.objid OPERATOR(pg_catalog.=) r.oid
 AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
 AND d.refobjid OPERATOR(pg_catalog.<>) v.oid
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a
       ON a.attrelid OPERATOR(pg_catalog.=) d.refobjid
      AND a.attnum OPERATOR(pg_catalog.=) d.refobjsubid
      AND d.refobjsubid OPERATOR(pg_catalog.<>) 0
WHERE v.relkind OPERATOR(pg_catalog.=) ANY ('{v,m}'::pg_catalog."char"[])
UNION ALL
SELECT v.oid, n.nspname, c.relname, NULL
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_rewrite r
  ON r.ev_class OPERATOR(pg_catalog.=) v.oid AND r.ev_type OPERATOR(pg_catalog.=) '1'
CROSS JOIN LATERAL (SELECT r.ev_action::pg_catalog.text AS query OFFSET 0) tree
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(tree.query, ':relid '))
  WITH ORDINALITY AS mention(tail, place)
JOIN pg_catalog.pg_class c
  ON c.oid OPERATOR(pg_catalog.=)
     CASE WHEN mention.place OPERATOR(pg_catalog.>) 1
          THEN pg_catalog.split_part(mention.tail, ' ', 1)::pg_catalog.oid END
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE v.relkind OPERATOR(pg_catalog.=) ANY ('{v,m}'::pg_catalog."char"[])
  AND v.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
  AND c.oid OPERATOR(pg_catalog.<>) v.oid
  AND (c.oid OPERATOR(pg_catalog.<) '12000'::pg_catalog.oid
       OR pg_catalog.strpos(tree.query, ':varattno 0 ') OPERATOR(pg_catalog.>) 0);

-- jurat: catalog 6, functions, one row per name. The helpers of information_schema that come with the server are known
-- without asking, like its relations; one that somebody has added there is not. The extension is told where all
-- overloads belong to the same one and to a superuser: nobody else could have put them there.
SELECT n.nspname, p.proname, pg_catalog.bool_or(p.prosecdef),
       pg_catalog.bool_or(p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid),
       CASE WHEN pg_catalog.bool_and(x.extname IS NOT NULL AND owner.rolsuper IS TRUE)
                 AND pg_catalog.count(DISTINCT x.extname) OPERATOR(pg_catalog.=) '1'::pg_catalog.int8
            THEN pg_catalog.min(x.extname::pg_catalog.text) END
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
LEFT JOIN pg_catalog.pg_roles owner ON owner.oid OPERATOR(pg_catalog.=) p.proowner
LEFT JOIN pg_catalog.pg_depend d
       ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND d.objid OPERATOR(pg_catalog.=) p.oid
      AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
      AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
LEFT JOIN pg_catalog.pg_extension x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
WHERE (n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
       OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
               OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')))
  AND NOT (n.nspname OPERATOR(pg_catalog.=) 'information_schema'
           AND p.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid)
GROUP BY n.nspname, p.proname
ORDER BY n.nspname, p.proname;

-- jurat: catalog 7, foreign keys along which a write cascades.
SELECT n.nspname, c.relname, fn.nspname, fc.relname,
       k.confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]),
       k.confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[])
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_class fc ON fc.oid OPERATOR(pg_catalog.=) k.confrelid
JOIN pg_catalog.pg_namespace fn ON fn.oid OPERATOR(pg_catalog.=) fc.relnamespace
WHERE k.contype OPERATOR(pg_catalog.=) 'f'
  AND (k.confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[])
       OR k.confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]))
ORDER BY k.oid;

-- jurat: catalog 8, user triggers, also disabled ones, and other code that runs without being called. A rule that runs other commands on a write is one too; it
-- has no function, and `pg_catalog.rule`, which does not exist, stands for what it does.
SELECT n.nspname, c.relname, t.tgname, pn.nspname, p.proname
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
JOIN pg_catalog.pg_namespace pn ON pn.oid OPERATOR(pg_catalog.=) p.pronamespace
WHERE NOT t.tgisinternal
UNION ALL
SELECT n.nspname, c.relname, r.rulename, 'pg_catalog', 'rule'
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE r.ev_type OPERATOR(pg_catalog.<>) '1'
UNION
-- Code that runs without being called. A write to a table runs the functions behind its defaults, generated
-- columns, checks, indexes, and domains; reading a view runs those in its definition, and `_RETURN`, which is
-- what the server calls that rule, stands for the reading; a cast to a domain or another type runs its checks
-- and conversions, and such a type stands here as a relation does (a domain also checks what the domains below it
-- check, here down to the fourth). Functions in C are the server's or come
-- with an extension that somebody has reviewed, but for those that run a query that they are given.
SELECT n.nspname, o.name, o.event, pn.nspname, p.proname
FROM (
    SELECT c.relnamespace AS namespace, c.relname AS name, 'code' AS event, u.catalog, u.code
    FROM (
        SELECT a.adrelid AS relation, d.refclassid AS catalog, d.refobjid AS code
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_attrdef a ON a.oid OPERATOR(pg_catalog.=) d.objid
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        UNION ALL
        SELECT k.conrelid, d.refclassid, d.refobjid
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_constraint k ON k.oid OPERATOR(pg_catalog.=) d.objid
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
        UNION ALL
        SELECT i.indrelid, d.refclassid, d.refobjid
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) d.objid
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
        UNION ALL
        SELECT a.attrelid, 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, a.atttypid
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
        WHERE a.atttypid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
          AND a.attnum OPERATOR(pg_catalog.>) 0
          AND (t.typtype OPERATOR(pg_catalog.=) 'd'
               OR t.typelem OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid)
    ) u
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) u.relation
    WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f}'::pg_catalog."char"[])
    UNION ALL
    SELECT c.relnamespace, c.relname, '_RETURN', d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r
      ON r.oid OPERATOR(pg_catalog.=) d.objid AND r.ev_type OPERATOR(pg_catalog.=) '1'
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
    WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    UNION ALL
    SELECT t.typnamespace, t.typname, 'code',
           'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, t.oid
    FROM pg_catalog.pg_type t
    WHERE t.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
      AND t.typtype OPERATOR(pg_catalog.<>) 'c'
    UNION ALL
    SELECT t.typnamespace, t.typname, 'code',
           'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, k.castfunc
    FROM pg_catalog.pg_cast k
    JOIN pg_catalog.pg_type t
      ON t.oid OPERATOR(pg_catalog.=) k.castsource OR t.oid OPERATOR(pg_catalog.=) k.casttarget
    WHERE t.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
) o
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.namespace
CROSS JOIN LATERAL (
    SELECT o.code AS function
    WHERE o.catalog OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION ALL
    SELECT operator.oprcode FROM pg_catalog.pg_operator operator
    WHERE o.catalog OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
      AND operator.oid OPERATOR(pg_catalog.=) o.code
    UNION ALL
    SELECT COALESCE(operator.oprcode::pg_catalog.oid, d.refobjid)
    FROM pg_catalog.pg_type t0
    LEFT JOIN pg_catalog.pg_type t1
           ON t1.oid OPERATOR(pg_catalog.=)
              CASE WHEN t0.typtype OPERATOR(pg_catalog.=) 'd' THEN t0.typbasetype ELSE t0.typelem END
    LEFT JOIN pg_catalog.pg_type t2
           ON t2.oid OPERATOR(pg_catalog.=)
              CASE WHEN t1.typtype OPERATOR(pg_catalog.=) 'd' THEN t1.typbasetype ELSE t1.typelem END
    LEFT JOIN pg_catalog.pg_type t3
           ON t3.oid OPERATOR(pg_catalog.=)
              CASE WHEN t2.typtype OPERATOR(pg_catalog.=) 'd' THEN t2.typbasetype ELSE t2.typelem END
    LEFT JOIN pg_catalog.pg_type t4
           ON t4.oid OPERATOR(pg_catalog.=)
              CASE WHEN t3.typtype OPERATOR(pg_catalog.=) 'd' THEN t3.typbasetype ELSE t3.typelem END
    JOIN pg_catalog.pg_constraint k
      ON k.contypid OPERATOR(pg_catalog.=) ANY (ARRAY[t0.oid, t1.oid, t2.oid, t3.oid, t4.oid])
    JOIN pg_catalog.pg_depend d
      ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
     AND d.objid OPERATOR(pg_catalog.=) k.oid
     AND d.refclassid OPERATOR(pg_catalog.=) ANY (
           '{pg_catalog.pg_proc,pg_catalog.pg_operator}'::pg_catalog.regclass[]::pg_catalog.oid[])
    LEFT JOIN pg_catalog.pg_operator operator
           ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
          AND operator.oid OPERATOR(pg_catalog.=) d.refobjid
    WHERE o.catalog OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
      AND t0.oid OPERATOR(pg_catalog.=) o.code
      AND k.contypid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid
) run
JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) run.function
JOIN pg_catalog.pg_namespace pn ON pn.oid OPERATOR(pg_catalog.=) p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
WHERE p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
  AND (l.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.name[])
       OR pg_catalog.starts_with(p.proname::pg_catalog.text, 'dblink')
       OR pg_catalog.starts_with(p.proname::pg_catalog.text, 'crosstab')
       OR p.proname OPERATOR(pg_catalog.=) ANY ('{connectby,xpath_table}'::pg_catalog.name[]));

-- jurat: catalog 9, types outside pg_catalog, row types of tables included, array types not.
SELECT n.nspname, t.typname
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
LEFT JOIN pg_catalog.pg_type element ON element.typarray OPERATOR(pg_catalog.=) t.oid
WHERE element.oid IS NULL
  AND t.typtype OPERATOR(pg_catalog.=) ANY ('{e,d,c,b,r,m}'::pg_catalog."char"[])
  AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'
  AND (n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
       OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
               OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')))
ORDER BY n.nspname, t.typname;

-- jurat: catalog 10, where the names in the next answer are looked up.
SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text;

-- jurat: catalog 11, what views stand for. The server leaves a schema out where this session finds the name without it.
-- The server's own views are not opened that way. To write a definition the server locks what it names, and
-- would wait for a session that changes one of these tables: such views are left out until the next time.
SELECT v.oid, pg_catalog.pg_get_viewdef(v.oid)
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) v.relnamespace
WHERE v.relkind OPERATOR(pg_catalog.=) ANY ('{v,m}'::pg_catalog."char"[])
  AND v.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
  AND (n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
       OR NOT (pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
               OR pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')))
  AND NOT EXISTS (
    SELECT 1
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_depend d
      ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
     AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.refobjid OPERATOR(pg_catalog.=) l.relation
    JOIN pg_catalog.pg_rewrite r ON r.oid OPERATOR(pg_catalog.=) d.objid
    WHERE r.ev_class OPERATOR(pg_catalog.=) v.oid
      AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
      AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid());

-- jurat: catalog 12, what the domains of columns are made of, also through one other domain: masks give values of that
-- type, because results are described with it anyway. The columns of information_schema are left out.
SELECT a.attrelid, a.attnum,
       CASE WHEN bn.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND pg_catalog.pg_type_is_visible(b.oid)
            THEN pg_catalog.concat(pg_catalog.quote_ident(bn.nspname::pg_catalog.text), '.')
            ELSE '' END,
       pg_catalog.format_type(b.oid, CASE WHEN inner_d.oid IS NULL THEN d.typtypmod ELSE inner_d.typtypmod END)
FROM pg_catalog.pg_type d
JOIN pg_catalog.pg_attribute a ON a.atttypid OPERATOR(pg_catalog.=) d.oid
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_type inner_d
       ON inner_d.oid OPERATOR(pg_catalog.=) d.typbasetype
      AND inner_d.typtype OPERATOR(pg_catalog.=) 'd'
JOIN pg_catalog.pg_type b
  ON b.oid OPERATOR(pg_catalog.=) COALESCE(inner_d.typbasetype, d.typbasetype)
JOIN pg_catalog.pg_namespace bn ON bn.oid OPERATOR(pg_catalog.=) b.typnamespace
WHERE d.typtype OPERATOR(pg_catalog.=) 'd'
  AND b.typtype OPERATOR(pg_catalog.<>) 'd'
  AND a.attnum OPERATOR(pg_catalog.>) 0
  AND NOT a.attisdropped
  AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema';
