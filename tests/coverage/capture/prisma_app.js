// A small club on Prisma: what its client sends in everyday use. The tables are made by `prisma db push`.
const { clear, client, engine, files, filters, model } = require("./prisma_engine");

(async () => {
  const schema = await engine();
  await clear(schema);
  await schema.schemaPush({ force: true, schema: files(model), filters });
  const { prisma, Prisma } = client();
  const eva = await prisma.member.create({
    data: {
      name: "Eva", email: "eva@club.example", mood: "happy", tags: ["a", "b"], settings: { a: { b: 1 } }, born: new Date("1990-01-02"), balance: "12.50", photo: Buffer.from("x"),
      loans: { create: [{ title: "Saw", due: new Date(0) }, { title: "Drill" }] }, rooms: { create: { label: "attic" } },
    },
    include: { loans: true, rooms: true },
  });
  await prisma.member.createMany({ data: [{ name: "Max", email: "max@club.example" }, { name: "Ida" }], skipDuplicates: true });
  await prisma.member.createManyAndReturn({ data: [{ name: "Tom" }], select: { id: true } });
  await prisma.member.findUnique({ where: { email: "eva@club.example" } });
  await prisma.member.findUniqueOrThrow({ where: { id: eva.id }, include: { loans: { where: { fee: { gt: 1 } }, orderBy: { due: { sort: "desc", nulls: "last" } }, take: 2 } } });
  await prisma.member.findFirst({ where: { name: { startsWith: "E", mode: "insensitive" }, OR: [{ mood: "happy" }, { born: null }], NOT: { score: { in: [7, 8] } } } });
  await prisma.member.findMany({ where: { tags: { has: "a" }, settings: { path: ["a", "b"], equals: 1 } }, orderBy: [{ name: "asc" }, { id: "desc" }], skip: 0, take: 5 });
  await prisma.member.findMany({ where: { tags: { hasSome: ["a", "c"] }, NOT: { tags: { isEmpty: true } }, settings: { path: ["a"], string_contains: "x" } }, distinct: ["mood"] });
  await prisma.member.findMany({ where: { loans: { some: { title: { contains: "a" } }, none: { fee: { lt: 0 } } }, rooms: { every: { label: { not: "cellar" } } } }, select: { name: true, _count: { select: { loans: true, rooms: true } } } });
  await prisma.member.findMany({ cursor: { id: eva.id }, take: 2, skip: 1, orderBy: { id: "asc" } });
  await prisma.member.findMany({ orderBy: { loans: { _count: "desc" } }, where: { created: { lte: new Date(), gte: new Date(0) }, balance: { gte: "1.5" } } });
  await prisma.loan.findMany({ where: { member: { is: { name: "Eva" } } }, include: { member: { include: { rooms: true } } } });
  await prisma.loan.findMany({ orderBy: { member: { name: "asc" } } });
  await prisma.member.count({ where: { score: { gte: 0 } } });
  await prisma.member.count({ select: { _all: true, email: true } });
  await prisma.loan.aggregate({ _sum: { fee: true }, _avg: { fee: true }, _min: { due: true }, _max: { id: true }, _count: true });
  await prisma.member.groupBy({ by: ["mood"], _count: { _all: true }, _avg: { score: true }, having: { score: { _avg: { gte: 0 } } }, orderBy: { mood: "asc" } });
  await prisma.member.update({ where: { id: eva.id }, data: { score: { increment: 2 }, tags: { push: "c" }, settings: Prisma.DbNull } });
  await prisma.member.update({ where: { id: eva.id }, data: { rooms: { connectOrCreate: { where: { id: 99 }, create: { label: "cellar" } }, disconnect: { id: eva.rooms[0].id } }, loans: { updateMany: { where: { fee: { gt: 1 } }, data: { fee: { multiply: 2 } } }, deleteMany: { title: "Drill" } } } });
  await prisma.member.updateMany({ where: { mood: "happy", loans: { some: {} } }, data: { score: { decrement: 1 }, mood: null } });
  await prisma.member.updateManyAndReturn({ where: { name: "Max" }, data: { name: "Max M." } });
  await prisma.member.upsert({ where: { email: "eva@club.example" }, create: { name: "Eva", email: "eva@club.example" }, update: { name: "Eva M." } });
  await prisma.member.upsert({ where: { email: "new@club.example" }, create: { name: "New", email: "new@club.example", rooms: { create: {} } }, update: { rooms: { set: [] } }, include: { rooms: true } });
  await prisma.$transaction([prisma.room.create({ data: {} }), prisma.room.count()]);
  await prisma.$transaction(async (inner) => {
    await inner.room.deleteMany({ where: { label: "cellar" } });
    await inner.loan.updateMany({ data: { due: null } });
  }, { isolationLevel: "Serializable" });
  await prisma.$transaction(async (inner) => { await inner.room.count(); throw new Error("taken back"); }).catch(() => {});
  await prisma.$queryRaw`SELECT name, count(*) FROM "Member" WHERE name = ${"Eva"} OR id = ANY(${[1, 2]}) GROUP BY name`;
  await prisma.$executeRaw`UPDATE "loans" SET title = ${"Old saw"} WHERE member_id IN (${Prisma.join([1, 2])})`;
  await prisma.$queryRawUnsafe("SELECT 1 AS one");
  await prisma.loan.delete({ where: { id: eva.loans[0].id } });
  await prisma.member.delete({ where: { id: eva.id }, include: { rooms: true } });
  await prisma.loan.deleteMany();
  await prisma.$disconnect();
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
