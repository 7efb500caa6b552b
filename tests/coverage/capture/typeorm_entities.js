// The entities of the TypeORM programs.
const { EntitySchema } = require("typeorm");

const Author = new EntitySchema({
  name: "Author",
  tableName: "authors",
  columns: {
    id: { type: Number, primary: true, generated: "increment" },
    name: { type: String, length: 100 },
    email: { type: String, unique: true },
    mood: { type: "enum", enum: ["sad", "happy"], default: "happy" },
    settings: { type: "jsonb", default: {} },
    tags: { type: "text", array: true, default: () => "'{}'" },
    createdAt: { type: "timestamptz", createDate: true },
    updatedAt: { type: "timestamptz", updateDate: true },
    deletedAt: { type: "timestamptz", deleteDate: true, nullable: true },
    version: { type: Number, version: true },
  },
  relations: {
    books: { type: "one-to-many", target: "Book", inverseSide: "author" },
    boss: { type: "many-to-one", target: "Author", nullable: true },
  },
  indices: [{ name: "authors_by_name", columns: ["name"] }],
});

const Book = new EntitySchema({
  name: "Book",
  tableName: "books",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid", default: () => "gen_random_uuid()" },
    title: { type: String },
    price: { type: "numeric", precision: 10, scale: 2 },
    sold: { type: "int", default: 0 },
  },
  relations: {
    author: { type: "many-to-one", target: "Author", inverseSide: "books", onDelete: "CASCADE" },
    shelves: { type: "many-to-many", target: "Shelf", joinTable: { name: "book_shelves" }, cascade: true },
  },
  checks: [{ expression: '"price" >= 0' }],
});

const Shelf = new EntitySchema({
  name: "Shelf",
  tableName: "shelves",
  columns: { id: { type: Number, primary: true, generated: "increment" }, label: { type: String, unique: true } },
});

exports.entities = [Author, Book, Shelf];
