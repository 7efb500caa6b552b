// What database tools ask through JDBC: every method of DatabaseMetaData that takes a query, and result metadata.

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;

public final class Metadata {
    private static void drain(ResultSet rows) throws Exception {
        try (rows) {
            while (rows.next()) {
                rows.getObject(1);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
            + System.getenv("PGDATABASE");
        try (Connection connection = DriverManager.getConnection(url, System.getenv("PGUSER"), "unused")) {
            DatabaseMetaData data = connection.getMetaData();
            drain(data.getCatalogs());
            drain(data.getSchemas());
            drain(data.getSchemas(null, "pub%"));
            drain(data.getTableTypes());
            drain(data.getTypeInfo());
            drain(data.getTables(null, null, "%", null));
            drain(data.getTables(null, "public", "cust%", new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW"}));
            drain(data.getTables(null, "public", "%", new String[] {"PARTITIONED TABLE", "FOREIGN TABLE", "SEQUENCE", "INDEX", "SYSTEM TABLE"}));
            drain(data.getColumns(null, "public", "customers", "%"));
            drain(data.getColumns(null, null, "%", "id"));
            drain(data.getColumnPrivileges(null, "public", "customers", "%"));
            drain(data.getTablePrivileges(null, "public", "customers"));
            drain(data.getPrimaryKeys(null, "public", "orders"));
            drain(data.getImportedKeys(null, "public", "orders"));
            drain(data.getExportedKeys(null, "public", "customers"));
            drain(data.getCrossReference(null, "public", "customers", null, "public", "orders"));
            drain(data.getIndexInfo(null, "public", "orders", false, false));
            drain(data.getIndexInfo(null, "public", "orders", true, true));
            drain(data.getBestRowIdentifier(null, "public", "orders", DatabaseMetaData.bestRowSession, true));
            drain(data.getVersionColumns(null, "public", "orders"));
            drain(data.getProcedures(null, "public", "%"));
            drain(data.getProcedureColumns(null, "public", "%", "%"));
            drain(data.getFunctions(null, "public", "%"));
            drain(data.getFunctionColumns(null, "public", "%", "%"));
            drain(data.getUDTs(null, "public", "%", null));
            drain(data.getClientInfoProperties());
            data.getSQLKeywords();
            data.getMaxConnections();
            data.getMaxIndexLength();
            data.getDefaultTransactionIsolation();
            data.getNumericFunctions();
            data.getMaxTableNameLength();
            connection.getTransactionIsolation();
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setReadOnly(true);
            connection.setReadOnly(false);
            connection.setSchema("public");
            connection.getSchema();
            connection.setClientInfo("ApplicationName", "metadata");
            connection.isValid(5);
            try (Statement statement = connection.createStatement()) {
                ResultSet rows = statement.executeQuery("SELECT id, note FROM orders LIMIT 1");
                rows.getMetaData().isAutoIncrement(1);
                rows.getMetaData().isNullable(1);
                rows.getMetaData().getTableName(1);
                drain(rows);
            }
            try (PreparedStatement statement = connection.prepareStatement("INSERT INTO notes (body) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                statement.setString(1, "from Java");
                statement.executeUpdate();
                drain(statement.getGeneratedKeys());
                statement.getParameterMetaData();
            }
            connection.createArrayOf("int4", new Integer[] {1, 2});
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
                ResultSet rows = statement.executeQuery("SELECT id, body FROM notes");
                rows.next();
                rows.updateString("body", "changed");
                rows.updateRow();
                rows.refreshRow();
                rows.deleteRow();
                rows.moveToInsertRow();
                rows.updateInt("id", 4711);
                rows.updateString("body", "new");
                rows.insertRow();
                rows.close();
            }
            connection.setSavepoint("half");
            connection.rollback();
        }
    }
}
