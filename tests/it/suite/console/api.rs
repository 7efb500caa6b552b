//! The API: a token opens it, a cookie does not, and it does what its description says.

use super::{DORA, admin_actions, setup};
use crate::harness::{Shop, http::Http};

#[tokio::test]
async fn what_is_described_is_there_and_nothing_else() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut http = Http::new(shop.jurat.admin_port());
    assert_eq!(http.get("/api/v1/openapi.json").await.status, 200, "who calls it has to know how");
    let described = http.get("/api/v1/openapi.json").await.json();
    assert_eq!(described["openapi"], "3.1.0");
    let mut count = 0;
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let path = path.replace("{id}", "none").replace("{database}", "none");
            let request = (method.to_uppercase(), path);
            let request = (request.0.as_str(), request.1.as_str());
            if operation["operationId"] != "getDescription" {
                let answer = http.send(request, &[], "").await;
                assert_eq!(answer.status, 401, "{request:?} without a token");
                assert!(answer.header("www-authenticate").is_some());
            }
            let answer = http.call(request, DORA, "{}").await;
            assert_ne!(answer.status, 405, "{request:?}");
            answer.json();
            count += 1;
        }
    }
    assert!(count >= 12);
    for path in ["/api/v1/other", "/api/v2/approvals"] {
        let answer = http.call(("GET", path), DORA, "").await;
        assert_eq!((answer.status, &answer.json()["error"]), (404, &"unknown".into()), "{path}");
    }
    assert!(admin_actions(&shop.records()).contains(&"reload dora api".to_owned()));
    shop.close().await;
}
