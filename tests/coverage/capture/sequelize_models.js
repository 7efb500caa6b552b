// The models of the Sequelize programs.
const { Sequelize, DataTypes } = require("sequelize");

exports.open = () => {
  const { PGHOST: host, PGPORT: port, PGUSER, PGDATABASE } = process.env;
  const sequelize = new Sequelize(PGDATABASE, PGUSER, "unused", { host, port, dialect: "postgres", logging: false });
  const Member = sequelize.define("Member", {
    name: { type: DataTypes.STRING(100), allowNull: false },
    email: { type: DataTypes.STRING, unique: true },
    mood: DataTypes.ENUM("sad", "happy"),
    tags: DataTypes.ARRAY(DataTypes.TEXT),
    settings: DataTypes.JSONB,
    born: DataTypes.DATEONLY,
    score: { type: DataTypes.INTEGER, defaultValue: 0 },
  }, { paranoid: true, indexes: [{ fields: ["name"] }, { fields: ["settings"], using: "gin" }, { unique: true, fields: [sequelize.fn("lower", sequelize.col("name")), "born"], where: { score: 1 } }] });
  const Loan = sequelize.define("Loan", { title: DataTypes.TEXT, fee: DataTypes.DECIMAL(10, 2), due: DataTypes.DATE, key: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 } });
  const Room = sequelize.define("Room", { label: DataTypes.STRING });
  Member.hasMany(Loan, { as: "loans", onDelete: "CASCADE" });
  Loan.belongsTo(Member, { as: "member" });
  Member.belongsToMany(Room, { through: "member_rooms" });
  Room.belongsToMany(Member, { through: "member_rooms" });
  return { sequelize, Member, Loan, Room };
};
