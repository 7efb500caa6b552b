"""A small shop on SQLAlchemy: what its ORM and its expression language send in everyday use."""

import datetime
import decimal
import os
import uuid

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg

where = f"{os.environ['PGUSER']}:unused@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
engine = sa.create_engine(f"postgresql+psycopg://{where}", insertmanyvalues_page_size=20)


class Base(orm.DeclarativeBase):
    pass


tagged = sa.Table(
    "article_tags",
    Base.metadata,
    sa.Column("article_id", sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tags.id"), primary_key=True),
)


class Person(Base):
    __tablename__ = "people"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    name: orm.Mapped[str]
    email: orm.Mapped[str] = orm.mapped_column(unique=True)
    born: orm.Mapped[datetime.date | None]
    settings: orm.Mapped[dict] = orm.mapped_column(pg.JSONB, default=dict)
    nicknames: orm.Mapped[list[str]] = orm.mapped_column(pg.ARRAY(sa.Text), default=list)
    boss_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("people.id"))
    reports: orm.Mapped[list["Person"]] = orm.relationship(remote_side=boss_id, foreign_keys=boss_id)
    articles: orm.Mapped[list["Article"]] = orm.relationship(back_populates="author")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Editor(Person):
    __tablename__ = "editors"
    id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    desk: orm.Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "editor"}


class Tag(Base):
    __tablename__ = "tags"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    label: orm.Mapped[str]
    __table_args__ = (sa.Index("one_label", sa.text("lower(label)"), unique=True),)


class Article(Base):
    __tablename__ = "articles"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True, default=uuid.uuid4)
    title: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    body: orm.Mapped[str] = orm.deferred(orm.mapped_column(sa.Text))
    price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(10, 2))
    version: orm.Mapped[int] = orm.mapped_column()
    state: orm.Mapped[str] = orm.mapped_column(sa.Enum("draft", "published", name="article_state"))
    seen: orm.Mapped[pg.Range[datetime.date] | None] = orm.mapped_column(pg.DATERANGE)
    created: orm.Mapped[datetime.datetime] = orm.mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("people.id"))
    author: orm.Mapped[Person] = orm.relationship(back_populates="articles")
    tags: orm.Mapped[list[Tag]] = orm.relationship(secondary=tagged)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        sa.CheckConstraint("price >= 0", name="not_negative"),
        sa.Index("by_body", sa.text("to_tsvector('english', body)"), postgresql_using="gin"),
    )


Base.metadata.create_all(engine)
Session = orm.sessionmaker(engine)


def objects():
    with Session.begin() as session:
        boss = Editor(name="Eva", email="eva@paper.example", desk="news", born=datetime.date(1970, 1, 1))
        staff = [Person(name=f"P{n}", email=f"p{n}@paper.example", nicknames=["a", "b"]) for n in range(30)]
        boss.reports.extend(staff)
        tags = [Tag(label=f"tag {n}") for n in range(5)]
        session.add_all([boss, *tags])
        session.flush()
        for n in range(10):
            made = Article(title=f"T{n}", body="words", price=decimal.Decimal("1.50"), state="draft", author=staff[n])
            made.tags = tags[: n % 4]
            made.seen = pg.Range(datetime.date(2026, 1, 1), datetime.date(2026, 2, 1))
            session.add(made)
    with Session.begin() as session:
        article = session.scalars(sa.select(Article).order_by(Article.title).limit(1)).one()
        article.title = "changed"
        article.body
        article.tags.append(session.get(Tag, 5))
        session.flush()
        session.refresh(article, with_for_update=True)
        session.delete(article)
    with Session.begin() as session:
        nested = session.begin_nested()
        session.add(Tag(label="undone"))
        session.flush()
        nested.rollback()
        session.merge(Tag(id=5, label="merged"))


def loading(session):
    paper = sa.select(Article)
    for option in (
        orm.joinedload(Article.author),
        orm.selectinload(Article.tags),
        orm.subqueryload(Article.tags),
        orm.contains_eager(Article.author),
        orm.undefer(Article.body),
        orm.load_only(Article.title),
        orm.raiseload("*"),
    ):
        query = paper.options(option).limit(3)
        if isinstance(option, type(orm.contains_eager(Article.author))) and "contains_eager" in str(option):
            query = query.join(Article.author)
        session.scalars(query).unique().all()
    session.scalars(paper.join(Article.author).options(orm.contains_eager(Article.author))).all()
    session.scalars(sa.select(orm.with_polymorphic(Person, "*"))).all()
    session.scalars(sa.select(Editor)).all()
    session.scalars(sa.select(Person).options(orm.selectin_polymorphic(Person, [Editor]))).all()
    session.scalars(sa.select(Person).where(Person.articles.any(Article.price > 1))).all()
    session.scalars(sa.select(Article).where(Article.author.has(Person.name.like("P%")))).all()
    session.scalars(sa.select(Article).where(Article.tags.contains(session.get(Tag, 2)))).all()
    session.scalar(sa.select(sa.exists().where(Person.name == "Eva")))


def expressions(session):
    p, a = Person, Article
    other = orm.aliased(Person)
    rows = lambda query: session.execute(query).all()
    rows(sa.select(p.id, p.name).where(p.name.in_(["a", "b"]), p.id.not_in([7, 8]), p.born.is_(None)))
    rows(sa.select(p.name).where(sa.or_(p.name.ilike("%e%"), p.name.startswith("P", autoescape=True), p.name.regexp_match("^P"))))
    rows(sa.select(p.name).where(sa.tuple_(p.id, p.name).in_([(1, "Eva"), (2, "P0")])))
    rows(sa.select(p.id).where(p.name.between("a", "b"), ~p.name.contains("x"), p.born.is_distinct_from(None)))
    rows(sa.select(sa.func.count(), sa.func.max(a.price), sa.func.avg(a.price)).select_from(a))
    rows(sa.select(a.author_id, sa.func.count(a.id.distinct())).group_by(a.author_id).having(sa.func.count() > 1))
    rows(sa.select(p.name, other.name).join(other, p.boss_id == other.id, isouter=True).order_by(p.name.desc().nulls_last()))
    rows(sa.select(p.name).join(a, sa.true(), full=True).limit(2).offset(1))
    rows(sa.select(a.title, sa.func.rank().over(partition_by=a.author_id, order_by=a.price.desc())))
    rows(sa.select(sa.func.sum(a.price).over(order_by=a.created, rows=(-2, 0)), sa.func.lag(a.price, 1).over(order_by=a.id)))
    rows(sa.select(sa.func.sum(a.price).filter(a.state == "draft"), sa.func.string_agg(a.title, pg.aggregate_order_by(sa.literal(","), a.title))))
    rows(sa.select(sa.func.percentile_cont(0.5).within_group(a.price), sa.func.mode().within_group(a.state)))
    rows(sa.select(sa.case((a.price > 10, "dear"), (a.price > 1, "fair"), else_="cheap"), sa.func.coalesce(a.title, "none")))
    rows(sa.select(sa.cast(a.price, sa.Integer), sa.type_coerce(a.id, sa.Uuid), sa.extract("year", a.created), sa.func.date_trunc("month", a.created)))
    rows(sa.select(p.settings["theme"].astext, p.settings[("a", "b")], p.settings.has_key("x"), p.settings.contains({"a": 1})))
    rows(sa.select(p.nicknames[1], p.nicknames[1:2], sa.func.array_length(p.nicknames, 1)).where(p.nicknames.contains(["a"]), p.nicknames.any_() == "b"))
    rows(sa.select(a.title).where(a.seen.contains(datetime.date(2026, 1, 5)), a.seen.overlaps(pg.Range(datetime.date(2026, 1, 1), None))))
    rows(sa.select(sa.func.unnest(p.nicknames).label("nick")).distinct())
    rows(sa.select(p.name).distinct(p.boss_id).order_by(p.boss_id, p.name))
    rows(sa.union_all(sa.select(p.name), sa.select(sa.literal("x"))).order_by("name").limit(3))
    rows(sa.except_(sa.select(p.id), sa.select(a.author_id)))
    rows(sa.select(sa.func.to_tsvector("english", a.body).op("@@")(sa.func.plainto_tsquery("english", "words"))))
    rows(sa.select(a.title).where(a.body.match("words")))
    rows(sa.select(sa.func.now() - a.created, a.created + datetime.timedelta(days=1), a.created.op("AT TIME ZONE")("UTC")))
    rows(sa.select(sa.func.generate_series(1, 3).table_valued("n").render_derived()))
    rows(sa.select(sa.func.jsonb_each_text(p.settings).table_valued("key", "value").render_derived()).select_from(p))
    rows(sa.select(sa.func.json_build_object("id", a.id, "t", a.title), sa.func.json_agg(sa.text("articles"))).group_by(a.id))
    rows(sa.select(sa.func.row_to_json(sa.literal_column("people"))).select_from(p).limit(1))
    rows(sa.select(sa.func.grouping(a.state), sa.func.count()).group_by(sa.func.rollup(a.state, a.author_id)))
    rows(sa.select(sa.func.count()).select_from(a).group_by(sa.func.cube(a.state)))
    tree = sa.select(p.id, p.boss_id, sa.literal(0).label("depth")).where(p.boss_id.is_(None)).cte("tree", recursive=True)
    tree = tree.union_all(sa.select(p.id, p.boss_id, tree.c.depth + 1).join(tree, p.boss_id == tree.c.id))
    rows(sa.select(tree).order_by(tree.c.depth))
    newest = sa.select(a.title).where(a.author_id == p.id).order_by(a.created.desc()).limit(1).lateral("newest")
    rows(sa.select(p.name, newest.c.title).join(newest, sa.true(), isouter=True))
    dear = sa.select(sa.func.max(a.price)).where(a.author_id == p.id).correlate(p).scalar_subquery()
    rows(sa.select(p.name, dear).where(dear > 1))
    rows(sa.select(sa.values(sa.column("n", sa.Integer), sa.column("t", sa.String), name="v").data([(1, "a"), (2, "b")])))
    rows(sa.select(a.id).with_for_update(skip_locked=True, of=a).limit(1))
    rows(sa.select(a.id).with_for_update(read=True, nowait=True))
    rows(sa.select(a.id).with_for_update(key_share=True))
    rows(sa.select(sa.tablesample(a, sa.func.bernoulli(10), name="s", seed=sa.literal(1)).c.id))
    rows(sa.text("SELECT name FROM people WHERE id = :id AND name ~ :re").bindparams(id=1, re="x"))
    rows(sa.select(p.name).where(p.id == sa.any_(sa.literal([1, 2], pg.ARRAY(sa.Integer)))))
    rows(sa.select(sa.func.greatest(p.id, 5), sa.func.nullif(p.name, ""), sa.func.concat_ws(" ", p.name, p.email), sa.collate(p.name, "C")))
    rows(sa.select(p.id.bitwise_and(1), -p.id, p.id % 2, p.id / 2, p.id // 2, sa.not_(p.id == 1)))


def writes(session):
    p, a = Person, Article
    session.execute(sa.insert(Tag), [{"label": f"many {n}"} for n in range(50)])
    session.scalars(sa.insert(Tag).returning(Tag), [{"label": f"more {n}"} for n in range(3)]).all()
    session.execute(sa.update(p).where(p.id == 2).values(name=sa.func.upper(p.name)).returning(p.id, p.name))
    session.execute(sa.update(a).where(a.author_id == p.id, p.name == "P1").values(price=a.price * 2))
    session.execute(sa.update(p), [{"id": 2, "name": "by key"}, {"id": 3, "name": "by key"}])
    session.execute(sa.update(p).values(nicknames=sa.func.array_append(p.nicknames, "c"), settings=p.settings.concat({"k": 1})))
    session.execute(sa.update(p).values({p.nicknames[1]: "first"}).where(p.id == 4))
    session.execute(sa.update(p).values({p.settings["theme"]: sa.literal("dark", pg.JSONB)}).where(p.id == 4))
    session.execute(sa.delete(Tag).where(Tag.label == "many 1").returning(Tag.id))
    session.execute(sa.delete(a).where(a.author_id == p.id, p.name == "nobody"))
    upsert = pg.insert(p).values(id=2, kind="person", name="U", email="p0@paper.example", settings={}, nicknames=[])
    session.execute(upsert.on_conflict_do_nothing())
    session.execute(upsert.on_conflict_do_nothing(index_elements=["email"]))
    session.execute(upsert.on_conflict_do_nothing(constraint="people_pkey"))
    session.execute(upsert.on_conflict_do_update(index_elements=[p.id], set_={"name": upsert.excluded.name}, where=p.name != "x").returning(p.id))
    label = pg.insert(Tag).values(label="TAG 2")
    session.execute(label.on_conflict_do_update(index_elements=[sa.func.lower(Tag.label)], set_={"label": label.excluded.label}))
    session.execute(label.on_conflict_do_nothing(index_elements=[sa.text("lower(label)")]))
    session.execute(sa.insert(Tag).from_select(["label"], sa.select(p.email).where(p.id < 3)))
    gone = sa.delete(Tag).where(Tag.label.like("more%")).returning(Tag.id).cte("gone")
    session.execute(sa.select(sa.func.count()).select_from(gone)).all()
    new = sa.insert(Tag).values(label="in a CTE").returning(Tag.id).cte("new")
    session.execute(sa.select(new.c.id)).all()
    session.execute(sa.text("LOCK TABLE tags IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(sa.text("SELECT pg_advisory_xact_lock(42)"))
    session.execute(sa.text("SET LOCAL statement_timeout = '5s'"))
    session.execute(sa.text("TRUNCATE article_tags"))
    session.execute(sa.select(sa.Sequence("tags_id_seq").next_value()))
    session.execute(sa.text("CREATE TEMPORARY TABLE gone (n int) ON COMMIT DROP"))
    session.execute(sa.text("CREATE UNLOGGED TABLE scratch (n int)"))
    session.execute(sa.text("INSERT INTO scratch SELECT generate_series(1, 10)"))
    session.execute(sa.text("CREATE TABLE copied AS SELECT id, name FROM people"))
    session.execute(sa.text("CREATE MATERIALIZED VIEW per_state AS SELECT state, count(*) AS n FROM articles GROUP BY state"))
    session.execute(sa.text("REFRESH MATERIALIZED VIEW per_state"))


def streams():
    with engine.connect().execution_options(stream_results=True, max_row_buffer=5) as connection:
        for _ in connection.execute(sa.select(Person.id)):
            pass
    with engine.connect().execution_options(isolation_level="SERIALIZABLE", postgresql_readonly=True) as connection:
        connection.scalar(sa.select(1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE people")
        connection.exec_driver_sql("CREATE INDEX CONCURRENTLY by_name ON people (name text_pattern_ops)")
    connection = engine.connect()
    connection.begin_twophase() if False else connection.begin()
    connection.rollback()
    connection.close()


objects()
with Session() as session:
    loading(session)
    expressions(session)
    session.rollback()
with Session.begin() as session:
    writes(session)
streams()
