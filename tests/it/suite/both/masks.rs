//! Promise: masks are in nobody's way who reads them or needs none.

use crate::harness::{
    Protocol,
    both::{Way, both},
};

both!(results_without_a_masked_column_pass);

/// Whoever may read the column is not stopped by the second line, and neither is who reads masks.
async fn results_without_a_masked_column_pass(on: Protocol) {
    let Some(shop) = on.open(on.setup()).await else { return };
    for user in ["ana", "priya"] {
        let mut session = shop.session(user).await;
        for text in [
            "SELECT * FROM customers",
            "SELECT email, upper(ssn) FROM customers",
            "SELECT reach_at FROM contact",
            "SELECT id FROM orders",
        ] {
            for way in [Way::Text, Way::Prepared, Way::Prepared] {
                assert!(session.run(text, way).await.worked(text).rows.len() > 1);
            }
        }
        assert_eq!(session.leaked().is_some(), user == "priya");
    }
    shop.close().await;
}
