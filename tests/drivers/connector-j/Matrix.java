// MariaDB Connector/J: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs; the file is
// run as it is (`java -cp … Matrix.java`), so it is one class.

import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;

public class Matrix {
  static final boolean OPEN = false;
  static final boolean HOLDS = true;

  // Refused in every environment, and harmless to the other cases where it runs.
  static final String DENIED = "DELETE FROM payments";

  interface Case {
    boolean run() throws Exception;
  }

  interface Work {
    void on(Connection connection) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put("tls_verifies_the_certificate", Matrix::tls);
    cases.put("types_in_text", () -> types(false));
    cases.put("types_in_binary", () -> types(true));
    cases.put("prepared_statements", Matrix::preparedStatements);
    cases.put("several_statements", Matrix::severalStatements);
    cases.put("transactions", Matrix::transactions);
    cases.put("batches", Matrix::batches);
    cases.put("fetch_size", Matrix::fetchSize);
    cases.put("cancel", Matrix::cancel);
    cases.put("metadata", Matrix::metadata);
    cases.put("errors_keep_their_class", Matrix::errorsKeepTheirClass);
    cases.put("denial_when_idle", Matrix::denialWhenIdle);
    cases.put("denial_in_a_transaction", Matrix::denialInATransaction);
    cases.put("denial_in_a_batch", Matrix::denialInABatch);
    cases.put("masked_column", Matrix::maskedColumn);
    try (Connection connection = connect()) {
      System.out.println("version " + connection.getMetaData().getDriverVersion() + " (Java " + Runtime.version().feature() + ")");
    }
    for (Map.Entry<String, Case> one : cases.entrySet()) {
      System.err.println("running " + one.getKey());
      System.out.println((one.getValue().run() ? "ok " : "open ") + one.getKey());
    }
  }

  static String env(String name) {
    String value = System.getenv(name);
    return value == null ? "" : value;
  }

  static Connection connect(String... more) throws SQLException {
    Properties properties = new Properties();
    properties.put("user", env("MATRIX_USER"));
    properties.put("password", env("MATRIX_PASSWORD"));
    if (env("MATRIX_TLS").equals("verify")) {
      properties.put("useSsl", "true");
      properties.put("serverSslCert", env("MATRIX_CA"));
    }
    for (int i = 0; i < more.length; i += 2) {
      properties.put(more[i], more[i + 1]);
    }
    String place = env("MATRIX_HOST") + ":" + env("MATRIX_PORT") + "/" + env("MATRIX_DATABASE");
    return DriverManager.getConnection("jdbc:mariadb://" + place, properties);
  }

  static boolean holds(Work work, String... options) throws Exception {
    try (Connection connection = connect(options)) {
      work.on(connection);
    }
    return HOLDS;
  }

  static void is(Object expected, Object found) {
    if (!java.util.Objects.deepEquals(expected, found)) {
      throw new AssertionError("expected <" + expected + ">, found <" + found + ">");
    }
  }

  static void check(boolean holds, Object about) {
    if (!holds) {
      throw new AssertionError(String.valueOf(about));
    }
  }

  static Object value(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
      rows.next();
      return rows.getObject(1);
    }
  }

  static long number(Connection connection, String query) throws SQLException {
    return ((Number) value(connection, query)).longValue();
  }

  static void execute(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(text);
    }
  }

  static SQLException failure(Connection connection, String text) {
    try {
      execute(connection, text);
      return null;
    } catch (SQLException error) {
      return error;
    }
  }

  static void isRefusal(SQLException error) {
    is(1142, error.getErrorCode());
    is("42000", error.getSQLState());
    check(error.getMessage().contains("jurat denied DELETE on shop.payments"), error);
  }

  static boolean tls() throws Exception {
    holds(connection -> is(1L, number(connection, "SELECT 1")));
    try (Connection connection = connect("useSsl", "true", "serverSslCert", env("MATRIX_FOREIGN_CA"))) {
      throw new AssertionError("a certificate of somebody else");
    } catch (SQLException error) {
      return HOLDS;
    }
  }

  static boolean types(boolean prepared) throws Exception {
    return holds(connection -> {
      String text = "SELECT ?, ?, ?, ?, ?, ?, ?, ?";
      try (PreparedStatement statement = connection.prepareStatement(text)) {
        statement.setLong(1, Long.MIN_VALUE);
        statement.setBigDecimal(2, new BigDecimal("12345678901234567890.0123456789"));
        statement.setDouble(3, 1e300);
        statement.setString(4, "naïve — 'quoted' \\ \n");
        statement.setBytes(5, new byte[] {0, -1, 92, 39});
        statement.setObject(6, LocalDate.of(2026, 2, 28));
        statement.setObject(7, LocalDateTime.of(2026, 2, 28, 12, 0, 0, 5000));
        statement.setNull(8, Types.VARCHAR);
        try (ResultSet rows = statement.executeQuery()) {
          check(rows.next(), "no row");
          is(Long.MIN_VALUE, rows.getLong(1));
          is(0, new BigDecimal("12345678901234567890.0123456789").compareTo(rows.getBigDecimal(2)));
          is(1e300, rows.getDouble(3));
          is("naïve — 'quoted' \\ \n", rows.getString(4));
          is(new byte[] {0, -1, 92, 39}, rows.getBytes(5));
          is("2026-02-28", rows.getString(6));
          check(rows.getString(7).startsWith("2026-02-28 12:00:00.000005"), rows.getString(7));
          is(null, rows.getString(8));
        }
      }
    }, "useServerPrepStmts", String.valueOf(prepared));
  }

  static boolean preparedStatements() throws Exception {
    return holds(connection -> {
      for (int id = 1; id < 8; id++) {
        // More statements than the cache holds: the driver closes the oldest.
        try (PreparedStatement statement = connection.prepareStatement("SELECT note, id + " + id + " FROM orders WHERE id = ?")) {
          statement.setInt(1, id);
          try (ResultSet rows = statement.executeQuery()) {
            check(rows.next(), "no row");
            is("order " + id, rows.getString(1));
            is(2 * id, rows.getInt(2));
          }
        }
      }
      try (PreparedStatement statement = connection.prepareStatement("SELECT o.id, o.amount FROM orders o WHERE o.id = ?")) {
        is("amount", statement.getMetaData().getColumnName(2));
        is(1, statement.getParameterMetaData().getParameterCount());
      }
      String insert = "INSERT INTO notes (body) VALUES (?)";
      try (PreparedStatement statement = connection.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
        statement.setString(1, "made");
        is(1, statement.executeUpdate());
        try (ResultSet keys = statement.getGeneratedKeys()) {
          check(keys.next() && keys.getLong(1) > 0, "no key");
        }
      }
      execute(connection, "DELETE FROM notes WHERE body = 'made'");
    }, "useServerPrepStmts", "true", "prepStmtCacheSize", "3");
  }

  static boolean severalStatements() throws Exception {
    return holds(connection -> {
      try (Statement statement = connection.createStatement()) {
        List<Integer> seen = new ArrayList<>();
        boolean more = statement.execute("SELECT 1; SELECT 2; SELECT 3");
        while (more) {
          try (ResultSet rows = statement.getResultSet()) {
            rows.next();
            seen.add(rows.getInt(1));
          }
          more = statement.getMoreResults();
        }
        is(Arrays.asList(1, 2, 3), seen);
      }
    }, "allowMultiQueries", "true");
  }

  static boolean transactions() throws Exception {
    return holds(connection -> {
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      connection.setAutoCommit(false);
      execute(connection, "INSERT INTO notes (body) VALUES ('kept')");
      Savepoint here = connection.setSavepoint("here");
      execute(connection, "INSERT INTO notes (body) VALUES ('taken back')");
      connection.rollback(here);
      connection.releaseSavepoint(here);
      is("kept", value(connection, "SELECT GROUP_CONCAT(body) FROM notes"));
      connection.rollback();
      is(0L, number(connection, "SELECT COUNT(*) FROM notes"));
      connection.setAutoCommit(true);
      connection.setReadOnly(true);
      connection.setReadOnly(false);
    });
  }

  // Rewritten into one INSERT, as several statements in one text, and one by one.
  static boolean batches() throws Exception {
    for (String[] options : new String[][] {{"rewriteBatchedStatements", "true"}, {"useServerPrepStmts", "true"}, {"allowMultiQueries", "true"}}) {
      holds(connection -> {
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO notes (body) VALUES (?)")) {
          for (int number = 0; number < 50; number++) {
            statement.setString(1, "batch " + number);
            statement.addBatch();
          }
          is(50, statement.executeBatch().length);
        }
        is(50L, number(connection, "SELECT COUNT(*) FROM notes"));
        try (Statement statement = connection.createStatement()) {
          statement.addBatch("UPDATE notes SET body = 'x' WHERE body = 'batch 1'");
          statement.addBatch("DELETE FROM notes WHERE body LIKE 'batch%'");
          statement.addBatch("DELETE FROM notes WHERE body = 'x'");
          is(new int[] {1, 49, 1}, statement.executeBatch());
        }
      }, options);
    }
    return HOLDS;
  }

  static boolean fetchSize() throws Exception {
    return holds(connection -> {
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(700);
        long total = 0;
        try (ResultSet rows = statement.executeQuery("SELECT n FROM numbers ORDER BY n LIMIT 3000")) {
          while (rows.next()) total += rows.getLong(1);
        }
        is(3000L * 3001 / 2, total);
      }
    });
  }

  // Statement.cancel() sends KILL QUERY over another connection, and a time-out does the same.
  static boolean cancel() throws Exception {
    return holds(connection -> {
      try (Statement statement = connection.createStatement()) {
        CompletableFuture<SQLException> running = CompletableFuture.supplyAsync(() -> {
          try {
            statement.execute("SELECT SLEEP(60) FROM numbers");
            return null;
          } catch (SQLException error) {
            return error;
          }
        });
        while (!running.isDone()) {
          Thread.sleep(50);
          statement.cancel();
        }
        is(1317, running.get().getErrorCode());
      }
      is(1L, number(connection, "SELECT 1"));
    });
  }

  static boolean metadata() throws Exception {
    return holds(connection -> {
      DatabaseMetaData about = connection.getMetaData();
      check(about.getDatabaseProductVersion().contains("MariaDB"), about.getDatabaseProductVersion());
      List<String> names = new ArrayList<>();
      try (ResultSet tables = about.getTables("shop", null, "%", new String[] {"TABLE"})) {
        while (tables.next()) names.add(tables.getString("TABLE_NAME"));
      }
      check(names.containsAll(List.of("customers", "orders", "notes")), names);
      try (ResultSet columns = about.getColumns("shop", null, "orders", "amount")) {
        check(columns.next(), "no column");
        is(Types.DECIMAL, columns.getInt("DATA_TYPE"));
      }
      try (ResultSet keys = about.getPrimaryKeys("shop", null, "orders")) {
        check(keys.next(), "no key");
        is("id", keys.getString("COLUMN_NAME"));
      }
      try (ResultSet keys = about.getImportedKeys("shop", null, "orders")) {
        check(keys.next(), "no foreign key");
        is("customers", keys.getString("PKTABLE_NAME"));
      }
      try (ResultSet indexes = about.getIndexInfo("shop", null, "customers", true, false)) {
        check(indexes.next(), "no index");
      }
      connection.setCatalog("archive");
      is("archive", connection.getCatalog());
      check(connection.isValid(5), "not valid");
    });
  }

  static boolean errorsKeepTheirClass() throws Exception {
    return holds(connection -> {
      SQLException error = failure(connection, "INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)");
      check(error instanceof SQLIntegrityConstraintViolationException, error);
      is(1062, error.getErrorCode());
      is(1146, failure(connection, "SELECT * FROM no_such_table").getErrorCode());
    });
  }

  static boolean denialWhenIdle() throws Exception {
    boolean told = HOLDS;
    for (String prepared : new String[] {"false", "true"}) {
      try (Connection connection = connect("useServerPrepStmts", prepared)) {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement(DENIED)) {
          statement.execute();
          told = OPEN;
        } catch (SQLException error) {
          isRefusal(error);
        }
        connection.rollback();
        is(1L, number(connection, "SELECT 1"));
      }
    }
    return told;
  }

  static boolean denialInATransaction() throws Exception {
    try (Connection connection = connect()) {
      connection.setAutoCommit(false);
      execute(connection, "INSERT INTO notes (body) VALUES ('x')");
      SQLException error = failure(connection, DENIED);
      if (error != null) {
        isRefusal(error);
        // The transaction goes on, as it does after any error of the server.
        is(1L, number(connection, "SELECT COUNT(*) FROM notes"));
      }
      connection.rollback();
      is(0L, number(connection, "SELECT COUNT(*) FROM notes"));
      return error == null ? OPEN : HOLDS;
    }
  }

  static boolean denialInABatch() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.addBatch("INSERT INTO notes (body) VALUES ('x')");
      statement.addBatch(DENIED);
      boolean told = OPEN;
      try {
        statement.executeBatch();
      } catch (BatchUpdateException error) {
        is(1142, error.getErrorCode());
        told = HOLDS;
      }
      connection.rollback();
      is(0L, number(connection, "SELECT COUNT(*) FROM notes"));
      return told;
    }
  }

  static boolean maskedColumn() throws Exception {
    String first = null;
    for (String prepared : new String[] {"false", "true"}) {
      try (Connection connection = connect("useServerPrepStmts", prepared);
          PreparedStatement statement = connection.prepareStatement("SELECT email FROM customers WHERE id = ?")) {
        statement.setInt(1, 7);
        try (ResultSet rows = statement.executeQuery()) {
          check(rows.next(), "no row");
          String email = rows.getString(1);
          check(first == null || first.equals(email), email);
          first = email;
        }
      }
    }
    if (first.equals("canary7@leak.example")) {
      return OPEN;
    }
    check(first.endsWith("@leak.example") && !first.contains("canary"), first);
    return HOLDS;
  }
}
