//! A real browser: the queue fills by itself, the card opens, and with the press of a button the statement runs that a
//! client has waited for.

use super::setup;
use crate::{
    harness::{Shop, Wire, browser::Browser, in_time, jurat::PASSWORD},
    suite::approvals::{CHANGED, events},
};

/// Sends a statement that is held, and gives back its request.
async fn held(wire: &mut Wire, text: &str) -> String {
    wire.query(text).send().await;
    loop {
        let message = in_time("the notice", wire.message()).await.expect("a session");
        if message.tag == b'N'
            && let Some((_, rest)) = message.report().message().split_once("waiting for ")
        {
            return rest.split(';').next().unwrap().to_owned();
        }
    }
}

fn log_in(browser: &mut Browser, shop: &Shop, who: &str) {
    browser.open(&format!("http://127.0.0.1:{}/login", shop.jurat.admin_port()));
    browser.picture("login");
    browser.fill("#user", who);
    browser.fill("#password", PASSWORD);
    browser.click("button.primary");
    browser.wait_for("Approvals");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_the_queue_opens_the_card_and_approves() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let Some(mut browser) = Browser::start() else { return };
    log_in(&mut browser, &shop, "dora");
    browser.wait_for("Nothing waits for an answer.");
    browser.wait_for("Shows changes as they come.");
    browser.picture("empty");

    // The page is open already: the request comes to it.
    let mut ana = shop.wire("ana").await;
    let text = "UPDATE orders SET note = 'changed' /* <script>document.title='owned'</script> */ WHERE id = 1 \
                AND note <> '<img src=x onerror=\"document.title=1\">\u{202e}'";
    let id = held(&mut ana, text).await;
    browser.wait_for(&id);
    browser.picture("queue");
    browser.click(&format!("a[href='/approvals/{id}']"));
    browser.wait_for("Approve: run it once");
    assert!(browser.shows("public.orders (write)"));
    assert!(browser.shows("<img src=x onerror=") && browser.shows("\\u{202e}"));
    assert_eq!(browser.eval("document.querySelectorAll('img').length"), 0);
    browser.picture("card");
    browser.look("dark", 1280);
    browser.picture("card-dark");
    browser.look("light", 420);
    browser.picture("card-narrow");
    browser.look("light", 1280);
    browser.open(&format!("http://127.0.0.1:{}/sessions", shop.jurat.admin_port()));
    browser.wait_for("held");
    browser.picture("sessions");
    browser.open(&format!("http://127.0.0.1:{}/approvals/{id}", shop.jurat.admin_port()));
    browser.wait_for("Approve: run it once");
    assert_eq!(shop.count(CHANGED).await, 0);

    // What is half written stays, and so does the place, when the card is shown anew.
    browser.fill("#reason", "ticket");
    browser.eval("document.getElementById('live').prepend('out of date')");
    let mut other = shop.wire("ana").await;
    held(&mut other, "UPDATE orders SET note = 'other' WHERE id = 2").await;
    browser.wait("!document.body.innerText.includes('out of date')");
    assert_eq!(
        browser.eval("document.activeElement.id + ': ' + document.activeElement.value"),
        "reason: ticket"
    );
    drop(other);

    browser.fill("#reason", " 42");
    browser.click("button[formaction$='/approve']");
    // The client that waited has its answer, and the page shows what became of the request by itself.
    assert_eq!(in_time("the answer", ana.answer()).await.tag(), "UPDATE 1");
    // An event may reach the old page before the button has brought the next one: all has to be there at once.
    browser.wait(
        "(text => text.includes('used by') && text.includes('ticket 42') && !text.includes('Approve: run it once'))\
         (document.body?.innerText ?? '')",
    );
    browser.picture("used");
    assert_eq!(events(&shop, &id), "requested approved used");
    assert_eq!(shop.count(CHANGED).await, 1);
    for page in ["databases", "policies"] {
        browser.open(&format!("http://127.0.0.1:{}/{page}", shop.jurat.admin_port()));
        browser.wait("!!document.querySelector('h1')");
        browser.picture(page);
    }
    let card = format!("approvals/{id}");
    for (scheme, width) in [("light", 390), ("dark", 390)] {
        for page in ["approvals?all=1", &card, "sessions", "databases", "policies"] {
            browser.look(scheme, width);
            browser.open(&format!("http://127.0.0.1:{}/{page}", shop.jurat.admin_port()));
            browser.wait("!!document.querySelector('h1')");
            let wide = browser.eval("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(wide, false, "{page} is wider than a telephone");
            let cut =
                "[...document.querySelectorAll('.wide')].some(e => e.scrollWidth > e.clientWidth)";
            assert_eq!(browser.eval(cut), false, "a list of {page} is cut off");
            let name = page.split(['?', '/']).next().unwrap_or_default();
            let name = if page == card { "card" } else { name };
            browser.picture(&format!("{name}-{scheme}-{width}"));
        }
    }
    assert_ne!(browser.eval("document.title"), "owned");
    assert_eq!(browser.complaints, Vec::<String>::new());
    shop.close().await;
}

/// Everything works without the script, too: nothing then comes by itself.
#[tokio::test(flavor = "multi_thread")]
async fn it_works_without_javascript() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let Some(mut browser) = Browser::start() else { return };
    browser.without_scripts();
    log_in(&mut browser, &shop, "dora");
    let mut ana = shop.wire("ana").await;
    let id = held(&mut ana, "UPDATE orders SET note = 'changed' WHERE id = 1").await;
    browser.open(&format!("http://127.0.0.1:{}/approvals/{id}", shop.jurat.admin_port()));
    browser.wait_for("Approve: run it once");
    assert!(!browser.shows("Shows changes as they come."));
    browser.click("button[formaction$='/deny']");
    browser.wait_for("denied");
    assert_eq!(in_time("the answer", ana.answer()).await.sqlstate(), "42501");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}
